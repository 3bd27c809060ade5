package sqlite

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

const nanText = "NaN" // sorts above all numbers, as NaN does in filter

// encoder returns a function that gives the value to bind for row i of an array that is not NULL.
func encoder(c arrow.Array) func(i int) (driver.Value, error) {
	t := c.DataType()
	switch c := c.(type) {
	case *array.Boolean:
		return func(i int) (driver.Value, error) { return c.Value(i), nil }
	case *array.Int64:
		return func(i int) (driver.Value, error) { return c.Value(i), nil }
	case *array.Uint64:
		return func(i int) (driver.Value, error) { return wide(c.Value(i)), nil }
	case *array.String:
		return func(i int) (driver.Value, error) { return c.Value(i), nil }
	case *array.LargeString:
		return func(i int) (driver.Value, error) { return c.Value(i), nil }
	case interface{ Value(int) []byte }:
		return func(i int) (driver.Value, error) { return c.Value(i), nil }
	case *array.Decimal128, *array.Decimal256:
		scale := t.(arrow.DecimalType).GetScale()
		return func(i int) (driver.Value, error) {
			return convert.FormatDecimal(convert.Unscaled(c, i).BigInt(), scale), nil
		}
	}
	switch id := t.ID(); {
	case id == arrow.FLOAT32 || id == arrow.FLOAT64:
		get := filter.Floats(c)
		return func(i int) (driver.Value, error) { return number(get(i)), nil }
	case arrow.IsUnsignedInteger(id):
		get := filter.Uints(c)
		return func(i int) (driver.Value, error) { return int64(get(i)), nil }
	case arrow.IsSignedInteger(id):
		get := filter.Ints(c)
		return func(i int) (driver.Value, error) { return get(i), nil }
	case declared(t) == "JSON":
		return func(i int) (driver.Value, error) { return convert.JSON(c, i) }
	default:
		get := convert.Clock(c)
		return func(i int) (driver.Value, error) { return clockText(get(i), t) }
	}
}

// wide stores what int64 cannot hold as text of fixed width, which SQLite sorts above all integers.
// The letter keeps SQLite from making it a float.
func wide(v uint64) driver.Value {
	if v > math.MaxInt64 {
		return fmt.Sprintf("u%020d", v)
	}
	return int64(v)
}

func number(v float64) driver.Value {
	if math.IsNaN(v) {
		return nanText
	}
	return v
}

// clockText writes a date, time of day or timestamp with the digits of its unit.
func clockText(v int64, t arrow.DataType) (string, error) {
	switch t.ID() {
	case arrow.TIME32, arrow.TIME64:
		if day := int64(86_400) * (1_000_000_000 / convert.Nanos(t)); v < 0 || v >= day {
			return "", fmt.Errorf("%d is no time of day in %s", v, t)
		}
		return convert.FormatTimeOfDay(v, t), nil
	case arrow.DATE64:
		if v%86_400_000 != 0 {
			return "", fmt.Errorf("%d ms is not a whole day", v)
		}
	}
	return dateText(v, t)
}

func dateText(v int64, t arrow.DataType) (string, error) {
	b, err := appendDate(make([]byte, 0, 32), v, t)
	return string(b), err
}

// appendDate writes a date or timestamp, as time.Format would with clockLayout, but four times faster.
func appendDate(b []byte, v int64, t arrow.DataType) ([]byte, error) {
	perDay, digits := int64(1), 0
	switch t.ID() {
	case arrow.DATE32:
	case arrow.DATE64:
		perDay = 86_400_000
	default:
		perDay, digits = 86_400*(1_000_000_000/convert.Nanos(t)), convert.Digits(t)
	}
	day, rest := v/perDay, v%perDay
	if rest < 0 {
		day, rest = day-1, rest+perDay
	}
	const first, last = -719_528, 2_932_896 // 0000-01-01 and 9999-12-31 in days since 1970
	if day < first || day > last {
		return b, fmt.Errorf("the year of %d %s does not fit the text form", v, t)
	}
	y, m, d := civil(day)
	b = pad(append(pad(append(pad(b, y, 4), '-'), m, 2), '-'), d, 2)
	if id := t.ID(); id == arrow.DATE32 || id == arrow.DATE64 {
		return b, nil
	}
	perSecond := perDay / 86_400
	s := rest / perSecond
	b = pad(append(pad(append(pad(append(b, ' '), s/3600, 2), ':'), s/60%60, 2), ':'), s%60, 2)
	if digits > 0 {
		b = pad(append(b, '.'), rest%perSecond, digits)
	}
	if t.(*arrow.TimestampType).TimeZone != "" {
		b = append(b, 'Z')
	}
	return b, nil
}

// civil turns days since 1970 into a date (Howard Hinnant, "chrono-compatible low-level date
// algorithms"), for years from 0 on.
func civil(day int64) (y, m, d int64) {
	day += 719_468 // days from 0000-03-01
	era := day / 146_097
	if day < 0 {
		era = -1
	}
	doe := day - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d, m, y = doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	return y, m, d
}

// pad appends a number with leading zeros.
func pad(b []byte, n int64, width int) []byte {
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0; i, n = i-1, n/10 {
		b[i] = byte('0' + n%10)
	}
	return b
}

func clockLayout(t arrow.DataType) string {
	if id := t.ID(); id == arrow.DATE32 || id == arrow.DATE64 {
		return time.DateOnly
	}
	layout := time.DateTime
	if d := convert.Digits(t); d > 0 {
		layout += ".000000000"[:d+1]
	}
	if ts, ok := t.(*arrow.TimestampType); ok && ts.TimeZone != "" {
		layout += "Z"
	}
	return layout
}

// literal writes a bound value in SQLite's SQL.
func literal(f arrow.Field, value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case uint64:
		if text, ok := wide(v).(string); ok && f.Type.ID() == arrow.UINT64 {
			return dbfile.Text(text)
		}
		return strconv.FormatUint(v, 10)
	case float64:
		return double(v)
	case string:
		return text(v)
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	case int64:
		if arrow.IsInteger(f.Type.ID()) {
			return strconv.FormatInt(v, 10)
		}
		return clockLiteral(v, f.Type)
	case *big.Int:
		return dbfile.Text(convert.FormatDecimal(v, f.Type.(arrow.DecimalType).GetScale()))
	default:
		return "NULL" // not reached: filter.Bind returns nothing else
	}
}

// clockLiteral writes a time; those beyond the text form are below or above every stored text.
func clockLiteral(v int64, t arrow.DataType) string {
	if t.ID() == arrow.DATE64 { // days in milliseconds, compared with any time: keep the rest
		at := convert.Time(v, t)
		if rest := v % 86_400_000; rest != 0 {
			return dbfile.Text(at.Format("2006-01-02 15:04:05.000"))
		}
	}
	s, err := clockText(v, t)
	switch {
	case err == nil:
		return dbfile.Text(s)
	case v < 0:
		return "''"
	default:
		return "'~'"
	}
}

func double(v float64) string {
	switch {
	case math.IsNaN(v):
		return dbfile.Text(nanText)
	case math.IsInf(v, 1):
		return "9e999"
	case math.IsInf(v, -1):
		return "-9e999"
	default:
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
}

func text(s string) string {
	if strings.ContainsRune(s, 0) { // the SQL text ends at a NUL
		return "CAST(x'" + hex.EncodeToString([]byte(s)) + "' AS TEXT)"
	}
	return dbfile.Text(s)
}

// pushable says whether SQLite evaluates a leaf of a predicate as filter does: it compares the stored
// form, and the text of decimals has no numeric order.
func pushable(leaf filter.Node) bool {
	if n, ok := leaf.(filter.Compare); ok && arrow.IsDecimal(n.Field.Type.ID()) {
		return false
	}
	return filter.Native(leaf)
}

func dialect() filter.Dialect {
	return filter.Dialect{Column: func(f arrow.Field) string { return dbfile.Ident(f.Name) }, Literal: literal}
}
