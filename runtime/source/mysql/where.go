package mysql

import (
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
)

// MySQL's times: the years 1 to 9999.
var (
	oldest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	newest = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// exactly returns what tells whether the server evaluates a leaf as the types of the columns mean it.
func exactly(texts map[string]bool) func(leaf filter.Node) bool {
	return func(leaf filter.Node) bool {
		n, ok := leaf.(filter.Compare)
		if !ok {
			return filter.Native(leaf)
		}
		switch v := n.Value.(type) {
		case string:
			return texts[n.Field.Name]
		case float64:
			return !math.IsNaN(v) && !math.IsInf(v, 0)
		case int64:
			if id := n.Field.Type.ID(); id == arrow.DATE32 || id == arrow.TIMESTAMP {
				at := convert.Time(v, n.Field.Type)
				return !at.Before(oldest) && at.Before(newest)
			}
		}
		return true
	}
}

// dialect writes predicates in MySQL's SQL. Text compares by the bytes of its UTF-8, whatever the collation
// of the column is: no collation of all servers has upper case, accents and trailing spaces count.
func dialect() filter.Dialect {
	return filter.Dialect{Column: func(f arrow.Field) string {
		if f.Type.ID() == arrow.STRING {
			return "CAST(CONVERT(" + quote(f.Name) + " USING utf8mb4) AS BINARY)"
		}
		return quote(f.Name)
	}, Literal: literal}
}

// literal writes a value of a column's domain (see filter.Compare).
func literal(f arrow.Field, value any) string {
	switch v := value.(type) {
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case string:
		return "x'" + hex.EncodeToString([]byte(v)) + "'"
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	case *big.Int:
		return convert.FormatDecimal(v, f.Type.(arrow.DecimalType).GetScale())
	case int64:
		switch t := f.Type.(type) {
		case *arrow.Date32Type:
			return convert.Time(v, t).Format("DATE'2006-01-02'")
		case *arrow.TimestampType:
			return convert.Time(v, t).Format("TIMESTAMP'2006-01-02 15:04:05.000000'")
		case *arrow.Time64Type:
			return "TIME'" + convert.FormatTimeOfDay(v, t) + "'"
		}
		return strconv.FormatInt(v, 10)
	default:
		return "NULL" // not reached: filter.Bind returns nothing else
	}
}
