package convert

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Take returns the rows of a batch at ascending indices. It works for every type: runs of rows are
// sliced and put together. The caller releases the result.
func Take(batch arrow.RecordBatch, indices []int) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, batch.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range batch.Columns() {
		out, err := take(c, indices)
		if err != nil {
			return nil, err
		}
		columns = append(columns, out)
	}
	return array.NewRecordBatch(batch.Schema(), columns, int64(len(indices))), nil
}

func take(c arrow.Array, indices []int) (arrow.Array, error) {
	var runs []arrow.Array
	defer func() {
		for _, r := range runs {
			r.Release()
		}
	}()
	for at := 0; at < len(indices); {
		end := at + 1
		for end < len(indices) && indices[end] == indices[end-1]+1 {
			end++
		}
		runs = append(runs, array.NewSlice(c, int64(indices[at]), int64(indices[end-1]+1)))
		at = end
	}
	if len(runs) == 0 {
		return array.NewSlice(c, 0, 0), nil
	}
	return array.Concatenate(runs, memory.DefaultAllocator)
}

// Rows returns the rows of an array at any indices, also again and again; -1 is a null. It works for every
// type. The caller releases the result.
func Rows(a arrow.Array, indices []int) (arrow.Array, error) {
	if len(indices) == 0 {
		return array.NewSlice(a, 0, 0), nil
	}
	var null arrow.Array
	parts := make([]arrow.Array, 0, len(indices))
	defer func() {
		for _, p := range parts {
			p.Release()
		}
		if null != nil {
			null.Release()
		}
	}()
	for _, i := range indices {
		if i >= 0 {
			parts = append(parts, array.NewSlice(a, int64(i), int64(i+1)))
			continue
		}
		if null == nil {
			null = array.MakeArrayOfNull(memory.DefaultAllocator, a.DataType(), 1)
		}
		null.Retain()
		parts = append(parts, null)
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
