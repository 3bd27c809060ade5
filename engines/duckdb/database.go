//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// database is one opened generation: a DuckDB instance with the dataset in catalog acc.
type database struct {
	path, dataset string // path is empty in memory
	connector     *duckdb.Connector
	idle          dbfile.Idle[driver.Conn]
	source        dbfile.Handle

	schema *arrow.Schema // recorded schema, set by load
	view   bool          // the dataset is a view, made by another program
}

// newDatabase opens an instance with path attached; an empty path attaches a database in memory.
func newDatabase(ctx context.Context, path, dataset string, s settings, readOnly bool) (*database, error) {
	connector, err := duckdb.NewConnector(":memory:", nil)
	if err != nil {
		return nil, err
	}
	d := &database{path: path, dataset: dataset, connector: connector}
	target := path
	if path == "" {
		target = ":memory:"
	}
	attach := "ATTACH " + dbfile.Text(target) + " AS acc"
	if readOnly {
		attach += " (READ_ONLY)"
	}
	setup := []string{
		"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false",
		"SET GLOBAL TimeZone = 'UTC'", // not that of the machine
		"SET GLOBAL checkpoint_threshold = '1TB'", "PRAGMA disable_checkpoint_on_shutdown",
	}
	if path != "" {
		setup = append(setup, "SET temp_directory = "+dbfile.Text(path+".spill"))
	}
	if s.memoryLimit != "" {
		setup = append(setup, "SET memory_limit = "+dbfile.Text(s.memoryLimit))
	}
	if s.unordered {
		setup = append(setup, "SET preserve_insertion_order = false")
	}
	for _, q := range append(setup, attach) {
		if err := d.exec(ctx, q); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// Close closes the instance. Nothing is checkpointed: the file may have another owner by now.
func (d *database) Close() error {
	return errors.Join(d.idle.Close(), d.connector.Close(), d.source.Close())
}

// conn runs f with a connection of its own.
func (d *database) conn(ctx context.Context, f func(driver.Conn) error) error {
	c, err := d.get(ctx)
	if err != nil {
		return err
	}
	err = f(c)
	d.idle.Put(c)
	return err
}

func (d *database) get(ctx context.Context) (driver.Conn, error) {
	return d.idle.Get(func() (driver.Conn, error) { return d.connector.Connect(ctx) })
}

func (d *database) exec(ctx context.Context, query string, args ...any) error {
	return d.conn(ctx, func(c driver.Conn) error { return execOn(ctx, c, query, args...) })
}

func execOn(ctx context.Context, c driver.Conn, query string, args ...any) error {
	_, err := affectedOn(ctx, c, query, args...)
	return err
}

// affectedOn runs a statement and returns the number of changed rows.
func affectedOn(ctx context.Context, c driver.Conn, query string, args ...any) (int64, error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	res, err := c.(driver.ExecerContext).ExecContext(ctx, query, named)
	if err != nil {
		return 0, cause(ctx, err)
	}
	return res.RowsAffected()
}

// cause prefers the context's error to the text of the interruption it led to.
func cause(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil {
		return ctxErr
	}
	return err
}

// transactionOn runs f between BEGIN and COMMIT.
func transactionOn(ctx context.Context, c driver.Conn, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx) // a cancelled statement may have had its effect all the same
	if err := execOn(whole, c, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = execOn(whole, c, "COMMIT")
	}
	if err != nil { // after a failed COMMIT there is nothing to roll back, which is fine
		_ = execOn(whole, c, "ROLLBACK")
	}
	return err
}

// values runs a query for one row and scans it.
func (d *database) values(ctx context.Context, query string, dest ...*any) (found bool, err error) {
	err = d.conn(ctx, func(c driver.Conn) error {
		found, err = valuesOn(ctx, c, query, dest...)
		return err
	})
	return found, err
}

func valuesOn(ctx context.Context, c driver.Conn, query string, dest ...*any) (bool, error) {
	row, found, err := rowOn(ctx, c, query)
	if found {
		for i := range dest {
			*dest[i] = row[i]
		}
	}
	return found, err
}

// rowOn returns the first row of a query.
func rowOn(ctx context.Context, c driver.Conn, query string) (row []driver.Value, found bool, err error) {
	rows, err := c.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return nil, false, cause(ctx, err)
	}
	defer rows.Close()
	row = make([]driver.Value, len(rows.Columns()))
	if rows.Next(row) != nil {
		return nil, false, nil
	}
	return row, true, nil
}

func (d *database) table() string { return "acc.main." + dbfile.Ident(d.dataset) }

// load finds the dataset and its recorded schema: from the checkpoint row, else from the table.
func (d *database) load(ctx context.Context) error {
	var kind any
	found, err := d.values(ctx, "SELECT table_type FROM information_schema.tables WHERE table_catalog = 'acc' AND "+
		"table_schema = 'main' AND table_name = "+dbfile.Text(d.dataset), &kind)
	if err != nil {
		return err
	}
	if !found {
		return dbfile.Fail(engines.NotFound, fmt.Errorf("no table or view %q", d.dataset))
	}
	d.view = kind == "VIEW"
	cp, err := d.checkpointRow(ctx)
	if err != nil {
		return err
	}
	actual, err := d.tableSchema(ctx)
	if err != nil {
		return err
	}
	if cp == nil || cp.SchemaJSON == "" {
		d.schema = engines.Recorded(actual)
		return nil
	}
	recorded, err := schemajson.Unmarshal([]byte(cp.SchemaJSON))
	if err != nil {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("checkpoint row: %w", err))
	}
	d.schema = engines.Recorded(recorded)
	for _, f := range d.schema.Fields() {
		if !actual.HasField(f.Name) {
			return dbfile.Fail(engines.Corrupt, fmt.Errorf("the checkpoint row has column %q, the table has not", f.Name))
		}
	}
	return nil
}

func (d *database) tableSchema(ctx context.Context) (*arrow.Schema, error) {
	var s *arrow.Schema
	err := d.arrow(ctx, "SELECT * FROM "+d.table()+" LIMIT 0", func(r array.RecordReader) error {
		s = r.Schema()
		return nil
	})
	return s, err
}

// arrow runs a query and hands its result to f.
func (d *database) arrow(ctx context.Context, query string, f func(array.RecordReader) error) error {
	return d.conn(ctx, func(c driver.Conn) error {
		a, err := duckdb.NewArrowFromConn(c)
		if err != nil {
			return err
		}
		r, err := a.QueryContext(ctx, query)
		if err != nil {
			return cause(ctx, err)
		}
		defer r.Release()
		return f(r)
	})
}

func (d *database) rows(ctx context.Context) (int64, error) {
	var n any
	if _, err := d.values(ctx, "SELECT count(*) FROM "+d.table(), &n); err != nil {
		return 0, err
	}
	return n.(int64), nil
}

// checkLength finds files that were cut: every block that is in use must lie inside the file. Free
// blocks at the end may be missing, which is why the number of blocks says nothing. DuckDB cannot look
// into tables with a quote in their name that way: for those only the metadata is checked.
func (d *database) checkLength(ctx context.Context) error {
	blocks := "SELECT block_id FROM pragma_metadata_info('acc')"
	if !d.view && !strings.Contains(d.dataset, `"`) {
		blocks += " UNION ALL SELECT unnest(list_append(additional_block_ids, block_id)) FROM pragma_storage_info(" +
			dbfile.Text(d.table()) + ")"
	}
	var last, size any
	_, err := d.values(ctx, "SELECT max(block_id)::BIGINT, (SELECT block_size FROM pragma_database_size() "+
		"WHERE database_name = 'acc') FROM ("+blocks+")", &last, &size)
	if err != nil || last == nil {
		return err
	}
	const headers = 3 * 4096 // bytes before the first block
	if want := headers + size.(int64)*(last.(int64)+1); dbfile.Size(d.path) < want {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("the file has %d bytes, its blocks need %d", dbfile.Size(d.path), want))
	}
	return nil
}
