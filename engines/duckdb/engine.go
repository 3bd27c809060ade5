//go:build duckdb_arrow

package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

// Engine is one dataset in DuckDB. Of the locks, writer is taken before copying.
type Engine struct {
	o    engines.Options
	set  settings
	slot *dbfile.Slot[*database]

	writer  dbfile.Lock // one writer at a time
	exports dbfile.Lock // one copy at a time
	copying dbfile.Lock // held while the file is copied: nobody may checkpoint it
}

var _ engines.FileEngine = (*Engine)(nil)

// Path returns the database file; empty in memory.
func (e *Engine) Path() string { return e.o.Path }

func (e *Engine) wrap(op string, err error) error {
	return dbfile.Wrap(op, e.o.Dataset, e.o.Path, err)
}

// Info returns schema, rows and size; see engines.Engine.
func (e *Engine) Info(ctx context.Context) (engines.Info, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return engines.Info{}, nil
	}
	if err != nil {
		return engines.Info{}, e.wrap("info", err)
	}
	defer l.Release()
	info, err := e.info(ctx, l.Store)
	return info, e.wrap("info", err)
}

func (e *Engine) info(ctx context.Context, d *database) (engines.Info, error) {
	rows, err := d.rows(ctx)
	if err != nil {
		return engines.Info{}, err
	}
	size, err := d.size(ctx)
	return engines.Info{Schema: d.schema, Rows: rows, Bytes: size}, err
}

// size is the length of the file with its WAL, or the memory of a database in memory, in bytes.
func (d *database) size(ctx context.Context) (int64, error) {
	if d.path != "" {
		return dbfile.Size(d.path) + dbfile.Size(d.path+walSuffix), nil
	}
	var n any
	if _, err := d.values(ctx, "SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT FROM duckdb_memory()", &n); err != nil {
		return 0, err
	}
	return n.(int64), nil
}

// Checkpoint returns the checkpoint row; see engines.Engine.
func (e *Engine) Checkpoint(ctx context.Context) (*engines.Checkpoint, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, e.wrap("checkpoint", err)
	}
	defer l.Release()
	cp, err := l.Store.checkpointRow(ctx)
	return cp, e.wrap("checkpoint", err)
}

// Watermark returns the greatest value of a column; see engines.Engine.
func (e *Engine) Watermark(ctx context.Context, column string) (engines.Mark, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Mark{}, e.wrap("watermark", err)
	}
	defer l.Release()
	m, err := l.Store.watermark(ctx, column)
	return m, e.wrap("watermark", err)
}

func (d *database) watermark(ctx context.Context, column string) (engines.Mark, error) {
	s, _, err := engines.Project(d.schema, []string{column})
	if err != nil {
		return engines.Mark{}, dbfile.Fail(engines.NotFound, err)
	}
	t := s.Field(0).Type
	if !convert.Ordered(t) {
		return engines.Mark{}, dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: no watermark over %s", column, t))
	}
	var m engines.Mark
	err = d.arrow(ctx, "SELECT max("+dbfile.Ident(column)+") FROM "+d.table(), func(r array.RecordReader) error {
		if !r.Next() {
			return errors.Join(errors.New("max returned nothing"), r.Err())
		}
		v, err := convert.Array(memory, r.RecordBatch().Column(0), t)
		if err != nil {
			return err
		}
		defer v.Release()
		m, err = convert.Mark(v, 0, t)
		return err
	})
	return m, err
}

// Close waits for writers and readers and closes the store; it is idempotent.
func (e *Engine) Close() error {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	return e.slot.Close()
}
