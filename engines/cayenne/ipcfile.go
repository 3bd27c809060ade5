package cayenne

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// Numbers of types in an Arrow schema.
const (
	ipcInt    = 2
	ipcBinary = 4
)

// eachBatch visits the batches of an Arrow IPC file with flat columns of the given types. The library takes sizes
// from a damaged file as they are: it panics, or asks for more memory than there is, which ends the process. Here
// both are errors.
func eachBatch(content []byte, types []byte, visit func(b arrow.RecordBatch) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	if err := checkFooter(content, types); err != nil {
		return err
	}
	r, err := ipc.NewMappedFileReader(content, ipc.WithAllocator(&boundedMemory{alloc(), 256 * len(content)}))
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range r.NumRecords() {
		b, err := r.RecordBatch(i)
		if err != nil {
			return err
		}
		if err := visit(b); err != nil {
			return err
		}
	}
	return nil
}

// boundedMemory panics when more is asked for than a compressed file may hold.
type boundedMemory struct {
	memory.Allocator
	left int
}

func (m *boundedMemory) Allocate(size int) []byte {
	if size < 0 || size > m.left {
		panic(fmt.Sprintf("a size of %d bytes", size))
	}
	m.left -= size
	return m.Allocator.Allocate(size)
}

// checkFooter refuses a footer whose lists can't be as long as they say, or whose columns are others. It panics where
// the footer leads out of itself.
func checkFooter(content []byte, types []byte) error {
	const behind, slot = 10, 4 // a length and ARROW1; the place of a table's first member
	end := len(content) - behind
	length := int(binary.LittleEndian.Uint32(content[end:]))
	b := content[end-length : end]
	footer := &flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}
	member := func(t *flatbuffers.Table, i flatbuffers.VOffsetT) *flatbuffers.Table {
		return &flatbuffers.Table{Bytes: b, Pos: t.Indirect(t.Pos + flatbuffers.UOffsetT(t.Offset(slot+2*i)))}
	}
	size := func(t *flatbuffers.Table, i flatbuffers.VOffsetT) int {
		at := t.Offset(slot + 2*i)
		if at == 0 {
			return 0
		}
		return t.VectorLen(flatbuffers.UOffsetT(at))
	}
	schema := member(footer, 1)
	if n := size(schema, 1); n != len(types) {
		return fmt.Errorf("%d columns", n)
	}
	lists := []int{size(footer, 2), size(footer, 3), size(footer, 4), size(schema, 2), size(schema, 3)}
	fields := schema.Vector(flatbuffers.UOffsetT(schema.Offset(slot + 2)))
	for i, want := range types {
		field := &flatbuffers.Table{Bytes: b, Pos: schema.Indirect(fields + flatbuffers.UOffsetT(4*i))}
		if got := field.GetByteSlot(slot+2*2, 0); got != want {
			return fmt.Errorf("column %d is of another type", i)
		}
		if size(field, 5) > 0 || field.Offset(slot+2*4) != 0 {
			return fmt.Errorf("column %d is not flat", i)
		}
		lists = append(lists, size(field, 6))
	}
	for _, n := range lists {
		if n > length/4 {
			return fmt.Errorf("a list of %d members in %d bytes", n, length)
		}
	}
	return nil
}
