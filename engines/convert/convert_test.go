package convert_test

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/convert"
)

// TestArray converts and compares; a checked allocator sees to it that nothing is kept or lost. The
// input is a slice, so that offsets count.
func TestArray(t *testing.T) {
	us := func(zone string) arrow.DataType { return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone} }
	sec := &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"}
	mdn := arrow.FixedWidthTypes.MonthDayNanoInterval
	tests := []struct {
		name     string
		from, to arrow.DataType
		in, want string // want empty: must be refused
	}{
		{"zone", us("Etc/UTC"), us("Asia/Tokyo"), `["2026-01-01T00:00:00Z", null]`, `["2026-01-01T00:00:00Z", null]`},
		{"coarser", us("UTC"), sec, `["2026-01-01T00:00:00Z", null]`, `["2026-01-01T00:00:00Z", null]`},
		{"coarser, not exact", us("UTC"), sec, `["2026-01-01T00:00:00.5Z"]`, ``},
		{"finer, too large", &arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Nanosecond}, `["9999-01-01T00:00:00"]`, ``},
		{"days", arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, `["1969-12-31", null]`, `["1969-12-31", null]`},
		{"time", arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time32ms, `["00:00:01.5", null]`, `["00:00:01.5", null]`},
		{"large", arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, `["a", null, ""]`, `["a", null, ""]`},
		{"fixed", arrow.BinaryTypes.Binary, &arrow.FixedSizeBinaryType{ByteWidth: 2}, `["AAE=", null]`, `["AAE=", null]`},
		{"fixed, wrong width", arrow.BinaryTypes.Binary, &arrow.FixedSizeBinaryType{ByteWidth: 3}, `["AAE="]`, ``},
		{"interval to duration", mdn, arrow.FixedWidthTypes.Duration_s, `[{"months":0,"days":1,"nanoseconds":2000000000}, null]`, `["86402s", null]`},
		{"interval with months", mdn, arrow.FixedWidthTypes.Duration_s, `[{"months":1,"days":0,"nanoseconds":0}]`, ``},
		{"decimal", &arrow.Decimal256Type{Precision: 30, Scale: 2}, &arrow.Decimal128Type{Precision: 30, Scale: 2}, `["-1.25", null]`, `["-1.25", null]`},
		{"decimal too long", &arrow.Decimal256Type{Precision: 30, Scale: 0}, &arrow.Decimal128Type{Precision: 3, Scale: 0}, `["1000"]`, ``},
		{"decimal scale", &arrow.Decimal256Type{Precision: 30, Scale: 1}, &arrow.Decimal128Type{Precision: 30, Scale: 2}, `["1.0"]`, ``},
		{"nested", arrow.ListOf(arrow.BinaryTypes.String), arrow.LargeListOf(arrow.BinaryTypes.LargeString), `[["a", null], null, []]`, `[["a", null], null, []]`},
		{"struct", arrow.StructOf(arrow.Field{Name: "a", Type: us("UTC"), Nullable: true}), arrow.StructOf(arrow.Field{Name: "a", Type: sec, Nullable: true}), `[{"a":"2026-01-01T00:00:00Z"}, null]`, `[{"a":"2026-01-01T00:00:00Z"}, null]`},
		{"null", arrow.PrimitiveTypes.Int32, arrow.Null, `[null, null]`, `[null, null]`},
		{"not null", arrow.PrimitiveTypes.Int32, arrow.Null, `[1]`, ``},
		{"dictionary", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, arrow.BinaryTypes.String, `["x", null, "x"]`, `["x", null, "x"]`},
		{"no way", arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int32, `[1]`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			padded := strings.Replace(tt.in, "[", "[null, ", 1)
			whole, _, err := array.FromJSON(mem, tt.from, strings.NewReader(padded))
			if err != nil {
				t.Fatal(err)
			}
			in := array.NewSlice(whole, 1, int64(whole.Len()))
			whole.Release()
			defer in.Release()
			got, err := convert.Array(mem, in, tt.to)
			if tt.want == "" {
				if err == nil {
					got.Release()
					t.Fatalf("got %v, want an error", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer got.Release()
			want, _, err := array.FromJSON(mem, tt.to, strings.NewReader(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			defer want.Release()
			if !arrow.TypeEqual(got.DataType(), tt.to) || !array.Equal(got, want) {
				t.Errorf("got %v (%s), want %v (%s)", got, got.DataType(), want, want.DataType())
			}
		})
	}
}

// TestIngestMerges puts small batches together, leaves large ones alone, and keeps the order.
func TestIngestMerges(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	var batches []arrow.RecordBatch
	next := int64(0)
	for _, n := range []int{1, 2, 90, 0, 100, 3, 3, 40, 49, 7, 200} {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		for range n {
			b.Append(next)
			next++
		}
		batches = append(batches, array.NewRecordBatch(s, []arrow.Array{b.NewArray()}, int64(n)))
	}
	src, err := array.NewRecordReader(s, batches)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Release()
	in := convert.NewIngest(context.Background(), src, s, 100)
	defer in.Release()
	want := int64(0)
	var sizes []int64
	for in.Next() {
		sizes = append(sizes, in.RecordBatch().NumRows())
		for _, v := range in.RecordBatch().Column(0).(*array.Int64).Int64Values() {
			if v != want {
				t.Fatalf("got %d, want %d", v, want)
			}
			want++
		}
	}
	if in.Err() != nil || want != next || in.Rows() != next {
		t.Errorf("%d of %d rows, %d counted, %v", want, next, in.Rows(), in.Err())
	}
	if len(sizes) > 7 {
		t.Errorf("batches of %v rows", sizes)
	}
}
