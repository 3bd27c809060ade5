package faces_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	_ "github.com/duckdb/duckdb-go/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"pitwall/runtime/api"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
)

// BenchmarkFlight reads all rows of a dataset in DuckDB (8 columns, about 90 bytes a row): batch by batch in this
// process, as an Arrow stream that goes nowhere, and over Flight. It reports rows/s.
func BenchmarkFlight(b *testing.B) {
	const rows = 2_000_000
	dir := b.TempDir()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	_, err = db.Exec(fmt.Sprintf(`COPY (SELECT i AS id, TIMESTAMP '2026-01-01' + i * INTERVAL 1 SECOND AS at, i * 0.37 AS fare, (i %% 1000) / 10.0 AS distance,
 (i %% 263)::INTEGER AS zone, 'payment ' || (i %% 5) AS payment, 'a note on trip ' || i AS note, i %% 7 = 0 AS flag FROM range(%d) t(i)) TO '%s'`, rows, filepath.Join(dir, "trips.parquet")))
	if err != nil {
		b.Fatal(err)
	}
	_ = db.Close()
	pod := "version: v1\nkind: Spicepod\nname: bench\ndatasets: [{from: 'file:trips.parquet', name: trips, acceleration: {engine: duckdb, mode: file}}]\n"
	if err := os.WriteFile(filepath.Join(dir, "spicepod.yml"), []byte(pod), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := launch.Open(b.Context(), launch.Options{Pod: dir, Flight: "127.0.0.1:0", HTTP: faces.Off, Metrics: faces.Off})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	defer func() { cancel(); wg.Wait() }()
	st, next := s.Runtime.Watch(ctx)
	for ; st.Dataset("trips") == nil || !st.Dataset("trips").HasData; st = <-next {
	}
	query := func() api.Rows {
		r, err := s.Runtime.Query(ctx, "SELECT * FROM trips", api.QueryOptions{})
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	conn, err := grpc.NewClient(s.Faces.Flight(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	client := flight.NewClientFromConn(conn, nil)
	for _, c := range []struct {
		name string
		read func() int64
	}{
		{"batches", func() (n int64) {
			r := query()
			defer r.Close()
			for r.Next() {
				n += int64(r.Len())
			}
			return n
		}},
		{"stream", func() int64 {
			r := query()
			defer r.Close()
			if err := r.Encode(io.Discard, api.ArrowStream); err != nil {
				b.Fatal(err)
			}
			return rows
		}},
		{"flight", func() (n int64) {
			stream, err := client.DoGet(ctx, &flight.Ticket{Ticket: []byte("SELECT * FROM trips")})
			if err != nil {
				b.Fatal(err)
			}
			r, err := flight.NewRecordReader(stream)
			if err != nil {
				b.Fatal(err)
			}
			defer r.Release()
			for r.Next() {
				n += r.RecordBatch().NumRows()
			}
			return n
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			begun := time.Now()
			for b.Loop() {
				if n := c.read(); n != rows {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/time.Since(begun).Seconds(), "rows/s")
		})
	}
}
