package shape

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Rows returns the rows of r that choose names for each batch, by ascending index. Its error ends them.
func Rows(ctx context.Context, r array.RecordReader, choose func(arrow.RecordBatch) ([]int64, error)) array.RecordReader {
	return newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		rows, err := choose(b)
		if err != nil {
			return nil, err
		}
		return pick(ctx, b, rows)
	})
}

// Map returns the batches of r as f makes them, with another schema. f returns a batch that is the
// caller's to release.
func Map(ctx context.Context, r array.RecordReader, schema *arrow.Schema, f func(arrow.RecordBatch) (arrow.RecordBatch, error)) array.RecordReader {
	s := newStage(ctx, r, f)
	s.schema = schema
	return s
}
