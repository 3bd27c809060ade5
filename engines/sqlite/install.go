package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"pitwall/engines/dbfile"
)

// memoryName returns the name of a new database in memory. The process knows it by this name for as
// long as a connection is open.
func memoryName() string { return "/pitwall-" + rand.Text() }

// changeCopy changes a copy of a database in memory and makes it the content.
func (e *Engine) changeCopy(ctx context.Context, d *database, f func(*database) error) error {
	name := memoryName()
	base, err := connect(ctx, name, inMemory)
	if err != nil {
		return err
	}
	next := &database{path: name, how: inMemory, base: base, schema: d.schema}
	err = backup(d.base, "file:"+name+"?vfs=memdb")
	if err == nil {
		err = base.transaction(ctx, func() error { return f(next) })
	}
	if err == nil {
		err = e.slot.Set(ctx, next)
	}
	if err != nil {
		return errors.Join(err, base.Close())
	}
	return nil
}

// backup copies all pages of a connection's database to another one, as of one read transaction.
func backup(c *conn, uri string) error {
	b, err := c.Conn.(interface {
		NewBackup(string) (*sqlite.Backup, error)
	}).NewBackup(uri)
	if err != nil {
		return err
	}
	more, err := b.Step(-1)
	if err == nil && more {
		err = errors.New("backup: pages are left")
	}
	return errors.Join(err, b.Finish())
}

// install puts a finished file in the place of the current one. What the old file has in its WAL is
// folded, and its sidecars are moved aside in a way that Open can undo: a crash before the rename
// leaves the old content, whole; after it, the new.
func (e *Engine) install(ctx context.Context, tmp string) error {
	if err := e.seal(ctx); err != nil {
		return err
	}
	err := e.slot.Replace(ctx, func() error {
		parked, err := dbfile.Park(e.o.Path, sidecars()...)
		if err != nil {
			return err
		}
		if err := os.Rename(tmp, e.o.Path); err != nil {
			return errors.Join(err, parked.Restore())
		}
		parked.Delete()
		return nil
	})
	if err != nil {
		return err
	}
	return dbfile.Sync(filepath.Dir(e.o.Path))
}

// seal folds the WAL of the current file as far as readers allow. A copy under way is waited for.
func (e *Engine) seal(ctx context.Context) error {
	if !dbfile.Exists(e.o.Path) || dbfile.Size(e.o.Path+"-wal") == 0 {
		return nil
	}
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := e.copying.Lock(ctx); err != nil {
		return err
	}
	defer e.copying.Unlock()
	if _, err := l.Store.base.checkpoint(ctx); err != nil {
		return fmt.Errorf("fold the WAL: %w", err)
	}
	return nil
}
