package arrowmem

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Query streams the rows of the current state; see engines.Engine. Batches are not copied unless the
// filter drops rows.
func (e *Engine) Query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	schema, columns, err := engines.Project(l.Store.schema, s.Columns)
	if err != nil {
		l.Release()
		return nil, e.wrap("query", dbfile.Fail(engines.NotFound, err))
	}
	node, err := filter.Bind(l.Store.schema, s.Where)
	if err != nil {
		l.Release()
		return nil, e.wrap("query", err)
	}
	r := &reader{ctx: ctx, engine: e, lease: l, schema: schema, columns: columns, where: node, left: s.Limit}
	if s.Limit <= 0 {
		r.left = l.Store.rows
	}
	r.refs.Store(1)
	return r, nil
}

type reader struct {
	refs    atomic.Int64
	ctx     context.Context
	engine  *Engine
	lease   *dbfile.Lease[*content]
	schema  *arrow.Schema
	columns []int
	where   filter.Node
	left    int64 // rows still to be returned
	next    int
	current arrow.RecordBatch
	err     error
}

var _ array.RecordReader = (*reader)(nil)

func (r *reader) Schema() *arrow.Schema          { return r.schema }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.current }
func (r *reader) Record() arrow.RecordBatch      { return r.current }
func (r *reader) Err() error                     { return r.engine.wrap("query", r.err) }
func (r *reader) Retain()                        { r.refs.Add(1) }

func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		r.drop()
		r.lease.Release()
	}
}

func (r *reader) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

func (r *reader) Next() bool {
	r.drop()
	for r.err == nil && r.left > 0 && r.next < len(r.lease.Store.batches) {
		if r.err = r.ctx.Err(); r.err != nil {
			return false
		}
		kept, err := filter.Keep(r.where, r.lease.Store.batches[r.next], true)
		r.next++
		if r.err = err; kept == nil {
			continue
		}
		r.current = r.project(kept)
		kept.Release()
		r.left -= r.current.NumRows()
		return true
	}
	return false
}

// project picks the columns and at most as many rows as are left.
func (r *reader) project(b arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		columns[i] = b.Column(c)
	}
	out := array.NewRecordBatch(r.schema, columns, b.NumRows())
	if out.NumRows() <= r.left {
		return out
	}
	defer out.Release()
	return out.NewSlice(0, r.left)
}

// Watermark returns the greatest value of a column; see engines.Engine.
func (e *Engine) Watermark(ctx context.Context, column string) (engines.Mark, error) {
	m, err := e.watermark(ctx, column)
	return m, e.wrap("watermark", err)
}

func (e *Engine) watermark(ctx context.Context, column string) (engines.Mark, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Mark{}, err
	}
	defer l.Release()
	schema, at, err := engines.Project(l.Store.schema, []string{column})
	if err != nil {
		return engines.Mark{}, dbfile.Fail(engines.NotFound, err)
	}
	t := schema.Field(0).Type
	if !convert.Ordered(t) {
		return engines.Mark{}, dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: no watermark over %s", column, t))
	}
	best := engines.Mark{Type: t}
	var in arrow.Array
	var row int
	for _, b := range l.Store.batches {
		if c, i := b.Column(at[0]), filter.Greatest(b.Column(at[0])); i >= 0 && (in == nil || filter.Less(in, row, c, i)) {
			in, row = c, i
		}
	}
	if in == nil {
		return best, nil
	}
	return convert.Mark(in, row, t)
}
