package schemajson

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// maxWidth bounds the width of fixed-size types read from a file: 1 GiB or 2^30 elements.
const maxWidth = 1 << 30

func parseTagged(tag string, arg json.RawMessage, depth int) (arrow.DataType, error) {
	switch tag {
	case "Timestamp":
		var unit string
		var zone *string
		if err := pair(arg, &unit, &zone); err != nil {
			return nil, err
		}
		u, err := parseUnit(unit)
		if err != nil {
			return nil, err
		}
		t := &arrow.TimestampType{Unit: u}
		if zone != nil {
			t.TimeZone = *zone
		}
		return t, nil
	case "Time32", "Time64", "Duration":
		return parseTime(tag, arg)
	case "Interval":
		return parseInterval(arg)
	case "FixedSizeBinary":
		n, err := parseWidth(arg)
		return &arrow.FixedSizeBinaryType{ByteWidth: n}, err
	case "Decimal32", "Decimal64", "Decimal128", "Decimal256", "Decimal":
		return parseDecimal(tag, arg)
	case "Dictionary":
		return parseDictionary(arg, depth)
	default:
		return parseNested(tag, arg, depth)
	}
}

// pair reads a JSON array of exactly two elements.
func pair(raw json.RawMessage, a, b any) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("want 2 elements, have %d", len(parts))
	}
	if err := json.Unmarshal(parts[0], a); err != nil {
		return err
	}
	return json.Unmarshal(parts[1], b)
}

func parseUnit(name string) (arrow.TimeUnit, error) {
	u, ok := timeUnits()[name]
	if !ok {
		return 0, fmt.Errorf("unknown time unit %q", name)
	}
	return u, nil
}

func parseTime(tag string, arg json.RawMessage) (arrow.DataType, error) {
	var name string
	if err := json.Unmarshal(arg, &name); err != nil {
		return nil, err
	}
	u, err := parseUnit(name)
	if err != nil {
		return nil, err
	}
	coarse := u == arrow.Second || u == arrow.Millisecond
	switch {
	case tag == "Duration":
		return &arrow.DurationType{Unit: u}, nil
	case tag == "Time32" && coarse:
		return &arrow.Time32Type{Unit: u}, nil
	case tag == "Time64" && !coarse:
		return &arrow.Time64Type{Unit: u}, nil
	default:
		return nil, fmt.Errorf("unit %s does not fit", name)
	}
}

func parseInterval(arg json.RawMessage) (arrow.DataType, error) {
	var name string
	if err := json.Unmarshal(arg, &name); err != nil {
		return nil, err
	}
	switch name {
	case "YearMonth":
		return arrow.FixedWidthTypes.MonthInterval, nil
	case "DayTime":
		return arrow.FixedWidthTypes.DayTimeInterval, nil
	case "MonthDayNano":
		return arrow.FixedWidthTypes.MonthDayNanoInterval, nil
	default:
		return nil, fmt.Errorf("unknown interval unit %q", name)
	}
}

func parseWidth(arg json.RawMessage) (int, error) {
	var n int
	if err := json.Unmarshal(arg, &n); err != nil {
		return 0, err
	}
	if n < 0 || n > maxWidth {
		return 0, fmt.Errorf("size %d out of range", n)
	}
	return n, nil
}

func parseDecimal(tag string, arg json.RawMessage) (arrow.DataType, error) {
	var precision, scale int32
	if err := pair(arg, &precision, &scale); err != nil {
		return nil, err
	}
	highest := map[string]int32{"Decimal32": 9, "Decimal64": 18, "Decimal128": 38, "Decimal": 38, "Decimal256": 76}[tag]
	if precision < 1 || precision > highest || scale > precision || scale < -highest {
		return nil, fmt.Errorf("precision %d, scale %d out of range", precision, scale)
	}
	switch tag {
	case "Decimal32":
		return &arrow.Decimal32Type{Precision: precision, Scale: scale}, nil
	case "Decimal64":
		return &arrow.Decimal64Type{Precision: precision, Scale: scale}, nil
	case "Decimal256":
		return &arrow.Decimal256Type{Precision: precision, Scale: scale}, nil
	default:
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}, nil
	}
}

func parseDictionary(arg json.RawMessage, depth int) (arrow.DataType, error) {
	var rawIndex, rawValue json.RawMessage
	if err := pair(arg, &rawIndex, &rawValue); err != nil {
		return nil, err
	}
	index, err := parseType(rawIndex, depth+1)
	if err != nil {
		return nil, err
	}
	if !arrow.IsInteger(index.ID()) {
		return nil, fmt.Errorf("index type %s is not an integer", index)
	}
	value, err := parseType(rawValue, depth+1)
	if err != nil {
		return nil, err
	}
	return &arrow.DictionaryType{IndexType: index, ValueType: value}, nil
}

func parseNested(tag string, arg json.RawMessage, depth int) (arrow.DataType, error) {
	switch tag {
	case "List", "LargeList", "ListView", "LargeListView":
		f, err := parseField(arg, depth)
		if err != nil {
			return nil, err
		}
		switch tag {
		case "List":
			return arrow.ListOfField(f), nil
		case "LargeList":
			return arrow.LargeListOfField(f), nil
		case "ListView":
			return arrow.ListViewOfField(f), nil
		default:
			return arrow.LargeListViewOfField(f), nil
		}
	case "FixedSizeList":
		var rawField, rawLen json.RawMessage
		if err := pair(arg, &rawField, &rawLen); err != nil {
			return nil, err
		}
		f, err := parseField(rawField, depth)
		if err != nil {
			return nil, err
		}
		n, err := parseWidth(rawLen)
		if err != nil {
			return nil, err
		}
		if n == 0 { // arrow-go cannot build lists of no elements
			return nil, fmt.Errorf("size 0 is not supported")
		}
		return arrow.FixedSizeListOfField(int32(n), f), nil
	case "Struct":
		return parseStruct(arg, depth)
	case "Map":
		return parseMap(arg, depth)
	default:
		return nil, fmt.Errorf("unknown or unsupported type")
	}
}

func parseStruct(arg json.RawMessage, depth int) (arrow.DataType, error) {
	var raws []json.RawMessage
	if err := json.Unmarshal(arg, &raws); err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, 0, len(raws))
	for _, raw := range raws {
		f, err := parseField(raw, depth)
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return arrow.StructOf(fields...), nil
}

func parseMap(arg json.RawMessage, depth int) (arrow.DataType, error) {
	var rawEntries json.RawMessage
	var sorted bool
	if err := pair(arg, &rawEntries, &sorted); err != nil {
		return nil, err
	}
	entries, err := parseField(rawEntries, depth)
	if err != nil {
		return nil, err
	}
	st, ok := entries.Type.(*arrow.StructType)
	if !ok || st.NumFields() != 2 {
		return nil, fmt.Errorf("entries must be a Struct of two fields")
	}
	key, value := st.Field(0), st.Field(1)
	if key.Nullable {
		return nil, fmt.Errorf("key field %q must not be nullable", key.Name)
	}
	m := arrow.MapOfFields(key, value)
	m.KeysSorted = sorted
	return m, nil
}
