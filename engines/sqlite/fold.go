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
	if ctx = context.WithoutCancel(ctx); many {
		if large, err := e.large(ctx, d); err != nil || !large {
			return err
		}
	}
	return e.fold(ctx, d)
}

// large says whether the WAL holds as many bytes as the file, within bounds. Changes of a stream wait in it until then:
// to move them into the file costs about as much for few as for many, because they touch all of it. The WAL is as large
// until a write finds it folded and without readers, and begins it anew.
func (e *Engine) large(ctx context.Context, d *database) (bool, error) {
	const least, most = 64 << 20, 512 << 20 // bytes; the next open after a crash reads them again
	row, err := values(d.base.row(ctx, "PRAGMA wal_checkpoint(NOOP)"))
	if err != nil {
		return false, err
	}
	frames := row[1].(int64)
	if row, err = values(d.base.row(ctx, "PRAGMA page_size")); err != nil {
		return false, err
	}
	return frames*row[0].(int64) >= min(max(least, dbfile.Size(e.o.Path)), most), nil
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
