package objects

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestWantedTypesOfText(t *testing.T) {
	i, f, s := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String
	object := func(names string, types ...arrow.DataType) arrow.DataType {
		var fields []arrow.Field
		for k, n := range names {
			fields = append(fields, arrow.Field{Name: string(n), Type: types[k], Nullable: true})
		}
		return arrow.StructOf(fields...)
	}
	for _, c := range []struct{ guessed, wanted, want arrow.DataType }{
		{i, f, f},
		{f, i, i}, // and a fraction is an error of its own
		{s, timestampType, timestampType},
		{s, arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Boolean},
		{s, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, s},
		{i, &arrow.Decimal128Type{Precision: 10, Scale: 2}, i},
		{s, arrow.ListOf(i), s},
		{arrow.ListOf(i), s, arrow.ListOf(i)},
		{arrow.ListOf(s), arrow.ListOf(f), arrow.ListOf(f)},
		{object("ba", i, s), object("ab", f, f), object("ab", f, f)},
		{object("ac", i, i), object("ab", f, s), object("abc", f, s, i)}, // c is new, and must not get lost
	} {
		guessed := arrow.NewSchema([]arrow.Field{{Name: "x", Type: c.guessed}, {Name: "y", Type: i}}, nil)
		wanted := arrow.NewSchema([]arrow.Field{{Name: "x", Type: c.wanted}, {Name: "z", Type: i}}, nil)
		got := typed(guessed, wanted, false)
		if !arrow.TypeEqual(got.Field(0).Type, c.want) || got.NumFields() != 2 || got.Field(1).Type != i {
			t.Errorf("%s read as %s: %v", c.guessed, c.wanted, got)
		}
	}
	null := arrow.DataType(arrow.Null)
	for _, c := range []struct{ guessed, wanted, want arrow.DataType }{
		{i, f, f}, {f, i, f}, {i, s, s}, {s, i, s}, {null, i, i}, {null, null, s},
		{null, arrow.ListOf(i), arrow.ListOf(i)},
		{arrow.ListOf(null), arrow.ListOf(f), arrow.ListOf(f)},
		{object("a", i), s, object("a", i)},
		{object("ab", i, null), object("ab", f, i), object("ab", f, i)},
		{arrow.FixedWidthTypes.Date32, timestampType, timestampType},
		{null, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, s},
	} {
		x := func(t arrow.DataType) *arrow.Schema { return arrow.NewSchema([]arrow.Field{{Name: "x", Type: t}}, nil) }
		if got := typed(x(c.guessed), x(c.wanted), true); !arrow.TypeEqual(got.Field(0).Type, c.want) {
			t.Errorf("%s read as at least %s: %v", c.guessed, c.wanted, got)
		}
	}
}
