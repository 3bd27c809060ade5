package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// runEnd decodes vortex.runend: 1 type of the ends, 2 count of the runs, 3 offset into them.
func (d *decoder) runEnd(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	p, err := m.ptype(1)
	if err != nil {
		return nil, err
	}
	runs, err := m.length(2)
	if err != nil {
		return nil, err
	}
	ends, err := d.decodeIndices(n, 0, p, runs)
	if err != nil {
		return nil, err
	}
	vn, err := n.child(1)
	if err != nil {
		return nil, err
	}
	values, err := d.decode(vn, t, runs)
	if err != nil {
		return nil, err
	}
	if err := d.take(rows, 4); err != nil {
		return nil, err
	}
	at, off, row := make([]uint32, rows), m.uint(3), 0
	for run, end := range ends {
		if run > 0 && end < ends[run-1] {
			return nil, n.wrong("runs that go back")
		}
		if end <= off {
			continue // a run before the rows
		}
		for stop := int(min(end-off, uint64(rows))); row < stop; row++ {
			at[row] = uint32(run)
		}
	}
	if row != rows {
		return nil, n.wrong("runs do not fill the rows")
	}
	return d.gatherRows(values, at, t)
}

// sparse decodes vortex.sparse: a scalar in all rows but those of the patches (1).
func (d *decoder) sparse(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	patches, _, err := parsePatches(m, 1)
	if err != nil {
		return nil, err
	}
	count, err := patches.length(1)
	if err != nil {
		return nil, err
	}
	p, err := patches.ptype(3)
	if err != nil {
		return nil, err
	}
	indices, err := d.decodeIndices(n, 0, p, count)
	if err != nil {
		return nil, err
	}
	vn, err := n.child(1)
	if err != nil {
		return nil, err
	}
	values, err := d.decode(vn, t, count)
	if err != nil {
		return nil, err
	}
	fill, err := d.constant(n, t, 1)
	if err != nil {
		return nil, err
	}
	all, err := d.concatenate([]arrow.Array{values, fill}, t)
	if err != nil {
		return nil, err
	}
	if err := d.take(rows, 4); err != nil {
		return nil, err
	}
	at, off := make([]uint32, rows), patches.uint(2)
	for i := range at {
		at[i] = uint32(count)
	}
	for i, row := range indices {
		if row < off || row-off >= uint64(rows) {
			return nil, n.wrong("patch outside of the rows")
		}
		at[row-off] = uint32(i)
	}
	return d.gatherRows(all, at, t)
}

// masked decodes vortex.masked: rows without nulls, and which of them are null.
func (d *decoder) masked(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	v, err := d.validity(n, 1, t, rows)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(c, t.withNullable(false), rows)
	if err != nil {
		return nil, err
	}
	return d.withValidity(a, v)
}

// patched decodes vortex.patched: numbers, of which some are replaced; the patches of every 1024 rows are
// ordered by lane (1 count of the patches, 2 lanes, 3 offset into the first rows).
func (d *decoder) patched(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	count, err := m.length(1)
	if err != nil {
		return nil, err
	}
	lanes, off := m.uint(2), m.uint(3)
	if t.kind != kindPrimitive || lanes == 0 || lanes > 128 || off >= blockRows {
		return nil, n.wrong("lanes, offset or type")
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(c, t, rows)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	blocks := (rows + int(off) + blockRows - 1) / blockRows
	if blocks > (math.MaxInt32-1)/int(lanes) {
		return nil, n.wrong("too many lanes")
	}
	starts, err := d.decodeIndices(n, 1, u32, blocks*int(lanes)+1)
	if err != nil {
		return nil, err
	}
	indices, err := d.decodeIndices(n, 2, u16, count)
	if err != nil {
		return nil, err
	}
	vn, err := n.child(3)
	if err != nil {
		return nil, err
	}
	values, err := d.decode(vn, t, count)
	if err != nil {
		return nil, err
	}
	from, err := rawValues(values)
	if err != nil {
		return nil, err
	}
	w := t.ptype.width()
	for b := range blocks {
		lo, hi := starts[b*int(lanes)], starts[(b+1)*int(lanes)]
		if hi > uint64(count) {
			return nil, n.wrong("patches outside of their values")
		}
		for i := lo; i < hi; i++ {
			row := b*blockRows + int(indices[i]) - int(off)
			if row >= 0 && row < rows { // others belong to rows that were cut off
				copy(raw[row*w:(row+1)*w], from[int(i)*w:])
			}
		}
	}
	return a, nil
}
