package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// decoder turns the array trees of one segment into Arrow arrays of the type that dtype.toArrow tells.
type decoder struct {
	// budget is what may still be allocated, in bytes: a damaged file must not ask for more than the machine has.
	budget int
}

// decode is the array of a tree. Its arrays may share memory with the segment.
func (d *decoder) decode(n *node, t *dtype, rows int) (arrow.Array, error) {
	if rows < 0 {
		return nil, corrupt("%s of %d rows", n.encoding, rows)
	}
	switch n.encoding {
	case "vortex.null":
		if t.kind != kindNull {
			return nil, n.wrong("not the type of nulls")
		}
		return array.NewNull(rows), nil
	case "vortex.bool":
		return d.bools(n, t, rows)
	case "vortex.primitive":
		return d.primitive(n, t, rows)
	case "vortex.decimal":
		return d.decimal(n, t, rows)
	case "vortex.varbin":
		return d.varbin(n, t, rows)
	case "vortex.struct":
		return d.structure(n, t, rows)
	case "vortex.list":
		return d.list(n, t, rows)
	case "vortex.ext":
		return d.extension(n, t, rows)
	case "vortex.constant":
		return d.constant(n, t, rows)
	case "vortex.dict":
		return d.dict(n, t, rows)
	case "vortex.chunked":
		return d.chunked(n, t, rows)
	case "fastlanes.for":
		return d.frameOfReference(n, t, rows)
	case "fastlanes.bitpacked":
		return d.bitpacked(n, t, rows)
	}
	return d.foreign(n, t, rows)
}

// take accounts for count values of size bytes that are about to be allocated.
func (d *decoder) take(count, size int) error {
	if count < 0 || size > 0 && count > d.budget/size {
		return corrupt("more rows than fit in memory")
	}
	d.budget -= count * size
	return nil
}

// child is child i of a node.
func (n *node) child(i int) (*node, error) {
	if i >= len(n.children) {
		return nil, corrupt("%s without child %d", n.encoding, i)
	}
	return n.children[i], nil
}

// buffer is buffer i of a node.
func (n *node) buffer(i int) ([]byte, error) {
	if i >= len(n.buffers) {
		return nil, corrupt("%s without buffer %d", n.encoding, i)
	}
	return n.buffers[i].data, nil
}

// wrong is an error about a node.
func (n *node) wrong(what string) error { return corrupt("%s: %s", n.encoding, what) }

// validity is which rows of an array are not null.
type validity struct {
	bits  *memory.Buffer // nil: all are valid
	nulls int
}

func (v validity) valid(i int) bool { return v.bits == nil || bitutil.BitIsSet(v.bits.Bytes(), i) }

// validity decodes the child that tells it, which an array without nulls may lack.
func (d *decoder) validity(n *node, child int, t *dtype, rows int) (validity, error) {
	if child >= len(n.children) {
		return validity{}, nil
	}
	if !t.isNullable() {
		return validity{}, n.wrong("nulls in a type that has none")
	}
	a, err := d.decode(n.children[child], &dtype{kind: kindBool}, rows)
	if err != nil {
		return validity{}, err
	}
	b, ok := a.(*array.Boolean)
	if !ok {
		return validity{}, n.wrong("validity of another type")
	}
	return d.bitmap(b.Data().Buffers()[1].Bytes(), b.Data().Offset(), rows)
}

// bitmap copies bits from an offset on to the start of a byte.
func (d *decoder) bitmap(bits []byte, off, rows int) (validity, error) {
	if err := d.take(rows/8+1, 1); err != nil {
		return validity{}, err
	}
	need(bits, 0, (off+rows+7)/8)
	out := make([]byte, (rows+7)/8)
	bitutil.CopyBitmap(bits, off, rows, out, 0)
	nulls := rows - bitutil.CountSetBits(out, 0, rows)
	if nulls == 0 {
		return validity{}, nil
	}
	return validity{memory.NewBufferBytes(out), nulls}, nil
}

// assemble makes the array of a type from its buffers.
func assemble(t *dtype, rows int, v validity, bufs []*memory.Buffer, children ...arrow.Array) (arrow.Array, error) {
	a, err := t.toArrow()
	if err != nil {
		return nil, err
	}
	data := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		data[i] = c.Data()
	}
	return array.MakeFromData(array.NewData(a, rows, append([]*memory.Buffer{v.bits}, bufs...), data, v.nulls, 0)), nil
}

// validityOf is the validity of a decoded array, moved to offset 0.
func (d *decoder) validityOf(a arrow.Array) (validity, error) {
	if a.NullN() == 0 {
		return validity{}, nil
	}
	if a.Data().Offset() == 0 {
		return validity{a.Data().Buffers()[0], a.NullN()}, nil
	}
	return d.bitmap(a.NullBitmapBytes(), a.Data().Offset(), a.Len())
}

// bools decodes vortex.bool: bits from an offset on.
func (d *decoder) bools(n *node, t *dtype, rows int) (arrow.Array, error) {
	bits, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	off, err := m.length(1)
	if err != nil {
		return nil, err
	}
	if t.kind != kindBool {
		return nil, n.wrong("not a boolean type")
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	need(bits, 0, (off+rows+7)/8)
	out := bits
	if off != 0 {
		if err := d.take(rows/8+1, 1); err != nil {
			return nil, err
		}
		out = make([]byte, (rows+7)/8)
		bitutil.CopyBitmap(bits, off, rows, out, 0)
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(out)})
}

// extension decodes vortex.ext: an array of its storage.
func (d *decoder) extension(n *node, t *dtype, rows int) (arrow.Array, error) {
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindExtension {
		return nil, n.wrong("not an extension type")
	}
	a, err := d.decode(c, t.elem, rows)
	if err != nil {
		return nil, err
	}
	return asExtension(a, t)
}

// asExtension is an array of the storage of an extension type, as an array of that type.
func asExtension(a arrow.Array, t *dtype) (arrow.Array, error) {
	to, err := t.toArrow()
	if err != nil {
		return nil, err
	}
	s := a.Data()
	if fixed, ok := to.(*arrow.FixedSizeBinaryType); ok { // a UUID is stored as a fixed-size list of bytes
		l, ok := a.(*array.FixedSizeList)
		if !ok || l.ListValues().DataType().ID() != arrow.UINT8 || int(l.DataType().(*arrow.FixedSizeListType).Len()) != fixed.ByteWidth {
			return nil, corrupt("a UUID of other storage")
		}
		values := l.ListValues().Data()
		raw := values.Buffers()[1].Bytes()[values.Offset()+s.Offset()*fixed.ByteWidth:]
		v, err := (&decoder{budget: math.MaxInt}).validityOf(a)
		if err != nil {
			return nil, err
		}
		return assemble(t, s.Len(), v, []*memory.Buffer{memory.NewBufferBytes(raw)})
	}
	return array.MakeFromData(array.NewData(to, s.Len(), s.Buffers(), nil, s.NullN(), s.Offset())), nil
}

// chunked decodes vortex.chunked: the offsets of the chunks, then the chunks.
func (d *decoder) chunked(n *node, t *dtype, rows int) (arrow.Array, error) {
	first, err := n.child(0)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(first, primitive(u64, false), len(n.children))
	if err != nil {
		return nil, err
	}
	ends := a.(*array.Uint64).Uint64Values()
	if ends[0] != 0 || ends[len(ends)-1] != uint64(rows) {
		return nil, n.wrong("chunks do not add up to the rows")
	}
	parts := make([]arrow.Array, 0, len(ends)-1)
	for i, c := range n.children[1:] {
		if ends[i+1] < ends[i] {
			return nil, n.wrong("chunks out of order")
		}
		p, err := d.decode(c, t, int(ends[i+1]-ends[i]))
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return d.concatenate(parts, t)
}

// concatenate joins arrays of a type; none make an empty one.
func (d *decoder) concatenate(parts []arrow.Array, t *dtype) (arrow.Array, error) {
	switch len(parts) {
	case 0:
		return nullsOf(t, 0)
	case 1:
		return parts[0], nil
	}
	size := 0
	for _, p := range parts {
		size += int(p.Data().SizeInBytes())
	}
	if err := d.take(size, 1); err != nil {
		return nil, err
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
