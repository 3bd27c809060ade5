package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// TripGroup is the number of rows in a row group of Trips, that of DuckDB.
const TripGroup = 122_880

// BenchRows is the number of rows for benchmarks: PITWALL_BENCH_ROWS, else 1,000,000.
func BenchRows(b testing.TB) int64 {
	b.Helper()
	s := os.Getenv("PITWALL_BENCH_ROWS")
	if s == "" {
		return 1_000_000
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// Trips writes n taxi-like trips of 19 columns into a Parquet file and returns its path. The same n
// gives the same rows.
func Trips(tb testing.TB, n int64) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "trips.parquet")
	if err := writeTrips(path, n); err != nil {
		tb.Fatal(err)
	}
	return path
}

// OpenTrips reads such a file in batches; done gives it back.
func OpenTrips(ctx context.Context, path string) (rows array.RecordReader, done func() error, err error) {
	in, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, nil, err
	}
	reader, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{BatchSize: TripGroup}, memory.DefaultAllocator)
	if err == nil {
		rows, err = reader.GetRecordReader(ctx, nil, nil)
	}
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return rows, func() error {
		rows.Release()
		return in.Close()
	}, nil
}

func tripSchema() *arrow.Schema {
	f := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	us, i64, f64, s := &arrow.TimestampType{Unit: arrow.Microsecond}, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String
	return arrow.NewSchema([]arrow.Field{
		f("vendor_id", arrow.PrimitiveTypes.Int32), f("pickup_at", us), f("dropoff_at", us), f("passengers", i64), f("distance", f64),
		f("rate_code", i64), f("store_and_fwd", s), f("pickup_zone", arrow.PrimitiveTypes.Int32), f("dropoff_zone", arrow.PrimitiveTypes.Int32),
		f("payment", i64), f("fare", f64), f("extra", f64), f("mta_tax", f64), f("tip", f64), f("tolls", f64), f("improvement", f64),
		f("total", f64), f("congestion", f64), f("note", s),
	}, nil)
}

func writeTrips(path string, n int64) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(TripGroup))
	w, err := pqarrow.NewFileWriter(tripSchema(), out, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	b := array.NewRecordBuilder(memory.DefaultAllocator, tripSchema())
	defer b.Release()
	for at := int64(0); at < n; at += TripGroup {
		for id := at; id < min(n, at+TripGroup); id++ {
			addTrip(b, rng, id)
		}
		batch := b.NewRecordBatch()
		err := w.Write(batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return w.Close()
}

func addTrip(b *array.RecordBuilder, rng *rand.Rand, id int64) {
	cents := func(n int) float64 { return float64(rng.IntN(n)) / 100 }
	at := 1_700_000_000_000_000 + id*1_000_000 + rng.Int64N(3_600_000_000)
	fare, tip := cents(6000), cents(1500)
	values := []any{
		int32(1 + rng.IntN(2)), at, at + rng.Int64N(3_600_000_000), int64(1 + rng.IntN(4)), cents(3000), int64(1 + rng.IntN(3)),
		[]string{"N", "Y"}[rng.IntN(20)/19], int32(rng.IntN(265)), int32(rng.IntN(265)), int64(1 + rng.IntN(4)), fare, []float64{0, 0.5, 1, 2.5}[rng.IntN(4)],
		0.5, tip, 0.0, 0.3, fare + tip + 0.8, 2.5, fmt.Sprintf("note %d of driver %d", rng.IntN(1000), rng.IntN(5000)),
	}
	for i, v := range values {
		switch f := b.Field(i).(type) {
		case *array.Int32Builder:
			f.Append(v.(int32))
		case *array.Int64Builder:
			if id%17 == 0 {
				f.AppendNull()
			} else {
				f.Append(v.(int64))
			}
		case *array.Float64Builder:
			f.Append(v.(float64))
		case *array.StringBuilder:
			f.Append(v.(string))
		case *array.TimestampBuilder:
			f.Append(arrow.Timestamp(v.(int64)))
		}
	}
}
