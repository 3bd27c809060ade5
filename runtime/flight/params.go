package flight

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"pitwall/runtime/api"
)

// param is a bound value of a statement as a handle holds it. Type is one of the kinds below or, of api.Typed, a
// type of SQL.
type param struct {
	Type string `json:"type"`
	Text string `json:"text,omitempty"`
}

// The kinds of a param.
const (
	kindNull  = "null"
	kindBool  = "bool"
	kindInt   = "int"
	kindUint  = "uint"
	kindFloat = "float"
	kindText  = "text"
	kindBytes = "bytes"
)

// value is the form that api.QueryOptions.Params has.
func (p param) value() (any, error) {
	switch p.Type {
	case kindNull:
		return nil, nil
	case kindBool:
		return strconv.ParseBool(p.Text)
	case kindInt:
		return strconv.ParseInt(p.Text, 10, 64)
	case kindUint:
		return strconv.ParseUint(p.Text, 10, 64)
	case kindFloat:
		return strconv.ParseFloat(p.Text, 64)
	case kindText:
		return p.Text, nil
	case kindBytes:
		return hex.DecodeString(p.Text)
	default:
		return api.Typed{Type: p.Type, Text: p.Text}, nil
	}
}

// paramType is the Arrow type for a parameter of a type of SQL, see api.QueryError.Params. Of decimals it is a number
// without a scale, which clients could not know; times are in milliseconds, which is all that JDBC's driver can send
// (it takes no notice of units); what is not known is text.
func paramType(sql string) arrow.DataType {
	switch sql {
	case "BOOLEAN":
		return arrow.FixedWidthTypes.Boolean
	case "BIGINT":
		return arrow.PrimitiveTypes.Int64
	case "DOUBLE":
		return arrow.PrimitiveTypes.Float64
	case "BLOB":
		return arrow.BinaryTypes.Binary
	case "DATE":
		return arrow.FixedWidthTypes.Date32
	case "TIME":
		return arrow.FixedWidthTypes.Time32ms
	case "TIMESTAMP":
		return &arrow.TimestampType{Unit: arrow.Millisecond}
	case "TIMESTAMPTZ":
		return arrow.FixedWidthTypes.Timestamp_ms
	}
	return arrow.BinaryTypes.String
}

// params takes the values of the one row of a binding.
func params(b arrow.RecordBatch) ([]param, error) {
	out := make([]param, b.NumCols())
	for i, c := range b.Columns() {
		var err error
		if out[i], err = bound(c); err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "parameter %d: %s", i+1, err)
		}
	}
	return out, nil
}

// bound takes the value of an array of one row.
func bound(c arrow.Array) (param, error) {
	if c.IsNull(0) {
		return param{Type: kindNull}, nil
	}
	switch a := c.(type) {
	case *array.Null:
		return param{Type: kindNull}, nil
	case *array.Boolean:
		return param{kindBool, strconv.FormatBool(a.Value(0))}, nil
	case *array.Int8, *array.Int16, *array.Int32, *array.Int64:
		return param{kindInt, a.ValueStr(0)}, nil
	case *array.Uint8, *array.Uint16, *array.Uint32, *array.Uint64:
		return param{kindUint, a.ValueStr(0)}, nil
	case *array.Float32:
		return param{kindFloat, strconv.FormatFloat(float64(a.Value(0)), 'g', -1, 32)}, nil
	case *array.Float64:
		return param{kindFloat, strconv.FormatFloat(a.Value(0), 'g', -1, 64)}, nil
	case array.StringLike:
		return param{kindText, a.Value(0)}, nil
	case *array.Binary:
		return param{kindBytes, hex.EncodeToString(a.Value(0))}, nil
	case *array.LargeBinary:
		return param{kindBytes, hex.EncodeToString(a.Value(0))}, nil
	case *array.BinaryView:
		return param{kindBytes, hex.EncodeToString(a.Value(0))}, nil
	case *array.FixedSizeBinary:
		return param{kindBytes, hex.EncodeToString(a.Value(0))}, nil
	case *array.Date32:
		return param{"DATE", a.Value(0).FormattedString()}, nil
	case *array.Date64:
		return param{"DATE", a.Value(0).FormattedString()}, nil
	case *array.Time32:
		return param{"TIME", a.Value(0).FormattedString(a.DataType().(*arrow.Time32Type).Unit)}, nil
	case *array.Time64:
		return param{"TIME", a.Value(0).FormattedString(a.DataType().(*arrow.Time64Type).Unit)}, nil
	case *array.Timestamp:
		t := a.DataType().(*arrow.TimestampType)
		text := a.Value(0).ToTime(t.Unit).UTC().Format("2006-01-02 15:04:05.999999999")
		if t.TimeZone != "" {
			return param{"TIMESTAMPTZ", text + "Z"}, nil
		}
		return param{"TIMESTAMP", text}, nil
	case *array.Dictionary:
		return bound(array.NewSlice(a.Dictionary(), int64(a.GetValueIndex(0)), int64(a.GetValueIndex(0))+1))
	}
	if t, ok := c.DataType().(arrow.DecimalType); ok && t.GetPrecision() <= 38 && t.GetScale() >= 0 {
		return param{fmt.Sprintf("DECIMAL(%d,%d)", t.GetPrecision(), t.GetScale()), c.ValueStr(0)}, nil
	}
	return param{}, fmt.Errorf("values of type %s can't be bound: send a number, a text, a time or bytes", c.DataType())
}
