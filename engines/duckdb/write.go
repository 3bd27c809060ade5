//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
	"pitwall/engines/keys"
)

// rowGroup is the number of rows in a row group of DuckDB; batches of that size load fastest.
const rowGroup = 122_880

// Write applies one refresh; see engines.Engine.
func (e *Engine) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	stats, err := e.write(ctx, w)
	if err != nil {
		return engines.Stats{}, e.wrap(w.Mode.String(), err)
	}
	return stats, nil
}

func (e *Engine) write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Stats{}, err
	}
	defer e.writer.Unlock()
	w, err := dbfile.CheckWrite(e, w)
	if err != nil {
		return engines.Stats{}, err
	}
	if w.Mode == engines.Replace {
		return e.replace(ctx, w)
	}
	return e.append(ctx, w)
}

// append adds rows in one transaction; without content it is a replace.
func (e *Engine) append(ctx context.Context, w engines.Write) (engines.Stats, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return e.replace(ctx, w)
	}
	if err != nil {
		return engines.Stats{}, err
	}
	defer l.Release()
	d := l.Store
	if err := dbfile.CheckInPlace(d.view); err != nil {
		return engines.Stats{}, err
	}
	schema, rows, changed, err := convert.Appending(d.schema, w)
	if err != nil {
		return engines.Stats{}, err
	}
	defer rows.Release()
	w.Rows = rows
	if changed {
		return e.reshape(ctx, w, schema)
	}
	stats, err := e.add(ctx, d, w)
	if err != nil {
		condemn(l, err)
		return engines.Stats{}, err
	}
	info, err := e.info(context.WithoutCancel(ctx), d) // the rows are committed: do not fail for a late cancellation
	e.foldAfter(context.WithoutCancel(ctx), l, w)
	stats.Rows, stats.Bytes = info.Rows, dbfile.Size(d.path)+bytesInMemory(d, info)
	return stats, err
}

func bytesInMemory(d *database, info engines.Info) int64 {
	if d.path == "" {
		return info.Bytes
	}
	return 0
}

// replace builds a new database and puts it in the place of the current one.
func (e *Engine) replace(ctx context.Context, w engines.Write) (engines.Stats, error) {
	return e.renew(ctx, func(d *database) (engines.Stats, error) { return e.build(ctx, d, w) })
}

// reshape appends rows to a copy of the content with other columns, and puts that in the place of the
// current one: a change of columns in place would show to those who read.
func (e *Engine) reshape(ctx context.Context, w engines.Write, schema *arrow.Schema) (engines.Stats, error) {
	there, err := e.Query(ctx, engines.Scan{})
	if err != nil {
		return engines.Stats{}, err
	}
	defer there.Release()
	old := w
	old.Rows, old.Evict, old.Remove = convert.Align(there, schema), nil, nil
	defer old.Rows.Release()
	return e.renew(ctx, func(d *database) (engines.Stats, error) {
		if _, err := e.buildAs(ctx, d, old, schema); err != nil {
			return engines.Stats{}, err
		}
		return e.add(ctx, d, w)
	})
}

// renew fills a new database and puts it in the place of the current one.
func (e *Engine) renew(ctx context.Context, fill func(*database) (engines.Stats, error)) (engines.Stats, error) {
	tmp := ""
	if e.o.Path != "" {
		tmp = dbfile.TempPath(e.o.Path, e.o.TempDir)
		defer dbfile.Discard(tmp)
	}
	d, err := newDatabase(ctx, tmp, e.o.Dataset, e.set, false)
	if err != nil {
		return engines.Stats{}, err
	}
	stats, err := fill(d)
	if err == nil && d.path != "" {
		err = d.exec(ctx, "CHECKPOINT acc")
	}
	if err == nil {
		stats.Rows, err = d.rows(ctx)
	}
	if err != nil {
		return engines.Stats{}, errors.Join(err, d.Close())
	}
	if tmp == "" {
		if stats.Bytes, err = d.size(ctx); err == nil {
			err = e.slot.Set(ctx, d)
		}
		if err != nil {
			return engines.Stats{}, errors.Join(err, d.Close())
		}
		return stats, nil
	}
	if err := errors.Join(d.exec(ctx, "DETACH acc"), d.Close()); err != nil {
		return engines.Stats{}, err
	}
	if err := dbfile.Sync(tmp); err != nil {
		return engines.Stats{}, err
	}
	if err := e.install(ctx, tmp); err != nil {
		return engines.Stats{}, err
	}
	stats.Bytes = dbfile.Size(e.o.Path)
	return stats, nil
}

// build fills an empty database.
func (e *Engine) build(ctx context.Context, d *database, w engines.Write) (engines.Stats, error) {
	schema, rows, _, err := convert.Appending(nil, w)
	if err != nil {
		return engines.Stats{}, err
	}
	defer rows.Release()
	w.Rows = rows
	return e.buildAs(ctx, d, w, schema)
}

// buildAs fills an empty database with rows of a schema. Nobody else knows it yet, so that it may take
// several transactions.
func (e *Engine) buildAs(ctx context.Context, d *database, w engines.Write, schema *arrow.Schema) (stats engines.Stats, err error) {
	d.schema = schema
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return stats, err
	}
	if stats.Written, err = d.ingest(ctx, w.Rows, e.o.Keys, func(c driver.Conn, view string) error {
		return execOn(ctx, c, "CREATE TABLE "+d.table()+" AS SELECT * FROM "+view)
	}); err != nil {
		return stats, err
	}
	if rows, err := d.rows(ctx); err != nil || rows != stats.Written {
		return stats, errors.Join(err, fmt.Errorf("%d rows read, %d stored", stats.Written, rows))
	}
	err = d.conn(ctx, func(c driver.Conn) error {
		if stats.Dropped, err = d.constrain(ctx, c, e.o.Keys); err != nil {
			return err
		}
		return transactionOn(ctx, c, func() (err error) {
			if stats.Evicted, err = d.evict(ctx, c, w, e.o.Evaluate); err != nil {
				return err
			}
			return putCheckpoint(ctx, c, d.dataset, schema, w)
		})
	})
	stats.Written -= stats.Dropped
	return stats, err
}

// add appends rows in one transaction, with all that goes with them.
func (e *Engine) add(ctx context.Context, d *database, w engines.Write) (stats engines.Stats, err error) {
	if err := keys.Check(e.o.Keys, d.schema); err != nil {
		return stats, err
	}
	conflicts := w.Conflicts(e.o.Keys)
	unique := len(keys.Uniques(conflicts)) > 0
	read, err := d.ingest(ctx, w.Rows, e.o.Keys, func(c driver.Conn, view string) error {
		return d.removing(ctx, c, e.o, w, func(remove func() (int64, error)) error {
			return transactionOn(ctx, c, func() (err error) {
				if stats.Removed, err = remove(); err != nil {
					return err
				}
				if unique {
					err = d.merge(ctx, c, view, conflicts, &stats)
				} else {
					err = execOn(ctx, c, "INSERT INTO "+d.table()+" ("+dbfile.Columns(d.schema)+") SELECT * FROM "+view)
				}
				if err != nil {
					return err
				}
				if stats.Evicted, err = d.evict(ctx, c, w, e.o.Evaluate); err != nil {
					return err
				}
				return putCheckpoint(ctx, c, d.dataset, d.schema, w)
			})
		})
	})
	if !unique {
		stats.Written = read
	}
	return stats, err
}

// evict deletes what retention does not keep.
func (d *database) evict(ctx context.Context, c driver.Conn, w engines.Write, run filter.Evaluate) (int64, error) {
	if w.Evict == nil {
		return 0, nil
	}
	return d.deleteOn(ctx, c, d.schema, w.Evict, run)
}

// ingest runs use with a view of rows, in the schema of the database, and returns how many were read.
func (d *database) ingest(ctx context.Context, src array.RecordReader, k engines.Keys, use func(c driver.Conn, view string) error) (int64, error) {
	rows := convert.NewIngest(ctx, src, d.schema, rowGroup)
	rows.Primary(k.Primary)
	defer rows.Release()
	err := d.conn(ctx, func(c driver.Conn) error {
		return withView(ctx, c, rows, "pitwall_incoming", func(view string) error { return use(c, view) })
	})
	if rows.Err() != nil {
		err = rows.Err() // the source's own error, not DuckDB's text about it
	}
	return rows.Rows(), err
}

// withView is the only safe use of RegisterView: one connection, a bare SELECT * in use, then DROP,
// then release, in this order also after errors. Any other query over the view can be silently
// wrong. The view is made outside of the transaction, which may write to one catalog only.
func withView(ctx context.Context, c driver.Conn, rows array.RecordReader, name string, use func(view string) error) (err error) {
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		return err
	}
	release, err := a.RegisterView(rows, name)
	if err != nil {
		return err
	}
	defer release()
	view := "memory.main." + name
	err = use(view)
	if drop := execOn(context.WithoutCancel(ctx), c, "DROP VIEW "+view); err == nil {
		err = drop
	}
	return err
}
