//go:build duckdb_arrow

package shape_test

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/runtime/shape"
)

// TestKeepText keeps rows by the times that a text column holds, in any encoding of text.
func TestKeepText(t *testing.T) {
	for _, typ := range []arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView} {
		s := arrow.NewSchema([]arrow.Field{{Name: "row", Type: arrow.PrimitiveTypes.Int64}, {Name: "at", Type: typ, Nullable: true}}, nil)
		b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(`[{"row":0,"at":"2026-01-01T01:00:00+02:00"},
			{"row":1,"at":"2026-01-01"},{"row":2},{"row":3,"at":"soon"},{"row":4,"at":"2026-01-01 00:00:01"}]`))
		if err != nil {
			t.Fatal(err)
		}
		src, err := array.NewRecordReader(s, []arrow.RecordBatch{b})
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		kept, err := shape.Keep(t.Context(), src, engines.CompareText{Column: "at", Op: engines.Ge, Value: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for kept.Next() {
			got = append(got, kept.RecordBatch().Column(0).(*array.Int64).Int64Values()...)
		}
		if diff := cmp.Diff([]int64{1, 4}, got); diff != "" || kept.Err() != nil {
			t.Errorf("%s: %v: %s", typ, kept.Err(), diff)
		}
		kept.Release()
	}
}
