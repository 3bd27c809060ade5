package sqlite

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"pitwall/engines/convert"
)

// decode appends one stored value, not NULL, to a builder of the recorded type, which is not nested. Values of other
// writers are taken in any form that means the same.
func decode(b array.Builder, v driver.Value) error {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		n, err := integer(v)
		b.Append(n != 0)
		return err
	case *array.StringBuilder:
		b.Append(plain(v))
	case *array.LargeStringBuilder:
		b.Append(plain(v))
	case *array.BinaryBuilder:
		b.Append([]byte(plain(v)))
	case *array.FixedSizeBinaryBuilder:
		data := []byte(plain(v))
		if width := b.Type().(*arrow.FixedSizeBinaryType).ByteWidth; len(data) != width {
			return fmt.Errorf("a value of %d bytes, want %d", len(data), width)
		}
		b.Append(data)
	case *array.Float32Builder:
		f, err := floating(v)
		b.Append(float32(f))
		return err
	case *array.Float64Builder:
		f, err := floating(v)
		b.Append(f)
		return err
	case *array.Decimal128Builder, *array.Decimal256Builder:
		return decimal(b, v)
	case *array.NullBuilder:
		return fmt.Errorf("a value in a column of type null")
	default:
		return whole(b, v)
	}
	return nil
}

// plain returns a value as text.
func plain(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

func integer(v driver.Value) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	case string:
		return strconv.ParseInt(v, 10, 64)
	}
	return 0, fmt.Errorf("%v is not an integer", v)
}

func unsigned(v driver.Value) (uint64, error) {
	if s, ok := v.(string); ok {
		return strconv.ParseUint(strings.TrimPrefix(s, "u"), 10, 64)
	}
	n, err := integer(v)
	if err == nil && n < 0 {
		err = fmt.Errorf("%d is negative", n)
	}
	return uint64(n), err
}

func floating(v driver.Value) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	default:
		return strconv.ParseFloat(plain(v), 64)
	}
}

func decimal(b array.Builder, v driver.Value) error {
	t := b.Type().(arrow.DecimalType)
	n, err := convert.ParseDecimal(plain(v), t.GetScale())
	if err != nil {
		return err
	}
	if d, ok := b.(*array.Decimal128Builder); ok {
		d.Append(decimal128.FromBigInt(n))
		return nil
	}
	b.(*array.Decimal256Builder).Append(decimal256.FromBigInt(n))
	return nil
}

// whole appends integers and times.
func whole(b array.Builder, v driver.Value) error {
	if arrow.IsUnsignedInteger(b.Type().ID()) {
		n, err := unsigned(v)
		if err != nil {
			return err
		}
		return appendUnsigned(b, n)
	}
	var n int64
	var err error
	if text, ok := v.(string); ok && !arrow.IsInteger(b.Type().ID()) {
		n, err = parseClock(text, b.Type())
	} else {
		n, err = integer(v)
	}
	if err != nil {
		return err
	}
	return appendSigned(b, n)
}

func appendUnsigned(b array.Builder, n uint64) error {
	bits := b.Type().(arrow.FixedWidthDataType).BitWidth()
	if bits < 64 && n>>bits != 0 {
		return fmt.Errorf("%d does not fit %s", n, b.Type())
	}
	switch b := b.(type) {
	case *array.Uint8Builder:
		b.Append(uint8(n))
	case *array.Uint16Builder:
		b.Append(uint16(n))
	case *array.Uint32Builder:
		b.Append(uint32(n))
	case *array.Uint64Builder:
		b.Append(n)
	}
	return nil
}

func appendSigned(b array.Builder, n int64) error {
	bits := b.Type().(arrow.FixedWidthDataType).BitWidth()
	if bits < 64 && (n >= 1<<(bits-1) || n < -1<<(bits-1)) {
		return fmt.Errorf("%d does not fit %s", n, b.Type())
	}
	switch b := b.(type) {
	case *array.Int8Builder:
		b.Append(int8(n))
	case *array.Int16Builder:
		b.Append(int16(n))
	case *array.Int32Builder:
		b.Append(int32(n))
	case *array.Int64Builder:
		b.Append(n)
	case *array.Date32Builder:
		b.Append(arrow.Date32(n))
	case *array.Date64Builder:
		b.Append(arrow.Date64(n))
	case *array.Time32Builder:
		b.Append(arrow.Time32(n))
	case *array.Time64Builder:
		b.Append(arrow.Time64(n))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(n))
	default:
		return fmt.Errorf("no stored form of %s", b.Type())
	}
	return nil
}

// parseClock reads what clockText writes, and the usual forms of other writers.
func parseClock(text string, t arrow.DataType) (int64, error) {
	layouts := []string{clockLayout(t), time.DateTime, time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateOnly}
	if id := t.ID(); id == arrow.TIME32 || id == arrow.TIME64 {
		layouts = []string{time.TimeOnly}
	}
	for _, layout := range layouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		switch t.ID() {
		case arrow.DATE32:
			return at.Unix() / 86_400, nil
		case arrow.DATE64:
			return at.UnixMilli(), nil
		case arrow.TIME32, arrow.TIME64:
			at = at.AddDate(1970, 0, 0)
			return (int64(at.Hour()*3600+at.Minute()*60+at.Second())*1_000_000_000 + int64(at.Nanosecond())) / convert.Nanos(t), nil
		default:
			perSecond := 1_000_000_000 / convert.Nanos(t)
			return at.Unix()*perSecond + int64(at.Nanosecond())/convert.Nanos(t), nil
		}
	}
	return 0, fmt.Errorf("%q is not a %s", text, t)
}
