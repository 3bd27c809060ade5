package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"modernc.org/sqlite"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

// incoming is the temporary table of rows on their way to a table with keys.
const incoming = "temp.pitwall_incoming"

// Affected runs a statement; see keys.DB.
func (c *conn) Affected(ctx context.Context, query string) (int64, error) {
	return c.affected(ctx, query)
}

// Row returns the first row; see keys.DB.
func (c *conn) Row(ctx context.Context, query string) ([]string, bool, error) {
	row, found, err := c.row(ctx, query)
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = plain(v)
	}
	return out, found, err
}

var _ keys.DB = (*conn)(nil)

func (e *Engine) merger(c *conn, schema *arrow.Schema) keys.Merge {
	// a blob that is cast to text may be no text
	text := func(column string) string {
		return "CASE typeof(" + column + ") WHEN 'blob' THEN hex(" + column + ") ELSE CAST(" + column + " AS TEXT) END"
	}
	return keys.Merge{DB: c, Keys: e.o.Keys, Schema: schema, Text: text}
}

// merge adds rows as on_conflict says, inside of a transaction.
func (e *Engine) merge(ctx context.Context, c *conn, schema *arrow.Schema, k engines.Keys, w engines.Write) (stats engines.Stats, err error) {
	if err := c.exec(ctx, createTable(incoming, schema, nil)); err != nil {
		return stats, err
	}
	if _, err := insertAll(ctx, newInserter(c, incoming, schema), schema, w.Rows, e.o.Keys.Primary); err != nil {
		return stats, err
	}
	m := e.merger(c, schema)
	m.Keys = k
	id := rowID(schema)
	in := keys.Table{Name: incoming, RowID: id}
	thinned, err := m.Distinct(ctx, in)
	if err != nil {
		return stats, err
	}
	stats.Written, stats.Dropped, err = m.Into(ctx, in, keys.Table{Name: dbfile.Ident(e.o.Dataset), RowID: id})
	if err != nil {
		return stats, err
	}
	stats.Dropped += thinned
	return stats, c.exec(ctx, "DROP TABLE "+incoming)
}

// sortMemory is how much of an index is sorted in memory, in KiB.
const sortMemory = 64 << 10

// constrain gives a filled table its keys. Rows that on_conflict leaves out because of others are removed
// first; their number is returned.
func (e *Engine) constrain(ctx context.Context, c *conn, schema *arrow.Schema) (dropped int64, err error) {
	if !keys.Any(e.o.Keys) {
		return 0, nil
	}
	if err := c.exec(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", sortMemory)); err != nil {
		return 0, err
	}
	if dropped, err = e.merger(c, schema).Thin(ctx, keys.Table{Name: dbfile.Ident(e.o.Dataset), RowID: rowID(schema)}); err != nil {
		return 0, err
	}
	return dropped, e.index(ctx, c, schema)
}

// index gives the table the indexes of the keys, and takes from it those of former keys. A key that rows
// violate is told with its value.
func (e *Engine) index(ctx context.Context, c *conn, schema *arrow.Schema) error {
	have, err := c.indexes(ctx, e.o.Dataset)
	if err != nil {
		return err
	}
	wanted := e.wanted()
	for _, x := range have {
		if strings.HasSuffix(x.name, e.indexSuffix()) && !slices.ContainsFunc(wanted, func(y tableIndex) bool { return x.name == y.name }) {
			if err := c.exec(ctx, "DROP INDEX "+dbfile.Ident(x.name)); err != nil {
				return err
			}
		}
	}
	for _, x := range wanted {
		kind := "INDEX"
		if x.unique {
			kind = "UNIQUE INDEX"
		}
		if slices.ContainsFunc(have, func(y tableIndex) bool { return keys.Same(x.columns, y.columns) && x.unique == y.unique }) {
			continue
		}
		err := c.exec(ctx, "CREATE "+kind+" "+dbfile.Ident(x.name)+" ON "+dbfile.Ident(e.o.Dataset)+" ("+dbfile.Idents(x.columns)+")")
		if violates(err) {
			err = errors.Join(e.merger(c, schema).Twice(ctx, keys.Table{Name: dbfile.Ident(e.o.Dataset)}, x.of), err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted are the indexes of the keys.
func (e *Engine) wanted() []tableIndex {
	var all []tableIndex
	for _, u := range keys.Uniques(e.o.Keys) {
		all = append(all, tableIndex{name: e.indexName("unique index", u.Columns), unique: true, columns: u.Columns, of: u})
	}
	for _, columns := range e.o.Keys.Plain {
		if name := e.indexName("index", columns); !slices.ContainsFunc(all, func(x tableIndex) bool { return x.name == name }) {
			all = append(all, tableIndex{name: name, columns: columns})
		}
	}
	return all
}

func (e *Engine) indexName(kind string, columns []string) string {
	return kind + " (" + strings.Join(columns, ", ") + ")" + e.indexSuffix()
}

// indexSuffix ends the names of indexes that this package makes.
func (e *Engine) indexSuffix() string { return " of " + e.o.Dataset + " by pitwall" }

// violates recognises SQLITE_CONSTRAINT.
func violates(err error) bool {
	const code = 19
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

// tableIndex is an index of a table, or the one behind its primary key.
type tableIndex struct {
	name    string
	unique  bool
	columns []string
	of      keys.Unique // the key that a wanted one is for
}

// indexes returns the indexes of a table over all of its rows.
func (c *conn) indexes(ctx context.Context, table string) ([]tableIndex, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, `SELECT l.name, l."unique", i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i
		WHERE NOT l.partial ORDER BY l.name, i.seqno`, named([]any{table}))
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer rows.Close()
	var all []tableIndex
	row := make([]driver.Value, 3)
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, cause(ctx, err)
		}
		if n := len(all); n == 0 || all[n-1].name != plain(row[0]) {
			all = append(all, tableIndex{name: plain(row[0]), unique: row[1] == int64(1)})
		}
		x := &all[len(all)-1]
		x.columns = append(x.columns, plain(row[2]))
	}
}
