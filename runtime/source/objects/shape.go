package objects

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// shaped hands on batches of one object with the columns of the view: in its order, NULL where the
// object lacks a column, and with the values that its path and its last change give to all rows.
type shaped struct {
	array.RecordReader
	v     *view
	order []int // index in the object's batches, -1 for a constant
	value []any // of the constants; nil is NULL
	cur   arrow.RecordBatch
}

// newShaped takes over the reader.
func newShaped(r array.RecordReader, v *view, e *entry) *shaped {
	s := &shaped{RecordReader: r, v: v}
	for _, f := range v.schema.Fields() {
		value, constant := v.constant(e, f)
		at := -1
		if have := r.Schema().FieldIndices(f.Name); len(have) == 1 && !constant {
			at = have[0]
		}
		s.order, s.value = append(s.order, at), append(s.value, value)
	}
	return s
}

func (s *shaped) Schema() *arrow.Schema { return s.v.schema }

func (s *shaped) Next() bool {
	s.drop()
	if !s.RecordReader.Next() {
		return false
	}
	b := s.RecordReader.RecordBatch()
	cols := make([]arrow.Array, len(s.order))
	for i, at := range s.order {
		if at >= 0 {
			cols[i] = b.Column(at)
			continue
		}
		cols[i] = repeated(s.v.schema.Field(i).Type, s.value[i], int(b.NumRows()))
		defer cols[i].Release()
	}
	s.cur = array.NewRecordBatch(s.v.schema, cols, b.NumRows())
	return true
}

func (s *shaped) RecordBatch() arrow.RecordBatch { return s.cur }

// Record is RecordBatch under its old name, which the interface still has.
func (s *shaped) Record() arrow.RecordBatch { return s.cur }

func (s *shaped) drop() {
	if s.cur != nil {
		s.cur.Release()
		s.cur = nil
	}
}

func (s *shaped) Release() {
	s.drop()
	s.RecordReader.Release()
}

// repeated returns an array of n times the same value.
func repeated(t arrow.DataType, value any, n int) arrow.Array {
	if value == nil {
		return array.MakeArrayOfNull(memory.DefaultAllocator, t, n)
	}
	b := array.NewBuilder(memory.DefaultAllocator, t)
	defer b.Release()
	b.Reserve(n)
	for range n {
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(value.(int64))
		case *array.Date32Builder:
			b.Append(arrow.Date32(value.(int64)))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(value.(int64)))
		case *array.StringBuilder:
			b.Append(value.(string))
		default:
			panic(fmt.Sprintf("no constant column of type %s", t))
		}
	}
	return b.NewArray()
}
