package vortex

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds is what statistics tell of a column over some rows. Values are those that package engines/filter
// compares with: bool, int64, uint64, float64, string, []byte, *big.Int (an unscaled decimal), and int64 in
// the units of the column for dates and times.
type Bounds struct {
	// Min and Max enclose all values that are not null, and are not necessarily among them; nil is not known.
	// NaN counts as greater than all other numbers: Max is nil where one may be there.
	Min, Max any
	// Nulls is the number of nulls; -1 is not known.
	Nulls int64
}

// unknown is the Bounds that rule nothing out.
func unknown() Bounds { return Bounds{Nulls: -1} }

// maxText is the longest bound of a text in bytes; longer ones are cut off.
const maxText = 64

// compareBounds orders two values of one column.
func compareBounds(a, b any) int {
	switch a := a.(type) {
	case bool:
		return cmp.Compare(bit(a), bit(b.(bool)))
	case int64:
		return cmp.Compare(a, b.(int64))
	case uint64:
		return cmp.Compare(a, b.(uint64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return cmp.Compare(a, b.(string))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case *big.Int:
		return a.Cmp(b.(*big.Int))
	default:
		return 0
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// columnBounds are the bounds of the rows of an array. floor and ceiling are put at zero for floats, so that
// readers which tell -0 from 0 leave neither out.
func columnBounds(a arrow.Array) Bounds {
	b := Bounds{Nulls: int64(a.NullN())}
	if a.DataType().ID() == arrow.NULL || a.Len() == a.NullN() {
		return b
	}
	switch a := a.(type) {
	case *array.Boolean:
		return boolBounds(a, b)
	case *array.Int8:
		return numberBounds(a, a.Int8Values(), b)
	case *array.Int16:
		return numberBounds(a, a.Int16Values(), b)
	case *array.Int32:
		return numberBounds(a, a.Int32Values(), b)
	case *array.Int64:
		return numberBounds(a, a.Int64Values(), b)
	case *array.Date32:
		return numberBounds(a, a.Date32Values(), b)
	case *array.Date64:
		return numberBounds(a, a.Date64Values(), b)
	case *array.Time32:
		return numberBounds(a, a.Time32Values(), b)
	case *array.Time64:
		return numberBounds(a, a.Time64Values(), b)
	case *array.Timestamp:
		return numberBounds(a, a.TimestampValues(), b)
	case *array.Uint8:
		return numberBounds(a, a.Uint8Values(), b)
	case *array.Uint16:
		return numberBounds(a, a.Uint16Values(), b)
	case *array.Uint32:
		return numberBounds(a, a.Uint32Values(), b)
	case *array.Uint64:
		return numberBounds(a, a.Uint64Values(), b)
	case *array.Float32:
		return floatBounds(a, a.Float32Values(), b)
	case *array.Float64:
		return floatBounds(a, a.Float64Values(), b)
	case *array.String, *array.Binary:
		return textBounds(a, b)
	}
	return b
}

func boolBounds(a *array.Boolean, b Bounds) Bounds {
	lo, hi := true, false
	for i := range a.Len() {
		if a.IsValid(i) {
			lo, hi = lo && a.Value(i), hi || a.Value(i)
		}
	}
	b.Min, b.Max = lo, hi
	return b
}

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// extremes are the least and the greatest value that is not null. There is one.
func extremes[T cmp.Ordered](a arrow.Array, v []T) (lo, hi T) {
	if a.NullN() == 0 {
		lo, hi = v[0], v[0]
		for _, x := range v {
			lo, hi = min(lo, x), max(hi, x)
		}
		return lo, hi
	}
	seen := false
	for i, x := range v {
		if a.IsNull(i) {
			continue
		}
		if !seen {
			lo, hi, seen = x, x, true
			continue
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func numberBounds[T number](a arrow.Array, v []T, b Bounds) Bounds {
	lo, hi := extremes(a, v)
	if T(0)-1 < 0 {
		b.Min, b.Max = int64(lo), int64(hi)
	} else {
		b.Min, b.Max = uint64(lo), uint64(hi)
	}
	return b
}

func floatBounds[T float32 | float64](a arrow.Array, v []T, b Bounds) Bounds {
	lo, hi := extremes(a, v)
	if lo != lo || hi != hi { // min and max of a NaN are one
		return b
	}
	b.Min, b.Max = float64(lo), float64(hi)
	if lo == 0 {
		b.Min = math.Copysign(0, -1)
	}
	if hi == 0 {
		b.Max = 0.0
	}
	return b
}

func textBounds(a arrow.Array, b Bounds) Bounds {
	offs, data := textOf(a)
	var lo, hi []byte
	seen := false
	for i := range a.Len() {
		if a.IsNull(i) {
			continue
		}
		s := data[offs[i]:offs[i+1]]
		switch {
		case !seen:
			lo, hi, seen = s, s, true
		case bytes.Compare(s, lo) < 0:
			lo = s
		case bytes.Compare(s, hi) > 0:
			hi = s
		}
	}
	if a.DataType().ID() == arrow.BINARY {
		b.Min = bytes.Clone(lo[:min(len(lo), maxText)])
		if top, ok := above(hi, false); ok {
			b.Max = top
		}
		return b
	}
	b.Min = string(lo[:runeEnd(lo)])
	if top, ok := above(hi, true); ok {
		b.Max = string(top)
	}
	return b
}

// runeEnd is where a text is cut off: after at most maxText bytes, between two characters.
func runeEnd(s []byte) int {
	if len(s) <= maxText {
		return len(s)
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// above is a text of at most maxText bytes that is not less than s: s, or its start with the last character
// raised by one. ok is false where there is none.
func above(s []byte, text bool) (top []byte, ok bool) {
	if len(s) <= maxText {
		return bytes.Clone(s), true
	}
	if !text {
		top = bytes.Clone(s[:maxText])
		for i := len(top) - 1; i >= 0; i-- {
			if top[i] < 0xff {
				top[i]++
				return top[:i+1], true
			}
		}
		return nil, false
	}
	top = s[:runeEnd(s)]
	for len(top) > 0 {
		r, n := utf8.DecodeLastRune(top)
		top = top[:len(top)-n]
		if r == utf8.RuneError || r == utf8.MaxRune {
			continue
		}
		if r++; r == 0xd800 { // those of UTF-16 are no characters
			r = 0xe000
		}
		return utf8.AppendRune(bytes.Clone(top), r), true
	}
	return nil, false
}

// merge is the bounds of two runs of rows together, of which each has rows.
func (b Bounds) merge(o Bounds, rows, otherRows int64) Bounds {
	out := Bounds{Nulls: -1}
	if b.Nulls >= 0 && o.Nulls >= 0 {
		out.Nulls = b.Nulls + o.Nulls
	}
	switch {
	case b.Nulls == rows: // nothing but nulls has no bounds to widen
		out.Min, out.Max = o.Min, o.Max
		return out
	case o.Nulls == otherRows:
		out.Min, out.Max = b.Min, b.Max
		return out
	}
	if b.Min != nil && o.Min != nil {
		out.Min = b.Min
		if compareBounds(o.Min, b.Min) < 0 {
			out.Min = o.Min
		}
	}
	if b.Max != nil && o.Max != nil {
		out.Max = b.Max
		if compareBounds(o.Max, b.Max) > 0 {
			out.Max = o.Max
		}
	}
	return out
}

// scalar is a bound as a message ScalarValue.
func scalar(v any, t *dtype) []byte {
	switch v := v.(type) {
	case bool:
		return proto(nil).always(scalarBool, uint64(bit(v)))
	case int64:
		return proto(nil).always(scalarInt, protowire.EncodeZigZag(v))
	case uint64:
		return proto(nil).always(scalarUint, v)
	case float64:
		if t.storage().ptype == f32 {
			return proto(nil).fixed32(scalarFloat, math.Float32bits(float32(v)))
		}
		return proto(nil).fixed64(scalarDouble, math.Float64bits(v))
	case string:
		return proto(nil).bytes(scalarString, []byte(v))
	case []byte:
		return proto(nil).bytes(scalarBytes, v)
	default:
		return nil
	}
}

// parseScalar is a message ScalarValue as a bound of a type; nil where it is none.
func parseScalar(b []byte, t *dtype) any {
	m, err := parseMessage(b)
	if err != nil || len(m) == 0 {
		return nil
	}
	s, v := t.storage(), m[0]
	switch {
	case s.kind == kindBool && v.number == scalarBool:
		return v.value != 0
	case s.kind == kindUtf8 && v.number == scalarString:
		return string(v.bytes)
	case s.kind == kindBinary && v.number == scalarBytes:
		return bytes.Clone(v.bytes)
	case s.kind != kindPrimitive:
		return nil
	case s.ptype.signed() && v.number == scalarInt:
		return protowire.DecodeZigZag(v.value)
	case s.ptype <= u64 && v.number == scalarUint:
		return v.value
	case s.ptype == f32 && v.number == scalarFloat:
		return float64(math.Float32frombits(uint32(v.value)))
	case s.ptype == f64 && v.number == scalarDouble:
		return math.Float64frombits(v.value)
	}
	return nil
}

// bounded tells whether the bounds of a type are kept.
func bounded(t *dtype) bool {
	s := t.storage()
	return s.kind == kindBool || s.kind == kindUtf8 || s.kind == kindBinary || s.kind == kindPrimitive && s.ptype != f16
}
