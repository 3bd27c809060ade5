// Package debezium reads change events as Debezium's connectors write them with Kafka Connect's JSON converter, with
// and without schemas (spec data-refresh 7.2; Debezium reference, "Data change events"). What a connector says of
// itself in source is not looked into, so that those of all databases are read alike.
//
// It starts no goroutines and knows nothing of Kafka.
package debezium

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Op is what happened to a row.
type Op byte

// The operations.
const (
	Create   Op = 'c'
	Update   Op = 'u'
	Delete   Op = 'd'
	Read     Op = 'r' // of the connector's own first snapshot
	Truncate Op = 't'
	Message  Op = 'm' // a logical message, which is about no row
)

// String is the word for people.
func (o Op) String() string {
	switch o {
	case Create:
		return "insert"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Read:
		return "snapshot read"
	case Truncate:
		return "truncate"
	case Message:
		return "message"
	default:
		return fmt.Sprintf("operation %q", string(o))
	}
}

// Event is one change event.
type Event struct {
	// Tombstone is a message without a value, which follows a delete for the sake of the topic's compaction; nothing
	// else of it is set but Keys and Key.
	Tombstone bool
	Op        Op
	// Keys are the columns of the primary key, nil when the message has no key; Key is its text.
	Keys []string
	Key  json.RawMessage
	// Row is the row after the change, of a delete the row before it; nil where the change is about no row.
	Row json.RawMessage
	// Before is the row before an update, as far as the database told; nil when it did not.
	Before json.RawMessage
	// Type is that of rows; nil when the converter writes no schemas.
	Type *Type
	// At is when the connector handled the change; zero when it does not say.
	At time.Time
}

// Type is that of the rows of a topic.
type Type struct {
	// Schema has the columns as they are kept.
	Schema *arrow.Schema
	fields []field
}

// ErrEvent is in every error of this package: the message is none that Debezium writes, or a value is none of its
// type.
var ErrEvent = errors.New("not a change event")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrEvent}, args...)...)
}

// Reader reads events. It remembers the schemas that it read, which are the same for very many. It is not safe for
// concurrent use.
type Reader struct {
	types map[string]*Type
	keys  map[string][]string
}

// remembered bounds how many schemas a Reader remembers.
const remembered = 64

// NewReader returns a Reader.
func NewReader() *Reader {
	return &Reader{types: map[string]*Type{}, keys: map[string][]string{}}
}

// message is a value or a key: with schema and payload, or the payload alone.
type message struct {
	Schema  json.RawMessage `json:"schema"`
	Payload json.RawMessage `json:"payload"`
}

// payload is what an event says.
type payload struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	Op     string          `json:"op"`
	TsMs   *int64          `json:"ts_ms"`
}

// Event reads one message; key and value are nil where the message has none.
func (r *Reader) Event(key, value []byte) (Event, error) {
	var e Event
	if len(key) > 0 {
		if err := r.key(key, &e); err != nil {
			return e, err
		}
	}
	if len(value) == 0 || bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
		e.Tombstone = true
		return e, nil
	}
	schema, body, err := split(value)
	if err != nil {
		return e, err
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return e, bad("%w", err)
	}
	if len(p.Op) != 1 {
		return e, bad("op is %q", p.Op)
	}
	e.Op = Op(p.Op[0])
	if p.TsMs != nil {
		e.At = time.UnixMilli(*p.TsMs).UTC()
	}
	if !absent(schema) {
		if e.Type, err = r.typeOf(schema); err != nil {
			return e, err
		}
	}
	switch e.Op {
	case Create, Update, Read:
		e.Row = p.After
		if e.Op == Update && !absent(p.Before) {
			e.Before = p.Before
		}
	case Delete:
		e.Row = p.Before
	case Truncate, Message:
		return e, nil
	default:
		return e, bad("op %q is not known", p.Op)
	}
	if absent(e.Row) {
		return e, bad("the %s has no row: with PostgreSQL REPLICA IDENTITY tells which columns a delete has", e.Op)
	}
	return e, nil
}

// split divides a message into schema and payload. A payload alone has no schema.
func split(b []byte) (schema, body json.RawMessage, err error) {
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, bad("%w", err)
	}
	if m.Payload == nil {
		return nil, b, nil
	}
	return m.Schema, m.Payload, nil
}

func absent(b json.RawMessage) bool { return len(b) == 0 || string(b) == "null" }

// key reads the columns of the primary key.
func (r *Reader) key(b []byte, e *Event) error {
	schema, body, err := split(b)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if absent(body) {
		return nil
	}
	e.Key = body
	if absent(schema) {
		if e.Keys, err = names(body); err != nil {
			return fmt.Errorf("key: %w", err)
		}
		return nil
	}
	known, ok := r.keys[string(schema)]
	if !ok {
		var s connect
		if err := json.Unmarshal(schema, &s); err != nil {
			return bad("schema of the key: %w", err)
		}
		for _, f := range s.Fields {
			known = append(known, f.Field)
		}
		if len(r.keys) >= remembered {
			clear(r.keys)
		}
		r.keys[string(schema)] = known
	}
	e.Keys = known
	return nil
}

// names are the members of an object, in their order.
func names(b []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, bad("it is no object")
	}
	var out []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, bad("%w", err)
		}
		out = append(out, t.(string)) // what stands before a value within an object
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			return nil, bad("%w", err)
		}
	}
	return out, nil
}

// typeOf is the type of rows that the schema of a value describes: of its member after.
func (r *Reader) typeOf(schema json.RawMessage) (*Type, error) {
	if t := r.types[string(schema)]; t != nil {
		return t, nil
	}
	var s connect
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, bad("schema: %w", err)
	}
	for _, member := range []string{"after", "before"} {
		for _, f := range s.Fields {
			if f.Field != member {
				continue
			}
			t, err := f.rows()
			if err != nil {
				return nil, err
			}
			if len(r.types) >= remembered {
				clear(r.types)
			}
			r.types[string(schema)] = t
			return t, nil
		}
	}
	return nil, bad("the schema has no member after")
}
