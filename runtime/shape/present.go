package shape

import (
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/refreshsql"
)

// present replaces what reads the clock by constants, so that a condition means the same for every row
// and every batch of a run.
func present(n *pg.Node, now time.Time) *pg.Node {
	now = now.UTC().Truncate(time.Microsecond)
	constant := func(layout, typ string) *pg.Node {
		return cast(now.Format(layout), typ)
	}
	return refreshsql.Rewrite(n, func(n *pg.Node) {
		var as *pg.Node
		switch v := n.Node.(type) {
		case *pg.Node_FuncCall:
			switch k := clockFunctions[refreshsql.Function(n)]; {
			case k == instant && len(v.FuncCall.Args) == 0:
				as = constant("2006-01-02 15:04:05.999999+00", "timestamptz")
			case k == date && len(v.FuncCall.Args) == 0:
				as = constant(time.DateOnly, "date")
			case refreshsql.Function(n) == "age" && len(v.FuncCall.Args) == 1: // the time since midnight today
				v.FuncCall.Args = append([]*pg.Node{constant(time.DateOnly, "timestamp")}, v.FuncCall.Args...)
			}
		case *pg.Node_SqlvalueFunction:
			switch v.SqlvalueFunction.Op {
			case pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:
				as = constant(time.DateOnly, "date")
			case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N:
				as = constant("2006-01-02 15:04:05.999999+00", "timestamptz")
			case pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP, pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:
				as = constant("2006-01-02 15:04:05.999999", "timestamp")
			case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:
				as = constant("15:04:05.999999+00", "timetz")
			case pg.SQLValueFunctionOp_SVFOP_LOCALTIME, pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N:
				as = constant("15:04:05.999999", "time")
			}
		}
		if as != nil {
			n.Node = as.Node
		}
	})
}

// cast is 'text'::typ.
func cast(text, typ string) *pg.Node {
	name := &pg.TypeName{Names: []*pg.Node{pg.MakeStrNode(typ)}, Typemod: -1}
	if typ != "date" { // as the parser has them
		name.Names = append([]*pg.Node{pg.MakeStrNode("pg_catalog")}, name.Names...)
	}
	return &pg.Node{Node: &pg.Node_TypeCast{TypeCast: &pg.TypeCast{Arg: pg.MakeAConstStrNode(text, -1), TypeName: name, Location: -1}}}
}
