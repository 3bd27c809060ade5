package objects

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/engines"
	"pitwall/engines/filter"
	"pitwall/runtime/source"
)

// kinds are the columns of the random files: a type, and values of it and of conditions on it.
var kinds = []struct {
	name  string
	t     arrow.DataType
	value func(r *rand.Rand, i int) any // in the builder's terms, see appendAny
	lit   func(r *rand.Rand, rows int) any
}{
	{"i64", arrow.PrimitiveTypes.Int64, func(_ *rand.Rand, i int) any { return int64(i) - 500 }, near},
	{"i32", arrow.PrimitiveTypes.Int32, func(r *rand.Rand, _ int) any { return int64(r.IntN(50)) - 25 }, func(r *rand.Rand, _ int) any { return int64(r.IntN(60)) - 30 }},
	{"i8", arrow.PrimitiveTypes.Int8, func(_ *rand.Rand, i int) any { return int64(i/20%256) - 128 }, func(r *rand.Rand, _ int) any { return int64(r.IntN(300)) - 150 }},
	{"u32", arrow.PrimitiveTypes.Uint32, func(_ *rand.Rand, i int) any { return uint64(math.MaxUint32 - i*1000) }, func(r *rand.Rand, rows int) any { return uint64(math.MaxUint32 - r.IntN(rows*1000)) }},
	{"u64", arrow.PrimitiveTypes.Uint64, func(_ *rand.Rand, i int) any { return uint64(math.MaxUint64) - uint64(i) }, func(r *rand.Rand, rows int) any { return uint64(math.MaxUint64) - uint64(r.IntN(rows)) }},
	{"f64", arrow.PrimitiveTypes.Float64, floats, func(r *rand.Rand, rows int) any { return float64(r.IntN(rows)) / 3 }},
	{"f32", arrow.PrimitiveTypes.Float32, floats, func(r *rand.Rand, rows int) any { return float64(r.IntN(rows)) / 3 }},
	{"s", arrow.BinaryTypes.String, func(_ *rand.Rand, i int) any {
		return fmt.Sprintf("key-%06d-%s", i, "some long tail that may be cut off in statistics")
	}, func(r *rand.Rand, rows int) any { return fmt.Sprintf("key-%06d", r.IntN(rows)) }},
	{"b", arrow.FixedWidthTypes.Boolean, func(_ *rand.Rand, i int) any { return i/300%2 == 0 }, func(r *rand.Rand, _ int) any { return r.IntN(2) == 0 }},
	{"bin", arrow.BinaryTypes.Binary, func(_ *rand.Rand, i int) any { return []byte(fmt.Sprintf("%06d", i)) }, func(r *rand.Rand, rows int) any { return []byte(fmt.Sprintf("%06d", r.IntN(rows))) }},
	{"d", arrow.FixedWidthTypes.Date32, func(_ *rand.Rand, i int) any { return int64(i / 10) }, clock(24 * time.Hour / 10)},
	{"ts_s", &arrow.TimestampType{Unit: arrow.Second}, func(_ *rand.Rand, i int) any { return int64(i) }, clock(time.Second)},
	{"ts_ms", &arrow.TimestampType{Unit: arrow.Millisecond}, func(_ *rand.Rand, i int) any { return int64(i) }, clock(time.Millisecond)},
	{"ts_us", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, func(_ *rand.Rand, i int) any { return int64(i) }, clock(time.Microsecond)},
	{"ts_ns", &arrow.TimestampType{Unit: arrow.Nanosecond}, func(_ *rand.Rand, i int) any { return int64(i) }, clock(time.Nanosecond)},
	{"t32", arrow.FixedWidthTypes.Time32ms, func(_ *rand.Rand, i int) any { return int64(i) }, clock(time.Millisecond)},
	{"dec9", &arrow.Decimal128Type{Precision: 9, Scale: 2}, func(_ *rand.Rand, i int) any { return int64(i) - 700 }, func(r *rand.Rand, rows int) any { return float64(r.IntN(rows)-700) / 100 }},
	{"dec30", &arrow.Decimal128Type{Precision: 30, Scale: 3}, func(_ *rand.Rand, i int) any { return int64(i) - 700 }, func(r *rand.Rand, rows int) any { return float64(r.IntN(rows)-700) / 1000 }},
}

func near(r *rand.Rand, rows int) any { return int64(r.IntN(rows)) - 500 }

func floats(r *rand.Rand, i int) any {
	switch r.IntN(400) {
	case 0:
		return math.NaN()
	case 1:
		return math.Inf(1)
	case 2:
		return math.Copysign(0, -1)
	}
	return float64(i) / 3
}

func clock(unit time.Duration) func(*rand.Rand, int) any {
	return func(r *rand.Rand, rows int) any { return time.Unix(0, int64(r.IntN(rows))*int64(unit)).UTC() }
}

func appendAny(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int8Builder:
		b.Append(int8(v.(int64)))
	case *array.Uint32Builder:
		b.Append(uint32(v.(uint64)))
	case *array.Uint64Builder:
		b.Append(v.(uint64))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.BinaryBuilder:
		b.Append(v.([]byte))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int64)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(v.(int64)))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(v.(int64)))
	default:
		panic(fmt.Sprintf("%T", b))
	}
}

// randomFile writes all kinds of columns, with NULL here and there and in whole stretches.
func randomFile(t *testing.T, r *rand.Rand, rows int) []byte {
	t.Helper()
	var fields []arrow.Field
	for _, k := range kinds {
		fields = append(fields, arrow.Field{Name: k.name, Type: k.t, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for c, k := range kinds {
		stretch := r.IntN(rows)
		for i := range rows {
			if r.IntN(20) == 0 || i > stretch && i < stretch+rows/3 {
				b.Field(c).AppendNull()
				continue
			}
			appendAny(b.Field(c), k.value(r, i))
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	props := []parquet.WriterProperty{parquet.WithMaxRowGroupLength(int64(100 + r.IntN(rows))), parquet.WithDataPageSize(int64(200 + r.IntN(3000))), parquet.WithBatchSize(int64(16 + r.IntN(100)))}
	if r.IntN(4) > 0 {
		props = append(props, parquet.WithPageIndexEnabled(true))
	}
	if r.IntN(3) == 0 {
		props = append(props, parquet.WithStats(false))
	}
	if r.IntN(2) == 0 {
		props = append(props, parquet.WithDictionaryDefault(false))
	}
	var arrowProps []pqarrow.WriterOption
	if r.IntN(2) == 0 {
		arrowProps = append(arrowProps, pqarrow.WithStoreSchema())
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(props...), pqarrow.NewArrowWriterProperties(arrowProps...))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func randomPredicate(r *rand.Rand, rows, depth int) engines.Predicate {
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			return engines.And{randomPredicate(r, rows, depth-1), randomPredicate(r, rows, depth-1)}
		case 1:
			return engines.Or{randomPredicate(r, rows, depth-1), randomPredicate(r, rows, depth-1)}
		case 2:
			return engines.Not{Of: randomPredicate(r, rows, depth-1)}
		}
	}
	k := kinds[r.IntN(len(kinds))]
	if r.IntN(6) == 0 {
		return engines.IsNull{Column: k.name}
	}
	ops := []engines.Op{engines.Eq, engines.Ne, engines.Lt, engines.Le, engines.Gt, engines.Ge}
	return engines.Compare{Column: k.name, Op: ops[r.IntN(len(ops))], Value: k.lit(r, rows)}
}

// matching reads with the condition, applies it again, and returns the rows that fulfil it.
func matching(t *testing.T, dir string, s source.Scan, p engines.Predicate) (rows []string, read int64) {
	t.Helper()
	src, err := New(Options{Path: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	n, err := filter.Bind(r.Schema(), p)
	if err != nil {
		t.Fatalf("%#v: %v", p, err)
	}
	for r.Next() {
		rec := r.RecordBatch()
		read += rec.NumRows()
		for i, truth := range filter.Eval(n, rec) {
			if truth != filter.True {
				continue
			}
			row := ""
			for _, c := range rec.Columns() {
				row += c.ValueStr(i) + "|"
			}
			rows = append(rows, row)
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return rows, read
}

// Whatever a condition lets a reader leave out, no row that fulfils it is lost: random files of all
// types, with and without statistics, page index and dictionaries, against random conditions.
func TestNoWantedRowIsLeftOut(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("PITWALL_SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	fewer := 0
	files := 40
	if testing.Short() {
		files = 8
	}
	for range files {
		dir := t.TempDir()
		rows := 200 + r.IntN(2000)
		if err := os.WriteFile(filepath.Join(dir, "x.parquet"), randomFile(t, r, rows), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			p := randomPredicate(r, rows, r.IntN(4))
			want, all := matching(t, dir, source.Scan{}, p)
			got, read := matching(t, dir, source.Scan{Where: p}, p)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("PITWALL_SEED=%d: %#v gives %d rows, want %d", seed, p, len(got), len(want))
			}
			if read < all {
				fewer++
			}
		}
	}
	if fewer < files {
		t.Errorf("only %d of %d conditions left anything out", fewer, files*12)
	}
}
