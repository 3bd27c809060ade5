// Package shape gives the rows of a source the shape that a refresh_sql asks for: columns, conditions,
// one row per key, a limit (spec data-refresh 3.1). It works on streams of Arrow batches and changes no
// value, no type and no order.
//
// A condition is split by Translate: what engines.Predicate can say exactly goes to sources and to
// Keep; the rest, in PostgreSQL's syntax, goes to Mask, which has a DuckDB without access to anything
// compute which rows to keep. All times are those of UTC, in both.
//
// Every reader takes its source over: releasing it releases the source. A function that returns an
// error leaves the source to the caller. A reader ends with its context, whose cause is then its Err.
// The package starts no goroutines.
package shape

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

// Error is a condition or a column that does not go with the source. As long as neither changes, trying
// again is no use.
type Error struct {
	// Message says what is wrong, Hint what helps; Hint may be empty.
	Message, Hint string
	// Row is true when the condition as such is fine and the values of a row are not.
	Row bool
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// errEnd is returned by a step with the last batch.
var errEnd = errors.New("end of the rows")

// stage is a reader that makes each batch of its source into another.
type stage struct {
	refs   atomic.Int64
	ctx    context.Context // of the run; a RecordReader's Next has none
	src    array.RecordReader
	schema *arrow.Schema
	// step returns what becomes of a batch, which stays its owner's: nil or no rows skip it. errEnd ends
	// the stream after it.
	step func(arrow.RecordBatch) (arrow.RecordBatch, error)
	// close frees what step uses; may be nil.
	close func()

	cur  arrow.RecordBatch
	err  error
	done bool
}

var _ array.RecordReader = (*stage)(nil)

func newStage(ctx context.Context, src array.RecordReader, step func(arrow.RecordBatch) (arrow.RecordBatch, error)) *stage {
	s := &stage{ctx: ctx, src: src, schema: src.Schema(), step: step}
	s.refs.Store(1)
	return s
}

func (s *stage) Schema() *arrow.Schema          { return s.schema }
func (s *stage) RecordBatch() arrow.RecordBatch { return s.cur }
func (s *stage) Record() arrow.RecordBatch      { return s.cur }
func (s *stage) Retain()                        { s.refs.Add(1) }

func (s *stage) Err() error {
	if s.err != nil {
		return s.err
	}
	return s.src.Err()
}

func (s *stage) Next() bool {
	s.drop()
	for s.err == nil && !s.done {
		if s.ctx.Err() != nil {
			s.err = context.Cause(s.ctx)
			return false
		}
		if !s.src.Next() {
			s.done = true
			return false
		}
		cur, err := s.step(s.src.RecordBatch())
		if s.done = errors.Is(err, errEnd); err != nil && !s.done {
			s.err = err
			return false
		}
		if cur == nil {
			continue
		}
		if cur.NumRows() > 0 {
			s.cur = cur
			return true
		}
		cur.Release()
	}
	return false
}

func (s *stage) drop() {
	if s.cur != nil {
		s.cur.Release()
		s.cur = nil
	}
}

func (s *stage) Release() {
	if s.refs.Add(-1) != 0 {
		return
	}
	s.drop()
	s.src.Release()
	if s.close != nil {
		s.close()
	}
}

// Limit ends the rows of r after n of them and does not read on.
func Limit(ctx context.Context, r array.RecordReader, n int64) array.RecordReader {
	s := newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		if b.NumRows() < n {
			n -= b.NumRows()
			b.Retain()
			return b, nil
		}
		return b.NewSlice(0, n), errEnd
	})
	s.done = n <= 0
	return s
}

// Columns narrows r to columns, in their order; none means all. An *Error names one that r has not.
func Columns(ctx context.Context, r array.RecordReader, names []string) (array.RecordReader, error) {
	schema, indices, err := engines.Project(r.Schema(), names)
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("the source has %v", err)}
	}
	s := newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		columns := make([]arrow.Array, len(indices))
		for i, at := range indices {
			columns[i] = b.Column(at)
		}
		return array.NewRecordBatch(schema, columns, b.NumRows()), nil
	})
	s.schema = schema
	return s, nil
}
