package postgres_test

import (
	"testing"
	"time"

	"pitwall/engines"
	"pitwall/engines/enginetest"
	"pitwall/engines/postgres"
	"pitwall/engines/postgres/pgtest"
)

// BenchmarkFullRefresh reports a full refresh from Parquet, and a query for all of it, in rows a second.
func BenchmarkFullRefresh(b *testing.B) {
	s := pgtest.Start(b)
	n := enginetest.BenchRows(b)
	path := enginetest.Trips(b, n)
	e, err := postgres.Opener{}.Open(b.Context(), engines.Options{Dataset: "trips", Params: s.Params()})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	var written, read time.Duration
	for b.Loop() {
		rows, done, err := enginetest.OpenTrips(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if _, err := e.Write(b.Context(), engines.Write{Mode: engines.Replace, Rows: rows}); err != nil {
			b.Fatal(err)
		}
		written += time.Since(start)
		if err := done(); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		r, err := e.Query(b.Context(), engines.Scan{})
		if err != nil {
			b.Fatal(err)
		}
		var got int64
		for r.Next() {
			got += r.RecordBatch().NumRows()
		}
		if r.Err() != nil || got != n {
			b.Fatalf("%d rows, %v", got, r.Err())
		}
		r.Release()
		read += time.Since(start)
	}
	b.ReportMetric(float64(n)*float64(b.N)/written.Seconds(), "written/s")
	b.ReportMetric(float64(n)*float64(b.N)/read.Seconds(), "read/s")
}
