package cayenne

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	flatbuffers "github.com/google/flatbuffers/go"

	"pitwall/engines/schemajson"
)

// readSchema reads the schema of a table: as this package writes it, in JSON, or as Spice does, in base64 the message
// of an Arrow IPC stream, with or without its length.
func readSchema(text string) (s *arrow.Schema, err error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		return schemajson.Unmarshal([]byte(text))
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("it is neither JSON nor base64: %w", err)
	}
	defer func() {
		if p := recover(); p != nil { // the library takes sizes as they are
			s, err = nil, fmt.Errorf("%v", p)
		}
	}()
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != 0xFFFFFFFF {
		padded := (len(b) + 7) &^ 7
		head := binary.LittleEndian.AppendUint32([]byte{0xFF, 0xFF, 0xFF, 0xFF}, uint32(padded))
		b = append(append(head, b...), make([]byte, padded-len(b))...)
	}
	if n := len(b); n < 8 || int64(binary.LittleEndian.Uint32(b[4:])) > int64(n) {
		return nil, fmt.Errorf("a message of %d bytes is cut off", n)
	}
	if err := checkMessage(b[8:]); err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(bytes.NewReader(b), ipc.WithAllocator(&boundedMemory{alloc(), 16 * len(b)}))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), nil
}

// checkMessage refuses a message whose lists can't be as long as they say. It panics where the message leads out of
// itself.
func checkMessage(b []byte) error {
	const slot, union = 4, 14
	lists := func(t *flatbuffers.Table, members ...flatbuffers.VOffsetT) error {
		for _, i := range members {
			if at := t.Offset(slot + 2*i); at != 0 {
				if n := t.VectorLen(flatbuffers.UOffsetT(at)); n > len(b)/4 {
					return fmt.Errorf("a list of %d members in %d bytes", n, len(b))
				}
			}
		}
		return nil
	}
	left := len(b) // of fields: more than bytes there are not
	var fields func(t *flatbuffers.Table, member flatbuffers.VOffsetT) error
	fields = func(t *flatbuffers.Table, member flatbuffers.VOffsetT) error {
		at := t.Offset(slot + 2*member)
		if at == 0 {
			return nil
		}
		from := t.Vector(flatbuffers.UOffsetT(at))
		for i := range t.VectorLen(flatbuffers.UOffsetT(at)) {
			if left--; left < 0 {
				return fmt.Errorf("more columns than bytes")
			}
			f := &flatbuffers.Table{Bytes: b, Pos: t.Indirect(from + flatbuffers.UOffsetT(4*i))}
			if kind := f.GetByteSlot(slot+2*2, 0); kind == union || f.Offset(slot+2*4) != 0 {
				return fmt.Errorf("a column is a union or a dictionary")
			}
			if err := lists(f, 5, 6); err != nil {
				return err
			}
			if err := fields(f, 5); err != nil {
				return err
			}
		}
		return nil
	}
	message := &flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}
	if err := lists(message, 4); err != nil {
		return err
	}
	if kind := message.GetByteSlot(slot+2*1, 0); kind != 1 {
		return fmt.Errorf("the message is no schema")
	}
	schema := &flatbuffers.Table{Bytes: b, Pos: message.Indirect(message.Pos + flatbuffers.UOffsetT(message.Offset(slot+2*2)))}
	if err := lists(schema, 1, 2, 3); err != nil {
		return err
	}
	return fields(schema, 1)
}
