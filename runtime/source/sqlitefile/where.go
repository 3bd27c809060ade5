package sqlitefile

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// exactly returns what tells whether SQLite evaluates a leaf as the types of the columns mean it. Times
// have several forms, decimals are compared as doubles, and where a text may be a number, as in columns
// that are not in texts, the order is another one.
func exactly(texts map[string]bool) func(leaf filter.Node) bool {
	return func(leaf filter.Node) bool {
		n, ok := leaf.(filter.Compare)
		if !ok {
			return filter.Native(leaf)
		}
		switch v := n.Value.(type) {
		case string:
			return texts[n.Field.Name] && !strings.ContainsRune(v, 0)
		case float64:
			return !math.IsNaN(v) && !math.IsInf(v, 0)
		case int64:
			switch n.Field.Type.ID() {
			case arrow.INT64:
				return true
			case arrow.DATE32: // the years 1 to 9999, which sort as text
				return v >= -719_162 && v <= 2_932_896
			}
			return false
		}
		return n.Field.Type.ID() == arrow.BOOL
	}
}

func dialect() filter.Dialect {
	return filter.Dialect{
		Column: func(f arrow.Field) string {
			if f.Type.ID() == arrow.STRING {
				return dbfile.Ident(f.Name) + " COLLATE BINARY"
			}
			return dbfile.Ident(f.Name)
		},
		Literal: func(f arrow.Field, value any) string {
			switch v := value.(type) {
			case bool:
				return map[bool]string{false: "0", true: "1"}[v]
			case float64:
				return strconv.FormatFloat(v, 'e', -1, 64)
			case string:
				return dbfile.Text(v)
			case int64:
				if f.Type.ID() == arrow.DATE32 {
					return dbfile.Text(arrow.Date32(v).ToTime().Format(time.DateOnly))
				}
				return strconv.FormatInt(v, 10)
			default:
				return "NULL" // not reached: exactly lets nothing else through
			}
		},
	}
}
