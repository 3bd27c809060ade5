package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// bitpackedBlocks decodes fastlanes.bitpacked.v2, where every block of 1024 values has a width of its own, which
// follows from where it ends (1 offset into the first block, 2 type of the ends, 3 patches). The children are those
// of the patches, a validity if there is one, and the ends.
func (d *decoder) bitpackedBlocks(n *node, t *dtype, rows int) (arrow.Array, error) {
	packed, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	off := m.uint(1)
	if t.kind != kindPrimitive || !t.ptype.integer() || off >= blockRows {
		return nil, n.wrong("offset or type")
	}
	endType, err := m.ptype(2)
	if err != nil {
		return nil, err
	}
	patches, count, err := parsePatches(m, 3)
	if err != nil {
		return nil, err
	}
	var v validity
	switch len(n.children) {
	case count + 1:
	case count + 2:
		if v, err = d.validity(n, count, t, rows); err != nil {
			return nil, err
		}
	default:
		return nil, n.wrong("children that are not its own")
	}
	blocks := (int(off) + rows + blockRows - 1) / blockRows
	ends, err := d.decodeIndices(n, len(n.children)-1, endType, blocks+1)
	if err != nil {
		return nil, err
	}
	w := t.ptype.width()
	if err := d.take(blocks*blockRows, w); err != nil {
		return nil, err
	}
	all := make([]byte, blocks*blockRows*w)
	for b := range blocks {
		lo, hi := ends[b]-ends[0], ends[b+1]-ends[0]
		if hi < lo || hi > uint64(len(packed)) || (hi-lo)%128 != 0 || (hi-lo)/128 > uint64(8*w) {
			return nil, n.wrong("block outside of its buffer, or of no width")
		}
		in, out, bits := packed[lo:hi], all[b*blockRows*w:][:blockRows*w], int(hi-lo)/128
		switch w {
		case 1:
			unpackBlock(valuesOf[uint8](in), bits, valuesOf[uint8](out))
		case 2:
			unpackBlock(valuesOf[uint16](in), bits, valuesOf[uint16](out))
		case 4:
			unpackBlock(valuesOf[uint32](in), bits, valuesOf[uint32](out))
		default:
			unpackBlock(valuesOf[uint64](in), bits, valuesOf[uint64](out))
		}
	}
	raw := all[int(off)*w:][:rows*w]
	if count > 0 {
		if err := d.patch(n, 0, patches, t, raw); err != nil {
			return nil, err
		}
	}
	return fixed(t, rows, v, raw)
}

// blockReferences decodes fastlanes.for.v2, where every 1024 values have a reference of their own (1 offset into the
// first of them).
func (d *decoder) blockReferences(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	off := m.uint(1)
	if t.kind != kindPrimitive || !t.ptype.integer() || off >= blockRows {
		return nil, n.wrong("offset or type")
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(c, t, rows)
	if err != nil {
		return nil, err
	}
	references, err := d.decodeIndices(n, 1, t.ptype, (int(off)+rows+blockRows-1)/blockRows)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	w := t.ptype.width()
	for b, ref := range references {
		lo, hi := max(b*blockRows-int(off), 0), min((b+1)*blockRows-int(off), rows)
		part := raw[lo*w : hi*w]
		switch w {
		case 1:
			addAll(valuesOf[uint8](part), uint8(ref))
		case 2:
			addAll(valuesOf[uint16](part), uint16(ref))
		case 4:
			addAll(valuesOf[uint32](part), uint32(ref))
		default:
			addAll(valuesOf[uint64](part), ref)
		}
	}
	return a, nil
}
