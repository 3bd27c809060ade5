package engines_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

func TestRecorded(t *testing.T) {
	md := arrow.NewMetadata([]string{"k"}, []string{"v"})
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.StringView}
	tests := []struct{ from, want arrow.DataType }{
		{dict, arrow.BinaryTypes.String},
		{arrow.BinaryTypes.BinaryView, arrow.BinaryTypes.Binary},
		{arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32},
		{&arrow.Decimal32Type{Precision: 5, Scale: 2}, &arrow.Decimal128Type{Precision: 5, Scale: 2}},
		{&arrow.Decimal256Type{Precision: 38, Scale: 2}, &arrow.Decimal128Type{Precision: 38, Scale: 2}},
		{&arrow.Decimal256Type{Precision: 39, Scale: 2}, &arrow.Decimal256Type{Precision: 39, Scale: 2}},
		{arrow.ListOf(dict), arrow.ListOf(arrow.BinaryTypes.String)},
		{arrow.LargeListOf(dict), arrow.LargeListOf(arrow.BinaryTypes.String)},
		{arrow.FixedSizeListOf(2, dict), arrow.FixedSizeListOf(2, arrow.BinaryTypes.String)},
		{arrow.MapOf(dict, dict), arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)},
		{arrow.StructOf(arrow.Field{Name: "x", Type: dict}), arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String})},
		{arrow.FixedWidthTypes.Timestamp_ns, arrow.FixedWidthTypes.Timestamp_ns},
	}
	for _, tt := range tests {
		s := arrow.NewSchema([]arrow.Field{{Name: "c", Type: tt.from, Metadata: md}}, &md)
		got := engines.Recorded(s)
		want := arrow.NewSchema([]arrow.Field{{Name: "c", Type: tt.want, Metadata: md}}, &md)
		if !got.Equal(want) || !got.Metadata().Equal(md) {
			t.Errorf("%s: %s", tt.from, got)
		}
		if again := engines.Recorded(got); !again.Equal(got) {
			t.Errorf("%s: not stable: %s", tt.from, again)
		}
	}
	if engines.Recorded(nil) != nil {
		t.Error("nil")
	}
}

func TestSameColumns(t *testing.T) {
	f := func(name string, nullable bool) arrow.Field {
		return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64, Nullable: nullable}
	}
	recorded := arrow.NewSchema([]arrow.Field{f("a", false), f("b", true)}, nil)
	tests := map[string]struct {
		next []arrow.Field
		want []string // parts of the message; none: accepted
	}{
		"same":     {[]arrow.Field{f("a", false), f("b", true)}, nil},
		"stricter": {[]arrow.Field{f("a", false), f("b", false)}, nil},
		"looser":   {[]arrow.Field{f("a", true), f("b", true)}, []string{`"a" may be NULL`}},
		"order":    {[]arrow.Field{f("b", true), f("a", false)}, []string{`column 1 is "b"`, `column 2 is "a"`}},
		"all bad":  {[]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}}, []string{`"a" is utf8`, `"b" is missing`}},
		"extra":    {[]arrow.Field{f("a", false), f("b", true), f("c", true)}, []string{`"c" is not recorded`}},
	}
	for name, tt := range tests {
		err := engines.SameColumns(recorded, arrow.NewSchema(tt.next, nil))
		if (err != nil) != (len(tt.want) > 0) {
			t.Errorf("%s: %v", name, err)
		}
		for _, part := range tt.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v does not say %s", name, err, part)
			}
		}
	}
}
