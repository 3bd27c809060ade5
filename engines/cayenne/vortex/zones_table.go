package vortex

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// layoutZoned is the layout of zone maps that newer writers make: its statistics are named.
const layoutZoned = "vortex.zoned"

// The statistics that pruning uses, by their names in vortex.zoned.
const (
	zoneMax        = "vortex.max"
	zoneMin        = "vortex.min"
	zoneBoundedMax = "vortex.bounded_max" // a value, or that none was found, of text that is cut off
	zoneBoundedMin = "vortex.bounded_min"
	zoneNulls      = "vortex.null_count"
	zoneNaNs       = "vortex.nan_count"
)

// zoneTable is the length of the zones of a layout and the type of the table of their statistics, whose fields have
// the names of zoned. A table with a statistic that is not known has no type: nil.
func zoneTable(l *layout, t *dtype) (length int64, table *dtype, err error) {
	if l.encoding == layoutStats {
		if len(l.metadata) < 4 {
			return 0, nil, corrupt("%s without the length of its zones", l.encoding)
		}
		return int64(binary.LittleEndian.Uint32(l.metadata)), legacyTable(l.metadata[4:], t), nil
	}
	if l.encoding != layoutZoned || len(l.metadata) == 0 || l.metadata[0] != 1 {
		return 0, nil, nil
	}
	m, err := parseMessage(l.metadata[1:])
	if err != nil {
		return 0, nil, err
	}
	specs, err := m.messages(2)
	if err != nil {
		return 0, nil, err
	}
	table = &dtype{kind: kindStruct}
	for _, s := range specs {
		id, _ := s.get(1)
		name := string(id.bytes)
		switch name {
		case zoneMax, zoneMin, zoneBoundedMin:
			table.add(name, t.withNullable(true))
		case zoneBoundedMax:
			table.add(name, &dtype{kind: kindStruct, nullable: true, fields: []field{{"bound", t.withNullable(true)}, {"unknown", &dtype{kind: kindBool}}}})
		case zoneNaNs:
			if isFloat(t) {
				table.add(name, primitive(u64, true))
			}
		case zoneNulls, "vortex.count", "vortex.uncompressed_size_in_bytes":
			table.add(name, primitive(u64, true))
		case "vortex.sum":
			if sum := sumType(t); sum != nil {
				table.add(name, sum)
			}
		default:
			return 0, nil, nil
		}
	}
	return int64(m.uint(1)), table, nil
}

func (t *dtype) add(name string, typ *dtype) { t.fields = append(t.fields, field{name, typ}) }

// legacyTable is the table of vortex.stats, whose statistics are a bit set.
func legacyTable(bits []byte, t *dtype) *dtype {
	table, flag := &dtype{kind: kindStruct}, &dtype{kind: kindBool}
	for i := range len(bits) * 8 {
		if bits[i/8]>>(i%8)&1 == 0 {
			continue
		}
		switch i {
		case 0, 1, 2: // constant, sorted, strictly sorted
			table.add("flag", flag.withNullable(true))
		case statMax:
			table.add(zoneMax, t.withNullable(true))
			table.add("truncated", flag)
		case statMin:
			table.add(zoneMin, t.withNullable(true))
			table.add("truncated", flag)
		case 5:
			if sum := sumType(t); sum != nil {
				table.add("sum", sum)
			}
		case statNullCount:
			table.add(zoneNulls, primitive(u64, true))
		case 7:
			table.add("size", primitive(u64, true))
		case 8:
			if isFloat(t) {
				table.add(zoneNaNs, primitive(u64, true))
			}
		default:
			return nil
		}
	}
	return table
}

// sumType is the type of sums of a type, nil where it has none.
func sumType(t *dtype) *dtype {
	switch s := t.storage(); {
	case s.kind == kindBool, s.kind == kindPrimitive && s.ptype <= u64:
		return primitive(u64, true)
	case s.kind == kindPrimitive && s.ptype.signed():
		return primitive(i64, true)
	case s.kind == kindPrimitive:
		return primitive(f64, true)
	case s.kind == kindDecimal:
		return &dtype{kind: kindDecimal, precision: min(76, s.precision+10), scale: s.scale, nullable: true}
	}
	return nil
}

// zoneBounds are the bounds in the rows of a table. noNaN says that no value of the column is NaN.
func zoneBounds(s *array.Struct, table, t *dtype, noNaN bool) []Bounds {
	of := map[string]arrow.Array{}
	for i, f := range table.fields {
		of[f.name] = s.Field(i)
	}
	zones := make([]Bounds, s.Len())
	for i := range zones {
		b := unknown()
		for _, name := range []string{zoneMin, zoneBoundedMin} {
			if a := of[name]; a != nil && b.Min == nil {
				b.Min = boundAt(a, i)
			}
		}
		if a := of[zoneMax]; a != nil {
			b.Max = boundAt(a, i)
		}
		if a, ok := of[zoneBoundedMax].(*array.Struct); ok && b.Max == nil && a.IsValid(i) && !a.Field(1).(*array.Boolean).Value(i) {
			b.Max = boundAt(a.Field(0), i)
		}
		if n, ok := of[zoneNulls].(*array.Uint64); ok && n.IsValid(i) {
			b.Nulls = int64(min(n.Value(i), math.MaxInt64))
		}
		if isFloat(t) {
			n, ok := of[zoneNaNs].(*array.Uint64)
			if !noNaN && !(ok && n.IsValid(i) && n.Value(i) == 0) {
				b.Max = nil // writers leave NaN out of account
			}
			b.Min, b.Max = number64(b.Min), number64(b.Max)
		}
		zones[i] = b
	}
	return zones
}

// number64 is a bound that is not NaN, else nil.
func number64(v any) any {
	if f, ok := v.(float64); ok && f != f {
		return nil
	}
	return v
}
