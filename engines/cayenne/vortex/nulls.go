package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// nullsOf is an array of nulls of any type, which the library has not for all. The caller accounts for it.
func nullsOf(t *dtype, rows int) (arrow.Array, error) {
	zeros := func(n int) *memory.Buffer { return memory.NewBufferBytes(make([]byte, n)) }
	v := validity{zeros((rows + 7) / 8), rows}
	switch s := t.storage(); s.kind {
	case kindNull:
		return array.NewNull(rows), nil
	case kindBool:
		return assemble(t, rows, v, []*memory.Buffer{zeros((rows + 7) / 8)})
	case kindPrimitive:
		return assemble(t, rows, v, []*memory.Buffer{zeros(rows * s.ptype.width())})
	case kindDecimal:
		w := 16
		if s.precision > 38 {
			w = 32
		}
		return assemble(t, rows, v, []*memory.Buffer{zeros(rows * w)})
	case kindUtf8, kindBinary:
		return assemble(t, rows, v, []*memory.Buffer{zeros(4 * (rows + 1)), zeros(0)})
	case kindStruct:
		fields := make([]arrow.Array, len(s.fields))
		for i, f := range s.fields {
			var err error
			if fields[i], err = nullsOf(f.typ, rows); err != nil {
				return nil, err
			}
		}
		return assemble(t, rows, v, nil, fields...)
	case kindList, kindMap:
		elem := s.elem
		if s.kind == kindMap {
			elem = s.entries()
		}
		elements, err := nullsOf(elem, 0)
		if err != nil {
			return nil, err
		}
		return assemble(t, rows, v, []*memory.Buffer{zeros(4 * (rows + 1))}, elements)
	case kindFixedSizeList:
		elements, err := nullsOf(s.elem, rows*int(s.size))
		if err != nil {
			return nil, err
		}
		if t.kind == kindExtension {
			a, err := assemble(s, rows, v, nil, elements)
			if err != nil {
				return nil, err
			}
			return asExtension(a, t)
		}
		return assemble(t, rows, v, nil, elements)
	}
	return nil, corrupt("nulls of a type of kind %d", t.kind)
}
