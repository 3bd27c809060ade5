//go:build duckdb_arrow

package shape

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Evaluate computes a condition over one batch, for engines.Options.Evaluate: true where it is, false
// where it is false or NULL. The caller releases the array.
func Evaluate(ctx context.Context, condition string, b arrow.RecordBatch) (arrow.Array, error) {
	m, err := newMasker(ctx, b.Schema(), condition, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	defer m.close()
	rows, err := m.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	out := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer out.Release()
	at := 0
	for i := range b.NumRows() {
		is := at < len(rows) && rows[at] == i
		if is {
			at++
		}
		out.Append(is)
	}
	return out.NewArray(), nil
}
