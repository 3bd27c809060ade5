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

// seal makes the current file complete without its WAL. It waits for queries that read older rows.
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
	return patiently(ctx, forever, func() error { return checkpoint(ctx, l) })
}
