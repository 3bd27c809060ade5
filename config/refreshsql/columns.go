package refreshsql

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"pitwall/config/suggest"
)

// ref is a column and where it is mentioned, in bytes.
type ref struct {
	name   string
	offset int
}

// plainColumn returns the column that a node is, if it is nothing else.
func plainColumn(n *pg.Node) (ref, bool) {
	c := n.GetColumnRef()
	if c == nil || len(c.Fields) != 1 || c.Fields[0].GetString_() == nil {
		return ref{}, false
	}
	return ref{c.Fields[0].GetString_().Sval, int(c.Location)}, true
}

// columns reads the select list: * or plain columns.
func (q *query) columns(s *Select, stmt *pg.SelectStmt) error {
	if len(stmt.TargetList) == 0 {
		return q.fail(Projection, q.keyword("FROM"), "columns to select are missing")
	}
	for i, item := range stmt.TargetList {
		target := item.GetResTarget()
		at := location(item)
		if target.Name != "" {
			return q.fail(Projection, at, "columns cannot be renamed")
		}
		c, ok := plainColumn(target.Val)
		if f := target.Val.GetColumnRef().GetFields(); len(f) == 1 && f[0].GetAStar() != nil {
			if len(stmt.TargetList) == 1 {
				return nil
			}
			return q.fail(Projection, at, "* already selects all columns")
		}
		switch {
		case !ok && target.Val.GetColumnRef() != nil:
			return q.fail(Projection, at, "columns are selected without the name of the table")
		case !ok:
			return q.fail(Projection, at, "only columns can be selected, no expressions")
		case slices.Contains(s.Columns, c.name):
			return q.fail(Projection, at, fmt.Sprintf("column %s is selected twice", quote(c.name)))
		case i >= 10_000:
			return q.fail(Projection, at, "more than 10,000 columns are selected")
		}
		s.Columns, s.refs = append(s.Columns, c.name), append(s.refs, c)
	}
	return nil
}

// distinct reads DISTINCT ON and its ORDER BY.
func (q *query) distinct(s *Select, stmt *pg.SelectStmt) error {
	if !distinctOn(stmt) {
		return nil
	}
	for _, item := range stmt.DistinctClause {
		c, ok := plainColumn(item)
		if !ok || slices.Contains(s.DistinctOn, c.name) {
			return q.fail(Key, location(item), "DISTINCT ON takes different columns and nothing else")
		}
		s.DistinctOn, s.refs = append(s.DistinctOn, c.name), append(s.refs, c)
	}
	for _, item := range stmt.SortClause {
		by := item.GetSortBy()
		c, ok := plainColumn(by.Node)
		if !ok || by.SortbyDir == pg.SortByDir_SORTBY_USING {
			return q.fail(Key, location(item), "ORDER BY takes columns and nothing else")
		}
		o := Order{Column: c.name, Desc: by.SortbyDir == pg.SortByDir_SORTBY_DESC}
		o.NullsFirst = by.SortbyNulls == pg.SortByNulls_SORTBY_NULLS_FIRST ||
			by.SortbyNulls == pg.SortByNulls_SORTBY_NULLS_DEFAULT && o.Desc
		s.OrderBy, s.refs = append(s.OrderBy, o), append(s.refs, c)
	}
	n := len(s.DistinctOn)
	if len(s.OrderBy) <= n {
		return q.fail(Key, q.keyword("DISTINCT"), "DISTINCT ON needs ORDER BY its columns and at least one more, which says which row is kept")
	}
	for i, o := range s.OrderBy[:n] {
		if !slices.Contains(s.DistinctOn, o.Column) || slices.ContainsFunc(s.OrderBy[:i], func(p Order) bool { return p.Column == o.Column }) {
			return q.fail(Key, location(stmt.SortClause[i]), "ORDER BY must start with the columns of DISTINCT ON")
		}
	}
	return nil
}

// CheckKey checks that DISTINCT ON, if there is one, has the columns of the primary key, in any order
// (spec data-refresh 3.1). The error is an *Error of Class Key.
func (s *Select) CheckKey(primaryKey []string) error {
	if s.DistinctOn == nil {
		return nil
	}
	have, want := slices.Sorted(slices.Values(s.DistinctOn)), slices.Sorted(slices.Values(primaryKey))
	if slices.Equal(have, want) {
		return nil
	}
	at := s.refs[len(s.Columns)].offset
	if len(want) == 0 {
		return newError(s.src, Key, at, "DISTINCT ON needs a primary_key", "add primary_key: "+colref(s.DistinctOn)+" to the acceleration")
	}
	return newError(s.src, Key, at, fmt.Sprintf("DISTINCT ON (%s) must have the columns of the primary_key", quoteAll(s.DistinctOn)),
		"DISTINCT ON ("+quoteAll(primaryKey)+")")
}

// colref writes columns as primary_key takes them.
func colref(columns []string) string {
	if len(columns) == 1 {
		return columns[0]
	}
	return "(" + strings.Join(columns, ", ") + ")"
}

// Reads are the columns that the statement needs of the source, each once: those it selects first, in
// their order. It is nil when it needs all, because it selects them.
func (s *Select) Reads() []string {
	if s.Columns == nil {
		return nil
	}
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, r := range s.refs {
		add(r.name)
	}
	if s.Where != nil {
		for _, name := range s.Where.Columns() {
			add(name)
		}
	}
	return out
}

// CheckColumns checks that the source has every column that the statement mentions. valid are the
// columns of the source. The error is an *Error of Class Column for the first one that is missing.
func (s *Select) CheckColumns(valid []string) error {
	if err := checkRefs(s.src, s.refs, valid); err != nil {
		return err
	}
	if s.Where == nil {
		return nil
	}
	return s.Where.CheckColumns(valid)
}

// CheckColumns is Select.CheckColumns for a condition alone.
func (c *Condition) CheckColumns(valid []string) error { return checkRefs(c.src, c.refs, valid) }

func checkRefs(src string, refs []ref, valid []string) error {
	for _, r := range refs {
		if slices.Contains(valid, r.name) {
			continue
		}
		message := fmt.Sprintf("the source has no column %s", quote(clip(r.name, 60)))
		if near := suggest.Nearest(r.name, valid); near != "" {
			message += fmt.Sprintf(" (did you mean %s?)", quote(near))
		}
		quoted := make([]string, min(len(valid), 50))
		for i := range quoted {
			quoted[i] = quote(valid[i])
		}
		hint := "its columns are " + strings.Join(quoted, ", ")
		if len(valid) > len(quoted) {
			hint += fmt.Sprintf(" and %d more", len(valid)-len(quoted))
		}
		return newError(src, Column, r.offset, message, hint)
	}
	return nil
}
