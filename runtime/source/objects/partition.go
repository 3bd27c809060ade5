package objects

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

// hiveNull is the folder name of rows whose partition column is NULL.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// partition is one key=value part of a path.
type partition struct{ key, value string }

// partitionOf reads the name of a folder.
func partitionOf(name string) (partition, bool) {
	k, v, ok := strings.Cut(name, "=")
	if !ok || k == "" {
		return partition{}, false
	}
	return partition{unescape(k), unescape(v)}, true
}

// unescape undoes what Hive and Spark do to special characters.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// partitions are the key=value folders of a path behind the root; of a key that is there twice the
// last counts.
func partitions(rel string) []partition {
	var out []partition
	parts := strings.Split(rel, "/")
	for _, name := range parts[:len(parts)-1] {
		p, ok := partitionOf(name)
		if !ok {
			continue
		}
		for i := range out {
			if out[i].key == p.key {
				out = append(out[:i], out[i+1:]...)
				break
			}
		}
		out = append(out, p)
	}
	return out
}

// partitionType is what a value looks like: int64, date or text, nil for NULL.
func partitionType(v string) arrow.DataType {
	if v == hiveNull {
		return nil
	}
	if _, err := strconv.ParseInt(v, 10, 64); err == nil && v[0] != '+' {
		return arrow.PrimitiveTypes.Int64
	}
	if _, err := time.Parse(time.DateOnly, v); err == nil {
		return arrow.FixedWidthTypes.Date32
	}
	return arrow.BinaryTypes.String
}

// partitionValue is a value in a type that it looks like, or text; nil is NULL.
func partitionValue(v string, t arrow.DataType) any {
	if v == hiveNull {
		return nil
	}
	switch t.ID() {
	case arrow.INT64:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	case arrow.DATE32:
		d, _ := time.Parse(time.DateOnly, v)
		return int64(arrow.Date32FromTime(d))
	default:
		return v
	}
}

// note adds the partitions of a path to the columns, in the order in which they are first seen. A column
// has the type that all its values look like, else it is text.
func (l *lister) note(have []partition) {
	for _, p := range have {
		i := slices.IndexFunc(l.fields, func(f arrow.Field) bool { return f.Name == p.key })
		if i < 0 {
			i = len(l.fields)
			l.fields = append(l.fields, arrow.Field{Name: p.key, Type: arrow.Null, Nullable: true})
		}
		switch t, f := partitionType(p.value), &l.fields[i]; {
		case t == nil || f.Type.ID() == arrow.STRING:
		case f.Type.ID() == arrow.NULL:
			f.Type = t
		case !arrow.TypeEqual(f.Type, t):
			f.Type = arrow.BinaryTypes.String
		}
	}
}

// settle makes text of the columns that have no value.
func (l *lister) settle() {
	for i := range l.fields {
		l.fields[i].Type = known(l.fields[i].Type)
	}
}

// partitionTruths says what a leaf may be for a path with the given partitions. The type of the column
// is not known until all paths are, so every type that it may become counts.
func partitionTruths(have []partition, column string, p engines.Predicate) (truths, bool) {
	for _, h := range have {
		if h.key != column {
			continue
		}
		t := partitionType(h.value)
		types := []arrow.DataType{t, arrow.BinaryTypes.String}
		if t == nil {
			types = []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.FixedWidthTypes.Date32, arrow.BinaryTypes.String}
		}
		var out truths
		for _, t := range types {
			f := arrow.Field{Name: column, Type: t, Nullable: true}
			if bindable(f, p) {
				out |= exactly(partitionValue(h.value, t)).truths(f, p)
			}
		}
		if out == 0 {
			out = anything
		}
		return out, true
	}
	return anything, false
}
