package debezium

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/hamba/avro/v2"
)

// maxDepth bounds how deep a row may nest.
const maxDepth = 64

// connectOf is the schema of Kafka Connect that the converter made a schema of Avro of.
func connectOf(s avro.Schema, depth int) (connect, error) {
	var c connect
	if depth > maxDepth {
		return c, bad("the schema nests deeper than %d", maxDepth)
	}
	if x, ok := s.(interface{ Prop(string) any }); ok {
		c.Name, _ = x.Prop("connect.name").(string)
		if all, ok := x.Prop("connect.parameters").(map[string]any); ok {
			c.Parameters = map[string]string{}
			for k, v := range all {
				c.Parameters[k] = fmt.Sprint(v)
			}
		}
		if t, ok := x.Prop("connect.type").(string); ok && (t == "int8" || t == "int16") {
			c.Type = t
			return c, nil
		}
	}
	var err error
	switch s := s.(type) {
	case *avro.RefSchema:
		return connectOf(s.Schema(), depth+1)
	case *avro.UnionSchema:
		return connectOfUnion(s, depth)
	case *avro.PrimitiveSchema:
		c.Type = map[avro.Type]string{avro.Int: "int32", avro.Long: "int64"}[s.Type()]
		if c.Type == "" {
			c.Type = string(s.Type()) // Connect has the same name
		}
		if c.Name == "" {
			c.logical(s.Logical())
		}
	case *avro.EnumSchema:
		c.Type, c.Name = "string", ""
	case *avro.FixedSchema:
		c.Type = "bytes"
		if c.Name == "" {
			c.logical(s.Logical())
		}
	case *avro.MapSchema:
		c.Type = "map"
	case *avro.ArraySchema:
		c.Type = "array"
		var items connect
		items, err = connectOf(s.Items(), depth+1)
		c.Items = &items
	case *avro.RecordSchema:
		c.Type = "struct"
		for _, f := range s.Fields() {
			of, err := connectOf(f.Type(), depth+1)
			if err != nil {
				return c, fmt.Errorf("column %q: %w", f.Name(), err)
			}
			of.Field = f.Name()
			c.Fields = append(c.Fields, of)
		}
	default:
		err = bad("pitwall does not know Avro's type %s", s.Type())
	}
	return c, err
}

// connectOfUnion is that of a value that may be missing.
func connectOfUnion(s *avro.UnionSchema, depth int) (connect, error) {
	var c connect
	n := 0
	for _, t := range s.Types() {
		if t.Type() == avro.Null {
			continue
		}
		of, err := connectOf(t, depth+1)
		if err != nil {
			return c, err
		}
		c, n = of, n+1
	}
	if n != 1 {
		return c, bad("a union of %d types, besides null, is none that Debezium writes", n)
	}
	c.Optional = c.Optional || len(s.Types()) > n
	return c, nil
}

// logical are types that Avro has itself.
func (c *connect) logical(l avro.LogicalSchema) {
	switch l := l.(type) {
	case *avro.DecimalLogicalSchema:
		c.Name = "org.apache.kafka.connect.data.Decimal"
		c.Parameters = map[string]string{"scale": strconv.Itoa(l.Scale()), "connect.decimal.precision": strconv.Itoa(l.Precision())}
	case *avro.PrimitiveLogicalSchema:
		c.Name = map[avro.LogicalType]string{
			avro.Date: "io.debezium.time.Date", avro.TimeMillis: "io.debezium.time.Time", avro.TimeMicros: "io.debezium.time.MicroTime",
			avro.TimestampMillis: "io.debezium.time.Timestamp", avro.LocalTimestampMillis: "io.debezium.time.Timestamp",
			avro.TimestampMicros: "io.debezium.time.MicroTimestamp", avro.LocalTimestampMicros: "io.debezium.time.MicroTimestamp",
		}[l.Type()]
	}
}

// appendRecord appends a row.
func (r *Rows) appendRecord(n *node, b []byte, partial bool) error {
	c := &cursor{b: b}
	if err := r.appendMembers(r.b.Fields(), r.typ, n, c, partial); err != nil {
		return err
	}
	if c.bad {
		return bad("the row does not go with its schema")
	}
	return nil
}

// appendMembers appends the fields of a record, whose order is mostly that of the columns.
func (r *Rows) appendMembers(to []array.Builder, t *Type, n *node, c *cursor, partial bool) error {
	same := len(n.names) == len(t.fields)
	for i := 0; same && i < len(n.names); i++ {
		same = n.names[i] == t.fields[i].Name
	}
	if same {
		for i := range t.fields {
			if err := r.appendAvro(to[i], &t.fields[i], n.fields[i], c, partial); err != nil {
				return err
			}
		}
		return nil
	}
	at, of := make([][]byte, len(t.fields)), make([]*node, len(t.fields))
	for i, f := range n.fields {
		from := c.b
		if f.skip(c); c.bad {
			return bad("the row does not go with its schema")
		}
		if k, ok := t.index[n.names[i]]; ok {
			at[k], of[k] = from, f
		}
	}
	for i := range t.fields {
		f := of[i]
		if f == nil {
			f = &node{kind: avro.Null}
		}
		if err := r.appendAvro(to[i], &t.fields[i], f, &cursor{b: at[i]}, partial); err != nil {
			return err
		}
	}
	return nil
}

// appendAvro appends a value.
func (r *Rows) appendAvro(to array.Builder, f *field, n *node, c *cursor, partial bool) error {
	n = c.pick(n)
	if n == nil || n.kind == avro.Null {
		if n != nil && !f.Nullable && !partial {
			return bad("column %q is NULL or missing, and its schema says that it never is", f.Name)
		}
		to.AppendNull()
		return nil
	}
	ok := false
	switch n.kind {
	case avro.Boolean:
		if ok = f.form == asBool; ok {
			to.(*array.BooleanBuilder).Append(c.bool())
		}
	case avro.Int, avro.Long:
		ok = f.form == asNumber && appendNumber(to, c.long())
	case avro.Float, avro.Double:
		if ok = f.form == asFloat; ok && n.kind == avro.Float {
			appendFloat64(to, c.float())
		} else if ok {
			appendFloat64(to, c.double())
		}
	case avro.Enum:
		ok = f.form == asText && appendString(to, []byte(n.symbol(c)))
	case avro.String:
		text := c.bytes()
		if string(text) == Unavailable {
			if partial {
				to.AppendNull()
				return nil
			}
			return &UnavailableError{f.Name}
		}
		ok = utf8.Valid(text) && f.appendString(to, text)
	case avro.Bytes:
		return r.appendBytes(to, f, c.bytes(), partial)
	case avro.Fixed:
		return r.appendBytes(to, f, c.take(n.size), partial)
	case avro.Record:
		if f.form == asVariable && len(n.names) == 2 && n.names[0] == "scale" && n.names[1] == "value" {
			var text string
			scale := c.long()
			if text, ok = variable(int(scale), c.bytes()); ok {
				to.(*array.StringBuilder).Append(text)
			}
			break
		}
		if s, is := to.(*array.StructBuilder); is && f.form == asStruct {
			s.Append(true)
			of := make([]array.Builder, s.NumField())
			for i := range of {
				of[i] = s.FieldBuilder(i)
			}
			return r.appendMembers(of, f.nested, n, c, false)
		}
		ok = f.form == asJSON && r.appendJSON(to, n, c)
	case avro.Array:
		if l, is := to.(*array.ListBuilder); is && f.form == asList {
			l.Append(true)
			var err error
			c.items(func() {
				if err == nil {
					err = r.appendAvro(l.ValueBuilder(), &f.nested.fields[0], n.items, c, false)
				} else {
					c.fail()
				}
			})
			return err
		}
	case avro.Map:
		ok = f.form == asJSON && r.appendJSON(to, n, c)
	}
	if !ok || c.bad {
		return bad("column %q of type %s has a value that is none of it", f.Name, f.Type)
	}
	return nil
}

// appendJSON appends a value as JSON.
func (r *Rows) appendJSON(to array.Builder, n *node, c *cursor) bool {
	r.buf = n.text(c, r.buf[:0])
	return !c.bad && json.Valid(r.buf) && appendString(to, r.buf)
}

func (r *Rows) appendBytes(to array.Builder, f *field, b []byte, partial bool) error {
	switch {
	case string(b) == Unavailable && partial:
		to.AppendNull()
		return nil
	case string(b) == Unavailable:
		return &UnavailableError{f.Name}
	case f.form == asBase64:
		to.(*array.BinaryBuilder).Append(b)
		return nil
	case f.form == asDecimal && f.appendDecimal(to, b):
		return nil
	}
	return bad("column %q of type %s has a value that is none of it", f.Name, f.Type)
}
