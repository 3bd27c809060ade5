package file

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// padded hands on batches with all columns of the merged schema: those that the file lacks are NULL.
type padded struct {
	array.RecordReader
	schema *arrow.Schema
	order  []int // index in the file's batches, -1 where it has none
	cur    arrow.RecordBatch
}

// newPadded takes over the reader, or returns it as it is when there is nothing to do.
func newPadded(r array.RecordReader, want *arrow.Schema) array.RecordReader {
	p := &padded{RecordReader: r, schema: want}
	same := r.Schema().NumFields() == want.NumFields()
	for i, f := range want.Fields() {
		idx := -1
		if at := r.Schema().FieldIndices(f.Name); len(at) == 1 {
			idx = at[0]
		}
		same = same && idx == i
		p.order = append(p.order, idx)
	}
	if same {
		return r
	}
	return p
}

func (p *padded) Schema() *arrow.Schema { return p.schema }

func (p *padded) Next() bool {
	p.drop()
	if !p.RecordReader.Next() {
		return false
	}
	b := p.RecordReader.RecordBatch()
	cols := make([]arrow.Array, len(p.order))
	for i, j := range p.order {
		if j >= 0 {
			cols[i] = b.Column(j)
			continue
		}
		cols[i] = array.MakeArrayOfNull(memory.DefaultAllocator, p.schema.Field(i).Type, int(b.NumRows()))
		defer cols[i].Release()
	}
	p.cur = array.NewRecordBatch(p.schema, cols, b.NumRows())
	return true
}

func (p *padded) RecordBatch() arrow.RecordBatch { return p.cur }
func (p *padded) Record() arrow.RecordBatch      { return p.cur }

func (p *padded) drop() {
	if p.cur != nil {
		p.cur.Release()
		p.cur = nil
	}
}

func (p *padded) Release() {
	p.drop()
	p.RecordReader.Release()
}
