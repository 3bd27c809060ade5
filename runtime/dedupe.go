package runtime

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/runtime/shape"
)

// withoutKnown leaves out the rows of r that equal, in all columns, a row that the engine holds within the
// predicate: those of refresh_append_overlap (spec data-refresh 2.2). Duplicates among the rows of r
// stay. Both sides are compared in the form in which they are stored. It takes r over, also when it fails.
func withoutKnown(ctx context.Context, r array.RecordReader, eng engines.Engine, within engines.Predicate) (array.RecordReader, error) {
	schema := engines.Recorded(r.Schema())
	known, err := rowSet(ctx, eng, schema, within)
	if err != nil || len(known) == 0 {
		if err != nil {
			r.Release()
			return nil, err
		}
		return r, nil
	}
	return shape.Rows(ctx, r, func(b arrow.RecordBatch) ([]int64, error) {
		recorded, err := convert.Batch(memory.DefaultAllocator, b, schema)
		if err != nil {
			return nil, err
		}
		defer recorded.Release()
		var rows []int64
		keys := newRowKeys(recorded)
		for i := range int(b.NumRows()) {
			if _, ok := known[string(keys.of(i))]; !ok {
				rows = append(rows, int64(i))
			}
		}
		return rows, nil
	}), nil
}

// rowSet returns the rows of the engine within a predicate, as the texts of rowKeys.
func rowSet(ctx context.Context, eng engines.Engine, schema *arrow.Schema, within engines.Predicate) (map[string]struct{}, error) {
	local, err := eng.Query(ctx, engines.Scan{Columns: columnNames(schema), Where: within})
	if err != nil {
		return nil, err
	}
	defer local.Release()
	known := map[string]struct{}{}
	for local.Next() {
		keys := newRowKeys(local.RecordBatch())
		for i := range int(local.RecordBatch().NumRows()) {
			known[string(keys.of(i))] = struct{}{}
		}
	}
	return known, local.Err()
}
