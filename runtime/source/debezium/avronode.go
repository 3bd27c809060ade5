package debezium

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"github.com/hamba/avro/v2"
)

// node is a schema of Avro, made for reading values where they are.
type node struct {
	kind    avro.Type
	size    int64    // of a fixed
	symbols []string // of an enum
	names   []string // of the fields of a record
	fields  []*node  // of a record, or the types of a union
	items   *node    // of an array or a map
}

// compile makes a node; types that have a name are known by it.
func compile(s avro.Schema, named map[string]*node) (*node, error) {
	n := &node{kind: s.Type()}
	if x, ok := s.(avro.NamedSchema); ok && s.Type() != avro.Ref {
		named[x.FullName()] = n
	}
	var err error
	switch s := s.(type) {
	case *avro.RefSchema:
		if of := named[s.Schema().FullName()]; of != nil {
			return of, nil
		}
		return compile(s.Schema(), named)
	case *avro.RecordSchema:
		for _, f := range s.Fields() {
			of, err := compile(f.Type(), named)
			if err != nil {
				return nil, err
			}
			n.names, n.fields = append(n.names, f.Name()), append(n.fields, of)
		}
	case *avro.UnionSchema:
		for _, t := range s.Types() {
			of, err := compile(t, named)
			if err != nil {
				return nil, err
			}
			n.fields = append(n.fields, of)
		}
	case *avro.ArraySchema:
		n.items, err = compile(s.Items(), named)
	case *avro.MapSchema:
		n.items, err = compile(s.Values(), named)
	case *avro.FixedSchema:
		n.size = int64(s.Size())
	case *avro.EnumSchema:
		n.symbols = s.Symbols()
	case *avro.PrimitiveSchema, *avro.NullSchema:
	default:
		return nil, bad("pitwall does not know Avro's type %s", s.Type())
	}
	return n, err
}

// cursor reads values. It is bad, and at its end, once something does not go with what it reads.
type cursor struct {
	b     []byte
	bad   bool
	depth int // of records within records
}

// deepest bounds depth: a schema may be one of itself.
const deepest = 1000

func (c *cursor) fail() { c.b, c.bad = nil, true }

func (c *cursor) long() int64 {
	n, size := binary.Varint(c.b)
	if size <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[size:]
	return n
}

func (c *cursor) take(n int64) []byte {
	if n < 0 || n > int64(len(c.b)) {
		c.fail()
		return nil
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) bytes() []byte { return c.take(c.long()) }

func (c *cursor) bool() bool {
	b := c.take(1)
	return len(b) == 1 && b[0] != 0
}

func (c *cursor) float() float64 {
	if b := c.take(4); b != nil {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return 0
}

func (c *cursor) double() float64 {
	if b := c.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// pick reads which type of a union follows; nil when that is none. Another type is its own.
func (c *cursor) pick(n *node) *node {
	if n.kind != avro.Union {
		return n
	}
	i := c.long()
	if c.bad || i < 0 || i >= int64(len(n.fields)) {
		c.fail()
		return nil
	}
	return n.fields[i]
}

// items calls of for each item of an array, or entry of a map.
func (c *cursor) items(of func()) {
	for !c.bad {
		n := c.long()
		if n < 0 {
			n = -n
			c.long() // the size of the block
		}
		if n == 0 {
			return
		}
		if n < 0 || n > int64(len(c.b)) {
			c.fail()
		}
		for range n {
			if c.bad {
				return
			}
			of()
		}
	}
}

// skip passes over a value.
func (n *node) skip(c *cursor) {
	if n == nil || c.bad {
		c.fail()
		return
	}
	switch n.kind {
	case avro.Null:
	case avro.Boolean:
		c.take(1)
	case avro.Int, avro.Long, avro.Enum:
		c.long()
	case avro.Float:
		c.take(4)
	case avro.Double:
		c.take(8)
	case avro.Bytes, avro.String:
		c.bytes()
	case avro.Fixed:
		c.take(n.size)
	case avro.Union:
		c.pick(n).skip(c)
	case avro.Record:
		if c.depth++; c.depth > deepest {
			c.fail()
		}
		for _, f := range n.fields {
			f.skip(c)
		}
		c.depth--
	case avro.Array:
		c.items(func() { n.items.skip(c) })
	case avro.Map:
		c.items(func() { c.bytes(); n.items.skip(c) })
	}
}

// text appends a value in JSON.
func (n *node) text(c *cursor, to []byte) []byte {
	quote := func(s string) []byte {
		b, err := json.Marshal(s)
		if err != nil { // there is none for a text
			return append(to, "null"...)
		}
		return append(to, b...)
	}
	number := func(x float64, bits int) []byte {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return quote(strconv.FormatFloat(x, 'g', -1, bits))
		}
		return strconv.AppendFloat(to, x, 'g', -1, bits)
	}
	separate := func(first *bool) {
		if !*first {
			to = append(to, ',')
		}
		*first = false
	}
	if n == nil || c.bad {
		c.fail()
		return append(to, "null"...)
	}
	first := true
	switch n.kind {
	case avro.Boolean:
		return strconv.AppendBool(to, c.bool())
	case avro.Int, avro.Long:
		return strconv.AppendInt(to, c.long(), 10)
	case avro.Enum:
		return quote(n.symbol(c))
	case avro.Float:
		return number(c.float(), 32)
	case avro.Double:
		return number(c.double(), 64)
	case avro.String:
		return quote(string(c.bytes()))
	case avro.Bytes:
		return quote(base64.StdEncoding.EncodeToString(c.bytes()))
	case avro.Fixed:
		return quote(base64.StdEncoding.EncodeToString(c.take(n.size)))
	case avro.Union:
		return c.pick(n).text(c, to)
	case avro.Record:
		if c.depth++; c.depth > deepest {
			c.fail()
		}
		to = append(to, '{')
		for i, f := range n.fields {
			separate(&first)
			to = append(quote(n.names[i]), ':')
			to = f.text(c, to)
		}
		c.depth--
		return append(to, '}')
	case avro.Array:
		to = append(to, '[')
		c.items(func() { separate(&first); to = n.items.text(c, to) })
		return append(to, ']')
	case avro.Map:
		to = append(to, '{')
		c.items(func() {
			separate(&first)
			to = append(quote(string(c.bytes())), ':')
			to = n.items.text(c, to)
		})
		return append(to, '}')
	}
	return append(to, "null"...)
}

// symbol reads a value of an enum.
func (n *node) symbol(c *cursor) string {
	if i := c.long(); i >= 0 && i < int64(len(n.symbols)) {
		return n.symbols[i]
	}
	c.fail()
	return ""
}
