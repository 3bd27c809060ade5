package postgres

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// column is one column of the table.
type column struct {
	name string
	// elem is the type of an array's elements, else of the column itself; array is true for arrays.
	oid      uint32
	array    bool
	typmod   int32
	nullable bool
	enum     bool
	typeName string
}

// The digits of numeric without precision: Arrow needs a scale, and a value that does not fit is an error.
const (
	freePrecision = 38
	freeScale     = 18
)

// timestamps are stored in microseconds.
var utc = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// arrowType returns the type of the column, or an error that says what can be done.
func (c column) arrowType() (arrow.DataType, error) {
	t, err := c.scalar()
	if err == nil && c.array {
		return arrow.ListOf(t), nil
	}
	return t, err
}

func (c column) scalar() (arrow.DataType, error) {
	switch c.oid {
	case pgtype.BoolOID:
		return arrow.FixedWidthTypes.Boolean, nil
	case pgtype.Int2OID:
		return arrow.PrimitiveTypes.Int16, nil
	case pgtype.Int4OID:
		return arrow.PrimitiveTypes.Int32, nil
	case pgtype.Int8OID:
		return arrow.PrimitiveTypes.Int64, nil
	case pgtype.OIDOID:
		return arrow.PrimitiveTypes.Uint32, nil
	case pgtype.Float4OID:
		return arrow.PrimitiveTypes.Float32, nil
	case pgtype.Float8OID:
		return arrow.PrimitiveTypes.Float64, nil
	case pgtype.NumericOID:
		return c.numeric()
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.QCharOID, pgtype.UnknownOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.UUIDOID:
		return arrow.BinaryTypes.String, nil
	case pgtype.ByteaOID:
		return arrow.BinaryTypes.Binary, nil
	case pgtype.DateOID:
		return arrow.FixedWidthTypes.Date32, nil
	case pgtype.TimeOID:
		return arrow.FixedWidthTypes.Time64us, nil
	case pgtype.TimestampOID:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case pgtype.TimestamptzOID:
		return utc, nil
	case pgtype.IntervalOID:
		return arrow.FixedWidthTypes.MonthDayNanoInterval, nil
	}
	if c.enum {
		return arrow.BinaryTypes.String, nil
	}
	return nil, fmt.Errorf("column %q has the type %s, which pitwall does not read", c.name, c.typeName)
}

func (c column) numeric() (arrow.DataType, error) {
	if c.typmod < 4 {
		return &arrow.Decimal128Type{Precision: freePrecision, Scale: freeScale}, nil
	}
	precision, scale := (c.typmod-4)>>16&0xffff, (c.typmod-4)&0x7ff
	if scale > 1023 { // negative scales are 11 bits
		scale -= 2048
	}
	if precision <= 38 && scale >= 0 && scale <= precision {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}, nil
	}
	if precision <= 76 && scale >= 0 && scale <= precision {
		return &arrow.Decimal256Type{Precision: precision, Scale: scale}, nil
	}
	return nil, fmt.Errorf("column %q is numeric(%d,%d), which has no form in Arrow", c.name, precision, scale)
}

// columnsOf asks the server for the columns of the table. Domains are their base types.
func columnsOf(ctx context.Context, c *pgx.Conn, table pgx.Identifier) ([]column, error) {
	rows, err := c.Query(ctx, `
WITH RECURSIVE cols AS (
  SELECT a.attnum, a.attname::text AS name, a.atttypid AS oid, a.atttypmod AS typmod, a.attnotnull AS nn,
         format_type(a.atttypid, a.atttypmod) AS shown
  FROM pg_attribute a WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
), base AS (
  SELECT cols.*, t.typtype, t.typbasetype, t.typtypmod, t.typelem, t.typcategory, t.typnotnull FROM cols JOIN pg_type t ON t.oid = cols.oid
  UNION ALL
  SELECT b.attnum, b.name, b.typbasetype, CASE WHEN b.typtypmod >= 0 THEN b.typtypmod ELSE b.typmod END, b.nn OR b.typnotnull, b.shown,
         t.typtype, t.typbasetype, t.typtypmod, t.typelem, t.typcategory, t.typnotnull
  FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
)
SELECT b.name, CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE b.oid END, b.typcategory = 'A', b.typmod, b.nn, b.shown,
       coalesce(e.typtype, b.typtype) = 'e'
FROM base b LEFT JOIN pg_type e ON b.typcategory = 'A' AND e.oid = b.typelem
WHERE b.typtype <> 'd' ORDER BY b.attnum`, table.Sanitize())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (column, error) {
		var c column
		var notNull bool
		err := r.Scan(&c.name, &c.oid, &c.array, &c.typmod, &notNull, &c.typeName, &c.enum)
		c.nullable = !notNull
		return c, err
	})
}
