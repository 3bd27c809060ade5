package shape

import (
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/refreshsql"
	"pitwall/engines"
	"pitwall/engines/filter"
)

// Translate splits a condition at its top-level ANDs. where has the parts that a predicate expresses with
// exactly the same meaning on the columns of a schema, rest the others in PostgreSQL's syntax with
// now() and its like replaced by now, in microseconds; either may be empty. A nil condition is empty.
//
// The error is a *refreshsql.Error: a column is not in the schema.
func Translate(c *refreshsql.Condition, schema *arrow.Schema, now time.Time) (where engines.Predicate, rest string, err error) {
	if c == nil {
		return nil, "", nil
	}
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	if err := c.CheckColumns(names); err != nil {
		return nil, "", err
	}
	t := translator{schema: engines.Recorded(schema), literals: literals{now}}
	var known engines.And
	var others []*pg.Node
	for _, part := range c.Conjuncts {
		p, ok := t.predicate(part)
		if ok {
			_, err := filter.Bind(t.schema, p)
			ok = err == nil
		}
		if ok {
			known = append(known, p)
		} else {
			others = append(others, present(part, now))
		}
	}
	if len(known) > 0 {
		where = known
	}
	rest, err = refreshsql.And(others)
	return where, rest, err
}

type translator struct {
	schema   *arrow.Schema
	literals literals
}

// predicate translates one expression, or says that it does not.
func (t translator) predicate(n *pg.Node) (engines.Predicate, bool) {
	switch v := n.GetNode().(type) {
	case *pg.Node_BoolExpr:
		return t.connective(v.BoolExpr)
	case *pg.Node_ColumnRef:
		f, ok := t.column(n)
		return engines.Compare{Column: f.Name, Op: engines.Eq, Value: true}, ok && f.Type.ID() == arrow.BOOL
	case *pg.Node_NullTest:
		f, ok := t.column(v.NullTest.Arg)
		p := engines.Predicate(engines.IsNull{Column: f.Name})
		if v.NullTest.Nulltesttype == pg.NullTestType_IS_NOT_NULL {
			p = engines.Not{Of: p}
		}
		return p, ok && testable(f.Type.ID())
	case *pg.Node_BooleanTest:
		f, ok := t.column(v.BooleanTest.Arg)
		return booleanTest(f.Name, v.BooleanTest.Booltesttype), ok && f.Type.ID() == arrow.BOOL
	case *pg.Node_AExpr:
		return t.comparison(v.AExpr)
	}
	return nil, false
}

// testable leaves out types whose NULLs are not in their validity bitmap.
func testable(id arrow.Type) bool {
	return id != arrow.SPARSE_UNION && id != arrow.DENSE_UNION && id != arrow.RUN_END_ENCODED
}

func (t translator) connective(b *pg.BoolExpr) (engines.Predicate, bool) {
	parts := make([]engines.Predicate, len(b.Args))
	for i, a := range b.Args {
		p, ok := t.predicate(a)
		if !ok {
			return nil, false
		}
		parts[i] = p
	}
	switch b.Boolop {
	case pg.BoolExprType_AND_EXPR:
		return engines.And(parts), true
	case pg.BoolExprType_OR_EXPR:
		return engines.Or(parts), true
	default:
		return engines.Not{Of: parts[0]}, b.Boolop == pg.BoolExprType_NOT_EXPR
	}
}

// booleanTest is IS [NOT] TRUE, FALSE or UNKNOWN, which are never NULL.
func booleanTest(column string, test pg.BoolTestType) engines.Predicate {
	null := engines.IsNull{Column: column}
	is := func(v bool) engines.Predicate {
		return engines.And{engines.Not{Of: null}, engines.Compare{Column: column, Op: engines.Eq, Value: v}}
	}
	switch test {
	case pg.BoolTestType_IS_TRUE:
		return is(true)
	case pg.BoolTestType_IS_NOT_TRUE:
		return engines.Not{Of: is(true)}
	case pg.BoolTestType_IS_FALSE:
		return is(false)
	case pg.BoolTestType_IS_NOT_FALSE:
		return engines.Not{Of: is(false)}
	case pg.BoolTestType_IS_NOT_UNKNOWN:
		return engines.Not{Of: null}
	default:
		return null
	}
}

// flipped are the comparisons with their sides changed.
var flipped = map[engines.Op]engines.Op{engines.Eq: engines.Eq, engines.Ne: engines.Ne, engines.Lt: engines.Gt,
	engines.Le: engines.Ge, engines.Gt: engines.Lt, engines.Ge: engines.Le}

// comparison translates column op literal, IN and BETWEEN.
func (t translator) comparison(e *pg.A_Expr) (engines.Predicate, bool) {
	if len(e.Name) != 1 {
		return nil, false
	}
	op := engines.Op(e.Name[0].GetString_().GetSval())
	f, ok := t.column(e.Lexpr)
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		other := e.Rexpr
		if !ok {
			f, ok = t.column(e.Rexpr)
			op, other = flipped[op], e.Lexpr
		}
		v, known := t.values(f, other)
		if !ok || !known || flipped[op] == "" {
			return nil, false
		}
		return engines.Compare{Column: f.Name, Op: op, Value: v[0]}, true
	case pg.A_Expr_Kind_AEXPR_IN:
		v, known := t.values(f, e.Rexpr.GetList().GetItems()...)
		if !ok || !known {
			return nil, false
		}
		any := make(engines.Or, len(v))
		for i := range v {
			any[i] = engines.Compare{Column: f.Name, Op: engines.Eq, Value: v[i]}
		}
		return negate(any, op == engines.Ne), true
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		v, known := t.values(f, e.Rexpr.GetList().GetItems()...)
		if !ok || !known || len(v) != 2 {
			return nil, false
		}
		return negate(engines.And{engines.Compare{Column: f.Name, Op: engines.Ge, Value: v[0]},
			engines.Compare{Column: f.Name, Op: engines.Le, Value: v[1]}}, e.Kind == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN), true
	}
	return nil, false
}

func negate(p engines.Predicate, not bool) engines.Predicate {
	if not {
		return engines.Not{Of: p}
	}
	return p
}

// column returns the field that an expression is, if it is nothing else.
func (t translator) column(n *pg.Node) (arrow.Field, bool) {
	parts := n.GetColumnRef().GetFields()
	if len(parts) != 1 {
		return arrow.Field{}, false
	}
	at := t.schema.FieldIndices(parts[0].GetString_().GetSval())
	if len(at) != 1 {
		return arrow.Field{}, false
	}
	return t.schema.Field(at[0]), true
}

// values reads the constants that a column is compared with as values of a predicate. They must be of
// one kind: what several kinds become together is left to the engine.
func (t translator) values(f arrow.Field, nodes ...*pg.Node) ([]any, bool) {
	var all []literal
	for _, n := range nodes {
		l, ok := t.literals.read(n)
		if !ok || len(all) > 0 && all[0].kind != l.kind {
			return nil, false
		}
		all = append(all, l)
	}
	if len(all) == 0 || f.Type == nil {
		return nil, false
	}
	if d, ok := f.Type.(arrow.DecimalType); ok && !decimalsFit(d, all) {
		return nil, false
	}
	out := make([]any, len(all))
	for i, l := range all {
		v, ok := value(f.Type, l)
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

// value is the value of a predicate for a constant compared with a column of a type, if both mean the same.
func value(t arrow.DataType, l literal) (any, bool) {
	switch id := t.ID(); {
	case id == arrow.BOOL:
		return l.b, l.kind == boolean
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		return l.text, l.kind == unknown || l.kind == text
	case arrow.IsInteger(id):
		return integer(l)
	case arrow.IsDecimal(id) && l.kind == decimal:
		return l.text, true
	case arrow.IsDecimal(id):
		return integer(l)
	case id == arrow.FLOAT64:
		return exactDouble(l)
	case id == arrow.FLOAT32:
		f, ok := exactDouble(l)
		exact := float64(float32(f)) == f && (l.rat == nil || new(big.Rat).SetFloat64(f).Cmp(l.rat) == 0)
		return f, ok && exact
	case id == arrow.DATE32 || id == arrow.DATE64:
		if l.kind == unknown {
			l, ok := l.asTime(date)
			return l.t, ok
		}
		return l.t, l.kind == date || l.kind == timestamp || l.kind == instant
	case id == arrow.TIMESTAMP:
		to := timestamp
		if t.(*arrow.TimestampType).TimeZone != "" {
			to = instant
		}
		l, ok := l.asTime(to)
		return l.t, ok
	}
	return nil, false
}

func integer(l literal) (any, bool) {
	if l.kind != whole {
		return nil, false
	}
	if n := l.rat.Num(); !n.IsInt64() {
		return n.Uint64(), true
	}
	return l.rat.Num().Int64(), true
}

// exactDouble is the double that a constant becomes, where all ways to convert it give the same one:
// integers and unscaled decimals of at most 53 bits, divided by a power of ten that a double holds.
func exactDouble(l literal) (float64, bool) {
	switch l.kind {
	case double:
		return l.f, !math.IsInf(l.f, 0)
	case whole:
		f, exact := l.rat.Float64()
		return f, exact && math.Abs(f) <= 1<<53
	case decimal:
		digits, scale := unscaled(l.text)
		f, _ := l.rat.Float64()
		return f, digits.BitLen() <= 53 && scale <= 22
	default:
		return 0, false
	}
}

// decimalsFit says whether the type that a decimal column and its constants have in common keeps all
// their digits: a common type is cut at 38, which would round.
func decimalsFit(d arrow.DecimalType, all []literal) bool {
	scale := int(d.GetScale())
	before, after := int(d.GetPrecision())-scale, scale
	if d.GetPrecision() > 38 || scale < 0 {
		return true // no engine but this one's compares those
	}
	for _, l := range all {
		switch l.kind {
		case whole:
			before = max(before, 20)
		case decimal:
			digits, s := unscaled(l.text)
			before, after = max(before, len(digits.String())-s), max(after, s)
		}
	}
	return before+after <= 38
}

// unscaled takes a decimal apart into its digits and how many of them are behind the point.
func unscaled(s string) (*big.Int, int) {
	for i := range s {
		if s[i] == '.' {
			n, _ := new(big.Int).SetString("0"+s[:i]+s[i+1:], 10)
			if s[0] == '-' {
				n, _ = new(big.Int).SetString("0"+s[1:i]+s[i+1:], 10)
			}
			return n, len(s) - i - 1
		}
	}
	return new(big.Int), 0
}
