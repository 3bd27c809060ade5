package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// batchRows is the number of rows in one batch of a query.
const batchRows = 16_384

// Query streams the rows of one consistent state; see engines.Engine. One statement is one read
// transaction.
func (e *Engine) Query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	b, err := e.borrow(ctx)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	r, err := e.query(ctx, b, s)
	if err != nil {
		b.done()
		return nil, e.wrap("query", err)
	}
	return r, nil
}

func (e *Engine) query(ctx context.Context, b *borrowed, s engines.Scan) (array.RecordReader, error) {
	plan, err := filter.NewPlan(b.Store.schema, s, e.o.Evaluate, pushable)
	if err != nil {
		return nil, err
	}
	text := "SELECT " + columns(plan.Read) + " FROM " + dbfile.Ident(e.o.Dataset) + plan.Where(dialect()) + limited(plan.Limit)
	r, err := newReader(ctx, b.conn, text, plan.Read)
	if err != nil {
		return nil, err
	}
	r.fail = func(err error) error { return e.wrap("query", err) }
	r.done = b.done
	return plan.Rows(ctx, r, r.fail), nil
}

// columns writes the columns to read. The plus keeps the driver from guessing a Go type from the
// declared one.
func columns(s *arrow.Schema) string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = "+" + dbfile.Ident(f.Name)
	}
	return strings.Join(out, ", ")
}

// reader turns rows into batches of the recorded schema.
type reader struct {
	refs    atomic.Int64
	ctx     context.Context
	rows    driver.Rows
	schema  *arrow.Schema
	decoder *decoder
	current arrow.RecordBatch
	err     error
	fail    func(error) error // words errors; may be nil
	done    func()            // gives back what the reader uses; may be nil
}

var _ array.RecordReader = (*reader)(nil)

// newReader runs a query whose columns have a schema.
func newReader(ctx context.Context, c *conn, query string, schema *arrow.Schema) (*reader, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return nil, cause(ctx, err)
	}
	r := &reader{ctx: ctx, rows: rows, schema: schema, decoder: newDecoder(schema)}
	r.refs.Store(1)
	return r, nil
}

func (r *reader) Schema() *arrow.Schema          { return r.schema }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.current }
func (r *reader) Record() arrow.RecordBatch      { return r.current }
func (r *reader) Retain()                        { r.refs.Add(1) }

func (r *reader) Err() error {
	if r.fail == nil {
		return r.err
	}
	return r.fail(r.err)
}

func (r *reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.decoder.release()
	_ = r.rows.Close() // the statement was read-only
	if r.done != nil {
		r.done()
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
	if r.err == nil {
		r.current, r.err = r.decoder.read(r.ctx, r.rows, batchRows)
	}
	return r.current != nil
}
