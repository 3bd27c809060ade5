package refreshsql

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// clause is one that is not allowed, and whether it is there.
type clause struct {
	name string
	has  bool
}

// earliest refuses the clause that comes first in the text.
func (q *query) earliest(all []clause) error {
	var first *Error
	for _, c := range all {
		if !c.has {
			continue
		}
		if at := q.keyword(c.name); first == nil || at < first.Offset {
			first = q.fail(Clause, at, c.name+" is not allowed")
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// keyword finds a clause by its first word, outside of parentheses when it can.
func (q *query) keyword(name string) int {
	name, _, _ = strings.Cut(name, " ")
	depth, inside := 0, -1
	for _, t := range q.tokens {
		switch {
		case t.Token == pg.Token_ASCII_40:
			depth++
		case t.Token == pg.Token_ASCII_41:
			depth--
		case t.KeywordKind == pg.KeywordKind_NO_KEYWORD || !strings.EqualFold(q.text(t), name):
		case depth == 0:
			return int(t.Start)
		case inside < 0:
			inside = int(t.Start)
		}
	}
	return max(inside, 0)
}

// clauses refuses what a refresh_sql must not have (spec data-refresh 3.1).
func (q *query) clauses(s *pg.SelectStmt) error {
	sets := map[pg.SetOperation]string{pg.SetOperation_SETOP_UNION: "UNION", pg.SetOperation_SETOP_INTERSECT: "INTERSECT",
		pg.SetOperation_SETOP_EXCEPT: "EXCEPT"}
	if name, ok := sets[s.Op]; ok {
		return q.fail(Clause, q.keyword(name), name+" is not allowed")
	}
	distinctOn := distinctOn(s)
	fetch := false
	for _, t := range q.tokens {
		fetch = fetch || t.Token == pg.Token_FETCH
	}
	return q.earliest([]clause{
		{"WITH", s.WithClause != nil}, {"DISTINCT without ON", len(s.DistinctClause) > 0 && !distinctOn},
		{"INTO", s.IntoClause != nil}, {"GROUP BY", len(s.GroupClause) > 0}, {"HAVING", s.HavingClause != nil},
		{"WINDOW", len(s.WindowClause) > 0}, {"ORDER BY without DISTINCT ON", len(s.SortClause) > 0 && !distinctOn},
		{"OFFSET", s.LimitOffset != nil}, {"FETCH", fetch && s.LimitCount != nil}, {"FOR", len(s.LockingClause) > 0},
		{"LIMIT with DISTINCT ON", s.LimitCount != nil && distinctOn},
	})
}

// distinctOn tells DISTINCT ON, a list of columns, from DISTINCT, a list with an empty node.
func distinctOn(s *pg.SelectStmt) bool {
	return len(s.DistinctClause) > 0 && s.DistinctClause[0].GetNode() != nil
}

// from checks that FROM names the dataset and nothing else.
func (q *query) from(_ *Select, s *pg.SelectStmt) error {
	if len(s.FromClause) == 0 {
		return q.fail(Table, len(q.sql), "it must select FROM "+quoteTable(q.dataset))
	}
	if len(s.FromClause) > 1 {
		return q.fail(Clause, location(s.FromClause[1]), "only one table is allowed in FROM")
	}
	item, at := s.FromClause[0], location(s.FromClause[0])
	switch item.Node.(type) {
	case *pg.Node_RangeVar:
		return q.table(item.GetRangeVar())
	case *pg.Node_JoinExpr:
		return q.fail(Clause, q.keyword("JOIN"), "JOIN is not allowed")
	case *pg.Node_RangeSubselect:
		return q.fail(Clause, at, "a sub-select in FROM is not allowed")
	case *pg.Node_RangeTableSample:
		return q.fail(Clause, q.keyword("TABLESAMPLE"), "TABLESAMPLE is not allowed")
	default:
		return q.fail(Clause, at, "FROM must name the dataset")
	}
}

// table checks that a bare table is the dataset.
func (q *query) table(r *pg.RangeVar) error {
	name, at := r.Relname, int(r.Location)
	if r.Schemaname != "" {
		name = r.Schemaname + "." + name
	}
	if r.Catalogname != "" {
		name = r.Catalogname + "." + name
	}
	switch {
	case foreignName(r.Alias):
		return q.fail(Clause, q.aliasAt(at), foreign[strings.ToUpper(r.Alias.Aliasname)]+" is not allowed")
	case name != q.dataset:
		preposition := map[string]string{"SELECT": "select", "DELETE": "delete"}[q.verb] + " from "
		return q.fail(Table, at, "it must "+preposition+quoteTable(q.dataset)+", not from "+clip(name, 60))
	case r.Alias != nil:
		return q.fail(Clause, q.aliasAt(at), "an alias of the table is not allowed")
	case !r.Inh:
		return q.fail(Clause, q.keyword("ONLY"), "ONLY is not allowed")
	}
	return nil
}

func foreignName(a *pg.Alias) bool { return a != nil && foreign[strings.ToUpper(a.Aliasname)] != "" }

// aliasAt is where the alias of the table at an offset is: behind its name and its dots.
func (q *query) aliasAt(table int) int {
	dot := true
	for _, t := range q.tokens {
		if int(t.Start) < table {
			continue
		}
		if isDot := t.Token == pg.Token_ASCII_46; !isDot && !dot {
			return int(t.Start)
		} else {
			dot = isDot
		}
	}
	return table
}

// limit reads LIMIT, which must be a whole number that is written out.
func (q *query) limit(s *Select, stmt *pg.SelectStmt) error {
	if stmt.LimitCount == nil {
		return nil
	}
	c := stmt.LimitCount.GetAConst()
	n, err := int64(-1), error(nil)
	switch {
	case c != nil && c.GetIval() != nil:
		n = int64(c.GetIval().Ival)
	case c != nil && c.GetFval() != nil:
		n, err = strconv.ParseInt(c.GetFval().Fval, 10, 64)
	}
	if err != nil || n < 0 || c.Isnull {
		return q.fail(Limit, location(stmt.LimitCount), "LIMIT must be a whole number from 0 up")
	}
	s.Limit = &n
	return nil
}
