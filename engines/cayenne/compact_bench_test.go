package cayenne_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// BenchmarkSmallFiles appends 200 batches of 2,000 rows and tells how many files there are and how long a scan takes,
// before and after the compaction.
func BenchmarkSmallFiles(b *testing.B) {
	const appends, rows = 200, 2000
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "fare", Type: arrow.PrimitiveTypes.Float64}, {Name: "zone", Type: arrow.BinaryTypes.String},
	}, nil)
	build := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer build.Release()
	for b.Loop() {
		e, err := cayenne.Opener{}.Open(b.Context(), engines.Options{Dataset: "d", Path: filepath.Join(b.TempDir(), "store.cayenne")})
		if err != nil {
			b.Fatal(err)
		}
		for i := range appends {
			for j := range rows {
				id := i*rows + j
				build.Field(0).(*array.Int64Builder).Append(int64(id))
				build.Field(1).(*array.Float64Builder).Append(float64(id%997) / 4)
				build.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("zone %d", id%263))
			}
			r, err := array.NewRecordReader(schema, []arrow.RecordBatch{build.NewRecordBatch()})
			if err == nil {
				_, err = e.Write(b.Context(), engines.Write{Mode: engines.Append, Rows: r})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		look := func(when string) {
			least := time.Hour
			for range 5 {
				start := time.Now()
				if n := scanned(b, e, nil); n != appends*rows {
					b.Fatalf("%d rows", n)
				}
				least = min(least, time.Since(start))
			}
			p := layout(b, e).Partitions[0]
			b.ReportMetric(float64(p.Files), "files-"+when)
			b.ReportMetric(float64(p.Bytes)/1e3, "kB-"+when)
			b.ReportMetric(least.Seconds()*1000, "scan-ms-"+when)
		}
		look("before")
		start := time.Now()
		compactAll(b, e)
		b.ReportMetric(time.Since(start).Seconds()*1000, "compact-ms")
		look("after")
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
