// Package sqlrows makes record batches of the rows that a database/sql driver returns, for sources that
// are databases. It calls drivers without the pool of database/sql, which copies every value. It starts
// no goroutines; a driver may, until its connection is closed.
package sqlrows

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/runtime/source"
)

// batchRows is the size of the batches handed on: DuckDB's row group.
const batchRows = 122_880

// checkRows is after how many rows the context is looked at.
const checkRows = 1024

// Append adds one value that is not NULL to a column.
type Append func(v driver.Value) error

// Column is one column of the rows.
type Column struct {
	Field arrow.Field
	// Appender returns what appends to a builder of the field's type. It is called once per reader.
	Appender func(b array.Builder) Append
	// Refused says why the column can't be read; nil when it can.
	Refused error
}

// Options are what a Reader needs besides its rows.
type Options struct {
	// Plan is one line for source.Planner.
	Plan string
	// Place names the table in errors.
	Place string
	// Fail classifies errors; it is not given nil.
	Fail func(error) error
	// Close gives up rows and connection.
	Close func()
}

// Reader streams rows as record batches. It belongs to one goroutine but for Progress.
type Reader struct {
	ctx     context.Context
	rows    driver.Rows
	columns []Column
	o       Options
	schema  *arrow.Schema
	build   *array.RecordBuilder
	append  []Append
	row     []driver.Value
	refs    atomic.Int64
	bytes   atomic.Int64
	cur     arrow.RecordBatch
	ended   bool
	err     error
}

var (
	_ source.Reader  = (*Reader)(nil)
	_ source.Planner = (*Reader)(nil)
)

// New takes over the rows, which have these columns.
func New(ctx context.Context, rows driver.Rows, columns []Column, o Options) *Reader {
	r := &Reader{ctx: ctx, rows: rows, columns: columns, o: o, row: make([]driver.Value, len(columns))}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.Field
	}
	r.schema = arrow.NewSchema(fields, nil)
	r.build = array.NewRecordBuilder(memory.DefaultAllocator, r.schema)
	for i, c := range columns {
		r.append = append(r.append, c.Appender(r.build.Field(i)))
	}
	r.refs.Store(1)
	return r
}

// Next reads the next batch.
func (r *Reader) Next() bool {
	r.drop()
	if r.ended {
		return false
	}
	n, size := 0, 0
	for n < batchRows {
		if n%checkRows == 0 {
			if r.err = r.ctx.Err(); r.err != nil {
				break
			}
		}
		if r.err = r.rows.Next(r.row); r.err != nil {
			break
		}
		s, err := r.add()
		if err != nil {
			r.err = err
			break
		}
		n, size = n+1, size+s
	}
	r.bytes.Add(int64(size))
	r.ended = r.err != nil
	if errors.Is(r.err, io.EOF) {
		r.err = nil
	}
	if r.err != nil || n == 0 {
		return false
	}
	r.cur = r.build.NewRecordBatch()
	return true
}

// add appends a row and returns its size in bytes.
func (r *Reader) add() (size int, err error) {
	for i, v := range r.row {
		switch t := v.(type) {
		case nil:
			r.build.Field(i).AppendNull()
			continue
		case []byte:
			size += len(t)
		case string:
			size += len(t)
		default:
			size += 8
		}
		if err := r.append[i](v); err != nil {
			f := r.columns[i].Field
			return 0, &source.Error{Kind: source.Damaged, Place: fmt.Sprintf("%s, column %q", r.o.Place, f.Name), Err: err,
				Hint: "correct the value, leave the column out with refresh_sql, or read from a view that casts it"}
		}
	}
	return size, nil
}

// Err is the error that ended the batches.
func (r *Reader) Err() error {
	switch {
	case r.err == nil:
		return nil
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	default:
		return r.o.Fail(r.err)
	}
}

// Schema returns the columns.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// RecordBatch returns the batch of the last Next.
func (r *Reader) RecordBatch() arrow.RecordBatch { return r.cur }

// Record is RecordBatch under its old name, which the interface still has.
func (r *Reader) Record() arrow.RecordBatch { return r.cur }

// Plan implements source.Planner.
func (r *Reader) Plan() string { return r.o.Plan }

// Progress implements source.Reader: the bytes of the values; how many there will be, nobody knows.
func (r *Reader) Progress() (done, total int64) { return r.bytes.Load(), 0 }

// Retain adds a reference.
func (r *Reader) Retain() { r.refs.Add(1) }

// Release closes rows and connection with the last reference.
func (r *Reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.build.Release()
	r.o.Close()
}

func (r *Reader) drop() {
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
}
