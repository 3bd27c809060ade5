//go:build duckdb_arrow

package query

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/runtime/api"
)

// rows is the result of a query.
type rows struct {
	ctx    context.Context
	src    array.RecordReader
	left   int64 // rows that may still be given out; negative: all
	cur    arrow.RecordBatch
	cut    bool
	err    error
	finish func() // may be nil
	end    func() // set by Query
	closed bool
	tables []Table // those that are read
}

func newRows(ctx context.Context, r array.RecordReader, o api.QueryOptions, finish func()) *rows {
	out := &rows{ctx: ctx, src: r, left: -1, finish: finish, end: func() {}}
	if o.Limit > 0 {
		out.left = o.Limit
	}
	return out
}

// Columns implements api.Rows.
func (r *rows) Columns() []api.Column {
	var out []api.Column
	for _, f := range r.src.Schema().Fields() {
		out = append(out, api.Column{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable})
	}
	return out
}

// Next implements api.Rows.
func (r *rows) Next() bool {
	r.drop()
	for !r.closed && r.err == nil && !r.cut {
		if r.err = r.ctx.Err(); r.err != nil || !r.src.Next() {
			return false
		}
		b := r.src.RecordBatch()
		if b.NumRows() == 0 {
			continue
		}
		if r.left == 0 {
			r.cut = true
			return false
		}
		if r.left > 0 && b.NumRows() > r.left {
			r.cur, r.cut, r.left = b.NewSlice(0, r.left), true, 0
			return true
		}
		b.Retain()
		r.cur = b
		if r.left > 0 {
			r.left -= b.NumRows()
		}
		return true
	}
	return false
}

// Len implements api.Rows.
func (r *rows) Len() int {
	if r.cur == nil {
		return 0
	}
	return int(r.cur.NumRows())
}

// Text implements api.Rows. Whoever asks may keep it: the memory of the batch is given back.
func (r *rows) Text(row, column int) (string, bool) {
	s, ok := r.value(row, column)
	return strings.Clone(s), ok
}

// value is the text of a value in the memory of the batch.
func (r *rows) value(row, column int) (string, bool) {
	c := r.cur.Column(column)
	if c.IsNull(row) || c.DataType().ID() == arrow.NULL {
		return "", false
	}
	return text(c, row), true
}

// Err implements api.Rows.
func (r *rows) Err() error {
	err := r.err
	if err == nil {
		err = r.src.Err()
	}
	return explain(r.ctx, err)
}

// Truncated implements api.Rows.
func (r *rows) Truncated() bool { return r.cut }

// Served implements api.Rows.
func (r *rows) Served() []api.Served {
	var out []api.Served
	for _, t := range r.tables {
		if s, ok := t.(Server); ok {
			if x := s.Served(); !slices.ContainsFunc(out, func(o api.Served) bool { return o.Dataset == x.Dataset }) {
				out = append(out, x)
			}
		}
	}
	return out
}

// Close implements api.Rows.
func (r *rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.drop()
	r.src.Release()
	if r.finish != nil {
		r.finish()
	}
	r.end()
	return nil
}

func (r *rows) drop() {
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
}

// tables answers SHOW TABLES.
func (e *Engine) tables(ctx context.Context, o api.QueryOptions) (*rows, error) {
	return lines(ctx, "table_name", e.catalog.Names(), o)
}

// lines makes a result of one column of text.
func lines(ctx context.Context, name string, values []string, o api.QueryOptions) (*rows, error) {
	schema := arrow.NewSchema([]arrow.Field{{Name: name, Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(values, nil)
	col := b.NewArray()
	defer col.Release()
	batch := array.NewRecordBatch(schema, []arrow.Array{col}, int64(len(values)))
	defer batch.Release()
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{batch})
	if err != nil {
		return nil, err
	}
	return newRows(ctx, r, o, nil), nil
}

// Read runs one statement and returns its rows as record batches; see Query. The caller releases them.
func (e *Engine) Read(ctx context.Context, sql string) (array.RecordReader, error) {
	r, err := e.Query(ctx, sql, api.QueryOptions{})
	if err != nil {
		return nil, err
	}
	b := &batches{rows: r.(*rows)}
	b.refs.Store(1)
	return b, nil
}

// batches is rows as a RecordReader.
type batches struct {
	*rows
	refs atomic.Int64
}

func (b *batches) Schema() *arrow.Schema          { return b.src.Schema() }
func (b *batches) RecordBatch() arrow.RecordBatch { return b.cur }
func (b *batches) Record() arrow.RecordBatch      { return b.cur }
func (b *batches) Retain()                        { b.refs.Add(1) }

func (b *batches) Release() {
	if b.refs.Add(-1) == 0 {
		_ = b.Close() // never an error
	}
}
