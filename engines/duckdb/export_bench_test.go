//go:build duckdb_arrow

package duckdb_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/duckdb"
	"pitwall/engines/enginetest"
)

// BenchmarkWritersDuringExport appends 1,000 rows at a time, one append after the other, while the file is copied for
// a snapshot: how long the longest append takes with and without a copy. The limit is that the copy adds 100 ms.
func BenchmarkWritersDuringExport(b *testing.B) {
	ctx := context.Background()
	src := enginetest.Trips(b, enginetest.BenchRows(b))
	dir := b.TempDir()
	e, err := duckdb.Opener{}.Open(ctx, engines.Options{Dataset: "trips", Path: filepath.Join(dir, "trips.duckdb")})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	rows, done, err := enginetest.OpenTrips(ctx, src)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := e.Write(ctx, engines.Write{Mode: engines.Replace, Rows: rows}); err != nil {
		b.Fatal(err)
	}
	if err := done(); err != nil {
		b.Fatal(err)
	}
	rows, done, err = enginetest.OpenTrips(ctx, src)
	if err != nil || !rows.Next() {
		b.Fatal(err)
	}
	some := rows.RecordBatch().NewSlice(0, 1000)
	defer some.Release()
	defer done()
	// appends writes until the end and returns the durations.
	appends := func(end func() bool) (all []time.Duration) {
		for !end() {
			r, err := array.NewRecordReader(some.Schema(), []arrow.RecordBatch{some})
			if err != nil {
				b.Error(err)
				return all
			}
			start := time.Now()
			if _, err := e.Write(ctx, engines.Write{Mode: engines.Append, Rows: r}); err != nil {
				b.Error(err)
				return all
			}
			all = append(all, time.Since(start))
		}
		return all
	}
	alone := appends(counted(50))
	var worst, copying time.Duration
	for i := range b.N {
		var copied sync.WaitGroup
		over := make(chan struct{})
		copied.Go(func() {
			defer close(over)
			start := time.Now()
			if _, err := e.(engines.FileEngine).Export(ctx, filepath.Join(dir, "copy")+string(rune('a'+i)), false); err != nil {
				b.Error(err)
			}
			copying += time.Since(start)
		})
		beside := appends(func() bool {
			select {
			case <-over:
				return true
			default:
				return false
			}
		})
		copied.Wait()
		if len(beside) > 0 {
			worst = max(worst, slices.Max(beside))
		}
	}
	info, err := e.Info(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Bytes)/1e6, "file-MB")
	b.ReportMetric(float64(slices.Max(alone).Milliseconds()), "alone-max-ms")
	b.ReportMetric(float64(worst.Milliseconds()), "beside-max-ms")
	b.ReportMetric(float64((worst-slices.Max(alone)).Milliseconds())/100, "added/100ms")
	b.ReportMetric(copying.Seconds()/float64(b.N), "copy-s")
}

// counted ends after n calls.
func counted(n int) func() bool {
	return func() bool { n--; return n < 0 }
}
