// Package refreshsql reads the two SQL statements of a spicepod, refresh_sql and retention_sql, with
// PostgreSQL's own grammar (spec data-refresh 3.1 and 6). It knows their shape, not the data: what a
// condition means on Arrow columns is package runtime/shape's. It reads no files and starts no
// goroutines.
package refreshsql

import (
	"fmt"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// Select is a refresh_sql: SELECT columns FROM dataset [WHERE …] [LIMIT n], or SELECT DISTINCT ON (key)
// columns FROM dataset [WHERE …] ORDER BY key, column… It is not changed after ParseRefresh.
type Select struct {
	// Table is the dataset as config normalised it: table or schema.table.
	Table string
	// Columns are the selected columns in their order; nil means all of them (*).
	Columns []string
	// Where is nil when there is none.
	Where *Condition
	// Limit is the highest number of rows; nil when there is none.
	Limit *int64
	// DistinctOn are the columns of which every combination is kept once; nil when there are none.
	DistinctOn []string
	// OrderBy says which row of a combination is kept: the first. It is nil without DistinctOn.
	OrderBy []Order

	src  string
	refs []ref // of all columns outside of Where
}

// Order is one column of ORDER BY.
type Order struct {
	Column string
	Desc   bool
	// NullsFirst is where NULL sorts: as written, else first for DESC and last for ASC.
	NullsFirst bool
}

// Delete is a retention_sql: DELETE FROM dataset WHERE … (spec data-refresh 6).
type Delete struct {
	// Table is the dataset as config normalised it.
	Table string
	// Where says which rows go; never nil.
	Where *Condition
}

// ParseRefresh reads the refresh_sql of a dataset (spec data-refresh 3.1). dataset is its normalised
// name. Every error is an *Error.
func ParseRefresh(sql, dataset string) (*Select, error) {
	q, stmt, err := parseOne(sql, dataset, "SELECT")
	if err != nil {
		return nil, err
	}
	sel := stmt.GetSelectStmt()
	if sel == nil || len(sel.ValuesLists) > 0 {
		return nil, q.fail(Statement, q.first(), "it must be one SELECT, not "+q.word(q.first()))
	}
	if err := q.clauses(sel); err != nil {
		return nil, err
	}
	s := &Select{Table: dataset, src: sql}
	for _, step := range []func(*Select, *pg.SelectStmt) error{q.from, q.columns, q.where, q.limit, q.distinct} {
		if err := step(s, sel); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ParseRetention reads the retention_sql of a dataset (spec data-refresh 6): one DELETE with a WHERE.
// Every error is an *Error.
func ParseRetention(sql, dataset string) (*Delete, error) {
	q, stmt, err := parseOne(sql, dataset, "DELETE")
	if err != nil {
		return nil, err
	}
	del := stmt.GetDeleteStmt()
	if del == nil {
		return nil, q.fail(Statement, q.first(), "it must be one DELETE, not "+q.word(q.first()))
	}
	if err := q.earliest([]clause{
		{"WITH", del.WithClause != nil}, {"USING", len(del.UsingClause) > 0}, {"RETURNING", len(del.ReturningList) > 0},
	}); err != nil {
		return nil, err
	}
	if err := q.table(del.Relation); err != nil {
		return nil, err
	}
	if del.WhereClause == nil {
		return nil, q.fail(Clause, len(sql), "a WHERE is missing: without one it would delete every row")
	}
	c, err := q.condition(del.WhereClause)
	if err != nil {
		return nil, err
	}
	return &Delete{Table: dataset, Where: c}, nil
}

// String writes the statement anew; ParseRefresh reads it as an equal Select.
func (s *Select) String() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	if s.DistinctOn != nil {
		b.WriteString("DISTINCT ON (" + quoteAll(s.DistinctOn) + ") ")
	}
	if s.Columns == nil {
		b.WriteString("*")
	}
	b.WriteString(quoteAll(s.Columns) + " FROM " + quoteTable(s.Table))
	if s.Where != nil {
		b.WriteString(" WHERE " + s.Where.String())
	}
	for i, o := range s.OrderBy {
		b.WriteString([]string{" ORDER BY ", ", "}[min(i, 1)] + quote(o.Column))
		b.WriteString(map[bool]string{true: " DESC", false: " ASC"}[o.Desc])
		b.WriteString(map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[o.NullsFirst])
	}
	if s.Limit != nil {
		b.WriteString(" LIMIT " + strconv.FormatInt(*s.Limit, 10))
	}
	return b.String()
}

// String writes the statement anew; ParseRetention reads it as an equal Delete.
func (d *Delete) String() string {
	return fmt.Sprintf("DELETE FROM %s WHERE %s", quoteTable(d.Table), d.Where)
}
