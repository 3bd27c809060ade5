package schemajson

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// Change classifies what happened between a recorded schema and the next one.
type Change int

// The changes, in the order of their severity.
const (
	// Identical: only order, metadata or stricter nullability differ, if anything.
	Identical Change = iota
	// Widening: columns were added, types widened without loss, or nullability relaxed.
	Widening
	// Incompatible: a column is gone or has a type that cannot hold the old values.
	Incompatible
)

// String returns the word used in logs.
func (c Change) String() string {
	switch c {
	case Identical:
		return "identical"
	case Widening:
		return "widening"
	default:
		return "incompatible"
	}
}

// Compare classifies the step from the recorded to the next schema by column name and returns one
// sentence for each difference that makes the step more than Identical.
func Compare(recorded, next *arrow.Schema) (Change, []string) {
	return compareFields("column", recorded.Fields(), next.Fields())
}

func compareFields(what string, recorded, next []arrow.Field) (Change, []string) {
	change := Identical
	var diffs []string
	note := func(c Change, format string, args ...any) {
		change = max(change, c)
		diffs = append(diffs, fmt.Sprintf(format, args...))
	}
	byName := make(map[string]arrow.Field, len(next))
	for _, f := range next {
		if _, twice := byName[f.Name]; twice {
			note(Incompatible, "%s %q appears twice", what, f.Name)
		}
		byName[f.Name] = f
	}
	known := make(map[string]bool, len(recorded))
	for _, old := range recorded {
		known[old.Name] = true
		f, ok := byName[old.Name]
		if !ok {
			note(Incompatible, "%s %q is missing", what, old.Name)
			continue
		}
		switch {
		case arrow.TypeEqual(old.Type, f.Type):
		case widens(old.Type, f.Type):
			note(Widening, "%s %q widened from %s to %s", what, f.Name, old.Type, f.Type)
		default:
			note(Incompatible, "%s %q changed from %s to %s", what, f.Name, old.Type, f.Type)
		}
		if !old.Nullable && f.Nullable {
			note(Widening, "%s %q became nullable", what, f.Name)
		}
	}
	for _, f := range next {
		if !known[f.Name] {
			note(Widening, "%s %q (%s) was added", what, f.Name, f.Type)
		}
	}
	return change, diffs
}

// widens says whether every value of from is exactly a value of to.
func widens(from, to arrow.DataType) bool {
	if from.ID() == arrow.NULL {
		return true
	}
	if arrow.IsDecimal(from.ID()) && arrow.IsDecimal(to.ID()) {
		a, b := from.(arrow.DecimalType), to.(arrow.DecimalType)
		return b.GetScale() >= a.GetScale() && b.GetPrecision()-b.GetScale() >= a.GetPrecision()-a.GetScale()
	}
	if st, ok := from.(*arrow.StructType); ok {
		if other, ok := to.(*arrow.StructType); ok {
			change, _ := compareFields("member", st.Fields(), other.Fields())
			return change != Incompatible
		}
		return false
	}
	if a, ok := elem(from); ok {
		b, ok := elem(to)
		return ok && (from.ID() == to.ID() || from.ID() == arrow.LIST && to.ID() == arrow.LARGE_LIST) &&
			(arrow.TypeEqual(a.Type, b.Type) || widens(a.Type, b.Type)) && (b.Nullable || !a.Nullable)
	}
	for _, wider := range widerTypes()[from.ID()] {
		if wider == to.ID() {
			return true
		}
	}
	return false
}

// elem returns the element of a list of variable length.
func elem(t arrow.DataType) (arrow.Field, bool) {
	switch t := t.(type) {
	case *arrow.ListType:
		return t.ElemField(), true
	case *arrow.LargeListType:
		return t.ElemField(), true
	default:
		return arrow.Field{}, false
	}
}

// widerTypes lists the lossless steps between types without parameters.
func widerTypes() map[arrow.Type][]arrow.Type {
	return map[arrow.Type][]arrow.Type{
		arrow.INT8:        {arrow.INT16, arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64},
		arrow.INT16:       {arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64},
		arrow.INT32:       {arrow.INT64, arrow.FLOAT64},
		arrow.UINT8:       {arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.INT16, arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64},
		arrow.UINT16:      {arrow.UINT32, arrow.UINT64, arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64},
		arrow.UINT32:      {arrow.UINT64, arrow.INT64, arrow.FLOAT64},
		arrow.FLOAT16:     {arrow.FLOAT32, arrow.FLOAT64},
		arrow.FLOAT32:     {arrow.FLOAT64},
		arrow.STRING:      {arrow.LARGE_STRING, arrow.STRING_VIEW},
		arrow.STRING_VIEW: {arrow.LARGE_STRING},
		arrow.BINARY:      {arrow.LARGE_BINARY, arrow.BINARY_VIEW},
		arrow.BINARY_VIEW: {arrow.LARGE_BINARY},
		arrow.DATE32:      {arrow.DATE64},
	}
}
