package objects

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// typed gives the columns of text files the types that the caller knows: the few files that are looked
// at may tell less than those that are not, such as whole numbers where others have fractions. With widen
// the caller's types are the least. What nobody knows is text.
func typed(guessed, wanted *arrow.Schema, widen bool) *arrow.Schema {
	fields := slices.Clone(guessed.Fields())
	for i, f := range fields {
		if wanted != nil {
			if w, ok := wanted.FieldsByName(f.Name); ok && len(w) == 1 {
				f.Type = as(f.Type, w[0].Type, widen)
			}
		}
		fields[i].Type = known(f.Type)
	}
	return arrow.NewSchema(fields, nil)
}

// as returns the wanted type if text can be read as that and, with widen, it holds all of the guessed one;
// else the guessed one. Of an object the fields that nobody knew stay.
func as(guessed, wanted arrow.DataType, widen bool) arrow.DataType {
	if guessed.ID() == arrow.NULL && readable(wanted) {
		return wanted
	}
	switch w := wanted.(type) {
	case *arrow.ListType:
		if g, ok := guessed.(*arrow.ListType); ok {
			return arrow.ListOf(as(g.Elem(), w.Elem(), widen))
		}
	case *arrow.StructType:
		if g, ok := guessed.(*arrow.StructType); ok {
			return asStruct(g, w, widen)
		}
	default:
		if !arrow.IsNested(guessed.ID()) && guessable(wanted) && (!widen || arrow.TypeEqual(wider(wanted, guessed), wanted)) {
			return wanted
		}
	}
	return guessed
}

// readable tells whether text is read as a type exactly.
func readable(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.ListType:
		return readable(t.Elem())
	case *arrow.StructType:
		return !slices.ContainsFunc(t.Fields(), func(f arrow.Field) bool { return !readable(f.Type) })
	default:
		return guessable(t)
	}
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

func asStruct(guessed, wanted *arrow.StructType, widen bool) arrow.DataType {
	fields := slices.Clone(wanted.Fields())
	for i, f := range fields {
		if g, ok := guessed.FieldByName(f.Name); ok {
			fields[i].Type = as(g.Type, f.Type, widen)
		}
	}
	for _, g := range guessed.Fields() {
		if _, ok := wanted.FieldByName(g.Name); !ok {
			fields = append(fields, g)
		}
	}
	return arrow.StructOf(fields...)
}
