package convert

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// Appending returns the schema of a dataset after an append, the rows in its columns, and whether it
// differs from the recorded one, which is nil when there is none: then the rows that are there are to be
// had from Align, too. The caller releases the rows. The error, of Kind Schema, names the columns that do
// not fit.
func Appending(recorded *arrow.Schema, w engines.Write) (schema *arrow.Schema, rows array.RecordReader, changed bool, err error) {
	schema = recorded
	if w.Schema != nil {
		schema = engines.Recorded(w.Schema)
	} else if recorded == nil {
		schema = engines.Recorded(w.Rows.Schema())
	}
	next := w.Rows.Schema()
	if w.Schema != nil {
		next = aligned(next, schema)
	}
	err = engines.SameColumns(schema, next)
	if changed = recorded != nil && !schema.Equal(recorded); changed && err == nil {
		err = engines.SameColumns(schema, aligned(recorded, schema))
	}
	if err != nil {
		return nil, nil, false, &engines.Error{Op: "append", Kind: engines.Schema, Err: err}
	}
	if w.Schema == nil {
		w.Rows.Retain()
		return schema, w.Rows, false, nil
	}
	return schema, Align(w.Rows, schema), changed, nil
}

// Align returns the rows of src with the columns of a schema: those that src lacks are NULL, those that
// the schema lacks are left out. The caller releases both.
func Align(src array.RecordReader, to *arrow.Schema) array.RecordReader {
	from := make([]int, to.NumFields())
	for i, f := range to.Fields() {
		from[i] = -1
		if at := src.Schema().FieldIndices(f.Name); len(at) > 0 {
			from[i] = at[0]
		}
	}
	src.Retain()
	a := &alignment{RecordReader: src, schema: aligned(src.Schema(), to), from: from}
	a.refs.Store(1)
	return a
}

// aligned is the schema of rows that were aligned: what they lack may be NULL.
func aligned(from, to *arrow.Schema) *arrow.Schema {
	fields := make([]arrow.Field, to.NumFields())
	for i, f := range to.Fields() {
		if at := from.FieldIndices(f.Name); len(at) > 0 {
			fields[i] = from.Field(at[0])
		} else {
			f.Nullable = true
			fields[i] = f
		}
	}
	return arrow.NewSchema(fields, nil)
}

type alignment struct {
	array.RecordReader
	refs    atomic.Int64
	schema  *arrow.Schema
	from    []int // for each column that of the source, -1 when there is none
	current arrow.RecordBatch
}

func (a *alignment) Schema() *arrow.Schema          { return a.schema }
func (a *alignment) RecordBatch() arrow.RecordBatch { return a.current }
func (a *alignment) Record() arrow.RecordBatch      { return a.current }

func (a *alignment) Retain() { a.refs.Add(1) }

func (a *alignment) Release() {
	if a.refs.Add(-1) == 0 {
		a.drop()
		a.RecordReader.Release()
	}
}

func (a *alignment) Next() bool {
	a.drop()
	if !a.RecordReader.Next() {
		return false
	}
	b := a.RecordReader.RecordBatch()
	columns := make([]arrow.Array, len(a.from))
	for i, at := range a.from {
		if at >= 0 {
			columns[i] = b.Column(at)
			continue
		}
		columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, a.schema.Field(i).Type, int(b.NumRows()))
		defer columns[i].Release()
	}
	a.current = array.NewRecordBatch(a.schema, columns, b.NumRows())
	return true
}

func (a *alignment) drop() {
	if a.current != nil {
		a.current.Release()
		a.current = nil
	}
}
