package filter

import (
	"context"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
)

// Keep returns the rows of a batch for which want is the truth of the predicate being True. The
// caller releases the result; it is nil when no row is left. The errors are those of Truths.
func Keep(ctx context.Context, n Node, batch arrow.RecordBatch, want bool) (arrow.RecordBatch, error) {
	rows, err := Truths(ctx, n, batch)
	if err != nil {
		return nil, err
	}
	var indices []int
	for i := range rows {
		if (rows[i] == True) == want {
			indices = append(indices, i)
		}
	}
	switch len(indices) {
	case 0:
		return nil, nil
	case len(rows):
		batch.Retain()
		return batch, nil
	default:
		return convert.Take(batch, indices)
	}
}

// Rows is a reader of the rows of another for which a predicate is true, with some of its columns, up
// to a number of rows.
type Rows struct {
	refs    atomic.Int64
	ctx     context.Context
	fail    func(error) error
	src     array.RecordReader
	in      *convert.Ingest // src in batches that are worth their evaluation
	where   Node
	schema  *arrow.Schema
	picked  []int
	left    int64 // rows still to be returned; negative: no limit
	current arrow.RecordBatch
	err     error
}

var _ array.RecordReader = (*Rows)(nil)

// NewRows takes src over, whose schema where is bound to. schema has the columns of src at picked; limit
// is the highest number of rows, 0 for all; fail words errors.
func NewRows(ctx context.Context, src array.RecordReader, where Node, schema *arrow.Schema, picked []int, limit int64, fail func(error) error) *Rows {
	r := &Rows{ctx: ctx, fail: fail, src: src, where: where, schema: schema, picked: picked, left: limit}
	if limit <= 0 {
		r.left = -1
	}
	merge := int64(0)
	if HasSQL(where) {
		merge = SQLRows
	}
	r.in = convert.NewIngest(ctx, src, src.Schema(), merge)
	r.refs.Store(1)
	return r
}

// Schema returns the schema of the columns that are read.
func (r *Rows) Schema() *arrow.Schema { return r.schema }

// RecordBatch returns the current batch, valid until the next call of Next.
func (r *Rows) RecordBatch() arrow.RecordBatch { return r.current }

// Record is RecordBatch under its deprecated name, which the interface still asks for.
func (r *Rows) Record() arrow.RecordBatch { return r.current }

// Err returns the error of the source, of the context or of a condition in SQL.
func (r *Rows) Err() error { return r.fail(r.err) }

// Retain adds a reference.
func (r *Rows) Retain() { r.refs.Add(1) }

// Release drops a reference; the last one releases the source.
func (r *Rows) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.in.Release()
	r.src.Release()
}

func (r *Rows) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

// Next moves to the next batch that has rows.
func (r *Rows) Next() bool {
	r.drop()
	for r.err == nil && r.left != 0 {
		if !r.in.Next() {
			r.err = r.in.Err()
			return false
		}
		kept, err := Keep(r.ctx, r.where, r.in.RecordBatch(), true)
		if r.err = err; kept == nil {
			continue
		}
		r.current = r.pick(kept)
		kept.Release()
		return true
	}
	return false
}

// pick narrows a batch to the columns and rows asked for.
func (r *Rows) pick(b arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, len(r.picked))
	for i, c := range r.picked {
		columns[i] = b.Column(c)
	}
	out := array.NewRecordBatch(r.schema, columns, b.NumRows())
	if r.left < 0 {
		return out
	}
	n := min(r.left, out.NumRows())
	r.left -= n
	if n == out.NumRows() {
		return out
	}
	defer out.Release()
	return out.NewSlice(0, n)
}
