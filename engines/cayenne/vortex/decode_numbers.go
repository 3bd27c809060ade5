package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/protowire"
)

// primitive decodes vortex.primitive: the values as they are.
func (d *decoder) primitive(n *node, t *dtype, rows int) (arrow.Array, error) {
	raw, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindPrimitive || len(raw)/t.ptype.width() != rows || len(raw)%t.ptype.width() != 0 {
		return nil, n.wrong("values do not fill the rows")
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	return d.numbers(t, rows, v, raw)
}

// numbers is an array of raw values, which are copied where they are not aligned.
func (d *decoder) numbers(t *dtype, rows int, v validity, raw []byte) (arrow.Array, error) {
	switch t.ptype.width() {
	case 2:
		raw = bytesOf(valuesOf[uint16](raw))
	case 4:
		raw = bytesOf(valuesOf[uint32](raw))
	case 8:
		raw = bytesOf(valuesOf[uint64](raw))
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(raw)})
}

// rawValues are the bytes of the values of an array of numbers.
func rawValues(a arrow.Array) ([]byte, error) {
	f, ok := a.DataType().(arrow.FixedWidthDataType)
	if !ok || f.BitWidth()%8 != 0 || len(a.Data().Buffers()) < 2 {
		return nil, corrupt("numbers of type %s", a.DataType())
	}
	if a.Len() == 0 {
		return nil, nil
	}
	w := f.BitWidth() / 8
	raw := a.Data().Buffers()[1].Bytes()
	need(raw, a.Data().Offset()*w, a.Len()*w)
	return raw[a.Data().Offset()*w:][:a.Len()*w], nil
}

// decodeUints decodes a child that holds numbers without nulls, widened to 64 bits.
func (d *decoder) decodeUints(n *node, p ptype, rows int) ([]uint64, error) {
	if !p.integer() {
		return nil, n.wrong("whole numbers of a type that has none")
	}
	a, err := d.decode(n, primitive(p, false), rows)
	if err != nil {
		return nil, err
	}
	if err := d.take(rows, 8); err != nil {
		return nil, err
	}
	return widen(a, p)
}

// widen is the values of an array of whole numbers in 64 bits, negative ones as they are in two's complement.
func widen(a arrow.Array, p ptype) ([]uint64, error) {
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	out := make([]uint64, a.Len())
	switch p {
	case u8:
		spread(out, valuesOf[uint8](raw))
	case i8:
		spread(out, valuesOf[int8](raw))
	case u16:
		spread(out, valuesOf[uint16](raw))
	case i16:
		spread(out, valuesOf[int16](raw))
	case u32:
		spread(out, valuesOf[uint32](raw))
	case i32:
		spread(out, valuesOf[int32](raw))
	default:
		copy(out, valuesOf[uint64](raw))
	}
	return out, nil
}

func spread[T unsigned | signed](out []uint64, in []T) {
	for i, v := range in[:len(out)] {
		out[i] = uint64(v)
	}
}

// bitpacked decodes fastlanes.bitpacked: 1 width, 2 offset into the first block, 3 patches.
func (d *decoder) bitpacked(n *node, t *dtype, rows int) (arrow.Array, error) {
	packed, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	w, off := int(m.uint(1)), int(m.uint(2))
	if t.kind != kindPrimitive || !t.ptype.integer() || w < 0 || w > 8*t.ptype.width() || off < 0 || off >= blockRows {
		return nil, n.wrong("width or type")
	}
	if len(packed) != (rows+off+blockRows-1)/blockRows*128*w {
		return nil, n.wrong("packed values do not fill the rows")
	}
	if err := d.take(rows+2*blockRows, t.ptype.width()); err != nil {
		return nil, err
	}
	patches, count, err := parsePatches(m, 3)
	if err != nil {
		return nil, err
	}
	v, err := d.validity(n, count, t, rows)
	if err != nil {
		return nil, err
	}
	var raw []byte
	switch t.ptype.width() {
	case 1:
		raw = bytesOf(unpack(valuesOf[uint8](packed), w, off, rows))
	case 2:
		raw = bytesOf(unpack(valuesOf[uint16](packed), w, off, rows))
	case 4:
		raw = bytesOf(unpack(valuesOf[uint32](packed), w, off, rows))
	default:
		raw = bytesOf(unpack(valuesOf[uint64](packed), w, off, rows))
	}
	if count > 0 {
		if err := d.patch(n, 0, patches, t, raw); err != nil {
			return nil, err
		}
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(raw)})
}

// parsePatches reads the message PatchesMetadata in a field and tells how many children patches take up: their
// indices, their values, and where each chunk of them starts, if that is there.
func parsePatches(m message, number protowire.Number) (p message, children int, err error) {
	f, ok := m.get(number)
	if !ok {
		return nil, 0, nil
	}
	if p, err = parseMessage(f.bytes); err != nil {
		return nil, 0, err
	}
	if _, ok := p.get(5); ok {
		return p, 3, nil
	}
	return p, 2, nil
}

// patch puts values in their places among raw: 1 count, 2 offset of the indices, 3 type of the indices.
func (d *decoder) patch(n *node, child int, p message, t *dtype, raw []byte) error {
	count, err := p.length(1)
	if err != nil {
		return err
	}
	indexType, err := p.ptype(3)
	if err != nil {
		return err
	}
	in, err := n.child(child)
	if err != nil {
		return err
	}
	vn, err := n.child(child + 1)
	if err != nil {
		return err
	}
	indices, err := d.decodeUints(in, indexType, count)
	if err != nil {
		return err
	}
	values, err := d.decode(vn, t, count)
	if err != nil {
		return err
	}
	from, err := rawValues(values)
	if err != nil {
		return err
	}
	w, off := t.ptype.width(), p.uint(2)
	for i, at := range indices {
		if at < off || at-off >= uint64(len(raw)/w) {
			return n.wrong("patch outside of the rows")
		}
		copy(raw[int(at-off)*w:][:w], from[i*w:])
	}
	return nil
}

// frameOfReference decodes fastlanes.for: a reference, which is the metadata, is added to all values.
func (d *decoder) frameOfReference(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindPrimitive || !t.ptype.integer() {
		return nil, n.wrong("not a type of whole numbers")
	}
	a, err := d.decode(c, t, rows)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	ref := m.uint(4)
	if f, ok := m.get(3); ok {
		ref = uint64(protowire.DecodeZigZag(f.value))
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	switch t.ptype.width() {
	case 1:
		addAll(valuesOf[uint8](raw), uint8(ref))
	case 2:
		addAll(valuesOf[uint16](raw), uint16(ref))
	case 4:
		addAll(valuesOf[uint32](raw), uint32(ref))
	default:
		addAll(valuesOf[uint64](raw), ref)
	}
	return a, nil
}

func addAll[T unsigned](v []T, ref T) {
	for i := range v {
		v[i] += ref
	}
}

// decimal decodes vortex.decimal: whole numbers of 1, 2, 4, ... 32 bytes.
func (d *decoder) decimal(n *node, t *dtype, rows int) (arrow.Array, error) {
	raw, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	w := 1 << min(m.uint(1), 6)
	if t.kind != kindDecimal || w > 32 || len(raw)/w != rows || len(raw)%w != 0 {
		return nil, n.wrong("values do not fill the rows")
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	return d.unscaled(t, rows, v, raw, w)
}

// unscaled is a decimal array of whole numbers of w bytes.
func (d *decoder) unscaled(t *dtype, rows int, v validity, raw []byte, w int) (arrow.Array, error) {
	if err := d.take(rows, 32); err != nil {
		return nil, err
	}
	if t.precision <= 38 {
		out := make([]decimal128.Num, rows)
		for i := range out {
			out[i] = decimal128Of(raw[i*w:], w)
		}
		return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(out))})
	}
	out := make([]decimal256.Num, rows)
	for i := range out {
		b := raw[i*w:]
		if w == 32 {
			out[i] = decimal256.New(binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b))
			continue
		}
		out[i] = decimal256.FromDecimal128(decimal128Of(b, w))
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(out))})
}

// decimal128Of reads a whole number of w bytes; of 32 bytes those that count for 38 digits.
func decimal128Of(b []byte, w int) decimal128.Num {
	switch w {
	case 1:
		return decimal128.FromI64(int64(int8(b[0])))
	case 2:
		return decimal128.FromI64(int64(int16(binary.LittleEndian.Uint16(b))))
	case 4:
		return decimal128.FromI64(int64(int32(binary.LittleEndian.Uint32(b))))
	case 8:
		return decimal128.FromI64(int64(binary.LittleEndian.Uint64(b)))
	default:
		return decimal128.New(int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b))
	}
}

// dict decodes vortex.dict: 1 count of the values, 2 type of the codes, 3 whether codes are nullable.
func (d *decoder) dict(n *node, t *dtype, rows int) (arrow.Array, error) {
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
	cn, err := n.child(0)
	if err != nil {
		return nil, err
	}
	vn, err := n.child(1)
	if err != nil {
		return nil, err
	}
	nullable := t.isNullable()
	if f, ok := m.get(3); ok {
		nullable = f.value != 0
	}
	if !p.integer() {
		return nil, n.wrong("codes that are not whole numbers")
	}
	codes, err := d.decode(cn, primitive(p, nullable), rows)
	if err != nil {
		return nil, err
	}
	values, err := d.decode(vn, t, count)
	if err != nil {
		return nil, err
	}
	return d.gather(values, codes, p, t)
}
