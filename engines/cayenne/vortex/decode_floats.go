package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// The powers of ten of ALP, and their inverses, each the nearest number of its type.
func powers64() (up, down [24]float64) {
	return [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23},
		[...]float64{1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-21, 1e-22, 1e-23}
}

func powers32() (up, down [11]float32) {
	return [...]float32{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10},
		[...]float32{1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10}
}

// alp decodes vortex.alp: whole numbers times 10^f times 10^-e (1 e, 2 f), and patches (3) for what that misses.
func (d *decoder) alp(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	e, f := m.uint(1), m.uint(2)
	var encoded ptype
	switch {
	case t.kind == kindPrimitive && t.ptype == f64 && e < 24 && f < 24:
		encoded = i64
	case t.kind == kindPrimitive && t.ptype == f32 && e < 11 && f < 11:
		encoded = i32
	default:
		return nil, n.wrong("exponents or type")
	}
	a, err := d.decode(c, primitive(encoded, t.nullable), rows)
	if err != nil {
		return nil, err
	}
	v, err := d.validityOf(a)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	if err := d.take(rows, t.ptype.width()); err != nil {
		return nil, err
	}
	var out []byte
	if encoded == i64 {
		up, down := powers64()
		out = bytesOf(scaled(valuesOf[int64](raw), up[f], down[e]))
	} else {
		up, down := powers32()
		out = bytesOf(scaled(valuesOf[int32](raw), up[f], down[e]))
	}
	patches, count, err := parsePatches(m, 3)
	if err != nil {
		return nil, err
	}
	if count > 0 {
		if err := d.patch(n, 1, patches, t, out); err != nil {
			return nil, err
		}
	}
	return fixed(t, rows, v, out)
}

// scaled multiplies in the order that the encoder tested, so that all roundings are its own.
func scaled[I int32 | int64, F float32 | float64](in []I, up, down F) []F {
	out := make([]F, len(in))
	for i, x := range in {
		product := F(x) * up
		out[i] = F(product * down)
	}
	return out
}

// alprd decodes vortex.alprd: the high bits of every number from a small dictionary (1 width of the low bits,
// 2 and 3 the dictionary, 4 type of its codes, 5 patches of the high bits), the low bits as they are.
func (d *decoder) alprd(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	width := m.uint(1)
	if t.kind != kindPrimitive || t.ptype != f32 && t.ptype != f64 || width >= uint64(8*t.ptype.width()) {
		return nil, n.wrong("width or type")
	}
	entries, err := m.uints(3)
	if err != nil {
		return nil, err
	}
	if count := m.uint(2); count > uint64(len(entries)) {
		return nil, n.wrong("dictionary is shorter than told")
	}
	codeType, err := m.ptype(4)
	if err != nil {
		return nil, err
	}
	if !codeType.integer() {
		return nil, n.wrong("codes that are not whole numbers")
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	codes, err := d.decode(c, primitive(codeType, t.nullable), rows)
	if err != nil {
		return nil, err
	}
	v, err := d.validityOf(codes)
	if err != nil {
		return nil, err
	}
	if err := d.take(rows, 10); err != nil {
		return nil, err
	}
	left, err := widen(codes, codeType)
	if err != nil {
		return nil, err
	}
	high := make([]uint16, rows)
	for i, code := range left {
		if code < uint64(len(entries)) { // others are replaced by patches
			high[i] = uint16(entries[code])
		}
	}
	patches, count, err := parsePatches(m, 5)
	if err != nil {
		return nil, err
	}
	if count > 0 {
		if err := d.patch(n, 2, patches, primitive(u16, false), bytesOf(high)); err != nil {
			return nil, err
		}
	}
	raw, err := d.decodeNumbers(n, 1, t.ptype.unsigned(), rows)
	if err != nil {
		return nil, err
	}
	if t.ptype == f32 {
		joinBits(valuesOf[uint32](raw), high, width)
	} else {
		joinBits(valuesOf[uint64](raw), high, width)
	}
	return fixed(t, rows, v, raw)
}

// joinBits puts the high bits of each number before the low ones.
func joinBits[T uint32 | uint64](low []T, high []uint16, width uint64) {
	for i, h := range high {
		low[i] |= T(h) << width
	}
}
