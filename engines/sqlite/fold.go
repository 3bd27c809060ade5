package sqlite

import (
	"context"

	"pitwall/engines/dbfile"
)

// change runs f in a transaction: of the file, or of a copy of the database in memory. Many says that more changes are
// likely to follow soon.
func (e *Engine) change(ctx context.Context, many bool, f func(*database) error) error {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return err
	}
	defer l.Release()
	d := l.Store
	if err := dbfile.CheckInPlace(d.view); err != nil {
		return err
	}
	if d.how == inMemory {
		return e.changeCopy(ctx, d, f)
	}
	if err := d.base.transaction(ctx, func() error { return f(d) }); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if many {
		return e.foldSome(ctx, d)
	}
	return e.fold(ctx, d)
}

// foldSome lets changes of a stream wait in the WAL until it holds as many bytes as the file, within bounds: to move them
// costs about as much for few as for many, because they touch all of the file. From the half on they are moved beside
// further writes; what is left at last is moved while none runs, so that the next write begins the WAL anew.
func (e *Engine) foldSome(ctx context.Context, d *database) error {
	const least, most = 64 << 20, 512 << 20 // bytes; the next open after a crash reads them again
	row, err := values(d.base.row(ctx, "PRAGMA wal_checkpoint(NOOP)"))
	if err != nil {
		return err
	}
	frames, moved := row[1].(int64), row[2].(int64)
	if row, err = values(d.base.row(ctx, "PRAGMA page_size")); err != nil {
		return err
	}
	page, limit := row[0].(int64), min(max(least, dbfile.Size(e.o.Path)), most)
	switch {
	case frames*page < limit/2:
		return nil
	case (frames-moved)*page < limit/8 || frames*page > 2*limit: // few; or readers, or an error, have been in the way for long
		return e.fold(ctx, d)
	default:
		return e.foldBeside(ctx)
	}
}

// foldBeside begins to fold while others write, unless it is being done or the file is being copied. Close waits for it.
func (e *Engine) foldBeside(ctx context.Context) error {
	if !e.copying.TryLock() {
		return nil
	}
	b, err := e.borrow(ctx)
	if err != nil {
		e.copying.Unlock()
		return err
	}
	e.folding.Go(func() {
		defer b.done()
		defer e.copying.Unlock()
		_, _ = b.conn.checkpoint(ctx) // after a failure the WAL stays and is read; the fold at twice its size tells
	})
	return nil
}

// fold moves the WAL into the file, unless the file is being copied: then the copy does it.
func (e *Engine) fold(ctx context.Context, d *database) error {
	if !e.copying.TryLock() {
		return nil
	}
	defer e.copying.Unlock()
	_, err := d.base.checkpoint(ctx)
	return err
}
