//go:build duckdb_arrow

package query

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/refreshsql"
	"pitwall/engines"
	"pitwall/runtime/shape"
)

// plan decides what each reference has to read. Conditions are pushed down only where they decide about
// rows of that reference alone; the whole statement is run over what was read in any case.
func (e *Engine) plan(ctx context.Context, s *statement, tables []Table) ([]Scan, error) {
	now := time.Now().UTC()
	schemas := make([]*arrow.Schema, len(tables))
	for i, t := range tables {
		var err error
		if schemas[i], err = t.Schema(ctx); err != nil {
			return nil, err
		}
	}
	mentioned, star := s.mentioned()
	out := make([]Scan, len(tables))
	for i, schema := range schemas {
		out[i] = Scan{Columns: needed(schema, mentioned, star), Now: now}
	}
	err := s.selects(func(sel *pg.SelectStmt) error {
		l := s.level(sel, schemas)
		for _, c := range l.conditions {
			if err := l.push(c, out, now); err != nil {
				return err
			}
		}
		if i, n, ok := l.limited(sel); ok {
			out[i].Limit = n
		}
		return nil
	})
	return out, err
}

// mentioned collects the names of all columns anywhere in the statement.
func (s *statement) mentioned() (names map[string]bool, star bool) {
	names = map[string]bool{}
	root := &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s.root}}
	_ = refreshsql.Walk(root, func(n *pg.Node) error {
		for _, f := range n.GetColumnRef().GetFields() {
			if f.GetAStar() != nil {
				star = true
			}
			names[f.GetString_().GetSval()] = true
		}
		for _, u := range n.GetJoinExpr().GetUsingClause() {
			names[u.GetString_().GetSval()] = true
		}
		if j := n.GetJoinExpr(); j != nil && j.IsNatural {
			star = true
		}
		return nil
	})
	for _, r := range s.refs { // SELECT t FROM t is the whole row
		star = star || names[r.as] && !hasColumnOnly(s, r.as)
	}
	return names, star
}

// hasColumnOnly tells whether a name stands in the statement only as a qualifier.
func hasColumnOnly(s *statement, name string) bool {
	only := true
	root := &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s.root}}
	_ = refreshsql.Walk(root, func(n *pg.Node) error {
		if f := n.GetColumnRef().GetFields(); len(f) == 1 && f[0].GetString_().GetSval() == name {
			only = false
		}
		return nil
	})
	return only
}

// needed picks the columns to read: those that are mentioned; one when a row is only counted.
func needed(schema *arrow.Schema, mentioned map[string]bool, star bool) []string {
	var out []string
	for _, f := range schema.Fields() {
		if star || mentioned[f.Name] || mentioned[lower(f.Name)] {
			out = append(out, f.Name)
		}
	}
	if len(out) == 0 && schema.NumFields() > 0 {
		out = []string{schema.Field(0).Name}
	}
	return out
}

// selects calls f for every SELECT of the statement.
func (s *statement) selects(f func(*pg.SelectStmt) error) error {
	root := &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s.root}}
	return refreshsql.Walk(root, func(n *pg.Node) error {
		if sel := n.GetSelectStmt(); sel != nil {
			for ; sel.Op != pg.SetOperation_SETOP_NONE && sel.Larg != nil; sel = sel.Larg {
				if err := f(sel.Rarg); err != nil {
					return err
				}
			}
			return f(sel)
		}
		return nil
	})
}

// level is one SELECT: the references in its FROM that no outer join can fill up with NULL, and the
// conditions that all its rows fulfil.
type level struct {
	refs       []int // into statement.refs
	names      []string
	schemas    []*arrow.Schema
	whole      bool // nothing but these references is in FROM
	conditions []*pg.Node
}

func (s *statement) level(sel *pg.SelectStmt, schemas []*arrow.Schema) *level {
	l := &level{whole: true}
	for _, f := range sel.FromClause {
		l.from(s, f, schemas)
	}
	if sel.WhereClause != nil {
		l.and(sel.WhereClause)
	}
	return l
}

// from takes in an entry of FROM.
func (l *level) from(s *statement, n *pg.Node, schemas []*arrow.Schema) {
	switch {
	case n.GetRangeVar() != nil:
		i := slices.IndexFunc(s.refs, func(r *ref) bool { return r.node == n.GetRangeVar() })
		if i < 0 || s.refs[i].node.Alias != nil && len(s.refs[i].node.Alias.Colnames) > 0 {
			l.whole = false // a WITH, or columns under other names
			return
		}
		l.refs, l.names, l.schemas = append(l.refs, i), append(l.names, s.refs[i].as), append(l.schemas, schemas[i])
	case n.GetJoinExpr() != nil:
		j := n.GetJoinExpr()
		if j.Alias != nil || len(j.UsingClause) > 0 || j.IsNatural {
			l.whole = false // columns of both sides become one: leave them alone
			return
		}
		switch j.Jointype {
		case pg.JoinType_JOIN_INNER:
			l.from(s, j.Larg, schemas)
			l.from(s, j.Rarg, schemas)
			if j.Quals != nil {
				l.and(j.Quals)
			}
		case pg.JoinType_JOIN_LEFT:
			l.from(s, j.Larg, schemas)
			l.whole = false
		default:
			l.whole = false
		}
	default:
		l.whole = false
	}
}

// and adds the parts of a condition.
func (l *level) and(n *pg.Node) {
	if b := n.GetBoolExpr(); b != nil && b.Boolop == pg.BoolExprType_AND_EXPR {
		for _, a := range b.Args {
			l.and(a)
		}
		return
	}
	l.conditions = append(l.conditions, n)
}

// push adds a condition to the scan of the one reference that it is about, if there is one.
func (l *level) push(n *pg.Node, scans []Scan, now time.Time) error {
	at := l.owner(n)
	if at < 0 {
		return nil
	}
	bare := refreshsql.Rewrite(n, func(n *pg.Node) {
		if c := n.GetColumnRef(); c != nil {
			c.Fields = c.Fields[len(c.Fields)-1:]
		}
	})
	text, err := refreshsql.Deparse(bare)
	if err != nil {
		return nil //nolint:nilerr // it is not pushed down: that only costs time
	}
	c, err := refreshsql.ParseCondition(text)
	if err != nil { // a sub-select, an aggregate: not a condition on a row
		return nil //nolint:nilerr // see above
	}
	schema := l.schemas[at]
	where, rest, err := shape.Translate(c, schema, now)
	if err != nil {
		return nil //nolint:nilerr // DuckDB says it better
	}
	s := &scans[l.refs[at]]
	if where != nil {
		s.Where = join(s.Where, where)
	}
	if rest != "" && shape.Check(context.Background(), schema, rest, now) == nil {
		if s.Rest != "" {
			rest = "(" + s.Rest + ") AND (" + rest + ")"
		}
		s.Rest = rest
	}
	return nil
}

func join(a, b engines.Predicate) engines.Predicate {
	if a == nil {
		return b
	}
	return engines.And{a, b}
}

// owner returns which reference of the level all columns of a condition belong to, or -1.
func (l *level) owner(n *pg.Node) int {
	at := -1
	ok := true
	_ = refreshsql.Walk(n, func(n *pg.Node) error {
		c := n.GetColumnRef()
		if c == nil {
			return nil
		}
		i := l.column(c)
		ok = ok && i >= 0 && (at < 0 || at == i)
		at = i
		return nil
	})
	if !ok {
		return -1
	}
	return at
}

// column returns the reference that a column belongs to, or -1.
func (l *level) column(c *pg.ColumnRef) int {
	var parts []string
	for _, f := range c.Fields {
		parts = append(parts, f.GetString_().GetSval())
	}
	name := parts[len(parts)-1]
	switch len(parts) {
	case 2:
		i := slices.Index(l.names, parts[0])
		if i >= 0 && l.schemas[i].HasField(name) {
			return i
		}
	case 1:
		if !l.whole {
			return -1 // it may belong to something else in FROM
		}
		found := -1
		for i, s := range l.schemas {
			if s.HasField(name) {
				if found >= 0 {
					return -1
				}
				found = i
			}
		}
		return found
	}
	return -1
}

// limited tells how many rows of its one reference a SELECT needs at most: it has a LIMIT, and every row
// that is read becomes a row of the result.
func (l *level) limited(sel *pg.SelectStmt) (at int, n int64, ok bool) {
	count := sel.LimitCount.GetAConst().GetIval()
	plain := l.whole && len(l.refs) == 1 && len(l.conditions) == 0 && len(sel.FromClause) == 1 && count != nil && count.Ival > 0 &&
		sel.LimitOffset == nil && len(sel.SortClause) == 0 && len(sel.GroupClause) == 0 && len(sel.DistinctClause) == 0 &&
		sel.HavingClause == nil && sel.LimitOption != pg.LimitOption_LIMIT_OPTION_WITH_TIES
	if !plain {
		return 0, 0, false
	}
	for _, t := range sel.TargetList {
		err := refreshsql.Walk(t, func(n *pg.Node) error {
			if n.GetFuncCall() != nil || n.GetSubLink() != nil {
				return forbidden("")
			}
			return nil
		})
		if err != nil {
			return 0, 0, false
		}
	}
	return l.refs[0], int64(count.Ival), true
}
