//go:build duckdb_arrow

package duckdb

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

var _ engines.Selector = (*Engine)(nil)

// Select runs a query over the current state; see engines.Selector.
func (e *Engine) Select(ctx context.Context, sql func(table string) string) (array.RecordReader, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	r, err := newReader(ctx, l, sql(l.Store.table()), nil)
	if err != nil {
		condemn(l, err)
		l.Release()
		return nil, e.wrap("query", err)
	}
	return r, nil
}
