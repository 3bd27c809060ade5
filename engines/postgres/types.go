package postgres

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgtype"
)

// form is how a column of a recorded type stands in a table.
type form struct {
	// name is the type in SQL; elem the type of the elements of an array, else 0.
	name string
	elem uint32
	// json says that the value is written as JSON.
	json bool
}

// scalarOf returns the type for values that are not nested, and its number; an empty name when there is
// none.
func scalarOf(t arrow.DataType) (name string, oid uint32) {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.StringType, *arrow.LargeStringType:
		return "text", pgtype.TextOID
	case *arrow.BooleanType:
		return "boolean", pgtype.BoolOID
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Uint8Type:
		return "smallint", pgtype.Int2OID
	case *arrow.Int32Type, *arrow.Uint16Type:
		return "integer", pgtype.Int4OID
	case *arrow.Int64Type, *arrow.Uint32Type:
		return "bigint", pgtype.Int8OID
	case *arrow.Uint64Type:
		return "numeric(20)", pgtype.NumericOID
	case *arrow.Float32Type:
		return "real", pgtype.Float4OID
	case *arrow.Float64Type:
		return "double precision", pgtype.Float8OID
	case arrow.DecimalType:
		return fmt.Sprintf("numeric(%d,%d)", t.GetPrecision(), t.GetScale()), pgtype.NumericOID
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.FixedSizeBinaryType:
		return "bytea", pgtype.ByteaOID
	case *arrow.Date32Type, *arrow.Date64Type:
		return "date", pgtype.DateOID
	case *arrow.Time32Type, *arrow.Time64Type:
		return "time", pgtype.TimeOID
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return "timestamptz", pgtype.TimestamptzOID
		}
		return "timestamp", pgtype.TimestampOID
	case *arrow.DurationType, *arrow.MonthIntervalType, *arrow.DayTimeIntervalType:
		return "interval", pgtype.IntervalOID
	}
	return "", 0
}

// formOf returns the form of a recorded type that refuse lets pass.
func formOf(t arrow.DataType) form {
	if elem := listed(t); elem != nil {
		if name, oid := scalarOf(elem); name != "" && elem.ID() != arrow.NULL {
			return form{name: name + "[]", elem: oid}
		}
	}
	if name, _ := scalarOf(t); name != "" {
		return form{name: name}
	}
	return form{name: "jsonb", json: true}
}

// listed returns the type of the elements of a list; nil when t is none.
func listed(t arrow.DataType) arrow.DataType {
	if l, ok := t.(arrow.ListLikeType); ok && t.ID() != arrow.MAP {
		return l.Elem()
	}
	return nil
}

// refuse gives the reason why a recorded type cannot be kept; empty when it can.
func refuse(t arrow.DataType) string {
	const micros = "PostgreSQL keeps microseconds, nanoseconds would be lost"
	switch t := t.(type) {
	case *arrow.TimestampType, *arrow.DurationType, *arrow.Time64Type:
		if t.(arrow.TemporalWithUnit).TimeUnit() == arrow.Nanosecond {
			return micros
		}
	case *arrow.MonthDayNanoIntervalType:
		return micros
	case arrow.DecimalType:
		if t.GetScale() < 0 || t.GetScale() > t.GetPrecision() {
			return "PostgreSQL 14 and before have no such scale"
		}
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType, *arrow.StructType, *arrow.MapType:
		return ""
	}
	if name, _ := scalarOf(t); name == "" {
		return "PostgreSQL has no such type"
	}
	return ""
}
