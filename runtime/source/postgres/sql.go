package postgres

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
	"pitwall/engines/postgres/pgvalue"
)

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// dialect writes predicates in PostgreSQL's SQL. Text compares byte by byte, as Arrow does, whatever the
// collation of the column is.
func dialect() filter.Dialect {
	return filter.Dialect{Column: func(f arrow.Field) string {
		if id := f.Type.ID(); id == arrow.STRING || id == arrow.LARGE_STRING {
			return quote(f.Name) + `::text COLLATE "C"`
		}
		return quote(f.Name)
	}, Literal: literal}
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
		case math.IsInf(v, 0):
			return fmt.Sprintf("'%+v'::float8", strings.Replace(fmt.Sprint(v), "Inf", "Infinity", 1))
		}
		return strconv.FormatFloat(v, 'g', -1, 64) + "::float8"
	case string:
		return pgvalue.Text(v)
	case []byte:
		return `'\x` + hex.EncodeToString(v) + `'::bytea`
	case *big.Int:
		return convert.FormatDecimal(v, f.Type.(arrow.DecimalType).GetScale())
	case int64:
		return clock(f.Type, v)
	default:
		return "NULL" // not reached: filter.Bind returns nothing else
	}
}

// clock writes an integer or a time.
func clock(t arrow.DataType, v int64) string {
	switch t := t.(type) {
	case *arrow.Date32Type:
		return "('1970-01-01'::date + " + strconv.FormatInt(v, 10) + "::int)"
	case *arrow.Time64Type:
		return pgvalue.Text(convert.FormatTimeOfDay(v, t)) + "::time"
	case *arrow.TimestampType:
		kind := "timestamp"
		if t.TimeZone != "" {
			kind = "timestamptz"
		}
		// Microseconds as two parts: an interval of all of them would be a double.
		return fmt.Sprintf("('1970-01-01 00:00:00+00'::%s + %d * interval '1 second' + %d * interval '1 microsecond')", kind, v/1e6, v%1e6)
	default:
		return strconv.FormatInt(v, 10)
	}
}
