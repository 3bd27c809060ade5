package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Statistics in the bit set of the metadata of vortex.stats.
const (
	statMax       = 3
	statMin       = 4
	statNullCount = 6
)

// zoneMap is the bounds of a column, zone by zone of length rows.
type zoneMap struct {
	length int64
	zones  []Bounds
}

// statsType is the type of the rows of a zone map that the writer makes: vortex.stats with maximum, minimum and
// the count of the nulls.
func statsType(t *dtype) *dtype {
	flag := &dtype{kind: kindBool}
	return &dtype{kind: kindStruct, fields: []field{
		{"max", t.withNullable(true)}, {"max_is_truncated", flag},
		{"min", t.withNullable(true)}, {"min_is_truncated", flag},
		{"null_count", primitive(u64, true)},
	}}
}

// statsMetadata is the metadata of vortex.stats: the length of a zone, then the statistics as bits.
func statsMetadata(length int64) []byte {
	m := binary.LittleEndian.AppendUint32(nil, uint32(length))
	return append(m, 1<<statMax|1<<statMin|1<<statNullCount, 0)
}

// array is the zone map as rows of statsType.
func (z *zoneMap) array(t *dtype) (arrow.Array, error) {
	to, err := statsType(t).toArrow()
	if err != nil {
		return nil, err
	}
	b := array.NewStructBuilder(memory.DefaultAllocator, to.(*arrow.StructType))
	defer b.Release()
	for _, zone := range z.zones {
		b.Append(true)
		appendBound(b.FieldBuilder(0), zone.Max)
		b.FieldBuilder(1).(*array.BooleanBuilder).Append(truncated(zone.Max))
		appendBound(b.FieldBuilder(2), zone.Min)
		b.FieldBuilder(3).(*array.BooleanBuilder).Append(truncated(zone.Min))
		b.FieldBuilder(4).(*array.Uint64Builder).Append(uint64(zone.Nulls))
	}
	return b.NewArray(), nil
}

// truncated tells that a bound may be none of the values.
func truncated(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) > maxText-4
	case []byte:
		return len(v) > maxText-4
	default:
		return false
	}
}

// appendBound appends a bound to the builder of its column's type.
func appendBound(b array.Builder, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int8Builder:
		b.Append(int8(v.(int64)))
	case *array.Int16Builder:
		b.Append(int16(v.(int64)))
	case *array.Int32Builder:
		b.Append(int32(v.(int64)))
	case *array.Int64Builder:
		b.Append(v.(int64))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(int64)))
	case *array.Date64Builder:
		b.Append(arrow.Date64(v.(int64)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(v.(int64)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(v.(int64)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(int64)))
	case *array.Uint8Builder:
		b.Append(uint8(v.(uint64)))
	case *array.Uint16Builder:
		b.Append(uint16(v.(uint64)))
	case *array.Uint32Builder:
		b.Append(uint32(v.(uint64)))
	case *array.Uint64Builder:
		b.Append(v.(uint64))
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BinaryBuilder:
		b.Append(v.([]byte))
	}
}

// zoneMap is the zone map of column i, nil where it has none that is understood. It is read once.
func (f *File) zoneMap(i int) (*zoneMap, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if z, ok := f.zones[i]; ok {
		return z, nil
	}
	z, err := f.readZones(f.root.children[i], f.dtype.fields[i].typ, f.hasNoNaN(i))
	if err == nil {
		f.zones[i] = z
	}
	return z, err
}

// readZones reads the zone map of a layout. noNaN says that none of its floats is NaN.
func (f *File) readZones(l *layout, t *dtype, noNaN bool) (z *zoneMap, err error) {
	defer guard(&err)
	if len(l.children) != 2 || !bounded(t) {
		return nil, nil
	}
	length, table, err := zoneTable(l, t)
	if err != nil || length == 0 || table == nil {
		return nil, err
	}
	zones := l.children[1]
	if zones.rows != (l.rows+length-1)/length {
		return nil, corrupt("a zone map of %d zones for %d rows", zones.rows, l.rows)
	}
	a, err := (&plan{f: f}).whole(zones, table, 0)
	if err != nil {
		return nil, err
	}
	return &zoneMap{length, zoneBounds(a.(*array.Struct), table, t, noNaN)}, nil
}

// boundAt is row i of an array of bounds; nil where it is null.
func boundAt(a arrow.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return a.Value(i)
	case *array.Int8:
		return int64(a.Value(i))
	case *array.Int16:
		return int64(a.Value(i))
	case *array.Int32:
		return int64(a.Value(i))
	case *array.Int64:
		return a.Value(i)
	case *array.Date32:
		return int64(a.Value(i))
	case *array.Date64:
		return int64(a.Value(i))
	case *array.Time32:
		return int64(a.Value(i))
	case *array.Time64:
		return int64(a.Value(i))
	case *array.Timestamp:
		return int64(a.Value(i))
	case *array.Uint8:
		return uint64(a.Value(i))
	case *array.Uint16:
		return uint64(a.Value(i))
	case *array.Uint32:
		return uint64(a.Value(i))
	case *array.Uint64:
		return a.Value(i)
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return a.Value(i)
	default:
		return nil
	}
}
