package mysql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// declared is a column as information_schema has it.
type declared struct {
	name             string
	kind             string // int
	whole            string // int(11) unsigned
	precision, scale int32  // of a decimal
}

// arrowType returns the type of the column, or an error that names it.
func (d declared) arrowType() (arrow.DataType, error) {
	p := arrow.PrimitiveTypes
	integer := func(signed, unsigned arrow.DataType) (arrow.DataType, error) {
		if strings.Contains(d.whole, "unsigned") {
			return unsigned, nil
		}
		return signed, nil
	}
	switch d.kind {
	case "tinyint":
		return integer(p.Int8, p.Uint8)
	case "smallint":
		return integer(p.Int16, p.Uint16)
	case "mediumint", "int", "integer":
		return integer(p.Int32, p.Uint32)
	case "bigint":
		return integer(p.Int64, p.Uint64)
	case "bit":
		return p.Uint64, nil
	case "year":
		return p.Int16, nil
	case "float":
		return p.Float32, nil
	case "double", "real":
		return p.Float64, nil
	case "decimal", "numeric":
		if d.precision <= 38 {
			return &arrow.Decimal128Type{Precision: d.precision, Scale: d.scale}, nil
		}
		return &arrow.Decimal256Type{Precision: d.precision, Scale: d.scale}, nil
	case "date":
		return arrow.FixedWidthTypes.Date32, nil
	case "datetime":
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case "timestamp":
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	case "time":
		return arrow.FixedWidthTypes.Time64us, nil
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return arrow.BinaryTypes.Binary, nil
	case "json", "uuid", "inet4", "inet6":
		return arrow.BinaryTypes.String, nil
	}
	if d.characters() {
		return arrow.BinaryTypes.String, nil
	}
	return nil, fmt.Errorf("column %q has the type %s, which pitwall does not read", d.name, d.whole)
}

// characters tells whether the column holds text that the server can compare byte by byte.
func (d declared) characters() bool {
	switch d.kind {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return true
	}
	return false
}
