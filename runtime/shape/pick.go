package shape

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/convert"
)

// pick returns the rows of a batch at ascending indices; nil when there are none. The caller releases it.
func pick(ctx context.Context, b arrow.RecordBatch, rows []int64) (arrow.RecordBatch, error) {
	switch len(rows) {
	case 0:
		return nil, nil
	case int(b.NumRows()):
		b.Retain()
		return b, nil
	}
	// The Go slice is the array's buffer; it outlives the array, which is released here.
	data := array.NewData(arrow.PrimitiveTypes.Int64, len(rows), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(rows))}, nil, 0, 0)
	defer data.Release()
	indices := array.NewInt64Data(data)
	defer indices.Release()
	columns := make([]arrow.Array, 0, b.NumCols())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, c := range b.Columns() {
		out, err := pickColumn(ctx, c, indices)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", b.ColumnName(i), err)
		}
		columns = append(columns, out)
	}
	return array.NewRecordBatch(b.Schema(), columns, int64(len(rows))), nil
}

func pickColumn(ctx context.Context, c arrow.Array, indices *array.Int64) (arrow.Array, error) {
	switch id := c.DataType().ID(); {
	case id == arrow.INTERVAL_MONTH_DAY_NANO:
	case arrow.IsPrimitive(id), arrow.IsBaseBinary(id), id == arrow.DECIMAL128, id == arrow.DECIMAL256, id == arrow.FIXED_SIZE_BINARY:
		return compute.TakeArrayOpts(ctx, c, indices, compute.TakeOptions{BoundsCheck: false})
	}
	// Arrow's kernels have no views, small decimals and this interval; convert.Take works for every type.
	one := arrow.NewSchema([]arrow.Field{{Type: c.DataType(), Nullable: true}}, nil)
	b := array.NewRecordBatch(one, []arrow.Array{c}, int64(c.Len()))
	defer b.Release()
	rows := make([]int, indices.Len())
	for i, v := range indices.Int64Values() {
		rows[i] = int(v)
	}
	out, err := convert.Take(b, rows)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	out.Column(0).Retain()
	return out.Column(0), nil
}

// inputs are the columns of a batch that a condition looks at, as the recorded types of engines.
type inputs struct {
	indices []int
	schema  *arrow.Schema
}

// batch returns the columns; the caller releases it.
func (in inputs) batch(b arrow.RecordBatch) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, len(in.indices))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, at := range in.indices {
		c, err := convert.Array(memory.DefaultAllocator, b.Column(at), in.schema.Field(i).Type)
		if err != nil {
			return nil, &convert.ValueError{Column: b.ColumnName(at), Err: err}
		}
		columns = append(columns, c)
	}
	return array.NewRecordBatch(in.schema, columns, b.NumRows()), nil
}
