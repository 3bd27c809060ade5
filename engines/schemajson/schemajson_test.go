package schemajson_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines/schemajson"
)

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func TestMarshalIsTheSerdeForm(t *testing.T) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "order_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "placed_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
		{Name: "z", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "d<>", Type: &arrow.Decimal128Type{Precision: 38, Scale: 10}, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}},
	}, nil)
	got, err := schemajson.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	const tail = `"dict_id":0,"dict_is_ordered":false,"metadata":{}}`
	want := `{"fields":[` +
		`{"name":"order_id","data_type":"Int64","nullable":false,` + tail + `,` +
		`{"name":"placed_at","data_type":{"Timestamp":["Microsecond",null]},"nullable":true,` + tail + `,` +
		`{"name":"z","data_type":{"Timestamp":["Nanosecond","UTC"]},"nullable":true,` + tail + `,` +
		`{"name":"d<>","data_type":{"Decimal128":[38,10]},"nullable":true,` + tail + `,` +
		`{"name":"l","data_type":{"List":{"name":"item","data_type":"Utf8","nullable":true,` + tail + `},"nullable":true,` + tail + `,` +
		`{"name":"dict","data_type":{"Dictionary":["Int32","Utf8"]},"nullable":false,` + tail +
		`],"metadata":{}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func everyType() []arrow.DataType {
	types := []arrow.DataType{
		arrow.Null, arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16,
		arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16,
		arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64, arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64, &arrow.Decimal32Type{Precision: 9, Scale: 2}, &arrow.Decimal64Type{Precision: 18, Scale: 2},
		&arrow.Decimal128Type{Precision: 38, Scale: -3}, &arrow.Decimal256Type{Precision: 76, Scale: 5},
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, arrow.BinaryTypes.Binary,
		arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.BinaryView, &arrow.FixedSizeBinaryType{ByteWidth: 16},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms,
		arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.MonthInterval,
		arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		arrow.ListOf(arrow.PrimitiveTypes.Int8), arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int8), arrow.LargeListOf(arrow.BinaryTypes.String),
		arrow.ListViewOf(arrow.PrimitiveTypes.Int8), arrow.LargeListViewOf(arrow.PrimitiveTypes.Int8),
		arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32), arrow.MapOf(arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int64)),
		arrow.StructOf(field("a", arrow.PrimitiveTypes.Int64), arrow.Field{Name: "b", Type: arrow.StructOf(), Nullable: false}),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: arrow.BinaryTypes.String, Ordered: true},
	}
	for _, u := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
		types = append(types, &arrow.TimestampType{Unit: u}, &arrow.TimestampType{Unit: u, TimeZone: "Europe/Berlin"}, &arrow.DurationType{Unit: u})
	}
	return types
}

func TestRoundTrip(t *testing.T) {
	md := arrow.NewMetadata([]string{"k", "a"}, []string{"v", "ü<&>"})
	for _, typ := range everyType() {
		t.Run(typ.String(), func(t *testing.T) {
			for _, nullable := range []bool{true, false} {
				s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ, Nullable: nullable, Metadata: md}}, &md)
				data, err := schemajson.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				got, err := schemajson.Unmarshal(data)
				if err != nil {
					t.Fatalf("%s: %v", data, err)
				}
				again, err := schemajson.Marshal(got)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(data), string(again)); diff != "" {
					t.Error(diff)
				}
				if !got.Equal(s) || !cmp.Equal(got.Field(0).Metadata.ToMap(), md.ToMap()) {
					t.Errorf("got %s, want %s", got, s)
				}
			}
		})
	}
}

func TestUnmarshalAccepts(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"dict_id absent, unknown members": {
			`{"x":1,"fields":[{"name":"a","data_type":"Utf8","nullable":true,"new":[],"metadata":{}}],"metadata":{}}`,
			`{"fields":[{"name":"a","data_type":"Utf8","nullable":true,"dict_id":0,"dict_is_ordered":false,"metadata":{}}],"metadata":{}}`,
		},
		"nullable map entries are repaired": {
			`{"fields":[{"name":"m","data_type":{"Map":[{"name":"entries","data_type":{"Struct":[{"name":"key","data_type":"Utf8","nullable":false},{"name":"value","data_type":"Int32","nullable":true}]},"nullable":true},false]},"nullable":true}]}`,
			`{"fields":[{"name":"m","data_type":{"Map":[{"name":"entries","data_type":{"Struct":[{"name":"key","data_type":"Utf8","nullable":false,"dict_id":0,"dict_is_ordered":false,"metadata":{}},{"name":"value","data_type":"Int32","nullable":true,"dict_id":0,"dict_is_ordered":false,"metadata":{}}]},"nullable":false,"dict_id":0,"dict_is_ordered":false,"metadata":{}},false]},"nullable":true,"dict_id":0,"dict_is_ordered":false,"metadata":{}}],"metadata":{}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := schemajson.Unmarshal([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			got, err := schemajson.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	one := func(dataType string) string {
		return `{"fields":[{"name":"a","data_type":` + dataType + `,"nullable":true}]}`
	}
	deep := strings.Repeat(`{"List":{"name":"i","nullable":true,"data_type":`, 100) + `"Int8"` + strings.Repeat(`}}`, 100)
	tests := map[string]string{
		"not json": `{`, "iceberg": `{"type":"struct","schema-id":0}`, "fields not a list": `{"fields":{}}`,
		"no name": `{"fields":[{"data_type":"Int8","nullable":true}]}`, "no nullable": `{"fields":[{"name":"a","data_type":"Int8"}]}`,
		"unknown": one(`"Int128"`), "two tags": one(`{"Time64":"Nanosecond","Time32":"Second"}`), "no tag": one(`{}`),
		"number": one(`3`), "bad unit": one(`{"Duration":"Day"}`), "unit does not fit": one(`{"Time32":"Nanosecond"}`),
		"one timestamp arg": one(`{"Timestamp":["Second"]}`), "precision": one(`{"Decimal128":[39,0]}`), "scale": one(`{"Decimal128":[5,6]}`),
		"negative width": one(`{"FixedSizeBinary":-1}`), "negative list": one(`{"FixedSizeList":[{"name":"i","data_type":"Int8","nullable":true},-1]}`),
		"map of int": one(`{"Map":[{"name":"e","data_type":"Int8","nullable":false},false]}`), "too deep": one(deep),
		"dictionary index": one(`{"Dictionary":["Utf8","Utf8"]}`), "null field": `{"fields":[null]}`,
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if s, err := schemajson.Unmarshal([]byte(in)); err == nil {
				t.Errorf("accepted as %v", s)
			}
		})
	}
}

func TestMarshalRefusesWithoutPanic(t *testing.T) {
	union := arrow.SparseUnionOf([]arrow.Field{field("a", arrow.PrimitiveTypes.Int8)}, []arrow.UnionTypeCode{0})
	for _, typ := range []arrow.DataType{union, arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int8)} {
		if _, err := schemajson.Marshal(arrow.NewSchema([]arrow.Field{field("bad", typ)}, nil)); err == nil || !strings.Contains(err.Error(), `"bad"`) {
			t.Errorf("%v: error %v does not name the field", typ, err)
		}
	}
	if _, err := schemajson.Marshal(nil); err == nil {
		t.Error("nil schema accepted")
	}
}

func TestCompare(t *testing.T) {
	base := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int32}, field("s", arrow.BinaryTypes.String)}
	with := func(f ...arrow.Field) []arrow.Field { return f }
	tests := map[string]struct {
		next []arrow.Field
		want schemajson.Change
		text []string
	}{
		"same":              {base, schemajson.Identical, nil},
		"order":             {with(base[1], base[0]), schemajson.Identical, nil},
		"stricter":          {with(base[0], arrow.Field{Name: "s", Type: arrow.BinaryTypes.String}), schemajson.Identical, nil},
		"added":             {with(base[0], base[1], field("n", arrow.PrimitiveTypes.Int8)), schemajson.Widening, []string{`column "n" (int8) was added`}},
		"widened":           {with(arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}, base[1]), schemajson.Widening, []string{`column "id" widened from int32 to int64`}},
		"relaxed":           {with(field("id", arrow.PrimitiveTypes.Int32), base[1]), schemajson.Widening, []string{`column "id" became nullable`}},
		"removed":           {with(base[0]), schemajson.Incompatible, []string{`column "s" is missing`}},
		"narrowed":          {with(arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int16}, base[1]), schemajson.Incompatible, []string{`column "id" changed from int32 to int16`}},
		"twice":             {with(base[0], base[1], base[1]), schemajson.Incompatible, []string{`column "s" appears twice`}},
		"both":              {with(base[0], field("x", arrow.PrimitiveTypes.Int8)), schemajson.Incompatible, []string{`column "s" is missing`, `column "x" (int8) was added`}},
		"timestamp changed": {with(base[0], field("s", arrow.FixedWidthTypes.Timestamp_us)), schemajson.Incompatible, []string{`column "s" changed from utf8 to timestamp[us, tz=UTC]`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, text := schemajson.Compare(arrow.NewSchema(base, nil), arrow.NewSchema(tt.next, nil))
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.text, text); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompareWidensInside(t *testing.T) {
	tests := []struct {
		from, to arrow.DataType
		want     schemajson.Change
	}{
		{arrow.ListOf(arrow.PrimitiveTypes.Int8), arrow.ListOf(arrow.PrimitiveTypes.Int64), schemajson.Widening},
		{arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.ListOf(arrow.PrimitiveTypes.Int8), schemajson.Incompatible},
		{arrow.StructOf(base()), arrow.StructOf(base(), field("b", arrow.PrimitiveTypes.Int8)), schemajson.Widening},
		{arrow.StructOf(base(), field("b", arrow.PrimitiveTypes.Int8)), arrow.StructOf(base()), schemajson.Incompatible},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, &arrow.Decimal128Type{Precision: 12, Scale: 4}, schemajson.Widening},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, &arrow.Decimal128Type{Precision: 11, Scale: 4}, schemajson.Incompatible},
	}
	for _, tt := range tests {
		got, text := schemajson.Compare(arrow.NewSchema([]arrow.Field{field("c", tt.from)}, nil), arrow.NewSchema([]arrow.Field{field("c", tt.to)}, nil))
		if got != tt.want {
			t.Errorf("%s to %s: %s %v, want %s", tt.from, tt.to, got, text, tt.want)
		}
	}
}

func base() arrow.Field { return field("a", arrow.PrimitiveTypes.Int8) }

func FuzzUnmarshal(f *testing.F) {
	for _, typ := range everyType() {
		data, err := schemajson.Marshal(arrow.NewSchema([]arrow.Field{field("c", typ)}, nil))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := schemajson.Unmarshal(data)
		if err != nil {
			return
		}
		out, err := schemajson.Marshal(s)
		if err != nil {
			t.Fatalf("read %q, cannot write it: %v", data, err)
		}
		again, err := schemajson.Unmarshal(out)
		if err != nil {
			t.Fatalf("wrote %q, cannot read it: %v", out, err)
		}
		if change, diffs := schemajson.Compare(s, s); change != schemajson.Identical && !twice(s) {
			t.Fatalf("a schema differs from itself: %v", diffs)
		}
		if !s.Equal(again) {
			t.Fatalf("%s became %s", s, again)
		}
	})
}

// twice says whether a name repeats somewhere, which Compare reports on purpose.
func twice(s *arrow.Schema) bool {
	seen := map[string]bool{}
	for _, f := range s.Fields() {
		if seen[f.Name] {
			return true
		}
		seen[f.Name] = true
	}
	return false
}
