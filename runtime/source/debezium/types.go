package debezium

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
)

// connect is a schema of Kafka Connect.
type connect struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Field      string            `json:"field"`
	Optional   bool              `json:"optional"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connect         `json:"fields"`
	Items      *connect          `json:"items"`
}

// field is a column, and how its values are written.
type field struct {
	arrow.Field
	form   form
	nested *Type // of a struct, or with the one column of a list's items
}

// form is how a value is written.
type form int

const (
	asNumber form = iota + 1
	asFloat
	asBool
	asText
	asBase64
	asDecimal   // base64 of the unscaled number, big-endian, two's complement
	asVariable  // an object with scale and value, kept as text
	asZonedTime // text with an offset
	asZonedInstant
	asList
	asStruct
	asJSON // anything, kept as its text
	// Of rows without a schema.
	guessInt
	guessFloat
	guessBool
	guessText // texts as they are, all else as JSON
)

func (f form) guess() bool { return f >= guessInt }

// rows is the type of rows of a struct.
func (c connect) rows() (*Type, error) {
	if c.Type != "struct" || len(c.Fields) == 0 {
		return nil, bad("rows are of type %q, not a struct", c.Type)
	}
	fields, err := columns(c.Fields)
	if err != nil {
		return nil, err
	}
	return newType(fields), nil
}

func columns(cs []connect) ([]field, error) {
	out := make([]field, len(cs))
	seen := map[string]bool{}
	for i, c := range cs {
		f, err := c.column()
		if err != nil {
			return nil, err
		}
		if c.Field == "" || seen[c.Field] {
			return nil, bad("two columns are named %q", c.Field)
		}
		seen[c.Field] = true
		out[i] = f
	}
	return out, nil
}

// column is the column of a field (spec data-refresh 7.2, the type map).
func (c connect) column() (field, error) {
	f := field{Field: arrow.Field{Name: c.Field, Nullable: c.Optional}}
	set := func(t arrow.DataType, w form) (field, error) {
		f.Type, f.form = t, w
		return f, nil
	}
	switch c.Name {
	case "io.debezium.time.ZonedTimestamp":
		return set(&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, asZonedInstant)
	case "io.debezium.time.ZonedTime":
		return set(arrow.FixedWidthTypes.Time64us, asZonedTime)
	case "io.debezium.time.Date", "org.apache.kafka.connect.data.Date":
		return set(arrow.FixedWidthTypes.Date32, asNumber)
	case "io.debezium.time.Time", "org.apache.kafka.connect.data.Time":
		return set(arrow.FixedWidthTypes.Time32ms, asNumber)
	case "io.debezium.time.MicroTime":
		return set(arrow.FixedWidthTypes.Time64us, asNumber)
	case "io.debezium.time.NanoTime":
		return set(arrow.FixedWidthTypes.Time64ns, asNumber)
	case "io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp":
		return set(&arrow.TimestampType{Unit: arrow.Millisecond}, asNumber)
	case "io.debezium.time.MicroTimestamp":
		return set(&arrow.TimestampType{Unit: arrow.Microsecond}, asNumber)
	case "io.debezium.time.NanoTimestamp":
		return set(&arrow.TimestampType{Unit: arrow.Nanosecond}, asNumber)
	case "io.debezium.data.VariableScaleDecimal":
		return set(arrow.BinaryTypes.String, asVariable)
	case "org.apache.kafka.connect.data.Decimal":
		return c.decimal(f)
	}
	switch c.Type {
	case "int8":
		return set(arrow.PrimitiveTypes.Int8, asNumber)
	case "int16":
		return set(arrow.PrimitiveTypes.Int16, asNumber)
	case "int32":
		return set(arrow.PrimitiveTypes.Int32, asNumber)
	case "int64":
		return set(arrow.PrimitiveTypes.Int64, asNumber)
	case "float", "float32":
		return set(arrow.PrimitiveTypes.Float32, asFloat)
	case "double", "float64":
		return set(arrow.PrimitiveTypes.Float64, asFloat)
	case "boolean":
		return set(arrow.FixedWidthTypes.Boolean, asBool)
	case "string":
		return set(arrow.BinaryTypes.String, asText)
	case "bytes":
		return set(arrow.BinaryTypes.Binary, asBase64)
	case "map":
		return set(arrow.BinaryTypes.String, asJSON)
	case "array":
		if c.Items == nil {
			return f, bad("column %q is an array of nothing", c.Field)
		}
		items := *c.Items
		items.Field = "item"
		of, err := items.column()
		if err != nil {
			return f, err
		}
		f.nested = newType([]field{of})
		return set(arrow.ListOfField(of.Field), asList)
	case "struct":
		if len(c.Fields) == 0 {
			return set(arrow.BinaryTypes.String, asJSON)
		}
		of, err := columns(c.Fields)
		if err != nil {
			return f, err
		}
		f.nested = newType(of)
		return set(arrow.StructOf(f.nested.Schema.Fields()...), asStruct)
	}
	return f, bad("column %q is of type %q, which pitwall does not know", c.Field, c.Type)
}

// decimal is a number of a fixed scale.
func (c connect) decimal(f field) (field, error) {
	number := func(name string, otherwise int) (int32, error) {
		text, ok := c.Parameters[name]
		if !ok {
			return int32(otherwise), nil
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return 0, bad("column %q: %s is %q", c.Field, name, text)
		}
		return int32(n), nil
	}
	scale, err := number("scale", 0)
	if err != nil {
		return f, err
	}
	precision, err := number("connect.decimal.precision", 38)
	if err != nil {
		return f, err
	}
	switch {
	case precision < 1 || precision > 76 || scale < 0 || scale > precision:
		return f, bad("column %q is a decimal(%d, %d), which no engine keeps", c.Field, precision, scale)
	case precision <= 38:
		f.Type = &arrow.Decimal128Type{Precision: precision, Scale: scale}
	default:
		f.Type = &arrow.Decimal256Type{Precision: precision, Scale: scale}
	}
	f.form = asDecimal
	return f, nil
}
