package engines

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// Selector is an engine that runs SQL over its dataset itself.
type Selector interface {
	// Select runs one query, which must be a SELECT that reads nothing but the dataset. sql makes its text
	// of the name that the dataset has in it. Reading it never blocks a writer. The caller releases the
	// reader, whose schema is that of the result.
	Select(ctx context.Context, sql func(table string) string) (array.RecordReader, error)
}

// Text writes a predicate for people.
func Text(p Predicate) string {
	switch p := p.(type) {
	case nil:
		return "true"
	case Compare:
		return fmt.Sprintf("%s %s %s", p.Column, p.Op, literal(p.Value))
	case CompareText:
		return fmt.Sprintf("%s %s %s", p.Column, p.Op, literal(p.Value))
	case IsNull:
		return p.Column + " IS NULL"
	case SQL:
		return p.Text
	case Not:
		return "NOT (" + Text(p.Of) + ")"
	case And:
		return list(p, " AND ", "true")
	case Or:
		return list(p, " OR ", "false")
	default:
		return fmt.Sprintf("%T", p)
	}
}

func literal(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case time.Time:
		return "'" + v.UTC().Format(time.RFC3339Nano) + "'"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	default:
		return fmt.Sprint(v)
	}
}

func list(parts []Predicate, word, empty string) string {
	if len(parts) == 0 {
		return empty
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = Text(p)
		switch p.(type) {
		case And, Or:
			if len(parts) > 1 {
				out[i] = "(" + out[i] + ")"
			}
		}
	}
	return strings.Join(out, word)
}
