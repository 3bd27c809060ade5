//go:build duckdb_arrow

package shape_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/config/refreshsql"
	"pitwall/engines"
	"pitwall/runtime/shape"
)

// stages are all readers of the package, each with what it does to the rows.
var stages = map[string]func(context.Context, array.RecordReader) (array.RecordReader, error){
	"keep": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Keep(ctx, r, engines.Compare{Column: "i8", Op: engines.Gt, Value: int64(0)})
	},
	"keep all": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Keep(ctx, r, nil)
	},
	"mask": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Mask(ctx, r, "i8 % 2 = 0", now)
	},
	"mask none": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Mask(ctx, r, "false", now)
	},
	"no mask": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Mask(ctx, r, "", now)
	},
	"limit": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Limit(ctx, r, 70), nil
	},
	"columns": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.Columns(ctx, r, []string{"tags", "i8"})
	},
	"distinct": func(ctx context.Context, r array.RecordReader) (array.RecordReader, error) {
		return shape.DistinctOn(ctx, r, []string{"i32"}, []refreshsql.Order{{Column: "f64"}})
	},
}

// TestReaders checks what all readers have in common: they free everything, also when they are left
// early; they end with their context; they hand on the error of the source.
func TestReaders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, open := range stages {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			source := func() *stream {
				return newStream(t, columns, randomBatch(r, mem, 50), randomBatch(r, mem, 0), randomBatch(r, mem, 50), randomBatch(r, mem, 50))
			}
			for _, batches := range []int{0, 1, 99} {
				s, err := open(t.Context(), source())
				if err != nil {
					t.Fatal(err)
				}
				s.Retain()
				for range batches {
					if !s.Next() {
						break
					}
				}
				s.Release()
				if s.Err() != nil {
					t.Error(s.Err())
				}
				s.Release()
			}
			failing := source()
			failing.fail = errors.New("the disk is gone")
			if s, err := open(t.Context(), failing); err != nil {
				t.Error(err)
			} else if _, err := drain(t, s); !errors.Is(err, failing.fail) {
				t.Errorf("error %v", err)
			}
			s, err := open(t.Context(), source())
			if err != nil {
				t.Fatal(err)
			}
			s.Release()
			ctx, cancel := context.WithCancelCause(t.Context())
			if s, err = open(ctx, source()); err != nil {
				t.Fatal(err)
			}
			enough := errors.New("enough")
			cancel(enough)
			if rows, err := drain(t, s); !errors.Is(err, enough) || len(rows) > 0 {
				t.Errorf("%d rows after the end of the context, %v", len(rows), err)
			}
		})
	}
}

// TestKeepsEveryType keeps some rows of columns of all kinds of types, bit for bit.
func TestKeepsEveryType(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	md := arrow.NewMetadata([]string{"k"}, []string{"v"})
	texts := map[string]arrow.DataType{
		`["a", null, "b", ""]`: arrow.BinaryTypes.StringView, `["AAE=", null, "AAE=", "AgM="]`: &arrow.FixedSizeBinaryType{ByteWidth: 2},
		`["1.5", null, "2.5", "-3.5"]`: &arrow.Decimal32Type{Precision: 5, Scale: 2}, `["1.25", null, "2.5", "-3.5"]`: &arrow.Decimal256Type{Precision: 60, Scale: 2},
		`["00:00:01.5", null, "00:00:02", "00:00:03"]`: arrow.FixedWidthTypes.Time64ns, `["1s", null, "2s", "3s"]`: arrow.FixedWidthTypes.Duration_s,
		`[[1], null, [], [2, null]]`: arrow.ListOf(arrow.PrimitiveTypes.Int64), `[{"a": 1}, null, {"a": null}, {"a": 3}]`: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}),
		`[[1, 2], null, [3, null], [5, 6]]`: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int64), `[{"months":1,"days":2,"nanoseconds":3}, null, {"months":0,"days":0,"nanoseconds":0}, {"months":7,"days":8,"nanoseconds":9}]`: arrow.FixedWidthTypes.MonthDayNanoInterval,
		`[[{"key": "a", "value": 1}], null, [], [{"key": "b", "value": null}]]`: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
		`[1.5, null, 2.5, 0]`: arrow.FixedWidthTypes.Float16, `["x", null, "y", "x"]`: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		`[null, null, null, null]`: arrow.Null, `["q", null, "r", "s"]`: arrow.BinaryTypes.LargeString, `[true, null, false, true]`: arrow.FixedWidthTypes.Boolean,
	}
	for text, typ := range texts {
		data, _, err := array.FromJSON(mem, typ, strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		n, _, err := array.FromJSON(mem, arrow.PrimitiveTypes.Int64, strings.NewReader("[1, 2, 3, 4]"))
		if err != nil {
			t.Fatal(err)
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "c", Type: typ, Nullable: true, Metadata: md}}, &md)
		for mode, open := range map[string]func(array.RecordReader) (array.RecordReader, error){
			"keep": func(r array.RecordReader) (array.RecordReader, error) {
				return shape.Keep(t.Context(), r, engines.Compare{Column: "n", Op: engines.Ne, Value: int64(3)})
			},
			"mask": func(r array.RecordReader) (array.RecordReader, error) {
				return shape.Mask(t.Context(), r, "n + 1 <> 4", now)
			},
		} {
			r, err := open(newStream(t, schema, array.NewRecordBatch(schema, []arrow.Array{n, data}, 4)))
			if err != nil {
				t.Fatal(err)
			}
			if !r.Next() || !r.Schema().Equal(schema) || !r.RecordBatch().Schema().Equal(schema) || r.RecordBatch().NumRows() != 3 {
				t.Fatalf("%s %s: %v", mode, typ, r.Err())
			}
			got := r.RecordBatch().Column(1)
			if !arrow.TypeEqual(got.DataType(), typ, arrow.CheckMetadata()) {
				t.Errorf("%s: %s became %s", mode, typ, got.DataType())
			}
			for i, from := range []int64{0, 1, 3} {
				a, b := array.NewSlice(got, int64(i), int64(i)+1), array.NewSlice(data, from, from+1)
				if !array.Equal(a, b) {
					t.Errorf("%s %s: row %d is %v, want %v", mode, typ, i, a, b)
				}
				a.Release()
				b.Release()
			}
			r.Release()
		}
		data.Release()
		n.Release()
	}
}

func TestLimitStopsReading(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for limit, want := range map[int64]struct{ rows, reads int }{0: {0, 0}, 1: {1, 1}, 10: {10, 1}, 11: {11, 2}, 25: {20, 3}} {
		src := newStream(t, columns, randomBatch(r, memory.DefaultAllocator, 10), randomBatch(r, memory.DefaultAllocator, 10))
		rows, err := drain(t, shape.Limit(t.Context(), src, limit))
		if err != nil || len(rows) != want.rows || src.read != want.reads {
			t.Errorf("limit %d: %d rows of %d reads, %v", limit, len(rows), src.read, err)
		}
	}
}

func TestColumns(t *testing.T) {
	src := newStream(t, columns, randomBatch(rand.New(rand.NewPCG(3, 3)), memory.DefaultAllocator, 3))
	if _, err := shape.Columns(t.Context(), src, []string{"i8", "i9"}); err == nil || !strings.Contains(err.Error(), `"i9"`) {
		t.Error(err)
	}
	r, err := shape.Columns(t.Context(), src, []string{"s", "i8"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Schema().NumFields() != 2 || r.Schema().Field(0).Name != "s" {
		t.Error(r.Schema())
	}
	if rows, err := drain(t, r); len(rows) != 3 || err != nil {
		t.Error(rows, err)
	}
}

// TestDistinctOn compares with the plain definition: sort all rows, take the first of each key.
func TestDistinctOn(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 4))
	t.Logf("seed %d", seed)
	usable := []string{"i8", "i32", "i64", "u8", "u64", "f32", "f64", "dec", "wide", "s", "view", "dict", "ok", "day", "day64", "ts_s", "ts_ns", "tz", "nothing"}
	for range 60 {
		keys := []string{usable[r.IntN(len(usable))], usable[r.IntN(len(usable))]}[:1+r.IntN(2)]
		var order []refreshsql.Order
		for range 1 + r.IntN(3) {
			order = append(order, refreshsql.Order{Column: usable[r.IntN(len(usable))], Desc: r.IntN(2) == 0, NullsFirst: r.IntN(2) == 0})
		}
		var batches []arrow.RecordBatch
		for range 1 + r.IntN(6) {
			batches = append(batches, randomBatch(r, memory.DefaultAllocator, r.IntN(80)))
		}
		want := distinctBySQL(t, batches, keys, order)
		d, err := shape.DistinctOn(t.Context(), newStream(t, columns, batches...), keys, order)
		if err != nil {
			t.Fatal(err)
		}
		got, err := drain(t, d)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("keys %q, order %v: %s", keys, order, diff)
		}
	}
	src := newStream(t, columns)
	defer src.Release()
	for _, bad := range []string{"tags", "zz"} {
		var e *shape.Error
		if _, err := shape.DistinctOn(t.Context(), src, []string{bad}, nil); !errors.As(err, &e) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestDistinctOnIsSmall reads many rows of few keys: the rows that lost must not stay.
func TestDistinctOnIsSmall(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := rand.New(rand.NewPCG(5, 5))
	src := &endless{schema: columns, next: func() arrow.RecordBatch { return randomBatch(r, mem, 1000) }, left: 200}
	d, err := shape.DistinctOn(t.Context(), src, []string{"i32"}, []refreshsql.Order{{Column: "i8"}})
	if err != nil {
		t.Fatal(err)
	}
	src.watch = func() { src.peak = max(src.peak, mem.CurrentAlloc()) }
	rows, err := drain(t, d)
	if err != nil || len(rows) != 8 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	one := 1 << 20 // a batch is about 300 kB
	if src.peak > 4*one {
		t.Errorf("%d bytes at most", src.peak)
	}
}

// endless makes its batches as they are asked for.
type endless struct {
	schema *arrow.Schema
	next   func() arrow.RecordBatch
	watch  func()
	left   int
	cur    arrow.RecordBatch
	peak   int
}

func (e *endless) Retain()                        {}
func (e *endless) Release()                       { e.drop() }
func (e *endless) Schema() *arrow.Schema          { return e.schema }
func (e *endless) RecordBatch() arrow.RecordBatch { return e.cur }
func (e *endless) Record() arrow.RecordBatch      { return e.cur }
func (e *endless) Err() error                     { return nil }

func (e *endless) drop() {
	if e.cur != nil {
		e.cur.Release()
		e.cur = nil
	}
}

func (e *endless) Next() bool {
	e.drop()
	if e.left--; e.left < 0 {
		return false
	}
	e.cur = e.next()
	if e.watch != nil {
		e.watch()
	}
	return true
}

func TestKeepErrors(t *testing.T) {
	src := newStream(t, columns)
	defer src.Release()
	for _, p := range []engines.Predicate{engines.Compare{Column: "zz", Op: engines.Eq, Value: true}, engines.Compare{Column: "i8", Op: engines.Eq, Value: "x"}} {
		if _, err := shape.Keep(t.Context(), src, p); !slices.Contains([]engines.Kind{engines.NotFound, engines.Invalid}, engines.KindOf(err)) {
			t.Errorf("%v: %v", p, err)
		}
	}
}
