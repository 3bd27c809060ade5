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
	node, err := filter.BindSQL(l.Store.schema, s.Where, e.o.Evaluate)
	if err != nil {
		l.Release()
		return nil, e.wrap("query", err)
	}
	fail := func(err error) error { return e.wrap("query", err) }
	return filter.NewRows(ctx, newReader(l), node, schema, columns, s.Limit, fail), nil
}

// reader hands out the batches of one state, which its lease keeps.
type reader struct {
	refs  atomic.Int64
	lease *dbfile.Lease[*content]
	next  int
}

var _ array.RecordReader = (*reader)(nil)

func newReader(l *dbfile.Lease[*content]) *reader {
	r := &reader{lease: l}
	r.refs.Store(1)
	return r
}

func (r *reader) Schema() *arrow.Schema          { return r.lease.Store.schema }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.lease.Store.batches[r.next-1] }
func (r *reader) Record() arrow.RecordBatch      { return r.RecordBatch() }
func (r *reader) Err() error                     { return nil }
func (r *reader) Retain()                        { r.refs.Add(1) }

func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		r.lease.Release()
	}
}

func (r *reader) Next() bool {
	r.next++
	return r.next <= len(r.lease.Store.batches)
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
