// Package filter gives predicates one meaning for all engines. Bind resolves a predicate against a
// recorded schema: columns become indices and every compared value becomes an exact value of its
// column's own domain (a whole number of the column's units, an unscaled decimal, ...), so that
// evaluating over Arrow arrays and writing SQL cannot disagree. NaN equals itself and is greater
// than every other number, as in DuckDB and Postgres. The package starts no goroutines.
package filter

import (
	"fmt"

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

// And, Or and Not combine nodes with three-valued logic. An empty And is true, an empty Or false.
type (
	And []Node
	Or  []Node
	Not struct{ Of Node }
)

func (Compare) node() {}
func (Const) node()   {}
func (IsNull) node()  {}
func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}

// maxDepth bounds how deeply predicates may nest.
const maxDepth = 200

// Bind resolves p; nil becomes the empty And. Errors name the column: it does not exist (Kind
// NotFound), or its type cannot be compared with the value (Kind Invalid).
func Bind(s *arrow.Schema, p engines.Predicate) (Node, error) { return bind(s, p, 0) }

func bind(s *arrow.Schema, p engines.Predicate, depth int) (Node, error) {
	if depth > maxDepth {
		return nil, invalid("predicate nested deeper than %d", maxDepth)
	}
	switch p := p.(type) {
	case nil:
		return And{}, nil
	case engines.And:
		parts, err := bindAll(s, p, depth)
		return And(parts), err
	case engines.Or:
		parts, err := bindAll(s, p, depth)
		return Or(parts), err
	case engines.Not:
		of, err := bind(s, p.Of, depth+1)
		return Not{of}, err
	case engines.IsNull:
		i, f, err := column(s, p.Column)
		return IsNull{i, f}, err
	case engines.Compare:
		i, f, err := column(s, p.Column)
		if err != nil {
			return nil, err
		}
		switch p.Op {
		case engines.Eq, engines.Ne, engines.Lt, engines.Le, engines.Gt, engines.Ge:
		default:
			return nil, invalid("column %q: unknown operator %q", p.Column, p.Op)
		}
		return compare(i, f, p.Op, p.Value)
	default:
		return nil, invalid("unknown predicate %T", p)
	}
}

func bindAll(s *arrow.Schema, parts []engines.Predicate, depth int) ([]Node, error) {
	out := make([]Node, 0, len(parts))
	for _, p := range parts {
		n, err := bind(s, p, depth+1)
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

// Columns returns the indices of the columns that a node looks at, each once.
func Columns(n Node) []int {
	seen := map[int]bool{}
	var out []int
	walk(n, func(i int) {
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	})
	return out
}

func walk(n Node, visit func(int)) {
	switch n := n.(type) {
	case Compare:
		visit(n.Column)
	case Const:
		visit(n.Column)
	case IsNull:
		visit(n.Column)
	case And:
		for _, p := range n {
			walk(p, visit)
		}
	case Or:
		for _, p := range n {
			walk(p, visit)
		}
	case Not:
		walk(n.Of, visit)
	}
}
