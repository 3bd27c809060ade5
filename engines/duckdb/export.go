//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// gatePatience is how long writers wait for queries that are in the way of a copy of the file.
const gatePatience = 200 * time.Millisecond

// compactPatience bounds the wait for the transactions of others at the end of a rewrite.
const compactPatience = time.Minute

// Export writes a consistent copy of the file; see engines.FileEngine. Writers wait for a CHECKPOINT,
// then go on into the WAL while the file is copied: without a checkpoint, which nobody may start
// meanwhile, its bytes do not change. While a long query keeps DuckDB from checkpointing, the content
// is copied instead of the file.
func (e *Engine) Export(ctx context.Context, dst string, compact bool) (engines.Export, error) {
	x, err := e.export(ctx, dst, compact)
	if err != nil {
		return engines.Export{}, e.wrap("export", err)
	}
	return x, nil
}

func (e *Engine) export(ctx context.Context, dst string, compact bool) (engines.Export, error) {
	if err := dbfile.CheckExport(e.o.Path, dst); err != nil {
		return engines.Export{}, err
	}
	if err := e.exports.Lock(ctx); err != nil {
		return engines.Export{}, err
	}
	defer e.exports.Unlock()
	var rows int64
	var err error
	if compact {
		rows, err = e.rewrite(ctx, dst)
	} else {
		rows, err = e.copy(ctx, dst)
		if busy(err) {
			rows, err = e.rewrite(ctx, dst)
		}
	}
	var x engines.Export
	if err == nil {
		x, err = dbfile.CheckCopy(ctx, check, dst, e.o.Dataset, rows)
	}
	if err != nil {
		dbfile.Discard(dst)
	}
	return x, err
}

// copy copies the file as of one checkpoint and returns its rows.
func (e *Engine) copy(ctx context.Context, dst string) (int64, error) {
	l, rows, bytes, err := e.gate(ctx)
	if err != nil {
		return 0, err
	}
	defer e.foldLater(ctx) // with a lease of its own
	defer l.Release()
	defer e.copying.Unlock()
	src, err := l.Store.source.Open(l.Store.path)
	if err != nil {
		return 0, err
	}
	return rows, dbfile.Copy(ctx, src, bytes, dst)
}

// gate stops writers, checkpoints, and takes the lock that keeps others from doing so. The file
// handle is opened here, where no other file can take its name.
func (e *Engine) gate(ctx context.Context) (l *dbfile.Lease[*database], rows, bytes int64, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return nil, 0, 0, err
	}
	defer e.writer.Unlock()
	if err := e.copying.Lock(ctx); err != nil {
		return nil, 0, 0, err
	}
	defer func() {
		if err != nil {
			e.copying.Unlock()
			if l != nil {
				l.Release()
			}
		}
	}()
	if l, err = e.slot.Acquire(ctx, nil); err != nil {
		return nil, 0, 0, err
	}
	if err := patiently(ctx, gatePatience, func() error { return checkpoint(ctx, l) }); err != nil {
		return l, 0, 0, err
	}
	src, err := l.Store.source.Open(l.Store.path)
	if err != nil {
		return l, 0, 0, err
	}
	stat, err := src.Stat()
	if err != nil {
		return l, 0, 0, err
	}
	rows, err = l.Store.rows(ctx)
	return l, rows, stat.Size(), err
}

// foldLater folds the WAL that grew during a copy, unless a writer is at work: that one will.
func (e *Engine) foldLater(ctx context.Context) {
	if !dbfile.Exists(e.o.Path+walSuffix) || !e.writer.TryLock() {
		return
	}
	defer e.writer.Unlock()
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return // the WAL stays; the next writer folds it
	}
	defer l.Release()
	e.fold(context.WithoutCancel(ctx), l)
}

// rewrite copies the content into a new database without free space and returns its rows.
func (e *Engine) rewrite(ctx context.Context, dst string) (rows int64, err error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer l.Release()
	d := l.Store
	err = d.conn(ctx, func(c driver.Conn) error {
		if err := execOn(ctx, c, "ATTACH "+dbfile.Text(dst)+" AS compacted"); err != nil {
			return err
		}
		err := e.copyDatabase(ctx, c, d, &rows)
		return errors.Join(err, execOn(context.WithoutCancel(ctx), c, "DETACH compacted"))
	})
	if err != nil {
		return 0, err
	}
	return rows, dbfile.Sync(dst)
}

// copyDatabase copies acc to compacted and counts its rows, both as of one transaction.
func (e *Engine) copyDatabase(ctx context.Context, c driver.Conn, d *database, rows *int64) error {
	if err := execOn(ctx, c, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	var n any
	_, err := valuesOn(ctx, c, "SELECT count(*) FROM "+d.table(), &n)
	if err == nil {
		*rows = n.(int64)
		err = execOn(ctx, c, "COPY FROM DATABASE acc TO compacted")
	}
	if err == nil {
		err = execOn(ctx, c, "COMMIT")
	}
	if err != nil {
		_ = execOn(context.WithoutCancel(ctx), c, "ROLLBACK") // the first error counts
		return err
	}
	return patiently(ctx, compactPatience, func() error { return execOn(ctx, c, "CHECKPOINT compacted") })
}

// Adopt makes src the content; see engines.FileEngine.
func (e *Engine) Adopt(ctx context.Context, src string) (engines.Info, error) {
	info, err := e.adopt(ctx, src)
	return info, e.wrap("adopt", err)
}

func (e *Engine) adopt(ctx context.Context, src string) (engines.Info, error) {
	if err := dbfile.CheckFile(e.o.Path); err != nil {
		return engines.Info{}, err
	}
	if dbfile.Exists(src + walSuffix) {
		return engines.Info{}, dbfile.Fail(engines.Invalid, fmt.Errorf("%s has a WAL beside it: it is not self-contained", src))
	}
	info, _, err := check(ctx, src, e.o.Dataset)
	if err != nil {
		return engines.Info{}, err
	}
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Info{}, err
	}
	defer e.writer.Unlock()
	if err := dbfile.Sync(src); err != nil {
		return engines.Info{}, err
	}
	if err := e.install(ctx, src); err != nil {
		return engines.Info{}, err
	}
	return info, nil
}
