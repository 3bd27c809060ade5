// Package diff compares two stored snapshots of a dataset, or one with the live data, by queries; neither is installed.
package diff

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pitwall/runtime/api"
)

// Diff is what differs.
type Diff struct {
	Dataset string `json:"dataset_name"`
	// From and To are the names under which both can be asked in SQL.
	From       string   `json:"from"`
	To         string   `json:"to"`
	RowsBefore int64    `json:"rows_before"`
	RowsAfter  int64    `json:"rows_after"`
	Columns    []Column `json:"columns"`
	// Key are the columns that rows are told apart by; without a key a changed row counts as one removed and one added.
	Key     []string `json:"key"`
	Added   int64    `json:"rows_added"`
	Removed int64    `json:"rows_removed"`
	Changed *int64   `json:"rows_changed,omitempty"`

	// asText are the columns whose types on both sides can only be compared as text.
	asText map[string]bool
}

// selected are columns as both sides can be compared.
func (d *Diff) selected(columns []string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		if parts[i] = quoted(c); d.asText[c] {
			parts[i] = fmt.Sprintf("CAST(%[1]s AS VARCHAR) AS %[1]s", quoted(c))
		}
	}
	return strings.Join(parts, ", ")
}

// family is what types have in common that are compared as they are.
func family(typ string) string {
	if i := strings.IndexAny(typ, "[(<, "); i >= 0 {
		typ = typ[:i]
	}
	name := strings.TrimRight(typ, "0123456789")
	switch name {
	case "int", "uint", "float", "decimal":
		return "number"
	case "large_utf", "string_view", "utf":
		return "text"
	}
	return name
}

// Column is a column that differs; an empty type is a column that is not there.
type Column struct {
	Name   string `json:"name"`
	Before string `json:"type_before"`
	After  string `json:"type_after"`
}

// asker asks the questions.
type asker struct{ console api.Console }

// Of compares the snapshot from of a dataset with the snapshot to, or with the live data when to is nil. key are the
// columns that rows are told apart by; none compares whole rows. The errors are those of api.Console's Query.
func Of(ctx context.Context, c api.Console, dataset string, from uint64, to *uint64, key []string) (*Diff, error) {
	out := &Diff{Dataset: dataset, From: Name(dataset, &from), To: Name(dataset, to), Columns: []Column{}, Key: append([]string{}, key...)}
	return out, (&asker{c}).compare(ctx, out)
}

// Name is a dataset, or a snapshot of it, in SQL.
func Name(dataset string, id *uint64) string {
	if id != nil {
		dataset += fmt.Sprintf("@%d", *id)
	}
	parts := strings.Split(dataset, ".")
	for i, p := range parts {
		parts[i] = quoted(p)
	}
	return strings.Join(parts, ".")
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// list joins expressions of columns; %[1]s is the quoted column.
func list(columns []string, sep, format string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = fmt.Sprintf(format, quoted(c))
	}
	return strings.Join(parts, sep)
}

func (s *asker) compare(ctx context.Context, out *Diff) error {
	before, err := s.columns(ctx, out.From)
	if err != nil {
		return err
	}
	after, err := s.columns(ctx, out.To)
	if err != nil {
		return err
	}
	var both []string
	out.asText = map[string]bool{}
	for _, c := range before {
		i := slices.IndexFunc(after, func(o api.Column) bool { return o.Name == c.Name })
		switch {
		case i < 0:
			out.Columns = append(out.Columns, Column{c.Name, c.Type, ""})
		case after[i].Type != c.Type:
			out.Columns = append(out.Columns, Column{c.Name, c.Type, after[i].Type})
			if family(c.Type) != family(after[i].Type) {
				out.asText[c.Name] = true
			}
			both = append(both, c.Name)
		default:
			both = append(both, c.Name)
		}
	}
	for _, c := range after {
		if !slices.ContainsFunc(before, func(o api.Column) bool { return o.Name == c.Name }) {
			out.Columns = append(out.Columns, Column{c.Name, "", c.Type})
		}
	}
	for _, k := range out.Key {
		if !slices.Contains(both, k) {
			return &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf("the key column %q is not on both sides", k), Hint: "there are " + strings.Join(both, ", ")}
		}
	}
	n, err := s.numbers(ctx, fmt.Sprintf("SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s)", out.From, out.To))
	if err != nil {
		return err
	}
	out.RowsBefore, out.RowsAfter = n[0], n[1]
	if len(both) == 0 {
		out.Removed, out.Added = out.RowsBefore, out.RowsAfter
		return nil
	}
	if len(out.Key) == 0 {
		cols := strings.ReplaceAll(out.selected(both), "%", "%%")
		one := "(SELECT count(*) FROM (SELECT " + cols + " FROM %s EXCEPT ALL SELECT " + cols + " FROM %s) AS x)"
		n, err := s.numbers(ctx, "SELECT "+fmt.Sprintf(one, out.To, out.From)+", "+fmt.Sprintf(one, out.From, out.To))
		if err != nil {
			return err
		}
		out.Added, out.Removed = n[0], n[1]
		return nil
	}
	return s.byKey(ctx, out, both)
}

// byKey counts rows by their key, which must be one.
func (s *asker) byKey(ctx context.Context, out *Diff, both []string) error {
	key := list(out.Key, ", ", "%s")
	for _, side := range []string{out.From, out.To} {
		n, err := s.numbers(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT %s FROM %s GROUP BY %s HAVING count(*) > 1) AS x", key, side, key))
		if err != nil {
			return err
		}
		if n[0] > 0 {
			return &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf("%s is no key: %d values of it are there more than once in %s", strings.Join(out.Key, ", "), n[0], side),
				Hint: "name other columns, or none to compare whole rows"}
		}
	}
	rest := slices.DeleteFunc(slices.Clone(both), func(c string) bool { return slices.Contains(out.Key, c) })
	differs := "false"
	if len(rest) > 0 {
		differs = "(" + list(rest, " OR ", "b.%[1]s IS DISTINCT FROM a.%[1]s") + ")"
	}
	// Which side a row is on is told by a column of its own: a key may be NULL.
	side := "(SELECT " + strings.ReplaceAll(out.selected(both), "%", "%%") + ", 1 AS pitwall_there FROM %s)"
	n, err := s.numbers(ctx, fmt.Sprintf("SELECT count(*) FILTER (WHERE b.pitwall_there IS NULL), count(*) FILTER (WHERE a.pitwall_there IS NULL), "+
		"count(*) FILTER (WHERE a.pitwall_there = 1 AND b.pitwall_there = 1 AND %s) FROM "+side+" AS b FULL JOIN "+side+" AS a ON %s",
		differs, out.From, out.To, list(out.Key, " AND ", "b.%[1]s IS NOT DISTINCT FROM a.%[1]s")))
	if err != nil {
		return err
	}
	out.Added, out.Removed, out.Changed = n[0], n[1], &n[2]
	return nil
}

// columns describes what a name stands for.
func (s *asker) columns(ctx context.Context, name string) ([]api.Column, error) {
	rows, err := s.console.Query(ctx, "SELECT * FROM "+name+" LIMIT 0", api.QueryOptions{})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return slices.Clone(rows.Columns()), nil
}

// numbers runs a query with one row of numbers.
func (s *asker) numbers(ctx context.Context, sql string) ([]int64, error) {
	rows, err := s.console.Query(ctx, sql, api.QueryOptions{})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		for i := range rows.Columns() {
			if rows.Len() == 0 {
				continue
			}
			text, _ := rows.Text(0, i)
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the answer to %s is %q", sql, text)
			}
			out = append(out, n)
		}
	}
	return out, rows.Err()
}
