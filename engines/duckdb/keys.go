//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

// incoming is the temporary table of rows on their way to a table with keys. A transaction may write to
// it beside the database.
const incoming = "temp.main.pitwall_incoming"

// session is a connection as package keys uses it.
type session struct{ driver.Conn }

var _ keys.DB = session{}

// Affected runs a statement; see keys.DB.
func (s session) Affected(ctx context.Context, query string) (int64, error) {
	return affectedOn(ctx, s.Conn, query)
}

// Row returns the first row; see keys.DB.
func (s session) Row(ctx context.Context, query string) ([]string, bool, error) {
	row, found, err := rowOn(ctx, s.Conn, query)
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = fmt.Sprint(v)
	}
	return out, found, err
}

func (d *database) merger(c driver.Conn, k engines.Keys) keys.Merge {
	return keys.Merge{DB: session{c}, Keys: k, Schema: d.schema, Text: func(column string) string { return "CAST(" + column + " AS VARCHAR)" }}
}

// merge adds the rows of a view as on_conflict says, inside of a transaction. The keys are checked here,
// before DuckDB does: it knows the rows by then, so that the error can name one.
func (d *database) merge(ctx context.Context, c driver.Conn, view string, k engines.Keys, stats *engines.Stats) error {
	if err := numbered(d.schema); err != nil {
		return err
	}
	if err := d.bind(ctx, c); err != nil {
		return err
	}
	if err := execOn(ctx, c, "CREATE TEMP TABLE pitwall_incoming AS SELECT * FROM "+view); err != nil {
		return err
	}
	m := d.merger(c, k)
	in := keys.Table{Name: incoming, RowID: "rowid"}
	thinned, err := m.Distinct(ctx, in)
	if err != nil {
		return err
	}
	written, dropped, err := m.Into(ctx, in, keys.Table{Name: d.table(), RowID: "rowid"})
	if err != nil {
		return err
	}
	stats.Written, stats.Dropped = written, thinned+dropped
	return execOn(ctx, c, "DROP TABLE "+incoming)
}

// bind makes DuckDB load the indexes of the table, by an INSERT of nothing. In a file that was just opened
// 1.5.5 overlooks, of a row that goes and comes in one transaction, that it went from a unique index.
func (d *database) bind(ctx context.Context, c driver.Conn) error {
	names := dbfile.Columns(d.schema)
	return execOn(ctx, c, "INSERT INTO "+d.table()+" ("+names+") SELECT "+names+" FROM "+d.table()+" WHERE false")
}

// constrain gives a filled table its keys. Rows that on_conflict leaves out because of others are removed
// first; their number is returned.
func (d *database) constrain(ctx context.Context, c driver.Conn, k engines.Keys) (dropped int64, err error) {
	if !keys.Any(k) {
		return 0, nil
	}
	if err := numbered(d.schema); err != nil {
		return 0, err
	}
	if dropped, err = d.merger(c, k).Distinct(ctx, keys.Table{Name: d.table(), RowID: "rowid"}); err != nil {
		return 0, err
	}
	for _, ddl := range d.indexes(k) {
		if err := execOn(ctx, c, ddl); err != nil {
			return 0, err
		}
	}
	return dropped, nil
}

// indexes are the statements that make the keys of a table.
func (d *database) indexes(k engines.Keys) []string {
	var all []string
	for i, u := range keys.Uniques(k) {
		if len(k.Primary) > 0 && i == 0 {
			all = append(all, "ALTER TABLE "+d.table()+" ADD PRIMARY KEY ("+dbfile.Idents(u.Columns)+")")
		} else {
			all = append(all, d.index("UNIQUE INDEX", fmt.Sprintf("pitwall_unique_%d", i), u.Columns))
		}
	}
	for i, columns := range k.Plain {
		all = append(all, d.index("INDEX", fmt.Sprintf("pitwall_index_%d", i), columns))
	}
	return all
}

func (d *database) index(kind, name string, columns []string) string {
	return "CREATE " + kind + " " + dbfile.Ident(name) + " ON " + d.table() + " (" + dbfile.Idents(columns) + ")"
}
