package arrowflight

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
)

// The times that every server can have: those of 64 bits of nanoseconds.
var (
	oldest = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	newest = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// exactly tells whether servers evaluate a leaf as the types of the columns mean it, whichever they are: their orders
// of NaN differ, times of the day and bytes have many forms, and not all have more digits than microseconds.
func exactly(leaf filter.Node) bool {
	n, ok := leaf.(filter.Compare)
	if !ok {
		return filter.Native(leaf)
	}
	switch v := n.Value.(type) {
	case bool:
		return true
	case string:
		return !strings.ContainsRune(v, 0)
	case uint64:
		return v <= math.MaxInt64
	case *big.Int:
		t, ok := n.Field.Type.(arrow.DecimalType)
		return ok && t.GetPrecision() <= 38 && t.GetScale() >= 0
	case int64:
		switch id := n.Field.Type.ID(); id {
		case arrow.DATE32, arrow.DATE64, arrow.TIMESTAMP:
			at := convert.Time(v, n.Field.Type)
			return !at.Before(oldest) && at.Before(newest) && at.Nanosecond()%1000 == 0
		case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
			return true
		}
	}
	return false
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func text(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// dialect writes predicates in the SQL that servers share.
func dialect() filter.Dialect {
	return filter.Dialect{Column: func(f arrow.Field) string { return quote(f.Name) }, Literal: literal}
}

// literal writes a value of a column's domain (see filter.Compare).
func literal(f arrow.Field, value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case string:
		return text(v)
	case uint64:
		return strconv.FormatUint(v, 10)
	case *big.Int:
		t := f.Type.(arrow.DecimalType)
		return fmt.Sprintf("CAST(%s AS DECIMAL(%d, %d))", text(convert.FormatDecimal(v, t.GetScale())), t.GetPrecision(), t.GetScale())
	case int64:
		switch t := f.Type.(type) {
		case *arrow.Date32Type, *arrow.Date64Type:
			return "CAST(" + text(convert.Time(v, t).Format(time.DateOnly)) + " AS DATE)"
		case *arrow.TimestampType:
			at := convert.Time(v, t).UTC()
			if t.TimeZone != "" {
				return "CAST(" + text(at.Format("2006-01-02T15:04:05.000000Z")) + " AS TIMESTAMP WITH TIME ZONE)"
			}
			return "CAST(" + text(at.Format("2006-01-02T15:04:05.000000")) + " AS TIMESTAMP)"
		}
		return strconv.FormatInt(v, 10)
	default:
		return "NULL" // not reached: exactly lets nothing else through
	}
}
