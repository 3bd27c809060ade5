package convert

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

// Ordered says whether a type has an order that a watermark can follow.
func Ordered(t arrow.DataType) bool {
	id := t.ID()
	return arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id) || id == arrow.STRING || id == arrow.LARGE_STRING ||
		isClock(id) || id == arrow.NULL
}

// Mark returns the value at i as a watermark: integers and durations (in their unit) as int64 or
// uint64, floats as float64, strings and decimals as string, dates and timestamps as time.Time in
// UTC, times of day as a string "15:04:05" with the digits of their unit. NULL is not Valid.
func Mark(in arrow.Array, i int, recorded arrow.DataType) (engines.Mark, error) {
	m := engines.Mark{Type: recorded}
	if in.DataType().ID() == arrow.NULL || in.IsNull(i) {
		return m, nil
	}
	m.Valid = true
	switch in := in.(type) {
	case *array.Int8:
		m.Value = int64(in.Value(i))
	case *array.Int16:
		m.Value = int64(in.Value(i))
	case *array.Int32:
		m.Value = int64(in.Value(i))
	case *array.Int64:
		m.Value = in.Value(i)
	case *array.Uint8:
		m.Value = uint64(in.Value(i))
	case *array.Uint16:
		m.Value = uint64(in.Value(i))
	case *array.Uint32:
		m.Value = uint64(in.Value(i))
	case *array.Uint64:
		m.Value = in.Value(i)
	case *array.Float32:
		m.Value = float64(in.Value(i))
	case *array.Float64:
		m.Value = in.Value(i)
	case array.StringLike:
		m.Value = strings.Clone(in.Value(i)) // the array's memory may be the driver's
	case *array.Duration:
		m.Value = int64(in.Value(i))
	case *array.Decimal128, *array.Decimal256:
		d := recorded.(arrow.DecimalType)
		m.Value = FormatDecimal(Unscaled(in, i).BigInt(), d.GetScale())
	case *array.Date32, *array.Date64, *array.Timestamp:
		m.Value = Time(Clock(in)(i), recorded)
	case *array.Time32, *array.Time64:
		m.Value = FormatTimeOfDay(Clock(in)(i), recorded)
	default:
		return engines.Mark{}, fmt.Errorf("no watermark over %s", recorded)
	}
	return m, nil
}

// Time returns a date or timestamp, given in the units of its type, as a time in UTC.
func Time(v int64, t arrow.DataType) time.Time {
	if t.ID() == arrow.DATE64 {
		return time.UnixMilli(v).UTC()
	}
	if t.ID() == arrow.DATE32 {
		return time.Unix(v*86_400, 0).UTC()
	}
	perSecond := int64(1e9) / Nanos(t)
	seconds, rest := v/perSecond, v%perSecond
	return time.Unix(seconds, rest*Nanos(t)).UTC()
}

// Digits returns how many digits of a second a time type has: 0, 3, 6 or 9.
func Digits(t arrow.DataType) int {
	switch Nanos(t) {
	case 1:
		return 9
	case 1e3:
		return 6
	case 1e6:
		return 3
	default:
		return 0
	}
}

// FormatTimeOfDay writes a time of day with all digits of its unit.
func FormatTimeOfDay(v int64, t arrow.DataType) string {
	layout := "15:04:05"
	if d := Digits(t); d > 0 {
		layout += ".000000000"[:d+1]
	}
	return time.Unix(0, v*Nanos(t)).UTC().Format(layout)
}

// FormatDecimal writes an unscaled integer with its decimal point; a negative scale adds zeros.
func FormatDecimal(v *big.Int, scale int32) string {
	if scale <= 0 {
		return new(big.Int).Mul(v, pow10(-scale)).String()
	}
	q, r := new(big.Int).QuoRem(v, pow10(scale), new(big.Int))
	sign := ""
	if v.Sign() < 0 && q.Sign() == 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s%s.%0*s", sign, q, int(scale), r.Abs(r))
}

// ParseDecimal is the inverse of FormatDecimal.
func ParseDecimal(s string, scale int32) (*big.Int, error) {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%q is not a decimal", s)
	}
	if scale >= 0 {
		r.Mul(r, new(big.Rat).SetInt(pow10(scale)))
	} else {
		r.Quo(r, new(big.Rat).SetInt(pow10(-scale)))
	}
	if !r.IsInt() {
		return nil, fmt.Errorf("%q has more than %d digits behind the point", s, scale)
	}
	return r.Num(), nil
}

func pow10(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
