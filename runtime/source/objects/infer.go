package objects

import (
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// To learn the types of text formats, defaultInfer records are looked at, and all of the first
// inferBytes of a file: a column that first has a value in record 1,001 would be lost otherwise.
const (
	defaultInfer = 1000
	inferBytes   = 4 << 20
)

// learned tells whether enough was looked at, after n records and a number of bytes.
func (o *Options) learned(n int, read int64) bool {
	if o.InferRecords > 0 {
		return n >= o.InferRecords
	}
	return n >= defaultInfer && read >= inferBytes
}

// wider returns the narrowest type that holds the values of both.
func wider(a, b arrow.DataType) arrow.DataType {
	if arrow.TypeEqual(a, b) || b.ID() == arrow.NULL {
		return a
	}
	if a.ID() == arrow.NULL {
		return b
	}
	has := func(x, y arrow.Type) bool {
		return a.ID() == x && b.ID() == y || a.ID() == y && b.ID() == x
	}
	switch {
	case has(arrow.INT64, arrow.FLOAT64):
		return arrow.PrimitiveTypes.Float64
	case has(arrow.DATE32, arrow.TIMESTAMP):
		return timestampType
	case a.ID() == arrow.LIST && b.ID() == arrow.LIST:
		return arrow.ListOf(wider(a.(*arrow.ListType).Elem(), b.(*arrow.ListType).Elem()))
	case a.ID() == arrow.STRUCT && b.ID() == arrow.STRUCT:
		return widerStruct(a.(*arrow.StructType), b.(*arrow.StructType))
	}
	return arrow.BinaryTypes.String
}

func widerStruct(a, b *arrow.StructType) arrow.DataType {
	var fields []arrow.Field
	for _, f := range a.Fields() {
		if g, ok := b.FieldByName(f.Name); ok {
			f.Type = wider(f.Type, g.Type)
		}
		fields = append(fields, f)
	}
	for _, g := range b.Fields() {
		if _, ok := a.FieldByName(g.Name); !ok {
			fields = append(fields, g)
		}
	}
	return arrow.StructOf(fields...)
}

// timestampType is what a column of dates with times becomes.
var timestampType = &arrow.TimestampType{Unit: arrow.Microsecond}

// timeLayouts are the forms of a timestamp that arrow-go's CSV reader understands and that have no
// zone: a zone would be lost.
var timeLayouts = []string{"2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999", "2006-01-02T15:04", "2006-01-02 15:04"}

// guess returns the type of one CSV field.
func guess(s string) arrow.DataType {
	if s == "" {
		return arrow.Null
	}
	switch s {
	case "true", "false", "True", "False", "TRUE", "FALSE":
		return arrow.FixedWidthTypes.Boolean
	}
	c := s[0]
	if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return arrow.BinaryTypes.String
	}
	// 007 is a code, not the number 7.
	if len(s) > 1 && c == '0' && s[1] >= '0' && s[1] <= '9' {
		return arrow.BinaryTypes.String
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil && c != '+' {
		return arrow.PrimitiveTypes.Int64
	}
	if strings.Trim(s[1:], "0123456789") == "" {
		return arrow.BinaryTypes.String // an integer too large for 64 bits: as a float it would lose digits
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return arrow.PrimitiveTypes.Float64
	}
	if _, err := time.Parse("2006-01-02", s); err == nil {
		return arrow.FixedWidthTypes.Date32
	}
	for _, l := range timeLayouts {
		if _, err := time.Parse(l, s); err == nil {
			return timestampType
		}
	}
	return arrow.BinaryTypes.String
}

// known replaces what was never seen with a value by text.
func known(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.NullType:
		return arrow.BinaryTypes.String
	case *arrow.ListType:
		return arrow.ListOf(known(t.Elem()))
	case *arrow.StructType:
		fields := make([]arrow.Field, t.NumFields())
		for i, f := range t.Fields() {
			f.Type = known(f.Type)
			fields[i] = f
		}
		if len(fields) == 0 {
			return arrow.BinaryTypes.String
		}
		return arrow.StructOf(fields...)
	default:
		return t
	}
}
