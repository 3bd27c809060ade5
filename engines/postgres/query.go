package postgres

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// batchRows is the number of rows in one batch of a query.
const batchRows = 16_384

// Query streams the rows of one consistent state; see engines.Engine. The server keeps the result of the
// query until the reader is released, so that no lock is held meanwhile.
func (e *Engine) Query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	r, err := e.query(ctx, s)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	return r, nil
}

func (e *Engine) query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	var plan *filter.Plan
	var r *cursor
	err := e.transaction(ctx, func(t *tx) error {
		schema, _, err := e.current(ctx, t, reading)
		if err == nil && schema == nil {
			err = errNothing
		}
		if err != nil {
			return err
		}
		if plan, err = filter.NewPlan(schema, s, e.o.Evaluate, pushable); err != nil {
			return err
		}
		text := "SELECT " + dbfile.Columns(plan.Read) + " FROM " + t.name(e.o.Dataset) + plan.Where(dialect())
		if plan.Limit > 0 {
			text += " LIMIT " + strconv.FormatInt(plan.Limit, 10)
		}
		if r, err = declare(ctx, t, text, plan.Read, "WITH HOLD"); err != nil {
			return err
		}
		if err := t.exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
			r.decoder.release()
			return err
		}
		t.conn = nil // it is the reader's now
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.fail = func(err error) error { return e.wrap("query", err) }
	return plan.Rows(ctx, r, r.fail), nil
}

// cursor reads a result batch by batch.
type cursor struct {
	refs    atomic.Int64
	ctx     context.Context
	t       tx
	own     bool // the connection goes back with the cursor
	schema  *arrow.Schema
	decoder *decoder
	current arrow.RecordBatch
	ended   bool
	err     error
	fail    func(error) error
}

var _ array.RecordReader = (*cursor)(nil)

// declare starts a query. A cursor WITH HOLD outlives the transaction, and owns the connection.
func declare(ctx context.Context, t *tx, query string, schema *arrow.Schema, hold string) (*cursor, error) {
	if err := t.exec(ctx, "DECLARE pitwall NO SCROLL CURSOR "+hold+" FOR "+query); err != nil {
		return nil, err
	}
	r := &cursor{ctx: ctx, t: *t, own: hold != "", schema: schema, decoder: newDecoder(schema), fail: func(err error) error { return err }}
	r.refs.Store(1)
	return r, nil
}

func (r *cursor) Schema() *arrow.Schema          { return r.schema }
func (r *cursor) RecordBatch() arrow.RecordBatch { return r.current }
func (r *cursor) Record() arrow.RecordBatch      { return r.current }
func (r *cursor) Retain()                        { r.refs.Add(1) }
func (r *cursor) Err() error                     { return r.fail(r.err) }

func (r *cursor) Next() bool {
	r.drop()
	if r.err != nil || r.ended {
		return false
	}
	if r.err = r.fetch(); r.err == nil {
		r.current, r.err = r.decoder.batch()
	}
	return r.current != nil
}

// fetch reads the rows of one batch.
func (r *cursor) fetch() (err error) {
	rows := r.t.conn.Conn().PgConn().ExecParams(r.ctx, "FETCH "+strconv.Itoa(batchRows)+" FROM pitwall", nil, nil, nil, []int16{1})
	n := 0
	for rows.NextRow() && err == nil {
		n++
		err = r.decoder.row(rows.Values())
	}
	if _, closed := rows.Close(); err == nil {
		err = closed
	}
	r.ended = n < batchRows
	return err
}

func (r *cursor) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

// closeTimeout bounds how long a reader waits for a server that does not answer any more.
const closeTimeout = 10 * time.Second

func (r *cursor) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.decoder.release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), closeTimeout)
	defer cancel()
	err := r.t.exec(ctx, "CLOSE pitwall")
	if !r.own {
		return
	}
	if err != nil { // then the connection is of no more use
		_ = r.t.conn.Conn().Close(ctx)
	}
	r.t.conn.Release()
}
