package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// structure decodes vortex.struct: a validity where there is one more child than fields, then the fields.
func (d *decoder) structure(n *node, t *dtype, rows int) (arrow.Array, error) {
	first := len(n.children) - len(t.fields)
	if t.kind != kindStruct || first != 0 && first != 1 {
		return nil, n.wrong("children that are not the fields")
	}
	var v validity
	var err error
	if first == 1 {
		if v, err = d.validity(n, 0, t, rows); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Array, len(t.fields))
	for i, f := range t.fields {
		if fields[i], err = d.decode(n.children[first+i], f.typ, rows); err != nil {
			return nil, err
		}
	}
	return assemble(t, rows, v, nil, fields...)
}

// list decodes vortex.list: 1 count of the elements, 2 type of the offsets.
func (d *decoder) list(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	count, err := m.length(1)
	if err != nil {
		return nil, err
	}
	p, err := m.ptype(2)
	if err != nil {
		return nil, err
	}
	en, err := n.child(0)
	if err != nil {
		return nil, err
	}
	on, err := n.child(1)
	if err != nil {
		return nil, err
	}
	if t.kind != kindList {
		return nil, n.wrong("not a list type")
	}
	v, err := d.validity(n, 2, t, rows)
	if err != nil {
		return nil, err
	}
	elements, err := d.decode(en, t.elem, count)
	if err != nil {
		return nil, err
	}
	offs, err := d.offsets(on, p, rows, count)
	if err != nil {
		return nil, err
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, elements)
}
