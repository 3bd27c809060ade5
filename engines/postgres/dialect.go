package postgres

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
	"pitwall/engines/postgres/pgvalue"
)

// ordered writes a column so that it compares as filter does: text byte by byte, whatever the collation
// of the database is.
func ordered(f arrow.Field) string {
	if name, _ := scalarOf(f.Type); name == "text" {
		return dbfile.Ident(f.Name) + ` COLLATE "C"`
	}
	return dbfile.Ident(f.Name)
}

func dialect() filter.Dialect { return filter.Dialect{Column: ordered, Literal: literal} }

// pushable says whether PostgreSQL evaluates a leaf of a predicate as filter does. It has no text with a
// NUL to compare with, nor a date with a time of day.
func pushable(leaf filter.Node) bool {
	if n, ok := leaf.(filter.Compare); ok {
		switch v := n.Value.(type) {
		case string:
			return strings.IndexByte(v, 0) < 0
		case int64:
			return n.Field.Type.ID() != arrow.DATE64 || v%86_400_000 == 0
		}
	}
	return filter.Native(leaf)
}

// literal writes a value of a column's domain (see filter.Compare).
func literal(f arrow.Field, value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		switch {
		case math.IsNaN(v):
			return "'NaN'::float8"
		case math.IsInf(v, 1):
			return "'Infinity'::float8"
		case math.IsInf(v, -1):
			return "'-Infinity'::float8"
		}
		return "'" + strconv.FormatFloat(v, 'g', -1, 64) + "'::float8"
	case string:
		return pgvalue.Text(v)
	case []byte:
		return `'\x` + hex.EncodeToString(v) + `'::bytea`
	case *big.Int:
		return "(" + convert.FormatDecimal(v, f.Type.(arrow.DecimalType).GetScale()) + ")::numeric"
	case int64:
		return wholeLiteral(f.Type, v)
	default:
		return "NULL" // not reached: filter.Bind returns nothing else
	}
}

// wholeLiteral writes an integer in the units of its column. Times that PostgreSQL does not have lie
// beyond all that a column can hold.
func wholeLiteral(t arrow.DataType, v int64) string {
	edge := "'infinity'::"
	if v < 0 {
		edge = "'-infinity'::"
	}
	switch t := t.(type) {
	case *arrow.Date32Type, *arrow.Date64Type:
		if t.ID() == arrow.DATE64 {
			v /= 86_400_000
		}
		if v < firstDay || v >= afterLastDay {
			return edge + "date"
		}
		return "('1970-01-01'::date + (" + strconv.FormatInt(v, 10) + "))"
	case *arrow.Time32Type, *arrow.Time64Type:
		return pgvalue.Text(convert.FormatTimeOfDay(v, t)) + "::time"
	case *arrow.TimestampType:
		name, _ := scalarOf(t)
		micros, ok := inMicros(v, t)
		const last = 9_000_000_000_000_000_000 // about the year 287000, in microseconds
		if !ok || micros < firstDay*pgvalue.MicrosPerDay || micros > last {
			return edge + name
		}
		return pgvalue.Text(stamp(convert.Time(v, t))) + "::" + name
	default:
		return "(" + strconv.FormatInt(v, 10) + ")"
	}
}

// stamp writes a time as PostgreSQL reads it, in any year.
func stamp(at time.Time) string {
	year, era := at.Year(), ""
	if year <= 0 {
		year, era = 1-year, " BC"
	}
	return fmt.Sprintf("%04d-%s+00%s", year, at.Format("01-02 15:04:05.000000"), era)
}
