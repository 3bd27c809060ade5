package convert

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func isText(id arrow.Type) bool {
	return arrow.IsBaseBinary(id) || id == arrow.FIXED_SIZE_BINARY || id == arrow.STRING_VIEW || id == arrow.BINARY_VIEW
}

// text converts between the encodings of strings and bytes.
func text(mem memory.Allocator, in arrow.Array, to arrow.DataType) (arrow.Array, error) {
	small := func(id arrow.Type) bool { return id == arrow.STRING || id == arrow.BINARY }
	large := func(id arrow.Type) bool { return id == arrow.LARGE_STRING || id == arrow.LARGE_BINARY }
	from := in.DataType().ID()
	switch {
	case small(from) && small(to.ID()) || large(from) && large(to.ID()):
		return relabel(in, to), nil
	case small(from) && large(to.ID()):
		return widen(mem, in, to), nil
	}
	b := array.NewBuilder(mem, to)
	defer b.Release()
	b.Reserve(in.Len())
	for i := range in.Len() {
		if in.IsNull(i) {
			b.AppendNull()
			continue
		}
		if err := appendText(b, in, i); err != nil {
			return nil, err
		}
	}
	return b.NewArray(), nil
}

func appendText(b array.Builder, in arrow.Array, i int) error {
	var v []byte
	switch in := in.(type) {
	case array.StringLike:
		v = []byte(in.Value(i))
	case interface{ Value(int) []byte }:
		v = in.Value(i)
	}
	switch b := b.(type) {
	case *array.FixedSizeBinaryBuilder:
		if width := b.Type().(*arrow.FixedSizeBinaryType).ByteWidth; len(v) != width {
			return fmt.Errorf("a value of %d bytes, want %d", len(v), width)
		}
		b.Append(v)
	case array.StringLikeBuilder:
		b.Append(string(v))
	case *array.BinaryBuilder:
		b.Append(v)
	default:
		return fmt.Errorf("no exact conversion to %s", b.Type())
	}
	return nil
}

// widen turns 32-bit offsets into 64-bit ones; the bytes (or the child) are shared.
func widen(mem memory.Allocator, in arrow.Array, to arrow.DataType, children ...arrow.ArrayData) arrow.Array {
	d := in.Data()
	total := d.Offset() + d.Len() + 1
	offsets := memory.NewResizableBuffer(mem)
	defer offsets.Release()
	offsets.Resize(total * arrow.Int64SizeBytes)
	wide := arrow.Int64Traits.CastFromBytes(offsets.Bytes())
	if b := d.Buffers()[1]; b != nil && b.Len() > 0 {
		for i, o := range arrow.Int32Traits.CastFromBytes(b.Bytes())[:total] {
			wide[i] = int64(o)
		}
	} else {
		clear(wide)
	}
	buffers := append([]*memory.Buffer{d.Buffers()[0], offsets}, d.Buffers()[2:]...)
	data := array.NewData(to, d.Len(), buffers, children, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

func isClock(id arrow.Type) bool {
	switch id {
	case arrow.TIMESTAMP, arrow.DURATION, arrow.TIME32, arrow.TIME64, arrow.DATE32, arrow.DATE64:
		return true
	default:
		return false
	}
}

// Nanos returns how many nanoseconds one unit of a time type is: timestamp, duration, time or date.
func Nanos(t arrow.DataType) int64 {
	switch t := t.(type) {
	case *arrow.Date32Type:
		return 86_400 * 1e9
	case *arrow.Date64Type:
		return 1e6
	case arrow.TemporalWithUnit:
		return int64(t.TimeUnit().Multiplier())
	default:
		return 1
	}
}

// clock converts between units and widths of times.
func clock(mem memory.Allocator, in arrow.Array, to arrow.DataType) (arrow.Array, error) {
	from := in.DataType()
	narrow := func(id arrow.Type) bool { return id == arrow.TIME32 || id == arrow.DATE32 }
	nanosFrom, nanosTo := Nanos(from), Nanos(to)
	if nanosFrom == nanosTo && narrow(from.ID()) == narrow(to.ID()) {
		return relabel(in, to), nil
	}
	get := Clock(in)
	out := make([]int64, in.Len())
	for i := range out {
		if in.IsNull(i) {
			continue
		}
		v := get(i)
		switch {
		case nanosFrom >= nanosTo:
			f := nanosFrom / nanosTo
			if v > math.MaxInt64/f || v < math.MinInt64/f {
				return nil, fmt.Errorf("%d %s does not fit %s", v, from, to)
			}
			v *= f
		case v%(nanosTo/nanosFrom) != 0:
			return nil, fmt.Errorf("%d %s is not a whole number of %s", v, from, to)
		default:
			v /= nanosTo / nanosFrom
		}
		if narrow(to.ID()) && (v > math.MaxInt32 || v < math.MinInt32) {
			return nil, fmt.Errorf("%d does not fit %s", v, to)
		}
		out[i] = v
	}
	return fromInts(mem, in, to, out), nil
}

// Clock returns a function giving the integers behind an array of a time type.
func Clock(in arrow.Array) func(int) int64 {
	switch in := in.(type) {
	case *array.Date32:
		return func(i int) int64 { return int64(in.Value(i)) }
	case *array.Date64:
		return func(i int) int64 { return int64(in.Value(i)) }
	case *array.Time32:
		return func(i int) int64 { return int64(in.Value(i)) }
	case *array.Time64:
		return func(i int) int64 { return int64(in.Value(i)) }
	case *array.Duration:
		return func(i int) int64 { return int64(in.Value(i)) }
	case *array.Timestamp:
		return func(i int) int64 { return int64(in.Value(i)) }
	default:
		panic("convert: " + in.DataType().String() + " is not a time type")
	}
}

// fromInts builds an array of a 32- or 64-bit type with the validity of another array.
func fromInts(mem memory.Allocator, valid arrow.Array, to arrow.DataType, values []int64) arrow.Array {
	width := to.(arrow.FixedWidthDataType).Bytes()
	buf := memory.NewResizableBuffer(mem)
	defer buf.Release()
	buf.Resize(len(values) * width)
	if width == 8 {
		copy(arrow.Int64Traits.CastFromBytes(buf.Bytes()), values)
	} else {
		small := arrow.Int32Traits.CastFromBytes(buf.Bytes())
		for i, v := range values {
			small[i] = int32(v)
		}
	}
	bits := validity(mem, valid)
	if bits != nil {
		defer bits.Release()
	}
	data := array.NewData(to, len(values), []*memory.Buffer{bits, buf}, nil, valid.NullN(), 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// validity copies the validity bitmap of an array to offset 0; nil when nothing is NULL.
func validity(mem memory.Allocator, in arrow.Array) *memory.Buffer {
	if in.NullN() == 0 {
		return nil
	}
	bits := memory.NewResizableBuffer(mem)
	bits.Resize(int(bitutil.BytesForBits(int64(in.Len()))))
	clear(bits.Bytes())
	for i := range in.Len() {
		bitutil.SetBitTo(bits.Bytes(), i, in.IsValid(i))
	}
	return bits
}

const dayNanos = 86_400 * 1_000_000_000

// interval turns the one interval type that DuckDB returns into a duration or another interval.
func interval(mem memory.Allocator, in *array.MonthDayNanoInterval, to arrow.DataType) (arrow.Array, error) {
	b := array.NewBuilder(mem, to)
	defer b.Release()
	for i := range in.Len() {
		if in.IsNull(i) {
			b.AppendNull()
			continue
		}
		v := in.Value(i)
		bad := fmt.Errorf("interval of %d months, %d days, %d ns does not fit %s", v.Months, v.Days, v.Nanoseconds, to)
		switch b := b.(type) {
		case *array.DurationBuilder:
			unit := Nanos(to)
			if v.Months != 0 || v.Nanoseconds%unit != 0 || dayNanos%unit != 0 {
				return nil, bad
			}
			b.Append(arrow.Duration(int64(v.Days)*(dayNanos/unit) + v.Nanoseconds/unit))
		case *array.MonthIntervalBuilder:
			if v.Days != 0 || v.Nanoseconds != 0 {
				return nil, bad
			}
			b.Append(arrow.MonthInterval(v.Months))
		case *array.DayTimeIntervalBuilder:
			if v.Months != 0 || v.Nanoseconds%1e6 != 0 || v.Nanoseconds/1e6 != int64(int32(v.Nanoseconds/1e6)) {
				return nil, bad
			}
			b.Append(arrow.DayTimeInterval{Days: v.Days, Milliseconds: int32(v.Nanoseconds / 1e6)})
		default:
			return nil, fmt.Errorf("no exact conversion from interval to %s", to)
		}
	}
	return b.NewArray(), nil
}

// decimals changes the width of decimals; the scale must stay.
func decimals(mem memory.Allocator, in arrow.Array, to arrow.DecimalType) (arrow.Array, error) {
	if in.DataType().(arrow.DecimalType).GetScale() != to.GetScale() {
		return nil, fmt.Errorf("no exact conversion from %s to %s", in.DataType(), to)
	}
	b := array.NewBuilder(mem, to)
	defer b.Release()
	for i := range in.Len() {
		if in.IsNull(i) {
			b.AppendNull()
			continue
		}
		v := Unscaled(in, i)
		if !v.FitsInPrecision(to.GetPrecision()) {
			return nil, fmt.Errorf("%s does not fit %s", in.ValueStr(i), to)
		}
		switch b := b.(type) {
		case *array.Decimal128Builder:
			b.Append(decimal128.FromBigInt(v.BigInt()))
		case *array.Decimal256Builder:
			b.Append(v)
		default:
			return nil, fmt.Errorf("no exact conversion to %s", to)
		}
	}
	return b.NewArray(), nil
}

// Unscaled returns the unscaled integer of a decimal of any width.
func Unscaled(in arrow.Array, i int) decimal256.Num {
	switch in := in.(type) {
	case *array.Decimal32:
		return decimal256.FromI64(int64(in.Value(i)))
	case *array.Decimal64:
		return decimal256.FromI64(int64(in.Value(i)))
	case *array.Decimal128:
		return decimal256.FromDecimal128(in.Value(i))
	case *array.Decimal256:
		return in.Value(i)
	default:
		panic("convert: " + in.DataType().String() + " is not a decimal")
	}
}

func halves(mem memory.Allocator, in *array.Float16) arrow.Array {
	b := array.NewFloat32Builder(mem)
	defer b.Release()
	for i := range in.Len() {
		if in.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(in.Value(i).Float32())
		}
	}
	return b.NewArray()
}
