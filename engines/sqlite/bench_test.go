package sqlite_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/enginetest"
	"pitwall/engines/sqlite"
)

// trips opens a Parquet file of trips as batches.
func trips(b *testing.B, path string) (array.RecordReader, func()) {
	b.Helper()
	rows, done, err := enginetest.OpenTrips(context.Background(), path)
	if err != nil {
		b.Fatal(err)
	}
	return rows, func() {
		if err := done(); err != nil {
			b.Error(err)
		}
	}
}

func writeCSV(b *testing.B, src, dst string) {
	b.Helper()
	rows, done := trips(b, src)
	defer done()
	out, err := os.Create(dst)
	if err != nil {
		b.Fatal(err)
	}
	w := csv.NewWriter(out)
	line := make([]string, rows.Schema().NumFields())
	for rows.Next() {
		batch := rows.RecordBatch()
		for i := range int(batch.NumRows()) {
			for k, c := range batch.Columns() {
				if line[k] = c.ValueStr(i); c.IsNull(i) {
					line[k] = ""
				}
			}
			if err := w.Write(line); err != nil {
				b.Fatal(err)
			}
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFullRefresh reports a full refresh from Parquet as a multiple of "sqlite3 .import" of the
// same rows as CSV into a table of the same types (x-of-import). The runs alternate.
func BenchmarkFullRefresh(b *testing.B) {
	shell, err := exec.LookPath("sqlite3")
	if err != nil {
		b.Skipf("no sqlite3 shell to compare with: %v", err)
	}
	dir := b.TempDir()
	src := enginetest.Trips(b, enginetest.BenchRows(b))
	text := filepath.Join(dir, "trips.csv")
	writeCSV(b, src, text)
	var imported, written time.Duration
	for i := 0; b.Loop(); i++ {
		dst := filepath.Join(dir, fmt.Sprintf("import%d.sqlite", i))
		start := time.Now()
		if out, err := exec.Command(shell, dst, createTrips, ".import --csv "+text+" trips").CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		imported += time.Since(start)

		rows, done := trips(b, src)
		mine := filepath.Join(dir, fmt.Sprintf("write%d.sqlite", i))
		start = time.Now()
		e, err := sqlite.Opener{}.Open(b.Context(), engines.Options{Dataset: "trips", Path: mine})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Write(b.Context(), engines.Write{Mode: engines.Replace, Rows: rows}); err != nil {
			b.Fatal(err)
		}
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		written += time.Since(start)
		done()
		for _, p := range []string{dst, mine} {
			if err := os.Remove(p); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(written)/float64(imported), "x-of-import")
	b.ReportMetric(written.Seconds()/float64(b.N), "s/refresh")
}

const createTrips = `CREATE TABLE trips (vendor_id BIGINT, pickup_at TIMESTAMP, dropoff_at TIMESTAMP, passengers BIGINT, distance DOUBLE,
rate_code BIGINT, store_and_fwd TEXT, pickup_zone BIGINT, dropoff_zone BIGINT, payment BIGINT, fare DOUBLE, extra DOUBLE, mta_tax DOUBLE,
tip DOUBLE, tolls DOUBLE, improvement DOUBLE, total DOUBLE, congestion DOUBLE, note TEXT)`
