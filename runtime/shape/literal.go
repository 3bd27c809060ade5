package shape

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/refreshsql"
)

// kind is the SQL type of a literal.
type kind int

const (
	whole     kind = iota + 1 // an integer that fits int64 or uint64
	decimal                   // digits with a point
	double                    // digits with an exponent, or a cast
	boolean                   //
	unknown                   // a string that takes the type of what it is compared with
	text                      // a string
	date                      //
	timestamp                 // without zone
	instant                   // a timestamp with time zone
	span                      // an interval
)

// literal is a value of a condition.
type literal struct {
	kind kind
	rat  *big.Rat // whole, decimal, exactly
	text string   // decimal, unknown, text: as written
	f    float64
	b    bool
	t    time.Time // UTC, whole microseconds
	span interval
}

// literals reads constants; now is what now() is.
type literals struct{ now time.Time }

// read returns the constant that an expression is, if it can say so with certainty.
func (c literals) read(n *pg.Node) (literal, bool) {
	switch v := n.GetNode().(type) {
	case *pg.Node_AConst:
		return constant(v.AConst)
	case *pg.Node_TypeCast:
		return c.cast(v.TypeCast)
	case *pg.Node_FuncCall:
		if k := clockFunctions[refreshsql.Function(n)]; k != 0 && len(v.FuncCall.Args) == 0 {
			return c.clock(k), true
		}
	case *pg.Node_SqlvalueFunction:
		if k := clockValues[v.SqlvalueFunction.Op]; k != 0 {
			return c.clock(k), true
		}
	case *pg.Node_AExpr:
		return c.sum(v.AExpr)
	}
	return literal{}, false
}

// clockFunctions and clockValues are what gives the present, with its type.
var (
	clockFunctions = map[string]kind{"now": instant, "transaction_timestamp": instant, "statement_timestamp": instant,
		"clock_timestamp": instant, "get_current_timestamp": instant, "today": date}
	clockValues = map[pg.SQLValueFunctionOp]kind{pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE: date,
		pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP: instant, pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP: timestamp}
)

func (c literals) clock(k kind) literal {
	now := c.now.UTC().Truncate(time.Microsecond)
	if k == date {
		now = midnight(now)
	}
	return literal{kind: k, t: now}
}

func midnight(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

var decimalText = regexp.MustCompile(`^-?\d*\.\d*$`)

func constant(c *pg.A_Const) (literal, bool) {
	if c.Isnull {
		return literal{}, false
	}
	switch v := c.Val.(type) {
	case *pg.A_Const_Ival:
		return literal{kind: whole, rat: new(big.Rat).SetInt64(int64(v.Ival.Ival))}, true
	case *pg.A_Const_Boolval:
		return literal{kind: boolean, b: v.Boolval.Boolval}, true
	case *pg.A_Const_Sval:
		return literal{kind: unknown, text: v.Sval.Sval}, true
	case *pg.A_Const_Fval:
		return number(v.Fval.Fval)
	default:
		return literal{}, false
	}
}

// number reads digits that do not fit 32 bits, have a point or an exponent.
func number(s string) (literal, bool) {
	if i, ok := new(big.Int).SetString(s, 10); ok {
		return literal{kind: whole, rat: new(big.Rat).SetInt(i)}, i.IsInt64() || i.IsUint64()
	}
	if decimalText.MatchString(s) && len(s) <= 39 {
		r, ok := new(big.Rat).SetString(s)
		return literal{kind: decimal, rat: r, text: s}, ok
	}
	if strings.ContainsAny(s, "eE") {
		f, err := strconv.ParseFloat(s, 64)
		return literal{kind: double, f: f}, err == nil
	}
	return literal{}, false
}

// castTypes are the types a constant may be cast to.
var castTypes = map[string]kind{"date": date, "timestamp": timestamp, "timestamptz": instant, "interval": span,
	"int2": whole, "int4": whole, "int8": whole, "float8": double, "text": text, "varchar": text}

// castBits are the sizes of the integers.
var castBits = map[string]int{"int2": 16, "int4": 32, "int8": 64}

func (c literals) cast(n *pg.TypeCast) (literal, bool) {
	name := n.TypeName.Names[len(n.TypeName.Names)-1].GetString_().GetSval()
	to := castTypes[name]
	if to == span {
		s, ok := intervalText(n)
		if !ok {
			return literal{}, false
		}
		v, ok := parseInterval(s)
		return literal{kind: span, span: v}, ok
	}
	in, ok := c.read(n.Arg)
	if !ok || to == 0 || len(n.TypeName.Typmods) > 0 || len(n.TypeName.ArrayBounds) > 0 || n.TypeName.Setof {
		return literal{}, false
	}
	switch {
	case to == whole && in.kind == whole:
		return in, in.rat.Num().IsInt64() && in.rat.Num().BitLen() < castBits[name]
	case to == double && (in.kind == decimal || in.kind == whole):
		f, ok := exactDouble(in)
		return literal{kind: double, f: f}, ok
	case to == double && in.kind == double:
		return in, true
	case to == text && (in.kind == unknown || in.kind == text):
		return literal{kind: text, text: in.text}, true
	case to == date || to == timestamp || to == instant:
		return in.asTime(to)
	}
	return literal{}, false
}

// intervalText returns the text of an interval, with the unit of interval '1' day in it.
func intervalText(n *pg.TypeCast) (string, bool) {
	c, ok := n.Arg.GetAConst().GetVal().(*pg.A_Const_Sval)
	if !ok {
		return "", false
	}
	switch mods := n.TypeName.Typmods; {
	case len(mods) == 0:
		return c.Sval.Sval, true
	case len(mods) == 1 && intervalMasks[mods[0].GetAConst().GetIval().GetIval()] != "" && wholeNumber.MatchString(c.Sval.Sval):
		return strings.TrimSpace(c.Sval.Sval) + " " + intervalMasks[mods[0].GetAConst().GetIval().GetIval()], true
	default:
		return "", false
	}
}

// sum adds an interval, or days, to a time.
func (c literals) sum(n *pg.A_Expr) (literal, bool) {
	if n.Kind != pg.A_Expr_Kind_AEXPR_OP || len(n.Name) != 1 || n.Lexpr == nil {
		return literal{}, false
	}
	sign := map[string]int{"+": 1, "-": -1}[n.Name[0].GetString_().GetSval()]
	a, okA := c.read(n.Lexpr)
	b, okB := c.read(n.Rexpr)
	if sign == 1 && a.kind == span {
		a, b = b, a
	}
	switch {
	case sign == 0 || !okA || !okB:
	case b.kind == span && (a.kind == date || a.kind == timestamp):
		return literal{kind: timestamp, t: b.span.add(a.t, sign)}, true
	case b.kind == span && a.kind == instant:
		return literal{kind: instant, t: b.span.add(a.t, sign)}, true
	case b.kind == whole && a.kind == date && b.rat.Num().BitLen() < 20:
		return literal{kind: date, t: a.t.AddDate(0, 0, sign*int(b.rat.Num().Int64()))}, true
	}
	return literal{}, false
}
