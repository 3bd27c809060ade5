package enginetest

import (
	"io"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/convert"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

// typeCase is one type of the type table with values as JSON that arrow-go reads.
type typeCase struct {
	typ    arrow.DataType
	values string
}

func typeCases() []typeCase {
	const ints = `[-128, 127, null, 0]`
	ts := func(u arrow.TimeUnit, zone string) arrow.DataType {
		return &arrow.TimestampType{Unit: u, TimeZone: zone}
	}
	str := arrow.BinaryTypes.String
	inner := arrow.Field{Name: "when", Type: ts(arrow.Millisecond, "Asia/Tokyo"), Nullable: true, Metadata: arrow.NewMetadata([]string{"unit"}, []string{"ms"})}
	return []typeCase{
		{arrow.Null, `[null, null]`},
		{arrow.FixedWidthTypes.Boolean, `[true, null, false]`},
		{arrow.PrimitiveTypes.Int8, ints}, {arrow.PrimitiveTypes.Int16, `[-32768, 32767, null]`},
		{arrow.PrimitiveTypes.Int32, `[-2147483648, 2147483647, null]`},
		{arrow.PrimitiveTypes.Int64, `[-9223372036854775808, 9223372036854775807, null]`},
		{arrow.PrimitiveTypes.Uint8, `[255, null, 0]`}, {arrow.PrimitiveTypes.Uint16, `[65535, null]`},
		{arrow.PrimitiveTypes.Uint32, `[4294967295, null]`},
		{arrow.PrimitiveTypes.Uint64, `[18446744073709551615, 9223372036854775808, 9223372036854775807, null, 0]`},
		{arrow.FixedWidthTypes.Float16, `[1.5, null]`},
		{arrow.PrimitiveTypes.Float32, `[1.5, -0.1, 3.4028234e38, null]`},
		{arrow.PrimitiveTypes.Float64, `[1.5, 0.1, 1.7976931348623157e308, 5e-324, null]`},
		{&arrow.Decimal128Type{Precision: 38, Scale: 10}, `["-1.0000000001", "1234567890123456789012345678.0123456789", null, "0.0000000000"]`},
		{&arrow.Decimal128Type{Precision: 5, Scale: 0}, `["99999", "-1", null]`},
		{&arrow.Decimal32Type{Precision: 7, Scale: 3}, `["1.250", null]`},
		{&arrow.Decimal256Type{Precision: 30, Scale: 5}, `["123.45678", null]`},
		{&arrow.Decimal256Type{Precision: 60, Scale: 5}, `["123456789012345678901234567890123456789012345.45678", null]`},
		{str, `["", "ä'\"\\ 😀", null, "NULL", "line\nbreak"]`}, {arrow.BinaryTypes.LargeString, `["", "x", null]`},
		{arrow.BinaryTypes.StringView, `["short", "a string longer than twelve bytes", null]`},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: str}, `["a", "b", null, "a"]`},
		{arrow.BinaryTypes.Binary, `["", "AAEC/w==", null]`}, {arrow.BinaryTypes.LargeBinary, `["AAEC/w==", null]`},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["AAEC", null]`},
		{arrow.FixedWidthTypes.Date32, `["1970-01-01", "1899-12-31", "2026-09-24", null]`},
		{arrow.FixedWidthTypes.Date64, `["1970-01-01", "2026-09-24", null]`},
		{arrow.FixedWidthTypes.Time32s, `["23:59:59", null]`}, {arrow.FixedWidthTypes.Time32ms, `["23:59:59.999", null]`},
		{arrow.FixedWidthTypes.Time64us, `["23:59:59.999999", null]`}, {arrow.FixedWidthTypes.Time64ns, `["23:59:59.999999999", null]`},
		{ts(arrow.Second, ""), `["1900-01-01T00:00:01", "9999-12-31T23:59:59", null]`},
		{ts(arrow.Millisecond, ""), `["1969-12-31T23:59:59.999", null]`},
		{ts(arrow.Microsecond, ""), `["1969-12-31T23:59:59.999999", "0001-01-01T00:00:00", null]`},
		{ts(arrow.Nanosecond, ""), `["1969-12-31T23:59:59.999999999", "2026-01-01T00:00:00.000000001", null]`},
		{ts(arrow.Second, "UTC"), `["2026-01-01T00:00:01Z", null]`}, {ts(arrow.Millisecond, "Europe/Berlin"), `["2026-01-01T00:00:00.001Z", null]`},
		{ts(arrow.Microsecond, "+05:30"), `["1969-12-31T23:59:59.999999Z", null]`}, {ts(arrow.Nanosecond, "UTC"), `["2026-01-01T00:00:00.000000001Z", null]`},
		{arrow.FixedWidthTypes.Duration_s, `["-3s", "90000s", null]`}, {arrow.FixedWidthTypes.Duration_ms, `["3ms", null]`},
		{arrow.FixedWidthTypes.Duration_us, `["-1us", null]`}, {arrow.FixedWidthTypes.Duration_ns, `["1ns", null]`},
		{arrow.FixedWidthTypes.MonthInterval, `[{"months": -14}, null]`}, {arrow.FixedWidthTypes.DayTimeInterval, `[{"days": 40, "milliseconds": -5}, null]`},
		{arrow.FixedWidthTypes.MonthDayNanoInterval, `[{"months": 1, "days": 2, "nanoseconds": 3}, null]`},
		{arrow.ListOf(str), `[["a", null, "\"b\""], [], null]`}, {arrow.LargeListOf(arrow.PrimitiveTypes.Int64), `[[1, null], [], null]`},
		{arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float32), `[[1.5, null], [0, 1], null]`},
		{arrow.ListOf(arrow.ListOf(arrow.BinaryTypes.LargeString)), `[[["x"], null, []], null]`},
		{arrow.StructOf(arrow.Field{Name: "a b", Type: arrow.PrimitiveTypes.Uint64, Nullable: true}, inner), `[{"a b": 18446744073709551615, "when": "2026-01-01T00:00:00.001Z"}, {"a b": null, "when": null}, null]`},
		{arrow.MapOf(str, arrow.PrimitiveTypes.Int32), `[[{"key": "k", "value": 1}, {"key": "l", "value": null}], [], null]`},
		{arrow.ListOf(arrow.StructOf(arrow.Field{Name: "d", Type: &arrow.Decimal128Type{Precision: 20, Scale: 2}, Nullable: true}, arrow.Field{Name: "x", Type: arrow.BinaryTypes.Binary, Nullable: true})), `[[{"d": "1.20", "x": "AP8="}, null], null]`},
	}
}

// table returns a reader of one column c of the case, with metadata, and what must come back.
func (c typeCase) table(t testing.TB) (array.RecordReader, arrow.RecordBatch) {
	t.Helper()
	values, _, err := array.FromJSON(memory.DefaultAllocator, c.typ, strings.NewReader(c.values))
	if err != nil {
		t.Fatalf("%s: %v", c.typ, err)
	}
	defer values.Release()
	md := arrow.NewMetadata([]string{"origin"}, []string{"test"})
	s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: c.typ, Nullable: true, Metadata: md}}, &md)
	b := array.NewRecordBatch(s, []arrow.Array{values}, int64(values.Len()))
	defer b.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{b})
	if err != nil {
		t.Fatal(err)
	}
	want, err := convert.Batch(memory.DefaultAllocator, b, engines.Recorded(s))
	if err != nil {
		t.Fatal(err)
	}
	return r, want
}

func testTypes(t *testing.T, h Harness) {
	for _, c := range append(typeCases(), nanCase()) {
		t.Run(c.typ.String(), func(t *testing.T) {
			h = h.again(t)
			e := h.Open(t)
			r, want := c.table(t)
			defer r.Release()
			defer want.Release()
			refused := h.Refused[engines.Recorded(r.Schema()).Field(0).Type.String()]
			if err := e.Supports(r.Schema()); refused != (err != nil) {
				t.Fatalf("supports: %v", err)
			} else if refused {
				wantKind(t, err, engines.Invalid)
				if !strings.Contains(err.Error(), `"c"`) {
					t.Errorf("%v does not name the column", err)
				}
				return
			}
			write(t, e, engines.Replace, r)
			sameBatch(t, e, want)
			if !h.lasts() {
				return
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			sameBatch(t, h.Open(t), want)
		})
	}
}

// nanCase has what JSON cannot say; its values are put in by hand in table's stead.
func nanCase() typeCase {
	return typeCase{arrow.PrimitiveTypes.Float64, `["NaN", "+Inf", "-Inf", null, 1.5]`}
}

// sameBatch compares the whole content, schema and metadata included, with a batch.
func sameBatch(t testing.TB, e engines.Engine, want arrow.RecordBatch) {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	md := want.Schema().Metadata()
	if got := r.Schema(); !got.Equal(want.Schema()) || !got.Metadata().Equal(md) {
		t.Errorf("schema %s, want %s", got, want.Schema())
	}
	if !r.Next() {
		t.Fatalf("no rows: %v", r.Err())
	}
	got := r.RecordBatch()
	if !got.Schema().Equal(want.Schema()) || !array.RecordEqual(got, want) && !equalWithNaN(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if r.Next() || r.Err() != nil {
		t.Errorf("more rows or an error: %v", r.Err())
	}
}

// equalWithNaN compares batches of one float column, where NaN must come back as NaN.
func equalWithNaN(a, b arrow.RecordBatch) bool {
	x, ok := a.Column(0).(*array.Float64)
	y, same := b.Column(0).(*array.Float64)
	if !ok || !same || x.Len() != y.Len() {
		return false
	}
	for i := range x.Len() {
		if x.IsNull(i) != y.IsNull(i) || x.IsValid(i) && math.Float64bits(x.Value(i)) != math.Float64bits(y.Value(i)) &&
			!(math.IsNaN(x.Value(i)) && math.IsNaN(y.Value(i))) {
			return false
		}
	}
	return true
}

func testRefusedTypes(t *testing.T, h Harness) {
	e := h.Open(t)
	union := arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}}, []arrow.UnionTypeCode{0})
	ok := arrow.Field{Name: "fine", Type: arrow.PrimitiveTypes.Int8}
	for name, fields := range map[string][]arrow.Field{
		`"u"`:    {ok, {Name: "u", Type: union}},
		`"deep"`: {ok, {Name: "deep", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "x", Type: union}))}},
		`"FINE"`: {ok, {Name: "FINE", Type: arrow.PrimitiveTypes.Int8}},
		"column": {},
	} {
		s := arrow.NewSchema(fields, nil)
		err := e.Supports(s)
		wantKind(t, err, engines.Invalid)
		if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), `"fine" (`) {
			t.Errorf("%v does not name %s alone", err, name)
		}
		r, rerr := array.NewRecordReader(s, nil)
		if rerr != nil {
			t.Fatal(rerr)
		}
		_, err = e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: r, At: at()})
		r.Release()
		wantKind(t, err, engines.Invalid)
	}
}
