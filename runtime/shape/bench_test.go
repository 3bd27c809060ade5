//go:build duckdb_arrow

package shape_test

import (
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/config/refreshsql"
	"pitwall/runtime/shape"
)

// benchmark runs a reader over 400,000 rows of five columns, in batches as a source has them.
func benchmark(b *testing.B, open func(array.RecordReader) (array.RecordReader, error)) {
	const rows = 400_000
	r := rand.New(rand.NewPCG(1, 1))
	schema := arrow.NewSchema([]arrow.Field{columns.Field(2), columns.Field(6), columns.Field(9), columns.Field(17), columns.Field(12)}, nil)
	var batches []arrow.RecordBatch
	for range rows / 8000 {
		all := randomBatch(r, memory.DefaultAllocator, 8000)
		batches = append(batches, array.NewRecordBatch(schema, []arrow.Array{all.Column(2), all.Column(6), all.Column(9), all.Column(17), all.Column(12)}, 8000))
		all.Release()
	}
	b.ResetTimer()
	for b.Loop() {
		src, err := array.NewRecordReader(schema, batches)
		if err != nil {
			b.Fatal(err)
		}
		s, err := open(src)
		if err != nil {
			b.Fatal(err)
		}
		for s.Next() {
		}
		if s.Err() != nil {
			b.Fatal(s.Err())
		}
		s.Release()
	}
	b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

const benchCondition = "i64 > 0 AND ts > now() - interval '1 day' AND s IN ('a', 'abc', 'x')"

func BenchmarkKeep(b *testing.B) {
	where, rest, err := shape.Translate(condition(b, benchCondition), columns, now)
	if err != nil || rest != "" {
		b.Fatal(rest, err)
	}
	benchmark(b, func(r array.RecordReader) (array.RecordReader, error) { return shape.Keep(b.Context(), r, where) })
}

func BenchmarkMask(b *testing.B) {
	benchmark(b, func(r array.RecordReader) (array.RecordReader, error) {
		return shape.Mask(b.Context(), r, benchCondition, now)
	})
}

func BenchmarkDistinctOn(b *testing.B) {
	benchmark(b, func(r array.RecordReader) (array.RecordReader, error) {
		return shape.DistinctOn(b.Context(), r, []string{"s", "f64"}, []refreshsql.Order{{Column: "ts", Desc: true}})
	})
}
