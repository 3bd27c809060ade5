package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// Export writes a consistent copy of the file; see engines.FileEngine. Writers wait while the WAL is
// folded, then go on into the WAL while the file is copied: nobody may fold it meanwhile. Where an
// old reader keeps the WAL from being folded, SQLite's backup makes the copy.
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
	}
	if err == nil {
		err = settle(ctx, dst)
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

// settle makes a copy self-contained: no WAL, and none expected.
func settle(ctx context.Context, dst string) error {
	c, err := connect(ctx, dst, closing)
	if err != nil {
		return err
	}
	err = c.exec(ctx, "PRAGMA journal_mode = DELETE")
	if err := errors.Join(err, c.Close()); err != nil {
		return err
	}
	return dbfile.Sync(dst)
}

// copy copies the content as of one moment and returns its rows.
func (e *Engine) copy(ctx context.Context, dst string) (int64, error) {
	g, err := e.gate(ctx)
	if err != nil {
		return 0, err
	}
	defer g.from.done()
	defer e.foldLater(ctx, g.from.Store)
	defer e.copying.Unlock()
	if g.whole {
		return g.rows, dbfile.Copy(ctx, g.source, g.bytes, dst)
	}
	return g.rows, errors.Join(backup(g.from.conn, dst), g.from.conn.exec(context.WithoutCancel(ctx), "COMMIT"))
}

// gated is a moment between two writes.
type gated struct {
	from        *borrowed
	rows, bytes int64
	source      *os.File
	// whole says that the file itself is the content; else from.conn holds a read transaction of it.
	whole bool
}

// gate stops writers, folds the WAL, and takes the lock that keeps others from doing so.
func (e *Engine) gate(ctx context.Context) (g gated, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return g, err
	}
	defer e.writer.Unlock()
	if err := e.copying.Lock(ctx); err != nil {
		return g, err
	}
	began := false
	defer func() {
		if err != nil {
			e.copying.Unlock()
			if g.from != nil {
				if began { // else the connection would keep its read transaction, and the WAL, for ever
					_ = g.from.conn.exec(context.WithoutCancel(ctx), "ROLLBACK")
				}
				g.from.done()
			}
		}
	}()
	b := &borrowed{}
	b.Lease, err = e.slot.Acquire(ctx, func(d *database) (err error) {
		if g.source, err = d.source.Open(d.path); err != nil {
			return err
		}
		b.conn, err = d.get(ctx)
		return err
	})
	if err != nil {
		return g, err
	}
	g.from = b
	if b.Store.how == shared {
		if g.whole, err = b.Store.base.checkpoint(ctx); err != nil {
			return g, err
		}
	} else {
		g.whole = b.Store.how == immutable
	}
	if !g.whole {
		if err := b.conn.exec(context.WithoutCancel(ctx), "BEGIN"); err != nil {
			return g, err
		}
		began = true
	}
	if g.rows, err = b.conn.count(ctx, e.o.Dataset); err != nil { // also starts the read transaction
		return g, err
	}
	stat, err := g.source.Stat()
	if err != nil {
		return g, err
	}
	g.bytes = stat.Size()
	return g, nil
}

// foldLater folds the WAL that grew during a copy, unless a writer is at work: that one will.
func (e *Engine) foldLater(ctx context.Context, d *database) {
	if d.how != shared || dbfile.Size(e.o.Path+"-wal") == 0 || !e.writer.TryLock() {
		return
	}
	defer e.writer.Unlock()
	_ = e.fold(context.WithoutCancel(ctx), d) // the WAL stays and is read; the next writer reports trouble
}

// rewrite copies the content without free space and returns its rows. It works on a copy, so that
// writers do not wait and the rows are those of a known moment; the disk holds both for a while.
func (e *Engine) rewrite(ctx context.Context, dst string) (int64, error) {
	plain := dbfile.TempPath(dst, "")
	defer dbfile.Discard(plain)
	rows, err := e.copy(ctx, plain)
	if err != nil {
		return 0, err
	}
	c, err := connect(ctx, plain, closing)
	if err != nil {
		return 0, err
	}
	return rows, errors.Join(c.exec(ctx, "VACUUM INTO "+dbfile.Text(dst)), c.Close())
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
	if dbfile.Size(src+"-wal") > 0 || dbfile.Exists(src+"-journal") {
		return engines.Info{}, dbfile.Fail(engines.Invalid, fmt.Errorf("%s has a journal beside it: it is not self-contained", src))
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
