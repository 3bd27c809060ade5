package flight

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql/schema_ref"
	pb "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
)

// typeInfo is what XDBC clients want to know about a type of SQL.
type typeInfo struct {
	name string
	code pb.XdbcDataType
	// size is in digits, characters or bytes.
	size int32
	// quoted is true when literals stand in quotes; unsigned is for numbers.
	quoted, unsigned bool
	// scale is the greatest number of digits after the point.
	scale int32
	// radix of size; 0 for what is no number.
	radix int32
}

// typeInfos are the types that columns of results have, in the order of their codes.
func typeInfos() []typeInfo {
	return []typeInfo{
		{name: "BOOLEAN", code: pb.XdbcDataType_XDBC_BIT, size: 1},
		{name: "TINYINT", code: pb.XdbcDataType_XDBC_TINYINT, size: 3, radix: 10},
		{name: "UTINYINT", code: pb.XdbcDataType_XDBC_TINYINT, size: 3, radix: 10, unsigned: true},
		{name: "BIGINT", code: pb.XdbcDataType_XDBC_BIGINT, size: 19, radix: 10},
		{name: "UBIGINT", code: pb.XdbcDataType_XDBC_BIGINT, size: 20, radix: 10, unsigned: true},
		{name: "BLOB", code: pb.XdbcDataType_XDBC_VARBINARY, size: 1<<31 - 1, quoted: true},
		{name: "DECIMAL", code: pb.XdbcDataType_XDBC_DECIMAL, size: 38, radix: 10, scale: 38},
		{name: "INTEGER", code: pb.XdbcDataType_XDBC_INTEGER, size: 10, radix: 10},
		{name: "UINTEGER", code: pb.XdbcDataType_XDBC_INTEGER, size: 10, radix: 10, unsigned: true},
		{name: "SMALLINT", code: pb.XdbcDataType_XDBC_SMALLINT, size: 5, radix: 10},
		{name: "USMALLINT", code: pb.XdbcDataType_XDBC_SMALLINT, size: 5, radix: 10, unsigned: true},
		{name: "REAL", code: pb.XdbcDataType_XDBC_REAL, size: 24, radix: 2},
		{name: "DOUBLE", code: pb.XdbcDataType_XDBC_DOUBLE, size: 53, radix: 2},
		{name: "VARCHAR", code: pb.XdbcDataType_XDBC_VARCHAR, size: 1<<31 - 1, quoted: true},
		{name: "DATE", code: pb.XdbcDataType_XDBC_DATE, size: 10, quoted: true},
		{name: "TIME", code: pb.XdbcDataType_XDBC_TIME, size: 15, quoted: true, scale: 6},
		{name: "TIMESTAMP", code: pb.XdbcDataType_XDBC_TIMESTAMP, size: 26, quoted: true, scale: 6},
	}
}

// GetFlightInfoXdbcTypeInfo describes DoGetXdbcTypeInfo.
func (f *sqlFace) GetFlightInfoXdbcTypeInfo(_ context.Context, _ flightsql.GetXdbcTypeInfo, d *flight.FlightDescriptor) (*flight.FlightInfo, error) {
	return info(d, schema_ref.XdbcTypeInfo)
}

// DoGetXdbcTypeInfo lists the types, or those of one code.
func (f *sqlFace) DoGetXdbcTypeInfo(_ context.Context, q flightsql.GetXdbcTypeInfo) (*arrow.Schema, <-chan flight.StreamChunk, error) {
	return table(schema_ref.XdbcTypeInfo, func(b *array.RecordBuilder) {
		for _, t := range typeInfos() {
			if code := q.GetDataType(); code == nil || *code == int32(t.code) {
				t.add(b)
			}
		}
	})
}

// add appends the row of a type.
func (t typeInfo) add(b *array.RecordBuilder) {
	text := func(i int, v string, ok bool) {
		if ok {
			b.Field(i).(*array.StringBuilder).Append(v)
		} else {
			b.Field(i).AppendNull()
		}
	}
	number := func(i int, v int32, ok bool) {
		if ok {
			b.Field(i).(*array.Int32Builder).Append(v)
		} else {
			b.Field(i).AppendNull()
		}
	}
	flag := func(i int, v bool) { b.Field(i).(*array.BooleanBuilder).Append(v) }
	text(0, t.name, true)
	number(1, int32(t.code), true)
	number(2, t.size, true)
	text(3, "'", t.quoted)
	text(4, "'", t.quoted)
	params := b.Field(5).(*array.ListBuilder)
	if t.code == pb.XdbcDataType_XDBC_DECIMAL {
		params.Append(true)
		params.ValueBuilder().(*array.StringBuilder).AppendValues([]string{"precision", "scale"}, nil)
	} else {
		params.AppendNull()
	}
	number(6, int32(pb.Nullable_NULLABILITY_NULLABLE), true)
	flag(7, t.code == pb.XdbcDataType_XDBC_VARCHAR)
	number(8, int32(pb.Searchable_SEARCHABLE_FULL), true)
	flag(9, t.unsigned)
	flag(10, false)
	flag(11, false)
	text(12, t.name, true)
	number(13, 0, t.radix == 10 || t.scale > 0)
	number(14, t.scale, t.radix == 10 || t.scale > 0)
	number(15, int32(t.code), true)
	b.Field(16).AppendNull()
	number(17, t.radix, t.radix > 0)
	b.Field(18).AppendNull()
}
