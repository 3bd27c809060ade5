package cayenne_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// ints is a batch of one column c of a type that is a whole number inside.
func ints[N int32 | int64](typ arrow.DataType, values ...N) arrow.RecordBatch {
	var a arrow.ArrayData
	switch v := any(values).(type) {
	case []int32:
		a = array.NewData(typ, len(v), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(v))}, nil, 0, 0)
	case []int64:
		a = array.NewData(typ, len(v), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(v))}, nil, 0, 0)
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ}}, nil)
	return array.NewRecordBatch(s, []arrow.Array{array.MakeFromData(a)}, int64(len(values)))
}

// batches is a reader of batches of one schema.
func batches(t testing.TB, all ...arrow.RecordBatch) array.RecordReader {
	t.Helper()
	r, err := array.NewRecordReader(all[0].Schema(), all)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// divided opens a store that is partitioned by column c.
func divided(t testing.TB, path string, by engines.Transform, n int64) engines.Engine {
	t.Helper()
	o := engines.Options{Dataset: "d", Path: path, Partitions: []engines.PartitionBy{{Name: "p", Column: "c", Transform: by, N: n}}}
	e, err := cayenne.Opener{}.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Values at the ends of what a type can hold, and of what dates can be written as, are read again.
func TestExtremeValuesArePartitions(t *testing.T) {
	wide := []int64{math.MinInt64, math.MinInt64 + 1, -62_167_219_201, -1, 0, 253_402_300_800, math.MaxInt64 - 1, math.MaxInt64}
	of := []arrow.RecordBatch{
		ints[int32](arrow.FixedWidthTypes.Date32, math.MinInt32, -719_529, -719_528, -1, 0, 2_932_896, 2_932_897, math.MaxInt32),
		ints(arrow.PrimitiveTypes.Int64, wide...),
	}
	for _, u := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
		of = append(of, ints(&arrow.TimestampType{Unit: u}, wide...))
	}
	for _, b := range of {
		for by, n := range map[engines.Transform]int64{engines.Identity: 0, engines.Bucket: 1000, engines.Truncate: 1000, engines.Year: 0, engines.TruncYear: 0, engines.TruncMonth: 0, engines.TruncDay: 0, engines.TruncHour: 0} {
			t.Run(fmt.Sprintf("%s %v", b.Column(0).DataType(), by), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "d.cayenne")
				e := divided(t, path, by, n)
				_, err := e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: batches(t, b)})
				if engines.KindOf(err) == engines.Invalid {
					return // not for this type
				}
				if err != nil {
					t.Fatal(err)
				}
				parts := len(layout(t, e).Partitions)
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				e = divided(t, path, by, n)
				defer e.Close()
				if got := len(layout(t, e).Partitions); got != parts || scanned(t, e, nil) != b.NumRows() {
					t.Errorf("%d partitions, want %d", got, parts)
				}
				if by == engines.Identity && parts != int(b.NumRows()) {
					t.Errorf("%d values in %d partitions", b.NumRows(), parts)
				}
			})
		}
	}
}
