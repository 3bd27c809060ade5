//go:build duckdb_arrow

package shape_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"go.uber.org/goleak"

	"pitwall/config/refreshsql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is in an hour that Berlin has twice.
var now = time.Date(2026, 10, 25, 0, 30, 15, 123456789, time.UTC)

func stamp(u arrow.TimeUnit, zone string) arrow.DataType {
	return &arrow.TimestampType{Unit: u, TimeZone: zone}
}

var columns = arrow.NewSchema([]arrow.Field{
	{Name: "i8", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
	{Name: "i32", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "i64", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "u8", Type: arrow.PrimitiveTypes.Uint8, Nullable: true},
	{Name: "u64", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
	{Name: "f32", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	{Name: "f64", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "dec", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}, Nullable: true},
	{Name: "wide", Type: &arrow.Decimal128Type{Precision: 38, Scale: 30}, Nullable: true},
	{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "view", Type: arrow.BinaryTypes.StringView, Nullable: true},
	{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	{Name: "ok", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "day", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "day64", Type: arrow.FixedWidthTypes.Date64, Nullable: true},
	{Name: "ts_s", Type: stamp(arrow.Second, ""), Nullable: true},
	{Name: "ts_ms", Type: stamp(arrow.Millisecond, ""), Nullable: true},
	{Name: "ts", Type: stamp(arrow.Microsecond, ""), Nullable: true},
	{Name: "ts_ns", Type: stamp(arrow.Nanosecond, ""), Nullable: true},
	{Name: "tz_s", Type: stamp(arrow.Second, "UTC"), Nullable: true},
	{Name: "tz_ms", Type: stamp(arrow.Millisecond, "Europe/Berlin"), Nullable: true},
	{Name: "tz", Type: stamp(arrow.Microsecond, "Europe/Berlin"), Nullable: true},
	{Name: "tz_ns", Type: stamp(arrow.Nanosecond, "UTC"), Nullable: true},
	{Name: "Qualify", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	{Name: "nothing", Type: arrow.Null, Nullable: true},
}, nil)

// times are those around which something changes.
var times = []time.Time{
	now.Truncate(time.Microsecond), now.Truncate(time.Second), now.Add(-24 * time.Hour).Truncate(time.Microsecond),
	time.Date(2026, 9, 25, 0, 30, 15, 123456000, time.UTC), time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
	time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(2024, 1, 1, 12, 0, 0, 500_000_000, time.UTC),
	time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
	time.Date(2023, 12, 31, 22, 0, 0, 0, time.UTC), time.Date(2026, 10, 18, 0, 0, 0, 0, time.UTC),
}

func randomBatch(r *rand.Rand, mem memory.Allocator, rows int) arrow.RecordBatch {
	b := array.NewRecordBuilder(mem, columns)
	defer b.Release()
	texts := []string{"", "a", "A", "abc", "a_b", "aXb", "ä", "x\ny", "2024-01-01", "5", "Berlin", `a\b`}
	for i, f := range columns.Fields() {
		for range rows {
			if r.IntN(6) == 0 {
				b.Field(i).AppendNull()
				continue
			}
			t := times[r.IntN(len(times))].Add(time.Duration(r.IntN(3)-1) * []time.Duration{0, time.Microsecond, time.Second, 24 * time.Hour}[r.IntN(4)])
			text := texts[r.IntN(len(texts))]
			switch fb := b.Field(i).(type) {
			case *array.Int8Builder:
				fb.Append(int8(r.IntN(256) - 128))
			case *array.Int32Builder:
				fb.Append([]int32{-1, 0, 1, 5, 100, math.MaxInt32, math.MinInt32}[r.IntN(7)])
			case *array.Int64Builder:
				fb.Append([]int64{-1, 0, 1, 5, 5_000_000_000, 1<<53 + 1, math.MaxInt64, math.MinInt64}[r.IntN(8)])
			case *array.Uint8Builder:
				fb.Append(uint8(r.IntN(256)))
			case *array.Uint64Builder:
				fb.Append([]uint64{0, 1, 5, 1 << 63, math.MaxUint64}[r.IntN(5)])
			case *array.Float32Builder:
				fb.Append([]float32{0, float32(math.Copysign(0, -1)), 0.5, 0.1, -1.5, 16777216, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[r.IntN(9)])
			case *array.Float64Builder:
				fb.Append([]float64{0, math.Copysign(0, -1), 0.5, 0.1, math.Nextafter(0.1, 1), 1e3, 5, 1 << 53, math.NaN(), math.Inf(1), math.Inf(-1), 1234567.891}[r.IntN(12)])
			case *array.Decimal128Builder:
				fb.Append(decimal128.FromI64([]int64{0, 1, 150, -150, 500, 999_999_999_999}[r.IntN(6)]))
			case *array.StringBuilder:
				fb.Append(text)
			case *array.StringViewBuilder:
				fb.Append(text)
			case *array.BinaryDictionaryBuilder:
				if err := fb.AppendString(text); err != nil {
					panic(err)
				}
			case *array.BooleanBuilder:
				fb.Append(r.IntN(2) == 0)
			case *array.Date32Builder:
				fb.Append(arrow.Date32FromTime(t))
			case *array.Date64Builder:
				fb.Append(arrow.Date64FromTime(t))
			case *array.TimestampBuilder:
				v, err := arrow.TimestampFromTime(t, f.Type.(*arrow.TimestampType).Unit)
				if err != nil {
					panic(err)
				}
				fb.Append(v)
			case *array.ListBuilder:
				fb.Append(true)
				for range r.IntN(3) {
					fb.ValueBuilder().(*array.StringBuilder).Append(text)
				}
			default:
				fb.AppendNull()
			}
		}
	}
	return b.NewRecordBatch()
}

// stream is a reader over batches that fails at the end, when it shall.
type stream struct {
	array.RecordReader
	fail error
	read int
}

func (s *stream) Next() bool {
	s.read++
	return s.RecordReader.Next()
}

func (s *stream) Err() error { return errors.Join(s.RecordReader.Err(), s.fail) }

// newStream takes the batches over.
func newStream(t testing.TB, schema *arrow.Schema, batches ...arrow.RecordBatch) *stream {
	t.Helper()
	r, err := array.NewRecordReader(schema, batches)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		b.Release()
	}
	return &stream{RecordReader: r}
}

// drain reads a reader to its end, releases it and returns its rows as text, with their schema.
func drain(t testing.TB, r array.RecordReader) ([]string, error) {
	t.Helper()
	defer r.Release()
	var out []string
	for r.Next() {
		b := r.RecordBatch()
		if !b.Schema().Equal(r.Schema()) || b.NumRows() == 0 {
			t.Fatalf("a batch of %d rows with schema %s", b.NumRows(), b.Schema())
		}
		for i := range int(b.NumRows()) {
			var line strings.Builder
			for _, c := range b.Columns() {
				if c.DataType().ID() == arrow.FLOAT64 && c.IsValid(i) { // -0 is not 0
					fmt.Fprintf(&line, "%x|", math.Float64bits(c.(*array.Float64).Value(i)))
					continue
				}
				line.WriteString(c.ValueStr(i) + "|")
			}
			out = append(out, line.String())
		}
	}
	return out, r.Err()
}

func condition(t testing.TB, sql string) *refreshsql.Condition {
	t.Helper()
	c, err := refreshsql.ParseCondition(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return c
}

func canceled() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	return ctx
}
