package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// repeatNested repeats a scalar of a struct, list or map, which is a list of scalars.
func (d *decoder) repeatNested(n *node, v protoField, t *dtype, rows int) (arrow.Array, error) {
	m, err := parseMessage(v.bytes)
	if err != nil {
		return nil, err
	}
	values, err := m.messages(1)
	if err != nil {
		return nil, err
	}
	if v.number != scalarList {
		return nil, n.wrong("scalar of another type")
	}
	one, err := d.oneRow(n, values, t)
	if err != nil || rows == 1 {
		return one, err
	}
	if err := d.take(rows, 4); err != nil {
		return nil, err
	}
	return d.gatherRows(one, make([]uint32, rows), t)
}

// oneRow is an array of one struct, list or map of these members.
func (d *decoder) oneRow(n *node, values []message, t *dtype) (arrow.Array, error) {
	switch t.kind {
	case kindStruct:
		if len(values) != len(t.fields) {
			return nil, n.wrong("scalar of another number of fields")
		}
		fields := make([]arrow.Array, len(values))
		for i, v := range values {
			a, err := d.repeat(n, v, t.fields[i].typ, 1)
			if err != nil {
				return nil, err
			}
			fields[i] = a
		}
		return assemble(t, 1, validity{}, nil, fields...)
	case kindList, kindMap, kindFixedSizeList:
	default:
		return nil, n.wrong("a constant of this type is not read")
	}
	elem := t.elem
	if t.kind == kindMap {
		elem = t.entries()
	}
	if t.kind == kindFixedSizeList && len(values) != int(t.size) {
		return nil, n.wrong("scalar of another number of elements")
	}
	parts := make([]arrow.Array, len(values))
	for i, v := range values {
		a, err := d.repeat(n, v, elem, 1)
		if err != nil {
			return nil, err
		}
		parts[i] = a
	}
	all, err := d.concatenate(parts, elem)
	if err != nil {
		return nil, err
	}
	if t.kind == kindFixedSizeList {
		return assemble(t, 1, validity{}, nil, all)
	}
	offs := []int32{0, int32(len(values))}
	return assemble(t, 1, validity{}, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, all)
}
