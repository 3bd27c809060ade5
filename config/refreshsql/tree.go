package refreshsql

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Walk calls f for a node and everything in it, from the outside in. It stops at the first error. f may
// change the node; what it puts there is walked, too.
func Walk(n *pg.Node, f func(*pg.Node) error) error {
	if n == nil || n.Node == nil {
		return nil
	}
	if err := f(n); err != nil {
		return err
	}
	return each(n.ProtoReflect(), func(m protoreflect.Message) error { return descend(m, f) })
}

// descend finds the nodes in a message that is not a node itself.
func descend(m protoreflect.Message, f func(*pg.Node) error) error {
	if n, ok := m.Interface().(*pg.Node); ok {
		return Walk(n, f)
	}
	return each(m, func(m protoreflect.Message) error { return descend(m, f) })
}

// each calls f for the messages directly in m.
func each(m protoreflect.Message, f func(protoreflect.Message) error) (err error) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = f(v.List().Get(i).Message())
			}
		default:
			err = f(v.Message())
		}
		return err == nil
	})
	return err
}

// Rewrite returns a copy of an expression in which f changed nodes in place, from the outside in.
func Rewrite(n *pg.Node, f func(*pg.Node)) *pg.Node {
	out := proto.Clone(n).(*pg.Node)
	_ = Walk(out, func(n *pg.Node) error { f(n); return nil })
	return out
}

// bare is a copy without places, to compare expressions.
func bare(n *pg.Node) *pg.Node {
	out := proto.Clone(n).(*pg.Node)
	var clear func(m protoreflect.Message) error
	clear = func(m protoreflect.Message) error {
		if fd := m.Descriptor().Fields().ByName("location"); fd != nil {
			m.Clear(fd)
		}
		return each(m, clear)
	}
	_ = clear(out.ProtoReflect())
	return out
}

// location is where a node begins, in bytes: the least place of anything in it, else 0.
func location(n *pg.Node) int {
	least := 0
	var look func(m protoreflect.Message) error
	look = func(m protoreflect.Message) error {
		if fd := m.Descriptor().Fields().ByName("location"); fd != nil {
			if at := int(m.Get(fd).Int()); at > 0 && (least == 0 || at < least) {
				least = at
			}
		}
		return each(m, look)
	}
	if n != nil {
		_ = look(n.ProtoReflect())
	}
	return least
}

// Function returns the name of a function without the schema pg_catalog, or "".
func Function(n *pg.Node) string {
	var parts []string
	for _, p := range n.GetFuncCall().GetFuncname() {
		parts = append(parts, p.GetString_().GetSval())
	}
	return strings.TrimPrefix(strings.Join(parts, "."), "pg_catalog.")
}

// aggregates are functions over many rows. A name that is missing here is found where the condition is
// bound to the columns.
var aggregates = []string{"any_value", "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr",
	"count", "covar_pop", "covar_samp", "cume_dist", "dense_rank", "every", "first_value", "json_agg", "json_object_agg",
	"jsonb_agg", "jsonb_object_agg", "lag", "last_value", "lead", "max", "median", "min", "mode", "nth_value", "ntile",
	"percent_rank", "percentile_cont", "percentile_disc", "range_agg", "rank", "row_number", "stddev", "stddev_pop",
	"stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance"}

// forbidden names what must not be in a condition on one row of the dataset, or returns "".
func forbidden(n *pg.Node) string {
	switch v := n.Node.(type) {
	case *pg.Node_SubLink:
		return "a sub-select"
	case *pg.Node_ParamRef:
		return "a placeholder such as $1"
	case *pg.Node_FuncCall:
		f := v.FuncCall
		switch {
		case f.Over != nil:
			return "a window function"
		case f.AggStar || f.AggDistinct || f.AggWithinGroup || f.AggFilter != nil || len(f.AggOrder) > 0,
			slices.Contains(aggregates, Function(n)):
			return "the aggregate " + Function(n)
		}
	case *pg.Node_AExpr:
		if v.AExpr.Kind == pg.A_Expr_Kind_AEXPR_SIMILAR {
			return "SIMILAR TO"
		}
	case *pg.Node_SqlvalueFunction:
		if v.SqlvalueFunction.Op >= pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE {
			return "the session's user or schema"
		}
	case *pg.Node_SetToDefault:
		return "DEFAULT"
	case *pg.Node_CurrentOfExpr:
		return "CURRENT OF"
	case *pg.Node_ColumnRef, *pg.Node_BoolExpr, *pg.Node_NullTest, *pg.Node_BooleanTest, *pg.Node_TypeCast,
		*pg.Node_TypeName, *pg.Node_CaseExpr, *pg.Node_CaseWhen, *pg.Node_CoalesceExpr, *pg.Node_MinMaxExpr,
		*pg.Node_AArrayExpr, *pg.Node_RowExpr, *pg.Node_List, *pg.Node_CollateClause,
		*pg.Node_AIndirection, *pg.Node_AIndices, *pg.Node_AConst, *pg.Node_String_, *pg.Node_Integer, *pg.Node_Float,
		*pg.Node_Boolean, *pg.Node_BitString, *pg.Node_AStar:
	default:
		return "such an expression"
	}
	return ""
}
