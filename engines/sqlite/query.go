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
	schema, picked, err := engines.Project(b.Store.schema, s.Columns)
	if err != nil {
		return nil, dbfile.Fail(engines.NotFound, err)
	}
	node, err := filter.Bind(b.Store.schema, s.Where)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, engine: e, from: b, schema: schema, left: -1}
	r.refs.Store(1)
	where, limit := "", limited(s.Limit)
	read := schema
	switch {
	case s.Where == nil:
	case pushable(b.Store.schema, node):
		where = " WHERE " + filter.SQL(node, dialect())
	default: // filter here: read all columns, then drop rows and columns
		read, r.where, r.picked, limit = b.Store.schema, node, picked, ""
		if s.Limit > 0 {
			r.left = s.Limit
		}
	}
	text := "SELECT " + columns(read) + " FROM " + dbfile.Ident(e.o.Dataset) + where + limit
	if r.rows, err = b.conn.Conn.(driver.QueryerContext).QueryContext(ctx, text, nil); err != nil {
		return nil, cause(ctx, err)
	}
	r.decoder = newDecoder(read)
	return r, nil
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
	engine  *Engine
	from    *borrowed
	rows    driver.Rows
	schema  *arrow.Schema
	decoder *decoder
	where   filter.Node // nil when SQLite filters
	picked  []int       // columns of the decoded rows to return, with where
	left    int64       // rows still to be returned, with where; -1: no limit
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
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.decoder.release()
	_ = r.rows.Close() // the statement was read-only
	r.from.done()
}

func (r *reader) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

func (r *reader) Next() bool {
	r.drop()
	for r.err == nil && r.left != 0 {
		b, err := r.decoder.read(r.ctx, r.rows, batchRows)
		if r.err = err; b == nil {
			return false
		}
		if r.where == nil {
			r.current = b
			return true
		}
		kept, err := filter.Keep(r.where, b, true)
		b.Release()
		if r.err = err; kept == nil {
			continue
		}
		r.current = r.pick(kept)
		kept.Release()
		return true
	}
	return false
}

// pick narrows a filtered batch to the columns and rows asked for.
func (r *reader) pick(b arrow.RecordBatch) arrow.RecordBatch {
	cols := make([]arrow.Array, len(r.picked))
	for i, c := range r.picked {
		cols[i] = b.Column(c)
	}
	out := array.NewRecordBatch(r.schema, cols, b.NumRows())
	if r.left < 0 {
		return out
	}
	defer out.Release()
	n := min(r.left, out.NumRows())
	r.left -= n
	return out.NewSlice(0, n)
}

// deleteRows deletes by row number what only filter can decide, inside of a transaction.
func (c *conn) deleteRows(ctx context.Context, dataset string, schema *arrow.Schema, node filter.Node) (int64, error) {
	ids, err := c.matching(ctx, dataset, schema, node)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	stmt, err := c.Conn.Prepare("DELETE FROM " + dbfile.Ident(dataset) + " WHERE rowid = ?")
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if _, err := stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), named([]any{id})); err != nil {
			return 0, err
		}
	}
	return int64(len(ids)), nil
}

func (c *conn) matching(ctx context.Context, dataset string, schema *arrow.Schema, node filter.Node) ([]int64, error) {
	const id = " rowid" // no column of ours begins with a space and is not recorded
	withID := arrow.NewSchema(append(schema.Fields(), arrow.Field{Name: id, Type: arrow.PrimitiveTypes.Int64}), nil)
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, "SELECT "+columns(schema)+", rowid FROM "+dbfile.Ident(dataset), nil)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer rows.Close()
	d := newDecoder(withID)
	defer d.release()
	var ids []int64
	for {
		b, err := d.read(ctx, rows, batchRows)
		if err != nil || b == nil {
			return ids, err
		}
		for i, t := range filter.Eval(node, b) {
			if t == filter.True {
				ids = append(ids, b.Column(schema.NumFields()).(*array.Int64).Value(i))
			}
		}
		b.Release()
	}
}
