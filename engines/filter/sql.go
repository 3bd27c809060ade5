package filter

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Dialect writes the leaves of a predicate in one engine's SQL.
type Dialect struct {
	// Column writes a column reference.
	Column func(f arrow.Field) string
	// Literal writes a value of the column's domain (see Compare).
	Literal func(f arrow.Field, value any) string
}

// SQL writes a bound predicate as a SQL condition in parentheses.
func SQL(n Node, d Dialect) string {
	var b strings.Builder
	d.write(&b, n)
	return b.String()
}

// Where writes the part of the condition for the database as a clause, empty when there is none.
func (p *Plan) Where(d Dialect) string {
	if p.Push == nil {
		return ""
	}
	return " WHERE " + SQL(p.Push, d)
}

func (d Dialect) write(b *strings.Builder, n Node) {
	b.WriteByte('(')
	defer b.WriteByte(')')
	switch n := n.(type) {
	case And:
		d.join(b, n, " AND ", "1 = 1")
	case Or:
		d.join(b, n, " OR ", "1 = 0")
	case Not:
		b.WriteString("NOT ")
		d.write(b, n.Of)
	case IsNull:
		b.WriteString(d.Column(n.Field) + " IS NULL")
	case Const:
		// a comparison that is NULL for NULL and otherwise known
		op := " IS NULL THEN NULL ELSE 1 = 0 END"
		if n.Truth {
			op = " IS NULL THEN NULL ELSE 1 = 1 END"
		}
		b.WriteString("CASE WHEN " + d.Column(n.Field) + op)
	case Compare:
		b.WriteString(d.Column(n.Field) + " " + string(n.Op) + " " + d.Literal(n.Field, n.Value))
	}
}

// join halves the parts, so that a long list does not become a deep tree in the SQL parser.
func (d Dialect) join(b *strings.Builder, parts []Node, word, empty string) {
	switch len(parts) {
	case 0:
		b.WriteString(empty)
	case 1:
		d.write(b, parts[0])
	default:
		half := len(parts) / 2
		b.WriteByte('(')
		d.join(b, parts[:half], word, empty)
		b.WriteString(")" + word + "(")
		d.join(b, parts[half:], word, empty)
		b.WriteByte(')')
	}
}
