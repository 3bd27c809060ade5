package debezium

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hamba/avro/v2"
)

// Schemas tells the schemas that a registry has.
type Schemas interface {
	// Schema returns the text of a schema of Avro. Its error is handed on as it is.
	Schema(ctx context.Context, id int) (string, error)
}

// AvroReader reads events that Kafka Connect's Avro converter wrote: each is a zero byte, the number of its schema in
// a registry in four bytes, and the value. It is not safe for concurrent use.
type AvroReader struct {
	schemas   Schemas
	known     map[int]*avroSchema
	documents Reader
}

// avroSchema is a schema of a key or a value.
type avroSchema struct {
	top  *node
	typ  *Type    // of the rows of an event
	keys []string // the members
	err  error    // why it is no schema of events
}

// NewAvroReader returns an AvroReader.
func NewAvroReader(schemas Schemas) *AvroReader {
	return &AvroReader{schemas: schemas, known: map[int]*avroSchema{}}
}

// Event reads one message; key and value are nil where the message has none. An error that does not wrap ErrEvent is
// the registry's.
func (r *AvroReader) Event(ctx context.Context, key, value []byte) (Event, error) {
	var e Event
	if len(key) > 0 {
		s, body, err := r.open(ctx, key)
		if err != nil {
			return e, fmt.Errorf("key: %w", err)
		}
		if s.top.kind != avro.Record {
			return e, bad("key: it is no record")
		}
		e.Keys, e.Key = s.keys, Row{avro: body, node: s.top}
	}
	if len(value) == 0 {
		e.Tombstone = true
		return e, nil
	}
	s, body, err := r.open(ctx, value)
	if err == nil && s.err != nil {
		err = s.err
	}
	if err != nil {
		return e, err
	}
	e.Type = s.typ
	return e, r.envelope(&e, s.top, body)
}

// open finds the schema of a message, and what it describes.
func (r *AvroReader) open(ctx context.Context, b []byte) (*avroSchema, []byte, error) {
	if len(b) < 5 || b[0] != 0 {
		return nil, nil, bad("it does not begin with the number of a schema, as the Avro converter writes it: %.20q", b)
	}
	id := int(binary.BigEndian.Uint32(b[1:5]))
	if s := r.known[id]; s != nil {
		return s, b[5:], nil
	}
	text, err := r.schemas.Schema(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	s, err := newAvroSchema(text)
	if err != nil {
		return nil, nil, fmt.Errorf("schema %d: %w", id, err)
	}
	if len(r.known) >= remembered {
		clear(r.known)
	}
	r.known[id] = s
	return s, b[5:], nil
}

func newAvroSchema(text string) (*avroSchema, error) {
	parsed, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		return nil, bad("%w", err)
	}
	s := &avroSchema{}
	if s.top, err = compile(parsed, map[string]*node{}); err != nil {
		return nil, err
	}
	record, ok := parsed.(*avro.RecordSchema)
	if !ok {
		s.err = bad("it is of type %s, not a record", parsed.Type())
		return s, nil
	}
	s.keys = s.top.names
	s.err = bad("the schema has no member after or before: if the connector has the transformation ExtractNewRecordState, take it away")
	for _, member := range []string{"before", "after"} {
		for _, f := range record.Fields() {
			if f.Name() != member {
				continue
			}
			c, err := connectOf(f.Type(), 0)
			if s.err = err; err != nil || c.Type == "string" { // MongoDB writes documents as texts
				continue
			}
			s.typ, s.err = c.rows()
		}
	}
	return s, nil
}

// envelope reads an event.
func (r *AvroReader) envelope(e *Event, top *node, body []byte) error {
	c := &cursor{b: body}
	var before, after Row
	var texts [2][]byte // of MongoDB, before and after
	op := ""
	for i, f := range top.fields {
		switch top.names[i] {
		case "before":
			before, texts[0] = c.row(f)
		case "after":
			after, texts[1] = c.row(f)
		case "op":
			if f = c.pick(f); f != nil && f.kind == avro.String {
				op = string(c.bytes())
			} else {
				f.skip(c)
			}
		case "ts_ms":
			if f = c.pick(f); f != nil && f.kind == avro.Long {
				e.At = time.UnixMilli(c.long()).UTC()
			} else {
				f.skip(c)
			}
		case "source":
			e.Snapshot = c.snapshot(f)
		default:
			f.skip(c)
		}
	}
	if c.bad || len(c.b) > 0 {
		return bad("the message does not go with its schema")
	}
	if len(op) != 1 {
		return bad("op is %q", op)
	}
	e.Op = Op(op[0])
	if e.Type == nil {
		return r.documents.mongo(e, texts[0], texts[1])
	}
	return e.settle(before, after)
}

// row reads the extent of a row, or the text of a document.
func (c *cursor) row(f *node) (Row, []byte) {
	f = c.pick(f)
	if f == nil || f.kind == avro.Null {
		return Row{}, nil
	}
	if f.kind == avro.String {
		return Row{}, c.bytes()
	}
	from := c.b
	f.skip(c)
	if c.bad || f.kind != avro.Record {
		return Row{}, nil
	}
	return Row{avro: from[:len(from)-len(c.b)], node: f}, nil
}

// snapshot reads what source says of the connector's snapshot.
func (c *cursor) snapshot(f *node) (more bool) {
	f = c.pick(f)
	if f == nil || f.kind != avro.Record {
		f.skip(c)
		return false
	}
	for i, of := range f.fields {
		if f.names[i] != "snapshot" {
			of.skip(c)
			continue
		}
		switch of = c.pick(of); {
		case of != nil && of.kind == avro.String:
			more = snapshotting(string(c.bytes()))
		case of != nil && of.kind == avro.Boolean:
			more = c.bool()
		default:
			of.skip(c)
		}
	}
	return more
}
