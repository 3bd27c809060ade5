//go:build duckdb_arrow

package duckdbfile

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/runtime/source"
)

// reader hands on DuckDB's batches and closes the file at its end.
type reader struct {
	ctx       context.Context
	s         *Source
	connector *duckdb.Connector
	conn      driver.Conn
	src       array.RecordReader
	plan      string
	refs      atomic.Int64
	bytes     atomic.Int64
}

var (
	_ source.Reader  = (*reader)(nil)
	_ source.Planner = (*reader)(nil)
)

func (r *reader) Schema() *arrow.Schema          { return r.src.Schema() }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.src.RecordBatch() }
func (r *reader) Record() arrow.RecordBatch      { return r.src.RecordBatch() }
func (r *reader) Retain()                        { r.refs.Add(1) }
func (r *reader) Plan() string                   { return r.plan }

// Progress implements source.Reader: the bytes of the batches; how many there will be, nobody knows.
func (r *reader) Progress() (done, total int64) { return r.bytes.Load(), 0 }

func (r *reader) Next() bool {
	if r.ctx.Err() != nil || !r.src.Next() {
		return false
	}
	for _, c := range r.src.RecordBatch().Columns() {
		r.bytes.Add(int64(c.Data().SizeInBytes()))
	}
	return true
}

func (r *reader) Err() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return r.s.fail(r.src.Err())
}

func (r *reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	if r.src != nil {
		r.src.Release()
	}
	if r.conn != nil {
		_ = r.conn.Close() // it only read
	}
	_ = r.connector.Close()
}
