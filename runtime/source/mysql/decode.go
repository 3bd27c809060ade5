package mysql

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"

	"pitwall/engines/convert"
	"pitwall/runtime/source/sqlrows"
)

var errOther = errors.New("the server sent a value of another type than the column has")

// appender returns what appends the values of the binary protocol: int64, float32, float64, and []byte for
// all others, also for an unsigned number that does not go into an int64.
func appender(b array.Builder) sqlrows.Append {
	switch b := b.(type) {
	case *array.Int8Builder:
		return signed(func(n int64) { b.Append(int8(n)) })
	case *array.Int16Builder:
		return signed(func(n int64) { b.Append(int16(n)) })
	case *array.Int32Builder:
		return signed(func(n int64) { b.Append(int32(n)) })
	case *array.Int64Builder:
		return signed(b.Append)
	case *array.Uint8Builder:
		return signed(func(n int64) { b.Append(uint8(n)) })
	case *array.Uint16Builder:
		return signed(func(n int64) { b.Append(uint16(n)) })
	case *array.Uint32Builder:
		return signed(func(n int64) { b.Append(uint32(n)) })
	case *array.Float32Builder:
		return func(v driver.Value) error {
			f, ok := v.(float32)
			if !ok {
				return errOther
			}
			b.Append(f)
			return nil
		}
	case *array.Float64Builder:
		return func(v driver.Value) error {
			f, ok := v.(float64)
			if !ok {
				return errOther
			}
			b.Append(f)
			return nil
		}
	case *array.Uint64Builder:
		return func(v driver.Value) error { return appendWide(b, v) }
	default:
		text := textual(b)
		return func(v driver.Value) error {
			data, ok := v.([]byte)
			if !ok {
				return errOther
			}
			return text(data)
		}
	}
}

func signed(add func(int64)) sqlrows.Append {
	return func(v driver.Value) error {
		n, ok := v.(int64)
		if !ok {
			return errOther
		}
		add(n)
		return nil
	}
}

// appendWide takes a BIGINT UNSIGNED, which is a number or its digits, or a BIT, which is its bytes. The
// driver gives digits only of numbers of 19 or 20 of them, and a BIT has at most 8 bytes.
func appendWide(b *array.Uint64Builder, v driver.Value) error {
	switch v := v.(type) {
	case int64:
		b.Append(uint64(v))
		return nil
	case []byte:
		if len(v) > 8 {
			n, err := strconv.ParseUint(string(v), 10, 64)
			b.Append(n)
			return err
		}
		var n uint64
		for _, c := range v {
			n = n<<8 | uint64(c)
		}
		b.Append(n)
		return nil
	}
	return errOther
}

// textual returns what appends a value that comes as bytes.
func textual(b array.Builder) func([]byte) error {
	switch b := b.(type) {
	case *array.StringBuilder:
		return func(v []byte) error {
			if !utf8.Valid(v) {
				return errors.New("a text is not UTF-8")
			}
			b.BinaryBuilder.Append(v)
			return nil
		}
	case *array.BinaryBuilder:
		return func(v []byte) error { b.Append(v); return nil }
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type)
		return func(v []byte) error {
			n, err := convert.ParseDecimal(string(v), t.Scale)
			if err == nil {
				b.Append(decimal128.FromBigInt(n))
			}
			return err
		}
	case *array.Decimal256Builder:
		t := b.Type().(*arrow.Decimal256Type)
		return func(v []byte) error {
			n, err := convert.ParseDecimal(string(v), t.Scale)
			if err == nil {
				b.Append(decimal256.FromBigInt(n))
			}
			return err
		}
	case *array.Date32Builder:
		return func(v []byte) error {
			at, err := parse(time.DateOnly, v)
			if err == nil {
				b.Append(arrow.Date32FromTime(at))
			}
			return err
		}
	case *array.TimestampBuilder:
		return func(v []byte) error {
			at, err := parse(time.DateTime, v)
			if err == nil {
				b.Append(arrow.Timestamp(at.UnixMicro()))
			}
			return err
		}
	case *array.Time64Builder:
		return func(v []byte) error {
			at, err := time.Parse(time.TimeOnly, string(v))
			if err != nil {
				return fmt.Errorf("the time %s is no time of day", v)
			}
			seconds := int64(at.Hour()*3600 + at.Minute()*60 + at.Second())
			b.Append(arrow.Time64(seconds*1e6 + int64(at.Nanosecond()/1000)))
			return nil
		}
	}
	return func([]byte) error { return fmt.Errorf("no decoder for %s", b.Type()) }
}

// parse reads a date. MySQL also stores dates that there are not.
func parse(layout string, v []byte) (time.Time, error) {
	text := string(v)
	at, err := time.Parse(layout, text)
	switch {
	case err == nil:
		return at, nil
	case strings.Contains(text, "-00"):
		return at, fmt.Errorf("%s has no form in Arrow; store NULL in its place", text)
	default:
		return at, fmt.Errorf("%q is no date", text)
	}
}
