package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/encoding/protowire"
)

// zigzag decodes vortex.zigzag: unsigned numbers whose lowest bit is the sign.
func (d *decoder) zigzag(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindPrimitive || !t.ptype.signed() {
		return nil, n.wrong("not a type of signed numbers")
	}
	a, err := d.decode(c, primitive(t.ptype.unsigned(), t.nullable), rows)
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
	switch t.ptype.width() {
	case 1:
		unzigzag(valuesOf[uint8](raw))
	case 2:
		unzigzag(valuesOf[uint16](raw))
	case 4:
		unzigzag(valuesOf[uint32](raw))
	default:
		unzigzag(valuesOf[uint64](raw))
	}
	return fixed(t, rows, v, raw)
}

func unzigzag[T unsigned](v []T) {
	for i, x := range v {
		v[i] = x>>1 ^ -(x & 1)
	}
}

// scalarNumber is the value of a scalar of whole numbers, in two's complement.
func scalarNumber(m message) (uint64, bool) {
	if len(m) == 0 {
		return 0, false
	}
	switch f := m[len(m)-1]; f.number {
	case scalarInt:
		return uint64(protowire.DecodeZigZag(f.value)), true
	case scalarUint:
		return f.value, true
	}
	return 0, false
}

// sequence decodes vortex.sequence: 1 the first value, 2 the step between rows.
func (d *decoder) sequence(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	if t.kind != kindPrimitive || !t.ptype.integer() {
		return nil, n.wrong("not a type of whole numbers")
	}
	var of [2]uint64
	for i := range of {
		f, _ := m.get(protowire.Number(i + 1))
		s, err := parseMessage(f.bytes)
		if err != nil {
			return nil, err
		}
		v, ok := scalarNumber(s)
		if !ok {
			return nil, n.wrong("start or step is not a whole number")
		}
		of[i] = v
	}
	if err := d.take(rows, t.ptype.width()); err != nil {
		return nil, err
	}
	var raw []byte
	switch t.ptype.width() {
	case 1:
		raw = bytesOf(steps(rows, uint8(of[0]), uint8(of[1])))
	case 2:
		raw = bytesOf(steps(rows, uint16(of[0]), uint16(of[1])))
	case 4:
		raw = bytesOf(steps(rows, uint32(of[0]), uint32(of[1])))
	default:
		raw = bytesOf(steps(rows, of[0], of[1]))
	}
	return fixed(t, rows, validity{}, raw)
}

func steps[T unsigned](rows int, first, step T) []T {
	out := make([]T, rows)
	for i := range out {
		out[i] = first + T(i)*step
	}
	return out
}

// delta decodes fastlanes.delta: differences along the lanes of transposed blocks (1 count of them, 2 offset
// into the first block), and where every lane starts.
func (d *decoder) delta(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	count, err := m.length(1)
	if err != nil {
		return nil, err
	}
	off := m.uint(2)
	if t.kind != kindPrimitive || !t.ptype.integer() || count%blockRows != 0 || off >= blockRows || int(off)+rows > count {
		return nil, n.wrong("differences do not fill the rows")
	}
	p := t.ptype.unsigned()
	bases, err := d.decodeNumbers(n, 0, t.ptype, count/(8*p.width()))
	if err != nil {
		return nil, err
	}
	deltas, err := d.decodeNumbers(n, 1, t.ptype, count)
	if err != nil {
		return nil, err
	}
	v, err := d.validity(n, 2, t, rows)
	if err != nil {
		return nil, err
	}
	if err := d.take(count, p.width()); err != nil {
		return nil, err
	}
	w := p.width()
	var raw []byte
	switch w {
	case 1:
		raw = bytesOf(undelta(valuesOf[uint8](bases), valuesOf[uint8](deltas)))
	case 2:
		raw = bytesOf(undelta(valuesOf[uint16](bases), valuesOf[uint16](deltas)))
	case 4:
		raw = bytesOf(undelta(valuesOf[uint32](bases), valuesOf[uint32](deltas)))
	default:
		raw = bytesOf(undelta(valuesOf[uint64](bases), valuesOf[uint64](deltas)))
	}
	return fixed(t, rows, v, raw[int(off)*w:][:rows*w])
}

// undelta adds the differences up lane by lane and puts the values of each block in the order of the rows.
func undelta[T unsigned](bases, deltas []T) []T {
	bits := bitsOf[T]()
	lanes := blockRows / bits
	out := make([]T, len(deltas))
	order := transposed()
	for b := 0; b*blockRows < len(deltas); b++ {
		in, to := deltas[b*blockRows:][:blockRows], out[b*blockRows:][:blockRows]
		for lane := range lanes {
			sum := bases[b*lanes+lane]
			for row := range bits {
				i := laneRow(row) + lane
				sum += in[i]
				to[order[i]] = sum
			}
		}
	}
	return out
}

// transposed tells for every place in a transposed block which row of the block it holds.
func transposed() *[blockRows]uint16 {
	order := [8]int{0, 4, 2, 6, 1, 5, 3, 7}
	var to [blockRows]uint16
	for i := range to {
		to[i] = uint16(i%16*64 + order[i/16%8]*8 + i/128)
	}
	return &to
}

// rle decodes fastlanes.rle: for every 1024 rows some values, and for every row which of them (1 count of the
// values, 2 count and 3 type of the indices, 4 count and 5 type of where the values of each block start, 6 offset
// into the first block).
func (d *decoder) rle(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	var counts [3]int
	for i, number := range []protowire.Number{1, 2, 4} {
		if counts[i], err = m.length(number); err != nil {
			return nil, err
		}
	}
	indexType, err := m.ptype(3)
	if err != nil {
		return nil, err
	}
	startType, err := m.ptype(5)
	if err != nil {
		return nil, err
	}
	off := m.uint(6)
	if t.kind != kindPrimitive || indexType != u8 && indexType != u16 || counts[1] != counts[2]*blockRows || off > uint64(counts[1]) || rows > counts[1]-int(off) {
		return nil, n.wrong("indices do not fill the rows")
	}
	values, err := d.decodeNumbers(n, 0, t.ptype, counts[0])
	if err != nil {
		return nil, err
	}
	c, err := n.child(1)
	if err != nil {
		return nil, err
	}
	codes, err := d.decode(c, primitive(indexType, t.nullable), counts[1])
	if err != nil {
		return nil, err
	}
	starts, err := d.decodeIndices(n, 2, startType, counts[2])
	if err != nil {
		return nil, err
	}
	v, err := d.validityOf(codes)
	if err != nil {
		return nil, err
	}
	if err := d.take(counts[1], 8); err != nil {
		return nil, err
	}
	indices, err := widen(codes, indexType)
	if err != nil {
		return nil, err
	}
	w := t.ptype.width()
	if err := d.take(rows, w+1); err != nil {
		return nil, err
	}
	out := make([]byte, rows*w)
	for i := range rows {
		at := int(off) + i
		block := at / blockRows
		first, end := starts[block]-starts[0], uint64(counts[0])
		if block+1 < len(starts) {
			end = starts[block+1] - starts[0]
		}
		if end > uint64(counts[0]) || first >= end {
			return nil, n.wrong("a block without values")
		}
		index := indices[at]
		if end-first == 1 || !v.valid(at) {
			index = 0 // a sole value, or what a null's index is does not matter
		}
		if index >= end-first {
			return nil, n.wrong("index outside of the values of its block")
		}
		copy(out[i*w:(i+1)*w], values[int(first+index)*w:])
	}
	if v.bits != nil && (off != 0 || rows != counts[1]) {
		if v, err = d.bitmap(v.bits.Bytes(), int(off), rows); err != nil {
			return nil, err
		}
	}
	return fixed(t, rows, v, out)
}
