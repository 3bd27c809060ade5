package vortex

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/klauspost/compress/zstd"
)

// encoder turns columns of a chunk into array trees. For each it takes the encoding that a look at the values, or
// at a sample of them, finds smallest, as BtrBlocks does. It is safe for concurrent use.
type encoder struct {
	plain bool          // values as they are
	zstd  *zstd.Encoder // nil: no vortex.zstd
}

// maxCascade is how often an encoding is applied to what another made.
const maxCascade = 3

// minEncoded is the number of rows below which values are stored as they are.
const minEncoded = 64

// array encodes the values of an array.
func (e *encoder) array(a arrow.Array, t *dtype) (*node, error) {
	if !t.isNullable() && a.NullN() > 0 {
		return nil, fmt.Errorf("%d nulls in a column that has none", a.NullN())
	}
	if t.kind != kindNull && a.Len() > 0 && a.NullN() == a.Len() && !e.plain && t.kind != kindStruct {
		return constantNode(proto(nil).always(scalarNull, 0)), nil
	}
	switch t.kind {
	case kindNull:
		return &node{encoding: "vortex.null"}, nil
	case kindBool:
		return e.bools(a.(*array.Boolean), t), nil
	case kindPrimitive:
		return e.numbers(a, t), nil
	case kindUtf8, kindBinary:
		return e.text(a, t), nil
	case kindDecimal:
		return e.decimal(a, t), nil
	case kindList:
		return e.list(a, t)
	case kindStruct:
		return e.structure(a.(*array.Struct), t)
	default: // an extension: fromArrow makes no others
		return e.extension(a, t)
	}
}

// constantNode is one scalar in every row.
func constantNode(scalar []byte) *node {
	return &node{encoding: "vortex.constant", buffers: []buffer{{scalar, 0}}}
}

// validity is the child that tells which rows are not null; none where all are.
func (e *encoder) validity(a arrow.Array) []*node {
	if a.NullN() == 0 {
		return nil
	}
	out := make([]byte, (a.Len()+7)/8)
	bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset(), a.Len(), out, 0)
	return []*node{{encoding: "vortex.bool", buffers: []buffer{{out, 0}}}}
}

func (e *encoder) bools(a *array.Boolean, t *dtype) *node {
	if a.Len() == 0 {
		return &node{encoding: "vortex.bool", buffers: []buffer{{nil, 0}}}
	}
	bits := a.Data().Buffers()[1].Bytes()
	if set := bitutil.CountSetBits(bits, a.Data().Offset(), a.Len()); !e.plain && a.NullN() == 0 && (set == 0 || set == a.Len()) {
		return constantNode(scalar(set > 0, t))
	}
	out := make([]byte, (a.Len()+7)/8)
	bitutil.CopyBitmap(bits, a.Data().Offset(), a.Len(), out, 0)
	return &node{encoding: "vortex.bool", children: e.validity(a), buffers: []buffer{{out, 0}}}
}

// numbers encodes an array of a number type.
func (e *encoder) numbers(a arrow.Array, t *dtype) *node {
	raw, err := rawValues(a)
	if err != nil {
		panic(err) // a number type always has them
	}
	null := validOf(a)
	switch t.ptype {
	case u8:
		return integers(e, valuesOf[uint8](raw), t.ptype, null, 0)
	case u16:
		return integers(e, valuesOf[uint16](raw), t.ptype, null, 0)
	case u32:
		return integers(e, valuesOf[uint32](raw), t.ptype, null, 0)
	case u64:
		return integers(e, valuesOf[uint64](raw), t.ptype, null, 0)
	case i8:
		return integers(e, valuesOf[uint8](raw), t.ptype, null, 0)
	case i16:
		return integers(e, valuesOf[uint16](raw), t.ptype, null, 0)
	case i32:
		return integers(e, valuesOf[uint32](raw), t.ptype, null, 0)
	case i64:
		return integers(e, valuesOf[uint64](raw), t.ptype, null, 0)
	case f32:
		return floats(e, valuesOf[float32](raw), valuesOf[uint32](raw), t.ptype, null)
	case f64:
		return floats(e, valuesOf[float64](raw), valuesOf[uint64](raw), t.ptype, null)
	default:
		return primitiveNode(valuesOf[uint16](raw), e.validity(a))
	}
}

// primitiveNode is values as they are.
func primitiveNode[T any](v []T, validity []*node) *node {
	return &node{encoding: "vortex.primitive", children: validity, buffers: []buffer{valueBuffer(v)}}
}

// nulls is which rows of a column are null; the zero value has none.
type nulls struct {
	of   arrow.Array
	bits []byte // of the rows that are not null, where there are nulls
	from int    // the bit of the first row
}

func validOf(a arrow.Array) nulls {
	n := nulls{of: a}
	if a.NullN() > 0 {
		n.bits, n.from = a.NullBitmapBytes(), a.Data().Offset()
	}
	return n
}

func (n nulls) any() bool { return n.of != nil && n.of.NullN() > 0 }

// take is the nulls of some of the rows.
func (n nulls) take(rows []int) nulls {
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, i := range rows {
		if n.at(i) {
			b.AppendNull()
		} else {
			b.Append(true)
		}
	}
	return validOf(b.NewArray())
}

// at tells whether row i is null.
func (n nulls) at(i int) bool {
	if n.bits == nil {
		return false
	}
	i += n.from
	return n.bits[i>>3]>>(i&7)&1 == 0
}

// child is the validity child; none where there are no nulls.
func (n nulls) child(e *encoder) []*node {
	if !n.any() {
		return nil
	}
	return e.validity(n.of)
}

func (e *encoder) extension(a arrow.Array, t *dtype) (*node, error) {
	s := storageOf(a)
	if t.id == extTimestamp && !e.plain {
		if n := e.dateTimeParts(s.(*array.Int64), t); n != nil {
			return n, nil
		}
	}
	n, err := e.array(s, t.elem)
	if err != nil {
		return nil, err
	}
	return &node{encoding: "vortex.ext", children: []*node{n}}, nil
}

// storageOf is a date, time or timestamp array as the whole numbers that it holds.
func storageOf(a arrow.Array) arrow.Array {
	t := arrow.DataType(arrow.PrimitiveTypes.Int64)
	if a.DataType().(arrow.FixedWidthDataType).BitWidth() == 32 {
		t = arrow.PrimitiveTypes.Int32
	}
	d := a.Data()
	return array.MakeFromData(array.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset()))
}

// dateTimeParts splits timestamps into days, seconds and the rest, where that is smaller: often the rest is nothing.
// It is nil where it is not smaller.
func (e *encoder) dateTimeParts(a *array.Int64, t *dtype) *node {
	perSecond := [...]int64{unitNanosecond: 1e9, unitMicrosecond: 1e6, unitMillisecond: 1e3, unitSecond: 1}[t.metadata[0]]
	if perSecond == 1 || a.Len() < minEncoded {
		return nil
	}
	v, null := a.Int64Values(), validOf(a)
	days, seconds := make([]uint32, len(v)), make([]uint32, len(v))
	for i, x := range v {
		if null.at(i) {
			continue
		}
		if x%perSecond != 0 {
			return nil
		}
		whole := x / perSecond
		day := whole / 86400
		if int64(int32(day)) != day {
			return nil
		}
		days[i], seconds[i] = uint32(int32(day)), uint32(int32(whole-day*86400))
	}
	whole := integers(e, valuesOf[uint64](bytesOf(v)), i64, null, 0)
	n := &node{encoding: "vortex.datetimeparts", metadata: proto(nil).uint(1, uint64(i32)).uint(2, uint64(i32)).uint(3, uint64(i8)), children: []*node{
		integers(e, days, i32, null, 0), integers(e, seconds, i32, nulls{}, 0), constantNode(scalar(int64(0), primitive(i8, false))),
	}}
	if n.size() >= whole.size() {
		return &node{encoding: "vortex.ext", children: []*node{whole}}
	}
	return n
}

// decimal stores unscaled values that fit 64 bits as whole numbers, which are encoded further, else as they are.
func (e *encoder) decimal(a arrow.Array, t *dtype) *node {
	raw, err := rawValues(a)
	if err != nil {
		panic(err) // decimals always have them
	}
	w := 16
	if t.precision > 38 {
		w = 32
	}
	v := make([]uint64, a.Len())
	for i := range v {
		if a.IsNull(i) {
			continue
		}
		b := raw[i*w:][:w]
		v[i] = binary.LittleEndian.Uint64(b)
		sign := uint64(int64(v[i]) >> 63)
		for at := 8; at < w; at += 8 {
			if binary.LittleEndian.Uint64(b[at:]) != sign {
				return decimalNode(raw, w, e.validity(a))
			}
		}
	}
	if e.plain {
		return decimalNode(bytesOf(v), 8, e.validity(a))
	}
	return &node{encoding: "vortex.decimal_byte_parts", metadata: proto(nil).uint(1, uint64(i64)), children: []*node{integers(e, v, i64, validOf(a), 0)}}
}

// decimalNode is unscaled values of w bytes.
func decimalNode(raw []byte, w int, validity []*node) *node {
	width, align := map[int]uint64{8: 3, 16: 4, 32: 5}[w], map[int]uint8{8: 3, 16: 4, 32: 5}[w]
	return &node{encoding: "vortex.decimal", metadata: proto(nil).uint(1, width), children: validity, buffers: []buffer{{raw, align}}}
}

func (e *encoder) list(a arrow.Array, t *dtype) (*node, error) {
	l := a.(array.ListLike)
	offs := []int32{0}
	if a.Len() > 0 {
		offs = valuesOf[int32](a.Data().Buffers()[1].Bytes())[a.Data().Offset():][:a.Len()+1]
	}
	first, last := offs[0], offs[len(offs)-1]
	from := make([]uint32, len(offs))
	for i, o := range offs {
		from[i] = uint32(o - first)
	}
	elements, err := e.array(array.NewSlice(l.ListValues(), int64(first), int64(last)), t.elem)
	if err != nil {
		return nil, err
	}
	children := append([]*node{elements, integers(e, from, i32, nulls{}, 0)}, e.validity(a)...)
	return &node{encoding: "vortex.list", metadata: proto(nil).uint(1, uint64(last-first)).uint(2, uint64(i32)), children: children}, nil
}

func (e *encoder) structure(a *array.Struct, t *dtype) (*node, error) {
	n := &node{encoding: "vortex.struct", children: e.validity(a)}
	for i, f := range t.fields {
		c, err := e.array(a.Field(i), f.typ)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
		n.children = append(n.children, c)
	}
	return n, nil
}
