package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// listView decodes vortex.listview: elements, and where the list of every row starts and how long it is (1 count of
// the elements, 2 type of the starts, 3 type of the lengths).
func (d *decoder) listView(n *node, t *dtype, rows int) (arrow.Array, error) {
	if t.kind != kindList {
		return nil, n.wrong("not a list type")
	}
	elements, offs, v, err := d.views(n, t, t.elem, rows)
	if err != nil {
		return nil, err
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, elements)
}

// views decodes the lists of a listview as elements in the order of the rows and the offsets of each row.
func (d *decoder) views(n *node, t, elem *dtype, rows int) (arrow.Array, []int32, validity, error) {
	elements, starts, sizes, v, err := d.viewParts(n, t, elem, rows)
	if err != nil {
		return nil, nil, v, err
	}
	if err := d.take(rows+1, 4); err != nil {
		return nil, nil, v, err
	}
	offs, inOrder, first, end := make([]int32, rows+1), true, uint64(0), uint64(0)
	total := 0
	for i := range rows {
		size := sizes[i]
		if !v.valid(i) {
			size = 0
		}
		if limit := uint64(elements.Len()); size > 0 && (starts[i] > limit || size > limit-starts[i]) {
			return nil, nil, v, n.wrong("list outside of the elements")
		}
		if size > 0 {
			if total == 0 {
				first, end = starts[i], starts[i]
			}
			inOrder = inOrder && starts[i] == end
			end = starts[i] + size
		}
		if total += int(size); total > math.MaxInt32 {
			return nil, nil, v, n.wrong("over 2^31 elements")
		}
		offs[i+1] = int32(total)
	}
	if inOrder {
		return array.NewSlice(elements, int64(first), int64(first)+int64(total)), offs, v, nil
	}
	if err := d.take(total, 4); err != nil {
		return nil, nil, v, err
	}
	at := make([]uint32, 0, total)
	for i := range rows {
		for k := range int(offs[i+1] - offs[i]) {
			at = append(at, uint32(starts[i])+uint32(k))
		}
	}
	elements, err = d.gatherRows(elements, at, elem)
	return elements, offs, v, err
}

func (d *decoder) viewParts(n *node, t, elem *dtype, rows int) (elements arrow.Array, starts, sizes []uint64, v validity, err error) {
	m, err := n.fields()
	if err != nil {
		return nil, nil, nil, v, err
	}
	count, err := m.length(1)
	if err != nil {
		return nil, nil, nil, v, err
	}
	startType, err := m.ptype(2)
	if err != nil {
		return nil, nil, nil, v, err
	}
	sizeType, err := m.ptype(3)
	if err != nil {
		return nil, nil, nil, v, err
	}
	c, err := n.child(0)
	if err != nil {
		return nil, nil, nil, v, err
	}
	if v, err = d.validity(n, 3, t, rows); err != nil {
		return nil, nil, nil, v, err
	}
	if elements, err = d.decode(c, elem, count); err != nil {
		return nil, nil, nil, v, err
	}
	if starts, err = d.decodeIndices(n, 1, startType, rows); err != nil {
		return nil, nil, nil, v, err
	}
	sizes, err = d.decodeIndices(n, 2, sizeType, rows)
	return elements, starts, sizes, v, err
}

// fixedSizeList decodes vortex.fixed_size_list: the elements of all rows.
func (d *decoder) fixedSizeList(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindFixedSizeList || uint64(rows)*uint64(t.size) > math.MaxInt32 {
		return nil, n.wrong("not a type of lists of one size, or too many elements")
	}
	v, err := d.validity(n, 1, t, rows)
	if err != nil {
		return nil, err
	}
	elements, err := d.decode(c, t.elem, rows*int(t.size))
	if err != nil {
		return nil, err
	}
	return assemble(t, rows, v, nil, elements)
}

// mapped decodes vortex.map: a listview of its entries.
func (d *decoder) mapped(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindMap || c.encoding != "vortex.listview" {
		return nil, n.wrong("not a type of maps, or not a listview")
	}
	entries, offs, v, err := d.views(c, t, t.entries(), rows)
	if err != nil {
		return nil, err
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, entries)
}

// entries is the type of the entries of a map.
func (t *dtype) entries() *dtype { return &dtype{kind: kindStruct, fields: t.fields} }
