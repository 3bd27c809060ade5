package refreshsql

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// Condition is the expression of a WHERE. It is not changed after it was parsed.
type Condition struct {
	// SQL is the condition in PostgreSQL's syntax, written anew. Columns carry no table.
	SQL string
	// Conjuncts are the parts of the top-level AND, as PostgreSQL's syntax trees; there is at least one.
	// They must not be changed, see Rewrite.
	Conjuncts []*pg.Node

	src  string
	refs []ref
}

// String returns SQL.
func (c *Condition) String() string { return c.SQL }

// Columns are the names of the columns the condition mentions, each once.
func (c *Condition) Columns() []string {
	var out []string
	for _, r := range c.refs {
		if !slices.Contains(out, r.name) {
			out = append(out, r.name)
		}
	}
	return out
}

// Calls tells whether the condition calls a function, such as now(): then it may decide otherwise about
// the same row another time.
func (c *Condition) Calls() bool {
	found := errors.New("found")
	for _, n := range c.Conjuncts {
		err := Walk(n, func(n *pg.Node) error {
			if n.GetFuncCall() != nil || n.GetSqlvalueFunction() != nil {
				return found
			}
			return nil
		})
		if err != nil {
			return true
		}
	}
	return false
}

// ParseCondition reads a condition alone, such as Condition.SQL. Every error is an *Error.
func ParseCondition(sql string) (*Condition, error) {
	// A line of its own, for a comment at the end.
	q, stmt, err := parseOne("SELECT (\n"+sql+"\n)", "dataset", "SELECT")
	if err != nil {
		return nil, err
	}
	s := stmt.GetSelectStmt()
	plain := s != nil && len(s.TargetList) == 1 && len(s.FromClause) == 0 && s.WhereClause == nil && s.GroupClause == nil &&
		s.HavingClause == nil && s.SortClause == nil && s.LimitCount == nil && s.LimitOffset == nil && s.IntoClause == nil &&
		s.WithClause == nil && s.Op == pg.SetOperation_SETOP_NONE
	if !plain || s.TargetList[0].GetResTarget().GetVal() == nil || s.TargetList[0].GetResTarget().Val.GetRowExpr() != nil {
		return nil, q.fail(Syntax, 0, "it must be one condition")
	}
	q.dataset = ""
	return q.condition(s.TargetList[0].GetResTarget().Val)
}

// And joins parts into one condition; nil when there are none. They are taken over.
func And(parts []*pg.Node) (string, error) {
	switch len(parts) {
	case 0:
		return "", nil
	case 1:
		return Deparse(parts[0])
	default:
		return Deparse(pg.MakeBoolExprNode(pg.BoolExprType_AND_EXPR, parts, -1))
	}
}

// where reads the condition of a SELECT.
func (q *query) where(s *Select, stmt *pg.SelectStmt) error {
	if stmt.WhereClause == nil {
		return nil
	}
	c, err := q.condition(stmt.WhereClause)
	s.Where = c
	return err
}

// condition checks an expression and splits it.
func (q *query) condition(n *pg.Node) (*Condition, error) {
	c := &Condition{src: q.sql}
	err := Walk(n, func(n *pg.Node) error {
		if bad := forbidden(n); bad != "" {
			return q.fail(Expression, location(n), bad+" is not allowed in WHERE")
		}
		if r := n.GetColumnRef(); r != nil {
			return q.column(c, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Conjuncts = []*pg.Node{n}
	if b := n.GetBoolExpr(); b != nil && b.Boolop == pg.BoolExprType_AND_EXPR {
		c.Conjuncts = flatten(b)
	}
	if c.SQL, err = Deparse(n); err != nil || !q.same(n, c.SQL) {
		return nil, q.fail(Expression, location(n), "the condition cannot be written back as SQL")
	}
	return c, nil
}

// flatten takes ANDs inside of an AND apart.
func flatten(b *pg.BoolExpr) []*pg.Node {
	var out []*pg.Node
	for _, a := range b.Args {
		if inner := a.GetBoolExpr(); inner != nil && inner.Boolop == pg.BoolExprType_AND_EXPR {
			out = append(out, flatten(inner)...)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// column takes the dataset's name off a column and remembers it.
func (q *query) column(c *Condition, r *pg.ColumnRef) error {
	parts := make([]string, len(r.Fields))
	for i, f := range r.Fields {
		if f.GetAStar() != nil {
			return q.fail(Expression, int(r.Location), "* is not allowed in WHERE")
		}
		parts[i] = f.GetString_().GetSval()
	}
	_, table, _ := strings.Cut("."+q.dataset, ".")
	if i := strings.LastIndexByte(table, '.'); i >= 0 {
		table = table[i+1:]
	}
	switch {
	case len(parts) > 2 && q.dataset == parts[0]+"."+parts[1]:
		r.Fields = r.Fields[2:]
	case len(parts) > 1 && table != "" && table == parts[0]:
		r.Fields = r.Fields[1:]
	}
	c.refs = append(c.refs, ref{r.Fields[0].GetString_().GetSval(), int(r.Location)})
	return nil
}

// same checks that the text of an expression means that expression, so that no error in writing SQL
// can change what is loaded or deleted.
func (q *query) same(n *pg.Node, text string) bool {
	tree, err := pg.Parse("SELECT " + text)
	if err != nil || len(tree.Stmts) != 1 {
		return false
	}
	s := tree.Stmts[0].Stmt.GetSelectStmt()
	if s == nil || len(s.TargetList) != 1 {
		return false
	}
	return proto.Equal(bare(n), bare(s.TargetList[0].GetResTarget().GetVal()))
}

// Deparse writes an expression in PostgreSQL's syntax.
func Deparse(n *pg.Node) (string, error) {
	tree, err := pg.Parse("SELECT 1") // a tree carries the version of the grammar
	if err != nil {
		return "", fmt.Errorf("write the condition: %w", err)
	}
	tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val = n
	text, err := pg.Deparse(tree)
	if err != nil {
		return "", fmt.Errorf("write the condition: %w", err)
	}
	return strings.TrimPrefix(text, "SELECT "), nil
}
