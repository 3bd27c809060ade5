package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// gatherAny takes rows of booleans, of nested types and of what else has no values side by side. Codes of rows that
// are null are 0, and there are values.
func gatherAny[C unsigned](d *decoder, values arrow.Array, at []C, v validity, t *dtype) (arrow.Array, error) {
	switch a := values.(type) {
	case *array.Null:
		return array.NewNull(len(at)), nil
	case *array.Boolean:
		if err := d.take(len(at)/8+1, 1); err != nil {
			return nil, err
		}
		bits := make([]byte, (len(at)+7)/8)
		for i, c := range at {
			if a.Value(int(c)) {
				bitutil.SetBit(bits, i)
			}
		}
		return fixed(t, len(at), v, bits)
	case *array.FixedSizeBinary:
		w := a.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
		if err := d.take(len(at), w); err != nil {
			return nil, err
		}
		from := a.Data().Buffers()[1].Bytes()[a.Data().Offset()*w:]
		out := make([]byte, 0, len(at)*w)
		for _, c := range at {
			out = append(out, from[int(c)*w:(int(c)+1)*w]...)
		}
		return fixed(t, len(at), v, out)
	case *array.Struct:
		if err := d.take(len(at), 4); err != nil {
			return nil, err
		}
		rows := make([]uint32, len(at))
		for i, c := range at {
			rows[i] = uint32(c)
		}
		fields := make([]arrow.Array, a.NumField())
		for i := range fields {
			var err error
			if fields[i], err = d.gatherRows(a.Field(i), rows, t.fields[i].typ); err != nil {
				return nil, err
			}
		}
		return assemble(t, len(at), v, nil, fields...)
	case *array.FixedSizeList:
		return gatherFixedLists(d, a, at, v, t)
	case *array.Map:
		return gatherLists(d, a, at, v, t, t.entries())
	case *array.List:
		return gatherLists(d, a, at, v, t, t.elem)
	}
	return nil, corrupt("rows of type %s in a dictionary", values.DataType())
}

func gatherFixedLists[C unsigned](d *decoder, a *array.FixedSizeList, at []C, v validity, t *dtype) (arrow.Array, error) {
	size := int(t.size)
	if size > 0 && len(at) > math.MaxInt32/size {
		return nil, corrupt("over 2^31 elements in lists")
	}
	if err := d.take(len(at)*size, 4); err != nil {
		return nil, err
	}
	rows := make([]uint32, 0, len(at)*size)
	for _, c := range at {
		first := (a.Data().Offset() + int(c)) * size
		for k := range size {
			rows = append(rows, uint32(first+k))
		}
	}
	elements, err := d.gatherRows(a.ListValues(), rows, t.elem)
	if err != nil {
		return nil, err
	}
	return assemble(t, len(at), v, nil, elements)
}

func gatherLists[C unsigned](d *decoder, a array.ListLike, at []C, v validity, t, elem *dtype) (arrow.Array, error) {
	if err := d.take(len(at)+1, 4); err != nil {
		return nil, err
	}
	offs, total := make([]int32, len(at)+1), 0
	for i, c := range at {
		if v.valid(i) {
			lo, hi := a.ValueOffsets(int(c))
			if total += int(hi - lo); total > math.MaxInt32 {
				return nil, corrupt("over 2^31 elements in lists")
			}
		}
		offs[i+1] = int32(total)
	}
	if err := d.take(total, 4); err != nil {
		return nil, err
	}
	rows := make([]uint32, 0, total)
	for i, c := range at {
		if v.valid(i) {
			for lo, hi := a.ValueOffsets(int(c)); lo < hi; lo++ {
				rows = append(rows, uint32(lo))
			}
		}
	}
	elements, err := d.gatherRows(a.ListValues(), rows, elem)
	if err != nil {
		return nil, err
	}
	return assemble(t, len(at), v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, elements)
}
