package schemajson

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// unit is a type that serde writes as a bare string.
type unit struct {
	name string
	t    arrow.DataType
}

// unitTypes are all of them; an array, so that a schema costs no memory for it.
func unitTypes() [21]unit {
	return [...]unit{
		{"Null", arrow.Null}, {"Boolean", arrow.FixedWidthTypes.Boolean}, {"Int8", arrow.PrimitiveTypes.Int8},
		{"Int16", arrow.PrimitiveTypes.Int16}, {"Int32", arrow.PrimitiveTypes.Int32}, {"Int64", arrow.PrimitiveTypes.Int64},
		{"UInt8", arrow.PrimitiveTypes.Uint8}, {"UInt16", arrow.PrimitiveTypes.Uint16}, {"UInt32", arrow.PrimitiveTypes.Uint32},
		{"UInt64", arrow.PrimitiveTypes.Uint64}, {"Float16", arrow.FixedWidthTypes.Float16}, {"Float32", arrow.PrimitiveTypes.Float32},
		{"Float64", arrow.PrimitiveTypes.Float64}, {"Date32", arrow.FixedWidthTypes.Date32}, {"Date64", arrow.FixedWidthTypes.Date64},
		{"Binary", arrow.BinaryTypes.Binary}, {"LargeBinary", arrow.BinaryTypes.LargeBinary}, {"BinaryView", arrow.BinaryTypes.BinaryView},
		{"Utf8", arrow.BinaryTypes.String}, {"LargeUtf8", arrow.BinaryTypes.LargeString}, {"Utf8View", arrow.BinaryTypes.StringView},
	}
}

func unitName(t arrow.DataType) (string, bool) {
	for _, u := range unitTypes() {
		if u.t.ID() == t.ID() {
			return u.name, true
		}
	}
	return "", false
}

func unitType(name string) (arrow.DataType, bool) {
	for _, u := range unitTypes() {
		if u.name == name {
			return u.t, true
		}
	}
	return nil, false
}

func timeUnits() map[string]arrow.TimeUnit {
	return map[string]arrow.TimeUnit{
		"Second": arrow.Second, "Millisecond": arrow.Millisecond,
		"Microsecond": arrow.Microsecond, "Nanosecond": arrow.Nanosecond,
	}
}

func timeUnitName(u arrow.TimeUnit) string {
	for name, v := range timeUnits() {
		if v == u {
			return name
		}
	}
	return ""
}

func tagged(tag string, v any) map[string]any { return map[string]any{tag: v} }

// typeDoc returns the value that serde would write for the type.
func typeDoc(t arrow.DataType, depth int) (any, error) {
	if t == nil {
		return nil, fmt.Errorf("no type")
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if name, ok := unitName(t); ok {
		return name, nil
	}
	if _, ok := t.(arrow.ExtensionType); ok {
		return nil, fmt.Errorf("type %s has no JSON form", t)
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		var zone any
		if t.TimeZone != "" {
			zone = t.TimeZone
		}
		return tagged("Timestamp", []any{timeUnitName(t.Unit), zone}), nil
	case *arrow.Time32Type:
		return tagged("Time32", timeUnitName(t.Unit)), nil
	case *arrow.Time64Type:
		return tagged("Time64", timeUnitName(t.Unit)), nil
	case *arrow.DurationType:
		return tagged("Duration", timeUnitName(t.Unit)), nil
	case *arrow.MonthIntervalType:
		return tagged("Interval", "YearMonth"), nil
	case *arrow.DayTimeIntervalType:
		return tagged("Interval", "DayTime"), nil
	case *arrow.MonthDayNanoIntervalType:
		return tagged("Interval", "MonthDayNano"), nil
	case *arrow.FixedSizeBinaryType:
		return tagged("FixedSizeBinary", t.ByteWidth), nil
	case arrow.DecimalType:
		return decimalDoc(t)
	case *arrow.DictionaryType:
		index, err := typeDoc(t.IndexType, depth+1)
		if err != nil {
			return nil, err
		}
		value, err := typeDoc(t.ValueType, depth+1)
		return tagged("Dictionary", []any{index, value}), err
	}
	return nestedDoc(t, depth)
}

func decimalDoc(t arrow.DecimalType) (any, error) {
	args := []any{t.GetPrecision(), t.GetScale()}
	switch t.ID() {
	case arrow.DECIMAL32:
		return tagged("Decimal32", args), nil
	case arrow.DECIMAL64:
		return tagged("Decimal64", args), nil
	case arrow.DECIMAL128:
		return tagged("Decimal128", args), nil
	default:
		return tagged("Decimal256", args), nil
	}
}

func nestedDoc(t arrow.DataType, depth int) (any, error) {
	one := func(tag string, f arrow.Field) (any, error) {
		d, err := newFieldDoc(f, depth)
		return tagged(tag, d), err
	}
	switch t := t.(type) {
	case *arrow.ListType:
		return one("List", t.ElemField())
	case *arrow.LargeListType:
		return one("LargeList", t.ElemField())
	case *arrow.ListViewType:
		return one("ListView", t.ElemField())
	case *arrow.LargeListViewType:
		return one("LargeListView", t.ElemField())
	case *arrow.FixedSizeListType:
		d, err := newFieldDoc(t.ElemField(), depth)
		return tagged("FixedSizeList", []any{d, t.Len()}), err
	case *arrow.StructType:
		fields, err := fieldDocs(t.Fields(), depth)
		return tagged("Struct", fields), err
	case *arrow.MapType:
		entries := t.ElemField()
		entries.Nullable = false
		d, err := newFieldDoc(entries, depth)
		return tagged("Map", []any{d, t.KeysSorted}), err
	default:
		return nil, fmt.Errorf("type %s has no JSON form", t)
	}
}

// parseType is the inverse of typeDoc.
func parseType(raw json.RawMessage, depth int) (arrow.DataType, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		if t, ok := unitType(name); ok {
			return t, nil
		}
		return nil, fmt.Errorf("unknown type %q", name)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("type %s: %w", clip(raw), err)
	}
	if len(object) != 1 {
		return nil, fmt.Errorf("type %s: want one member", clip(raw))
	}
	for tag, arg := range object {
		t, err := parseTagged(tag, arg, depth)
		if err != nil {
			return nil, fmt.Errorf("type %s: %w", tag, err)
		}
		return t, nil
	}
	return nil, nil // not reached: the map has one member
}

func clip(raw []byte) string {
	if len(raw) > 60 {
		return string(raw[:60]) + "..."
	}
	return string(raw)
}
