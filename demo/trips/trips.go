// Package trips generates taxi-like trips: the data of the demo and of the benchmarks. The same seed
// gives the same rows. It starts no goroutines.
package trips

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Zones is the number of taxi zones that trips begin and end in, numbered from 1.
const Zones = 265

// groupRows is the number of rows of a Parquet row group.
const groupRows = 122_880

// Schema of a trip: 19 columns.
func Schema() *arrow.Schema {
	ts := &arrow.TimestampType{Unit: arrow.Microsecond}
	f := arrow.PrimitiveTypes.Float64
	fields := []arrow.Field{
		{Name: "vendor_id", Type: arrow.PrimitiveTypes.Int32},
		{Name: "pickup_at", Type: ts}, {Name: "dropoff_at", Type: ts},
		{Name: "passenger_count", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "trip_distance", Type: f},
		{Name: "rate_code_id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "store_and_fwd_flag", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "pickup_zone_id", Type: arrow.PrimitiveTypes.Int32}, {Name: "dropoff_zone_id", Type: arrow.PrimitiveTypes.Int32},
		{Name: "payment_type", Type: arrow.PrimitiveTypes.Int64},
		{Name: "fare_amount", Type: f}, {Name: "extra", Type: f}, {Name: "mta_tax", Type: f}, {Name: "tip_amount", Type: f},
		{Name: "tolls_amount", Type: f}, {Name: "improvement_surcharge", Type: f}, {Name: "total_amount", Type: f},
		{Name: "congestion_surcharge", Type: f, Nullable: true}, {Name: "airport_fee", Type: f, Nullable: true},
	}
	return arrow.NewSchema(fields, nil)
}

// Batch appends n trips, the first of which begins at start, and returns them as one record batch and
// the time at which the next batch begins. The caller releases it.
func Batch(r *rand.Rand, n int, start time.Time) (arrow.RecordBatch, time.Time) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, Schema())
	defer b.Release()
	b.Reserve(n)
	at := start
	f := func(i int, v float64) { b.Field(i).(*array.Float64Builder).Append(math.Round(v*100) / 100) }
	for range n {
		at = at.Add(time.Duration(r.IntN(2_000)) * time.Millisecond)
		miles := 0.4 + r.ExpFloat64()*2.9
		ride := time.Duration(miles*float64(3+r.IntN(4))*60) * time.Second
		b.Field(0).(*array.Int32Builder).Append(1 + r.Int32N(2))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at.Add(ride).UnixMicro()))
		known := r.IntN(25) > 0
		optional(b.Field(3).(*array.Int64Builder), known, 1+int64(r.ExpFloat64()))
		f(4, miles)
		optional(b.Field(5).(*array.Int64Builder), known, 1+int64(r.IntN(100)/96))
		if flag := b.Field(6).(*array.StringBuilder); known {
			flag.Append([]string{"N", "Y"}[r.IntN(100)/99])
		} else {
			flag.AppendNull()
		}
		b.Field(7).(*array.Int32Builder).Append(zone(r))
		b.Field(8).(*array.Int32Builder).Append(zone(r))
		card := r.IntN(4) > 0
		pay := int64(2)
		if card {
			pay = 1
		}
		b.Field(9).(*array.Int64Builder).Append(pay)
		fare := 3 + miles*2.5 + float64(r.IntN(5))
		extra := []float64{0, 0.5, 1, 2.5}[r.IntN(4)]
		tip, toll := 0.0, 0.0
		if card {
			tip = fare * float64(r.IntN(30)) / 100
		}
		if r.IntN(20) == 0 {
			toll = 6.55
		}
		f(10, fare)
		f(11, extra)
		f(12, 0.5)
		f(13, tip)
		f(14, toll)
		f(15, 0.3)
		f(16, fare+extra+0.5+tip+toll+0.3)
		if known {
			f(17, 2.5)
			f(18, []float64{0, 1.25}[r.IntN(12)/11])
		} else {
			b.Field(17).AppendNull()
			b.Field(18).AppendNull()
		}
	}
	return b.NewRecordBatch(), at
}

func optional(b *array.Int64Builder, known bool, v int64) {
	if known {
		b.Append(v)
	} else {
		b.AppendNull()
	}
}

// zone prefers low numbers, as a city prefers its centre.
func zone(r *rand.Rand) int32 {
	return 1 + int32(float64(Zones)*math.Pow(r.Float64(), 2.2))%Zones
}

// Write generates rows trips into dir as files of at most perFile rows, trips-0000.parquet and so on.
// A file is complete once it has its name; complete files of an earlier, interrupted Write are kept.
// progress is told the rows that are there; it may be nil.
func Write(ctx context.Context, dir string, rows, perFile int, seed uint64, progress func(rows int)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if progress == nil {
		progress = func(int) {}
	}
	for file, done := 0, 0; done < rows; file++ {
		n := min(perFile, rows-done)
		name := filepath.Join(dir, fmt.Sprintf("trips-%04d.parquet", file))
		if _, err := os.Stat(name); err != nil {
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 3*file)
			err := writeFile(ctx, name, n, rand.New(rand.NewPCG(seed, uint64(file))), start, func(r int) { progress(done + r) })
			if err != nil {
				return err
			}
		}
		done += n
		progress(done)
	}
	return nil
}

func writeFile(ctx context.Context, name string, rows int, r *rand.Rand, start time.Time, progress func(int)) (err error) {
	tmp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".tmp")
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	w, err := pqarrow.NewFileWriter(Schema(), f, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithMaxRowGroupLength(groupRows)), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	for done := 0; done < rows && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		n := min(groupRows, rows-done)
		rec, next := Batch(r, n, start)
		start = next
		err = w.Write(rec)
		rec.Release()
		done += n
		progress(done)
	}
	if e := w.Close(); err == nil { // closes f, too
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
