//go:build duckdb_arrow

package duckdb

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

var _ engines.Selector = (*Engine)(nil)

// Select runs a query over the current state; see engines.Selector.
func (e *Engine) Select(ctx context.Context, sql func(table string) string) (array.RecordReader, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	r, err := selectOn(ctx, l, sql(l.Store.table()))
	if err != nil {
		condemn(l, err)
		l.Release()
		return nil, e.wrap("query", err)
	}
	return r, nil
}

func selectOn(ctx context.Context, l *dbfile.Lease[*database], text string) (array.RecordReader, error) {
	d := l.Store
	c, err := d.get(ctx)
	if err != nil {
		return nil, err
	}
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		d.put(c)
		return nil, err
	}
	src, err := a.QueryContext(ctx, text)
	if err != nil {
		d.put(c)
		return nil, cause(ctx, err)
	}
	r := &reader{lease: l, conn: c, src: src}
	r.refs.Store(1)
	return r, nil
}
