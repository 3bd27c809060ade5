package objects

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// typed gives the columns of text files the types that the caller knows: the few files that are looked
// at may tell less than those that are not, such as whole numbers where others have fractions.
func typed(guessed, wanted *arrow.Schema) *arrow.Schema {
	if wanted == nil {
		return guessed
	}
	fields := slices.Clone(guessed.Fields())
	for i, f := range fields {
		if w, ok := wanted.FieldsByName(f.Name); ok && len(w) == 1 {
			fields[i].Type = as(f.Type, w[0].Type)
		}
	}
	return arrow.NewSchema(fields, nil)
}

// as returns the wanted type if text can be read as that, else the guessed one. Of an object the fields
// that nobody knew stay; of one whose values were all null nothing was guessed but text.
func as(guessed, wanted arrow.DataType) arrow.DataType {
	switch w := wanted.(type) {
	case *arrow.ListType:
		if g, ok := guessed.(*arrow.ListType); ok {
			return arrow.ListOf(as(g.Elem(), w.Elem()))
		}
	case *arrow.StructType:
		if g, ok := guessed.(*arrow.StructType); ok {
			return asStruct(g, w)
		}
	default:
		if !arrow.IsNested(guessed.ID()) && guessable(wanted) {
			return wanted
		}
	}
	return guessed
}

// guessable tells whether a type is one of those that guess returns, which text is read as exactly.
func guessable(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.BOOL, arrow.INT64, arrow.FLOAT64, arrow.DATE32, arrow.STRING:
		return true
	case arrow.TIMESTAMP:
		return arrow.TypeEqual(t, timestampType)
	}
	return false
}

func asStruct(guessed, wanted *arrow.StructType) arrow.DataType {
	fields := slices.Clone(wanted.Fields())
	for i, f := range fields {
		if g, ok := guessed.FieldByName(f.Name); ok {
			fields[i].Type = as(g.Type, f.Type)
		}
	}
	for _, g := range guessed.Fields() {
		if _, ok := wanted.FieldByName(g.Name); !ok {
			fields = append(fields, g)
		}
	}
	return arrow.StructOf(fields...)
}
