package sqlite

import (
	"context"
	"errors"
	"os"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

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
	if err := dbfile.CheckInPlace(l.Store.view); err != nil {
		return engines.Stats{}, err
	}
	schema, rows, reshaped, err := convert.Appending(l.Store.schema, w)
	if err != nil {
		return engines.Stats{}, err
	}
	defer rows.Release()
	w.Rows = rows
	if reshaped {
		return e.reshape(ctx, w, schema)
	}
	var stats engines.Stats
	var changed *database
	var then tally
	if err := e.change(ctx, w.Remove != nil, func(d *database) (err error) {
		before := d.tally
		changed, d.tally = d, tally{} // until this is committed
		if stats, err = e.add(ctx, d.base, schema, w); err == nil {
			then, err = before.after(ctx, d.base, e.o.Dataset, stats, e.merges(w))
		}
		return err
	}); err != nil {
		return engines.Stats{}, err
	}
	changed.tally, stats.Rows = then, then.rows
	stats.Bytes, err = e.size(context.WithoutCancel(ctx), changed, changed.base) // the rows are committed: do not fail for a late cancellation
	return stats, err
}

// merges says whether incoming rows are compared with those that are there as on_conflict says.
func (e *Engine) merges(w engines.Write) bool {
	k := w.Conflicts(e.o.Keys)
	return len(keys.Uniques(k)) > 0 || k.Conflict != engines.ConflictReject
}

// add appends rows inside of a transaction, with all that goes with them.
func (e *Engine) add(ctx context.Context, c *conn, schema *arrow.Schema, w engines.Write) (stats engines.Stats, err error) {
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return stats, err
	}
	if keys.Any(e.o.Keys) {
		// An index that the file lacks, because the settings were changed or another program wrote it, is made now:
		// without one, each row would look for its key in the whole table.
		if err := e.index(ctx, c, schema); err != nil {
			return stats, err
		}
	}
	among, ok, err := e.inPlace(ctx, c, schema, w)
	if err != nil {
		return stats, err
	}
	if ok {
		if stats, err = e.upsert(ctx, c, schema, among, w.Rows); err != nil {
			return stats, err
		}
		err = e.finish(ctx, c, schema, w, &stats)
		return stats, err
	}
	gone, err := e.remove(ctx, c, schema, w.Remove)
	if err != nil {
		return stats, err
	}
	if e.merges(w) {
		stats, err = e.merge(ctx, c, schema, w.Conflicts(e.o.Keys), w)
	} else {
		stats.Written, err = insertAll(ctx, newInserter(c, dbfile.Ident(e.o.Dataset), schema), schema, w.Rows, e.o.Keys.Primary)
	}
	if err != nil {
		return stats, err
	}
	stats.Removed = gone
	err = e.finish(ctx, c, schema, w, &stats)
	return stats, err
}

// finish evicts what retention does not keep and writes the checkpoint row, inside of a transaction.
func (e *Engine) finish(ctx context.Context, c *conn, schema *arrow.Schema, w engines.Write, stats *engines.Stats) (err error) {
	if w.Evict != nil {
		if stats.Evicted, err = e.deleteOn(ctx, c, schema, w.Evict); err != nil {
			return err
		}
	}
	return c.putCheckpoint(ctx, e.o.Dataset, schema, w)
}

// replace builds a new database and puts it in the place of the current one.
func (e *Engine) replace(ctx context.Context, w engines.Write) (engines.Stats, error) {
	schema, rows, _, err := convert.Appending(nil, w)
	if err != nil {
		return engines.Stats{}, err
	}
	defer rows.Release()
	w.Rows = rows
	return e.renew(ctx, schema, w, nil)
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
	return e.renew(ctx, schema, old, &w)
}

// renew fills a new database with the rows of first, and appends those of then, if there are any. It puts
// the database in the place of the current one.
func (e *Engine) renew(ctx context.Context, schema *arrow.Schema, first engines.Write, then *engines.Write) (engines.Stats, error) {
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return engines.Stats{}, err
	}
	path, how := memoryName(), inMemory
	if e.o.Path != "" {
		path, how = dbfile.TempPath(e.o.Path, e.o.TempDir), building
		defer dbfile.Discard(path)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600) // for its error, which SQLite has no words for
		if err != nil {
			return engines.Stats{}, err
		}
		if err := f.Close(); err != nil {
			return engines.Stats{}, err
		}
	}
	c, err := connect(ctx, path, how)
	if err != nil {
		return engines.Stats{}, err
	}
	d := &database{path: path, how: how, base: c, schema: schema}
	stats, err := e.fill(ctx, c, path, how, schema, first)
	stats.Rows = stats.Written - stats.Evicted // counting would read the whole file again
	if err == nil && then != nil {
		err = c.transaction(ctx, func() (err error) {
			stats, err = e.add(ctx, c, schema, *then)
			return err
		})
		if err == nil {
			stats.Rows, err = c.count(ctx, e.o.Dataset)
		}
	}
	if err == nil && how == inMemory {
		var info engines.Info
		info, err = e.info(ctx, d, c)
		stats.Bytes = info.Bytes
	}
	if err != nil {
		return engines.Stats{}, errors.Join(err, c.Close())
	}
	if how == inMemory {
		if err := e.slot.Set(ctx, d); err != nil {
			return engines.Stats{}, errors.Join(err, c.Close())
		}
		return stats, nil
	}
	if err := e.place(ctx, c, path); err != nil {
		return engines.Stats{}, err
	}
	stats.Bytes = dbfile.Size(e.o.Path)
	return stats, nil
}

// fill fills an empty database. Nobody else knows it yet, so that it may take several transactions.
func (e *Engine) fill(ctx context.Context, c *conn, path string, how access, schema *arrow.Schema, w engines.Write) (stats engines.Stats, err error) {
	if stats.Written, err = build(ctx, path, how, dbfile.Ident(e.o.Dataset), schema, w.Rows, e.o.Keys.Primary); err != nil {
		return stats, err
	}
	if stats.Dropped, err = e.constrain(ctx, c, schema); err != nil {
		return stats, err
	}
	stats.Written -= stats.Dropped
	err = c.transaction(ctx, func() error { return e.finish(ctx, c, schema, w, &stats) })
	return stats, err
}

// place makes a filled file the current one, and closes its connection.
func (e *Engine) place(ctx context.Context, c *conn, path string) error {
	err := c.exec(ctx, "PRAGMA locking_mode = NORMAL")
	if err == nil {
		err = c.exec(ctx, "PRAGMA journal_mode = WAL")
	}
	if err := errors.Join(err, c.Close()); err != nil {
		return err
	}
	if err := dbfile.Sync(path); err != nil {
		return err
	}
	return e.install(ctx, path)
}
