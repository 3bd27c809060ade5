// Package filter gives predicates one meaning for all engines. Bind resolves a predicate against a
// recorded schema: columns become indices and every compared value becomes an exact value of its
// column's own domain (a whole number of the column's units, an unscaled decimal, ...), so that
// evaluating over Arrow arrays and writing SQL cannot disagree. NaN equals itself and is greater
// than every other number, as in DuckDB and Postgres. Conditions in SQL, and texts that hold times, are
// only evaluated over Arrow arrays: no database reads them as this package does. The package starts
// no goroutines.
package filter

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

// Node is a bound predicate.
type Node interface{ node() }

// Compare compares a column with a value of its domain, which is never NULL:
//
//	bool                    bool
//	int8 .. int64           int64
//	uint8 .. uint64         uint64
//	float32, float64        float64
//	decimal                 *big.Int, unscaled
//	utf8, large_utf8        string
//	binary                  []byte
//	date, time, timestamp   int64, in the units of the column
type Compare struct {
	Column int
	Field  arrow.Field
	Op     engines.Op
	Value  any
}

// Const is Truth where the column is not NULL, and NULL where it is: a comparison with a value that
// lies outside of the column's domain.
type Const struct {
	Column int
	Field  arrow.Field
	Truth  bool
}

// IsNull is true where the column is NULL, else false.
type IsNull struct {
	Column int
	Field  arrow.Field
}

// Instant compares the time that a text column holds (see ParseInstant) with a time; other text is NULL.
type Instant struct {
	Column int
	Field  arrow.Field
	Op     engines.Op
	Value  time.Time
}

// Free is a free condition in SQL over the columns Columns.
type Free struct {
	Text    string
	Columns []int
	run     Evaluate
}

// Among is engines.Among over the columns Columns.
type Among struct {
	Columns []int
	set     *amongSet
}

// And, Or and Not combine nodes with three-valued logic. An empty And is true, an empty Or false.
type (
	And []Node
	Or  []Node
	Not struct{ Of Node }
)

func (Compare) node() {}
func (Const) node()   {}
func (IsNull) node()  {}
func (Instant) node() {}
func (Free) node()    {}
func (Among) node()   {}
func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}

// maxDepth bounds how deeply predicates may nest.
const maxDepth = 200

// Bind resolves p; nil becomes the empty And. Errors name the column: it does not exist (Kind
// NotFound), or its type cannot be compared with the value (Kind Invalid). So is a condition in SQL.
func Bind(s *arrow.Schema, p engines.Predicate) (Node, error) { return BindSQL(s, p, nil) }

// BindSQL is Bind with a function for conditions in SQL; nil is of Kind Invalid where there is one.
func BindSQL(s *arrow.Schema, p engines.Predicate, run Evaluate) (Node, error) {
	return binder{s, run}.bind(p, 0)
}

type binder struct {
	schema *arrow.Schema
	run    Evaluate
}

func (b binder) bind(p engines.Predicate, depth int) (Node, error) {
	s := b.schema
	if depth > maxDepth {
		return nil, invalid("predicate nested deeper than %d", maxDepth)
	}
	switch p := p.(type) {
	case nil:
		return And{}, nil
	case engines.And:
		parts, err := b.all(p, depth)
		return And(parts), err
	case engines.Or:
		parts, err := b.all(p, depth)
		return Or(parts), err
	case engines.Not:
		of, err := b.bind(p.Of, depth+1)
		return Not{of}, err
	case engines.IsNull:
		i, f, err := column(s, p.Column)
		return IsNull{i, f}, err
	case engines.Compare:
		i, f, err := column(s, p.Column)
		if err != nil {
			return nil, err
		}
		if !known(p.Op) {
			return nil, invalid("column %q: unknown operator %q", p.Column, p.Op)
		}
		return compare(i, f, p.Op, p.Value)
	case engines.CompareText:
		return instant(s, p)
	case engines.SQL:
		return b.sql(p)
	case engines.Among:
		return among(s, p)
	default:
		return nil, invalid("unknown predicate %T", p)
	}
}

// instant binds a comparison of text with a time.
func instant(s *arrow.Schema, p engines.CompareText) (Node, error) {
	i, f, err := column(s, p.Column)
	switch {
	case err != nil:
		return nil, err
	case !known(p.Op):
		return nil, invalid("column %q: unknown operator %q", p.Column, p.Op)
	case f.Type.ID() == arrow.NULL:
		return Const{i, f, false}, nil
	case f.Type.ID() != arrow.STRING && f.Type.ID() != arrow.LARGE_STRING:
		return nil, invalid("column %q (%s) holds no text", p.Column, f.Type)
	}
	return Instant{i, f, p.Op, p.Value}, nil
}

// sql binds a free condition.
func (b binder) sql(p engines.SQL) (Node, error) {
	if b.run == nil {
		return nil, invalid("a condition in SQL can't be evaluated here: %s", p.Text)
	}
	n := Free{Text: p.Text, run: b.run}
	for _, name := range p.Columns {
		i, _, err := column(b.schema, name)
		if err != nil {
			return nil, err
		}
		n.Columns = append(n.Columns, i)
	}
	return n, nil
}

func known(op engines.Op) bool {
	switch op {
	case engines.Eq, engines.Ne, engines.Lt, engines.Le, engines.Gt, engines.Ge:
		return true
	default:
		return false
	}
}

func (b binder) all(parts []engines.Predicate, depth int) ([]Node, error) {
	out := make([]Node, 0, len(parts))
	for _, p := range parts {
		n, err := b.bind(p, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func column(s *arrow.Schema, name string) (int, arrow.Field, error) {
	at := s.FieldIndices(name)
	if len(at) == 0 {
		return 0, arrow.Field{}, &engines.Error{Op: "filter", Kind: engines.NotFound, Err: fmt.Errorf("no column %q", name)}
	}
	return at[0], s.Field(at[0]), nil
}

func invalid(format string, args ...any) error {
	return &engines.Error{Op: "filter", Kind: engines.Invalid, Err: fmt.Errorf(format, args...)}
}
