package shape

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/filter"
)

// Keep returns the rows of r for which a predicate is true. A nil predicate keeps all. An error, of
// package filter, is about a column that is not there or cannot be compared.
func Keep(ctx context.Context, r array.RecordReader, p engines.Predicate) (array.RecordReader, error) {
	recorded := engines.Recorded(r.Schema())
	n, err := filter.Bind(recorded, p)
	if err != nil {
		return nil, err
	}
	in := inputs{indices: filter.Columns(n)}
	fields := make([]arrow.Field, len(in.indices))
	for i, at := range in.indices {
		fields[i] = recorded.Field(at)
	}
	in.schema = arrow.NewSchema(fields, nil)
	if n, err = filter.Bind(in.schema, p); err != nil { // now to the narrow batch
		return nil, err
	}
	return newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		narrow, err := in.batch(b)
		if err != nil {
			return nil, err
		}
		defer narrow.Release()
		var rows []int64
		for i, t := range filter.Eval(n, narrow) {
			if t == filter.True {
				rows = append(rows, int64(i))
			}
		}
		return pick(ctx, b, rows)
	}), nil
}
