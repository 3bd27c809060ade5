package cayenne

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/twmb/murmur3"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// level computes one level of partition_by.
type level struct {
	by     engines.PartitionBy
	column int
	kind   string // of the column; empty when conditions on it tell no bucket
	values func(arrow.Array) func(int) value
}

// levels binds partition_by to the columns of a schema. Kind Invalid: a column is missing, or is of a type that
// can't be partitioned by.
func levels(by []engines.PartitionBy, s *arrow.Schema) ([]level, error) {
	out := make([]level, len(by))
	for i, b := range by {
		bad := func(format string, args ...any) ([]level, error) {
			return nil, dbfile.Fail(engines.Invalid, fmt.Errorf("partition_by %s: "+format, append([]any{b}, args...)...))
		}
		if !validName(b.Name) {
			return bad("the name %q is not of letters, digits and underscores only", b.Name)
		}
		at := s.FieldIndices(b.Column)
		if len(at) != 1 {
			return bad("the dataset has no column %q", b.Column)
		}
		if (b.Transform == engines.Bucket || b.Transform == engines.Truncate) && (b.N < 1 || b.N > math.MaxInt32) {
			return bad("%d is not a number from 1 to %d", b.N, math.MaxInt32)
		}
		t := s.Field(at[0]).Type
		values := valuesOf(b, t)
		if values == nil {
			return bad("column %q is of type %s, which can't be partitioned by so", b.Column, t)
		}
		out[i] = level{b, at[0], kindOf(t), values}
		if t.ID() == arrow.DATE64 { // conditions on it are in another unit
			out[i].kind = ""
		}
	}
	return out, nil
}

// valuesOf returns what computes the values of a level from an array of a type; nil when it can't be.
func valuesOf(by engines.PartitionBy, t arrow.DataType) func(arrow.Array) func(int) value {
	kind := kindOf(t)
	if kind == "" {
		return nil
	}
	null := kind
	var of func(c arrow.Array) func(int) value
	plain := func(c arrow.Array) func(int) value { return plainValues(c, kind) }
	timed := kind == "date" || kind[0] == 't'
	switch by.Transform {
	case engines.Identity:
		of = plain
	case engines.Truncate:
		if timed || kind == "bool" || kind == "u64" {
			return nil
		}
		of = func(c arrow.Array) func(int) value {
			get := plain(c)
			return func(i int) value { return truncate(get(i), by.N) }
		}
	case engines.Bucket:
		if kind == "bool" {
			return nil
		}
		null = "i32"
		of = func(c arrow.Array) func(int) value {
			get := plain(c)
			return func(i int) value { return value{kind: "i32", n: bucket(get(i), by.N)} }
		}
	default:
		if !timed {
			return nil
		}
		null = partOf(time.Time{}, by.Transform).kind
		of = func(c arrow.Array) func(int) value {
			get := filter.Ints(c)
			return func(i int) value { return partOf(convert.Time(get(i), t), by.Transform) }
		}
	}
	return func(c arrow.Array) func(int) value {
		get := of(c)
		if c.NullN() == 0 {
			return get
		}
		return func(i int) value {
			if c.IsNull(i) {
				return value{null: true, kind: null}
			}
			return get(i)
		}
	}
}

// kindOf is what a type is called in partition keys; empty when it can't be partitioned by.
func kindOf(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return "bool"
	case *arrow.Int8Type:
		return "i8"
	case *arrow.Int16Type:
		return "i16"
	case *arrow.Int32Type:
		return "i32"
	case *arrow.Int64Type:
		return "i64"
	case *arrow.Uint8Type:
		return "u8"
	case *arrow.Uint16Type:
		return "u16"
	case *arrow.Uint32Type:
		return "u32"
	case *arrow.Uint64Type:
		return "u64"
	case *arrow.StringType, *arrow.LargeStringType:
		return "utf8"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "date"
	case *arrow.TimestampType:
		return "ts_" + t.Unit.String()
	default:
		return ""
	}
}

func plainValues(c arrow.Array, kind string) func(int) value {
	switch c := c.(type) {
	case *array.Boolean:
		return func(i int) value {
			if c.Value(i) {
				return value{kind: kind, n: 1}
			}
			return value{kind: kind}
		}
	case interface{ Value(int) string }:
		return func(i int) value { return value{kind: kind, s: c.Value(i)} }
	case *array.Uint8, *array.Uint16, *array.Uint32, *array.Uint64:
		get := filter.Uints(c)
		return func(i int) value { return value{kind: kind, n: int64(get(i))} }
	case *array.Date64:
		return func(i int) value { return value{kind: kind, n: floor(int64(c.Value(i)), 86_400_000) / 86_400_000} }
	default:
		get := filter.Ints(c)
		return func(i int) value { return value{kind: kind, n: get(i)} }
	}
}

// floor is n rounded down to a multiple of w.
func floor(n, w int64) int64 {
	r := n % w
	if r < 0 {
		r += w
	}
	if n < math.MinInt64+r {
		return math.MinInt64
	}
	return n - r
}

func truncate(v value, n int64) value {
	if v.kind != "utf8" {
		v.n = floor(v.n, n)
		return v
	}
	for at := range v.s {
		if n--; n < 0 {
			v.s = v.s[:at]
			break
		}
	}
	return v
}

// bucket is that of Iceberg (table specification, appendix B): times count in microseconds, days in days.
func bucket(v value, n int64) int64 {
	var h uint32
	switch v.kind {
	case "utf8":
		h = murmur3.StringSum32(v.s)
	default:
		x := v.n
		switch v.kind {
		case "ts_s":
			x *= 1_000_000
		case "ts_ms":
			x *= 1000
		case "ts_ns":
			x = floor(x, 1000) / 1000
		}
		h = murmur3.Sum32(binary.LittleEndian.AppendUint64(nil, uint64(x)))
	}
	return int64(h&math.MaxInt32) % n
}

func partOf(t time.Time, part engines.Transform) value {
	v := value{kind: "i32"}
	switch part {
	case engines.Year:
		v.n = int64(t.Year())
	case engines.Month:
		v.n = int64(t.Month())
	case engines.Day:
		v.n = int64(t.Day())
	case engines.Hour:
		v.n = int64(t.Hour())
	case engines.TruncHour:
		return value{kind: "ts_s", n: floor(t.Unix(), 3600)}
	case engines.TruncYear:
		return day(time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC))
	case engines.TruncMonth:
		return day(time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC))
	default:
		return day(t)
	}
	return v
}

func day(t time.Time) value {
	return value{kind: "date", n: floor(t.Unix(), 86_400) / 86_400}
}

// excludes tells whether no row of a partition can have a value in a column, by buckets; what else partitions tell,
// the bounds of the files do, too.
func (p *partition) excludes(by []level, column int, v any) bool {
	if len(by) != len(p.values) { // a metastore can say anything
		return false
	}
	for i, l := range by {
		if l.column != column || l.by.Transform != engines.Bucket || l.kind == "" || p.values[i].null {
			continue
		}
		var x value
		switch v := v.(type) {
		case int64:
			x = value{kind: l.kind, n: v}
		case uint64:
			x = value{kind: l.kind, n: int64(v)}
		case string:
			x = value{kind: "utf8", s: v}
		default:
			continue
		}
		if bucket(x, l.by.N) != p.values[i].n {
			return true
		}
	}
	return false
}
