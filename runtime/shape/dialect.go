package shape

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/refreshsql"
)

// duckFunctions are functions that PostgreSQL's parser makes of its special syntax and that DuckDB has
// under another name.
var duckFunctions = map[string]string{"btrim": "trim", "extract": "date_part", "position": "strpos"}

// dialect rewrites an expression so that its text means in DuckDB what it means in PostgreSQL. Columns
// get the names that rename gives them, which are words in no dialect.
func dialect(n *pg.Node, rename func(string) string) *pg.Node {
	return refreshsql.Rewrite(n, func(n *pg.Node) {
		switch v := n.Node.(type) {
		case *pg.Node_ColumnRef:
			first := v.ColumnRef.Fields[0].GetString_()
			first.Sval = rename(first.Sval)
		case *pg.Node_FuncCall:
			name := refreshsql.Function(n)
			if v.FuncCall.Funcformat == pg.CoercionForm_COERCE_SQL_SYNTAX && duckFunctions[name] != "" {
				name = duckFunctions[name]
			}
			if !strings.Contains(name, ".") {
				v.FuncCall.Funcname = []*pg.Node{pg.MakeStrNode(name)}
				v.FuncCall.Funcformat = pg.CoercionForm_COERCE_EXPLICIT_CALL
			}
		case *pg.Node_TypeCast:
			if s, ok := intervalText(v.TypeCast); ok && len(v.TypeCast.TypeName.Typmods) == 1 {
				n.Node = cast(s, "interval").Node
			}
		case *pg.Node_AExpr:
			if as := operator(v.AExpr); as != nil {
				n.Node = as.Node
			}
		}
	})
}

// operator rewrites the operators that DuckDB understands differently; nil leaves one as it is.
func operator(e *pg.A_Expr) *pg.Node {
	if len(e.Name) != 1 {
		return nil
	}
	op, not := strings.CutPrefix(e.Name[0].GetString_().GetSval(), "!")
	var call *pg.Node
	switch {
	case e.Kind == pg.A_Expr_Kind_AEXPR_LIKE || e.Kind == pg.A_Expr_Kind_AEXPR_ILIKE:
		pattern, escape := e.Rexpr, pg.MakeAConstStrNode(`\`, -1) // DuckDB's has no escape by default
		if f := e.Rexpr.GetFuncCall(); refreshsql.Function(e.Rexpr) == "like_escape" && len(f.Args) == 2 {
			pattern, escape = f.Args[0], f.Args[1]
		} else if s, ok := e.Rexpr.GetAConst().GetVal().(*pg.A_Const_Sval); ok && !strings.Contains(s.Sval.Sval, `\`) {
			return nil
		}
		name := map[bool]string{true: "i"}[op == "~~*"] + "like_escape"
		call = function(name, e.Lexpr, pattern, escape)
	case e.Kind == pg.A_Expr_Kind_AEXPR_OP && (op == "~" || op == "~*") && e.Lexpr != nil: // DuckDB's matches the whole text
		call = function("regexp_matches", e.Lexpr, e.Rexpr, pg.MakeAConstStrNode(map[bool]string{true: "i"}[op == "~*"]+"s", -1))
	default:
		return nil
	}
	if not {
		return pg.MakeBoolExprNode(pg.BoolExprType_NOT_EXPR, []*pg.Node{call}, -1)
	}
	return call
}

func function(name string, args ...*pg.Node) *pg.Node {
	return pg.MakeFuncCallNode([]*pg.Node{pg.MakeStrNode(name)}, args, -1)
}
