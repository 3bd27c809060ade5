//go:build duckdb_arrow

package duckdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines/dbfile"
)

// fold moves the WAL into the file, unless the file is being copied: then the copy does it. What was
// committed is safe in the WAL, so that a failure is none of the write's: the next fold tries again.
func (e *Engine) fold(ctx context.Context, l *dbfile.Lease[*database]) {
	if l.Store.path == "" || !e.copying.TryLock() {
		return
	}
	defer e.copying.Unlock()
	_ = checkpoint(ctx, l)
}

// checkpoint moves the WAL into the file. DuckDB refuses all work on a database after a failure, such
// as a full disk, until it is opened anew, which replays the WAL.
func checkpoint(ctx context.Context, l *dbfile.Lease[*database]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.Store.exec(ctx, "CHECKPOINT acc")
	if err != nil {
		l.Condemn()
	}
	return err
}

// condemn gives up a generation if err says that its database refuses all work. A database in memory has
// no file to open anew.
func condemn(l *dbfile.Lease[*database], err error) {
	var e *duckdb.Error
	if l.Store.path != "" && errors.As(err, &e) && (e.Type == duckdb.ErrorTypeFatal || strings.Contains(e.Msg, "has been invalidated")) {
		l.Condemn()
	}
}

// install puts a finished file in the place of the current one. The old file is sealed first: its
// WAL must not exist when the new file appears under its name.
func (e *Engine) install(ctx context.Context, tmp string) error {
	if err := e.seal(ctx); err != nil {
		return err
	}
	err := e.slot.Replace(ctx, func() error {
		if err := os.Remove(e.o.Path + walSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Rename(tmp, e.o.Path)
	})
	if err != nil {
		return err
	}
	return dbfile.Sync(filepath.Dir(e.o.Path))
}

// seal makes the current file complete without its WAL.
func (e *Engine) seal(ctx context.Context) error {
	if !dbfile.Exists(e.o.Path) || !dbfile.Exists(e.o.Path+walSuffix) {
		return nil
	}
	err := e.sealOnce(ctx)
	if err != nil && ctx.Err() == nil { // on a database opened anew
		err = e.sealOnce(ctx)
	}
	return err
}

func (e *Engine) sealOnce(ctx context.Context) error {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := e.copying.Lock(ctx); err != nil {
		return err
	}
	defer e.copying.Unlock()
	return checkpoint(ctx, l)
}
