package runtime

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/shape"
)

// adapt deals with columns of types that an engine can't keep, as unsupported_type_action says: it leaves
// them out (warn, ignore) or makes text of them (string). It returns the rows, which it takes over, and
// the names of those columns; no rows, and nothing taken over, when no column is left.
func adapt(ctx context.Context, rows array.RecordReader, eng engines.Engine, action config.UnsupportedTypeAction) (array.RecordReader, []string) {
	var fields []arrow.Field
	var from []int
	var names []string
	text := map[int]bool{}
	for i, f := range rows.Schema().Fields() {
		if eng.Supports(arrow.NewSchema([]arrow.Field{f}, nil)) != nil {
			names = append(names, f.Name)
			if action != config.UnsupportedString {
				continue
			}
			f.Type, text[i] = arrow.BinaryTypes.String, true
		}
		fields, from = append(fields, f), append(from, i)
	}
	if len(fields) == 0 {
		return nil, names
	}
	md := rows.Schema().Metadata()
	schema := arrow.NewSchema(fields, &md)
	return shape.Map(ctx, rows, schema, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		columns := make([]arrow.Array, len(from))
		for to, i := range from {
			columns[to] = b.Column(i)
			if text[i] {
				columns[to] = asText(b.Column(i))
				defer columns[to].Release()
			}
		}
		return array.NewRecordBatch(schema, columns, b.NumRows()), nil
	}), names
}

// asText writes the values of a column as Arrow shows them.
func asText(c arrow.Array) arrow.Array {
	out := array.NewStringBuilder(memory.DefaultAllocator)
	defer out.Release()
	for i := range c.Len() {
		if c.IsNull(i) {
			out.AppendNull()
			continue
		}
		out.Append(c.ValueStr(i))
	}
	return out.NewArray()
}
