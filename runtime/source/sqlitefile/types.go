package sqlitefile

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"pitwall/engines/convert"
	"pitwall/runtime/source/sqlrows"
)

var digits = regexp.MustCompile(`^(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$`)

// typeOf derives a type from a declared type: by the names that say more than SQLite's affinity
// (https://www.sqlite.org/datatype3.html, 3.1), else by the rules of that. isText is true for affinity TEXT.
func typeOf(declared string) (t arrow.DataType, isText bool) {
	d := strings.ToUpper(strings.TrimSpace(declared))
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(d, p) {
				return true
			}
		}
		return false
	}
	if m := digits.FindStringSubmatch(d); m != nil {
		p, _ := strconv.Atoi(m[1])
		s, _ := strconv.Atoi(m[2])
		if p > 0 && p <= 38 && s <= p {
			return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}, false
		}
	}
	switch {
	case has("BOOL"):
		return arrow.FixedWidthTypes.Boolean, false
	case has("INT") && !has("REAL", "FLOA", "DOUB"): // FLOATING POINT has INT in it
		return arrow.PrimitiveTypes.Int64, false
	case has("CHAR", "CLOB", "TEXT"):
		return arrow.BinaryTypes.String, true
	case has("BLOB"):
		return arrow.BinaryTypes.Binary, false
	case has("REAL", "FLOA", "DOUB"):
		return arrow.PrimitiveTypes.Float64, false
	case d == "DATE":
		return arrow.FixedWidthTypes.Date32, false
	case has("DATETIME", "TIMESTAMP"):
		return &arrow.TimestampType{Unit: arrow.Microsecond}, false
	case has("NUM", "DEC"):
		return arrow.PrimitiveTypes.Float64, false
	default: // also no type: anything may be stored, and text can say it
		return arrow.BinaryTypes.String, false
	}
}

// appender returns what appends the stored values: int64, float64, string or []byte.
func appender(b array.Builder) sqlrows.Append {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return func(v driver.Value) error {
			n, ok := v.(int64)
			if !ok || n != 0 && n != 1 {
				return misfit(v, "a boolean, 0 or 1")
			}
			b.Append(n == 1)
			return nil
		}
	case *array.Int64Builder:
		return func(v driver.Value) error {
			n, ok := v.(int64)
			if !ok {
				return misfit(v, "an integer")
			}
			b.Append(n)
			return nil
		}
	case *array.Float64Builder:
		return func(v driver.Value) error {
			switch v := v.(type) {
			case float64:
				b.Append(v)
				return nil
			case int64:
				if n := int64(float64(v)); n == v && v != math.MaxInt64 {
					b.Append(float64(v))
					return nil
				}
			}
			return misfit(v, "a number that a double holds exactly")
		}
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type)
		return func(v driver.Value) error { return appendDecimal(b, t, v) }
	case *array.BinaryBuilder:
		return func(v driver.Value) error {
			switch v := v.(type) {
			case []byte:
				b.Append(v)
			case string:
				b.Append([]byte(v))
			default:
				return misfit(v, "a blob")
			}
			return nil
		}
	case *array.Date32Builder:
		return func(v driver.Value) error {
			s, _ := v.(string)
			at, err := time.Parse(time.DateOnly, s)
			if err != nil {
				return misfit(v, "a date such as 2026-01-31")
			}
			b.Append(arrow.Date32FromTime(at))
			return nil
		}
	case *array.TimestampBuilder:
		return func(v driver.Value) error {
			s, _ := v.(string)
			at, err := parseTime(s)
			if err != nil {
				return misfit(v, "a time such as 2026-01-31 12:30:00.123456")
			}
			b.Append(arrow.Timestamp(at.UnixMicro()))
			return nil
		}
	default:
		return func(v driver.Value) error { return appendText(b.(*array.StringBuilder), v) }
	}
}

// misfit names a value that does not go with the type of its column.
func misfit(v driver.Value, want string) error {
	switch t := v.(type) {
	case string:
		if len(t) > 60 {
			t = t[:60] + "..."
		}
		return fmt.Errorf("the text %q is not %s", t, want)
	case []byte:
		return fmt.Errorf("a blob of %d bytes is not %s", len(t), want)
	default:
		return fmt.Errorf("%v is not %s", v, want)
	}
}

func appendText(b *array.StringBuilder, v driver.Value) error {
	switch v := v.(type) {
	case string:
		if !utf8.ValidString(v) {
			return errors.New("a text is not UTF-8")
		}
		b.Append(v)
	case int64:
		b.Append(strconv.FormatInt(v, 10))
	case float64:
		b.Append(strconv.FormatFloat(v, 'g', -1, 64))
	default:
		return misfit(v, "text")
	}
	return nil
}

// appendDecimal takes a real for the shortest number that means it.
func appendDecimal(b *array.Decimal128Builder, t *arrow.Decimal128Type, v driver.Value) error {
	var text string
	switch v := v.(type) {
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	case string:
		text = v
	}
	n, err := convert.ParseDecimal(text, t.Scale)
	if err != nil || len(strings.TrimPrefix(n.String(), "-")) > int(t.Precision) {
		return misfit(v, fmt.Sprintf("a decimal(%d,%d)", t.Precision, t.Scale))
	}
	b.Append(decimal128.FromBigInt(n))
	return nil
}

// parseTime reads SQLite's forms of a date with a time
// (https://www.sqlite.org/lang_datefunc.html, 2); one with a zone becomes UTC. More than microseconds is
// an error.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly,
		"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02T15:04Z07:00"} {
		at, err := time.Parse(layout, s)
		if err == nil && at.Nanosecond()%1000 == 0 {
			return at, nil
		}
	}
	return time.Time{}, errors.New("not a time")
}
