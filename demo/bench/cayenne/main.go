//go:build duckdb_arrow

// Command cayenne measures the Cayenne engine beside DuckDB and Parquet in one run, over the demo's trips: how long a
// load takes, how large the files are, how fast columns and a narrow range are read. Each figure is a ratio to the
// limit that is named with it.
package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/demo/trips"
	"pitwall/engines"
	"pitwall/engines/cayenne"
)

func main() {
	rows := flag.Int("rows", 10_000_000, "trips to load")
	flag.Parse()
	dir, err := os.MkdirTemp("", "pitwall-bench-")
	if err == nil {
		err = errors.Join(measure(context.Background(), dir, *rows), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, dir string, rows int) error {
	batches, last := made(rows)
	fmt.Printf("%d trips of %d columns\n", rows, batches[0].NumCols())
	d, err := byDuckDB(ctx, filepath.Join(dir, "trips.duckdb"), batches)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	p, err := byParquet(filepath.Join(dir, "trips.parquet"), batches)
	if err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	c, err := byCayenne(ctx, filepath.Join(dir, "trips.cayenne"), batches, last)
	if err != nil {
		return fmt.Errorf("cayenne: %w", err)
	}
	fmt.Printf("write         %8.2fs  DuckDB CTAS %.2fs: %.2fx as fast (at least 1.0)\n", c.write.Seconds(), d.write.Seconds(), d.write.Seconds()/c.write.Seconds())
	fmt.Printf("size          %7.1fMB  DuckDB %.1f MB: %.2fx (at most 1.3); Parquet zstd %.1f MB: %.2fx (at most 2)\n",
		mega(c.bytes), mega(d.bytes), ratio(c.bytes, d.bytes), mega(p), ratio(c.bytes, p))
	fmt.Printf("two columns   %7.1fms  DuckDB %.1f ms: %.2fx as fast (at least 0.7)\n", milli(c.scan), milli(d.scan), d.scan.Seconds()/c.scan.Seconds())
	fmt.Printf("narrow range  %7.1fms  %d rows (at most 10 ms)\n", milli(c.point), c.found)
	for _, x := range []struct {
		what string
		by   []engines.PartitionBy
	}{
		{"whole", nil},
		{"by payment", []engines.PartitionBy{{Name: "payment", Column: "payment_type"}}},
		{"16 buckets", []engines.PartitionBy{{Name: "bucket", Column: "pickup_zone_id", Transform: engines.Bucket, N: 16}}},
	} {
		g, err := grown(ctx, filepath.Join(dir, "grown"), batches, rows, last, x.by...)
		if err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		g.print(x.what)
	}
	return nil
}

func mega(n int64) float64          { return float64(n) / 1e6 }
func milli(d time.Duration) float64 { return d.Seconds() * 1000 }
func ratio(a, b int64) float64      { return float64(a) / float64(b) }

// made are the trips, and when the last was.
func made(rows int) ([]arrow.RecordBatch, time.Time) {
	r := rand.New(rand.NewPCG(1, 2))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var out []arrow.RecordBatch
	for rows > 0 {
		n := min(rows, 122_880)
		var b arrow.RecordBatch
		b, at = trips.Batch(r, n, at)
		out, rows = append(out, b), rows-n
	}
	return out, at
}

// figures are what was measured of an engine.
type figures struct {
	write, scan, point time.Duration
	bytes, found       int64
}

// best is the shortest of five runs, the first of which warms up.
func best(f func() error) (time.Duration, error) {
	least := time.Duration(1<<63 - 1)
	for range 5 {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		least = min(least, time.Since(start))
	}
	return least, nil
}

func drain(r array.RecordReader) (n int64, err error) {
	defer r.Release()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Err()
}

func byDuckDB(ctx context.Context, path string, batches []arrow.RecordBatch) (f figures, err error) {
	connector, err := duckdb.NewConnector(path, nil)
	if err != nil {
		return f, err
	}
	defer connector.Close()
	conn, err := connector.Connect(ctx)
	if err != nil {
		return f, err
	}
	defer conn.Close()
	a, err := duckdb.NewArrowFromConn(conn)
	if err != nil {
		return f, err
	}
	rows, err := array.NewRecordReader(batches[0].Schema(), batches)
	if err != nil {
		return f, err
	}
	defer rows.Release()
	exec := func(q string) error {
		_, err := conn.(driver.ExecerContext).ExecContext(ctx, q, nil)
		return err
	}
	start := time.Now()
	release, err := a.RegisterView(rows, "incoming")
	if err != nil {
		return f, err
	}
	err = errors.Join(exec("CREATE TABLE trips AS SELECT * FROM incoming"), exec("DROP VIEW incoming"))
	release()
	if err = errors.Join(err, exec("CHECKPOINT")); err != nil {
		return f, err
	}
	f.write = time.Since(start)
	if f.scan, err = best(func() error {
		r, err := a.QueryContext(ctx, "SELECT pickup_at, fare_amount FROM trips")
		if err == nil {
			_, err = drain(r)
		}
		return err
	}); err != nil {
		return f, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	f.bytes = st.Size()
	return f, nil
}

func byParquet(path string, batches []arrow.RecordBatch) (int64, error) {
	out, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	w, err := pqarrow.NewFileWriter(batches[0].Schema(), out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, errors.Join(err, out.Close())
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			return 0, err
		}
	}
	if err := w.Close(); err != nil { // closes the file too
		return 0, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func byCayenne(ctx context.Context, path string, batches []arrow.RecordBatch, last time.Time) (f figures, err error) {
	e, err := cayenne.Opener{}.Open(ctx, engines.Options{Dataset: "trips", Path: path})
	if err != nil {
		return f, err
	}
	defer e.Close()
	rows, err := array.NewRecordReader(batches[0].Schema(), batches)
	if err != nil {
		return f, err
	}
	defer rows.Release()
	start := time.Now()
	if _, err := e.Write(ctx, engines.Write{Mode: engines.Replace, Rows: rows}); err != nil {
		return f, err
	}
	f.write = time.Since(start)
	if f.scan, err = best(func() error {
		r, err := e.Query(ctx, engines.Scan{Columns: []string{"pickup_at", "fare_amount"}})
		if err == nil {
			_, err = drain(r)
		}
		return err
	}); err != nil {
		return f, err
	}
	from := batches[0].Column(1).(*array.Timestamp).Value(0).ToTime(arrow.Microsecond)
	middle := from.Add(last.Sub(from) / 2)
	if f.point, err = best(func() error {
		r, err := e.Query(ctx, engines.Scan{Where: engines.And{
			engines.Compare{Column: "pickup_at", Op: engines.Ge, Value: middle},
			engines.Compare{Column: "pickup_at", Op: engines.Lt, Value: middle.Add(time.Minute)},
		}})
		if err == nil {
			f.found, err = drain(r)
		}
		return err
	}); err != nil {
		return f, err
	}
	return f, filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		if err == nil {
			f.bytes += st.Size()
		}
		return err
	})
}
