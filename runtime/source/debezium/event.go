// Package debezium reads change events as Debezium's connectors write them with Kafka Connect's JSON converter, with
// and without schemas, and with the Avro converter (spec data-refresh 7.2; Debezium reference, "Data change events").
// What a connector says of itself in source is not looked into but for the state of its snapshot, so that those of
// all databases are read alike. JSON objects that are no events are read here too, as rows without a schema.
//
// It starts no goroutines and knows nothing of Kafka.
package debezium

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/valyala/fastjson"
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

// Event is one change event. Its rows are those of its Reader, until the next call of it.
type Event struct {
	// Tombstone is a message without a value, which follows a delete for the sake of the topic's compaction; nothing
	// else of it is set but Keys and Key.
	Tombstone bool
	Op        Op
	// Keys are the columns of the primary key, nil when the message has no key; Key is a row of these only.
	Keys []string
	Key  Row
	// Row is the row after the change, of a delete the row before it, or its key when the event has no row; none
	// where the change is about no row.
	Row Row
	// Before is the row before an update, as far as the database told; none when it did not.
	Before Row
	// Type is that of rows; nil when the converter writes no schemas.
	Type *Type
	// At is when the connector handled the change; zero when it does not say.
	At time.Time
	// Snapshot tells that the connector's own first snapshot goes on behind this event.
	Snapshot bool
}

// ErrEvent is in every error of this package: the message is none that Debezium writes, or a value is none of its
// type.
var ErrEvent = errors.New("not a change event")

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrEvent}, args...)...)
}

// Reader reads events in JSON. It remembers the schemas that it read, which are the same for very many, and knows a
// message with the same schema by its first bytes. It is not safe for concurrent use.
type Reader struct {
	types, keys []*envelope
	key, value  fastjson.Parser
	document    fastjson.Parser // of MongoDB
	last        []string        // the columns of the last key without a schema
}

// envelope is a schema that was read.
type envelope struct {
	schema string
	head   []byte // what stands before the payload; nil when the message was written otherwise
	typ    *Type
	keys   []string
}

// remembered bounds how many schemas a Reader remembers.
const remembered = 64

// NewReader returns a Reader.
func NewReader() *Reader { return &Reader{} }

// Event reads one message; key and value are nil where the message has none.
func (r *Reader) Event(key, value []byte) (Event, error) {
	var e Event
	if len(key) > 0 {
		if err := r.readKey(key, &e); err != nil {
			return e, fmt.Errorf("key: %w", err)
		}
	}
	if len(value) == 0 {
		e.Tombstone = true
		return e, nil
	}
	known, p, err := open(&r.value, &r.types, value, rowsOf)
	if err != nil {
		return e, err
	}
	if p.Type() == fastjson.TypeNull {
		e.Tombstone = true
		return e, nil
	}
	if p.Type() != fastjson.TypeObject {
		return e, bad("it is no object: %.60s", value)
	}
	if known != nil {
		e.Type = known.typ
	}
	op := p.GetStringBytes("op")
	if len(op) != 1 {
		return e, bad("op is %q%s", op, flattened(p))
	}
	e.Op = Op(op[0])
	if at := p.Get("ts_ms"); at != nil && at.Type() == fastjson.TypeNumber {
		if ms, err := at.Int64(); err == nil {
			e.At = time.UnixMilli(ms).UTC()
		}
	}
	if s := p.Get("source", "snapshot"); s != nil {
		e.Snapshot = snapshotting(string(s.GetStringBytes())) || s.Type() == fastjson.TypeTrue
	}
	before, after := p.Get("before"), p.Get("after")
	// Only MongoDB's events have texts for rows, and this member.
	if e.Type == nil && (isText(before) || isText(after) || known != nil || p.Exists("updateDescription")) {
		err := r.mongo(&e, p.GetStringBytes("before"), p.GetStringBytes("after"))
		return e, err
	}
	err = e.settle(Row{json: before}, Row{json: after})
	return e, err
}

// snapshotting tells of the state of a connector's snapshot, as source.snapshot spells it, whether more of it follows.
func snapshotting(state string) bool {
	return state == "true" || state == "first" || state == "first_in_data_collection"
}

// flattened is what to do about a message that is the row itself.
func flattened(p *fastjson.Value) string {
	if p.Exists("op") {
		return ""
	}
	return ": if the connector has the transformation ExtractNewRecordState, take it away"
}

// settle puts the rows where the operation has them.
func (e *Event) settle(before, after Row) error {
	switch e.Op {
	case Create, Update, Read:
		e.Row = after
		if e.Op == Update && !before.None() {
			e.Before = before
		}
	case Delete:
		if e.Row = before; e.Row.None() {
			e.Row = e.Key
		}
	case Truncate, Message:
		return nil
	default:
		return bad("op %q is not known", string(e.Op))
	}
	if e.Row.None() {
		return bad("the %s has no row: with PostgreSQL REPLICA IDENTITY tells which columns a delete has", e.Op)
	}
	if !e.Row.isObject() {
		return bad("the row of the %s is no object: %.60s", e.Op, e.Row)
	}
	return nil
}

// readKey reads the columns of the primary key.
func (r *Reader) readKey(b []byte, e *Event) error {
	known, p, err := open(&r.key, &r.keys, b, keysOf)
	if err != nil {
		return err
	}
	switch {
	case p.Type() == fastjson.TypeNull:
		return nil
	case p.Type() != fastjson.TypeObject:
		return bad("it is no object: %.60s", b)
	}
	e.Key = Row{json: p}
	if known != nil {
		e.Keys = known.keys
		return nil
	}
	same, n := true, 0
	p.GetObject().Visit(func(name []byte, _ *fastjson.Value) {
		same = same && n < len(r.last) && r.last[n] == string(name)
		n++
	})
	if !same || n != len(r.last) {
		r.last = nil // events that were read have it
		p.GetObject().Visit(func(name []byte, _ *fastjson.Value) { r.last = append(r.last, string(name)) })
	}
	e.Keys = r.last
	return nil
}

// open divides a message into its schema, nil when it has none, and its payload.
func open(p *fastjson.Parser, seen *[]*envelope, b []byte, learn func(*envelope, connect) error) (*envelope, *fastjson.Value, error) {
	for i, k := range *seen {
		if len(k.head) == 0 || len(b) <= len(k.head) || b[len(b)-1] != '}' || !bytes.HasPrefix(b, k.head) {
			continue
		}
		v, err := parse(p, b[len(k.head):len(b)-1])
		if err != nil {
			break // it may be that more follows the payload
		}
		copy((*seen)[1:i+1], (*seen)[:i])
		(*seen)[0] = k
		return k, v, nil
	}
	v, err := parse(p, b)
	if err != nil || v.Type() != fastjson.TypeObject || v.Get("payload") == nil {
		return nil, v, err
	}
	if s := v.Get("schema"); s == nil || s.Type() == fastjson.TypeNull {
		return nil, v.Get("payload"), nil
	}
	var m struct {
		Schema json.RawMessage `json:"schema"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, bad("%w", err)
	}
	k, err := remember(seen, m.Schema, learn)
	if err != nil {
		return nil, nil, err
	}
	// This is how the converter writes it; whatever is written otherwise is read anew each time.
	head := append(append([]byte(`{"schema":`), m.Schema...), `,"payload":`...)
	if k.head == nil && bytes.HasPrefix(b, head) {
		k.head = head
	}
	return k, v.Get("payload"), nil
}

// remember returns what is known of a schema, which it reads if need be.
func remember(seen *[]*envelope, schema json.RawMessage, learn func(*envelope, connect) error) (*envelope, error) {
	for _, k := range *seen {
		if k.schema == string(schema) {
			return k, nil
		}
	}
	var c connect
	if err := json.Unmarshal(schema, &c); err != nil {
		return nil, bad("schema: %w", err)
	}
	k := &envelope{schema: string(schema)}
	if err := learn(k, c); err != nil {
		return nil, err
	}
	if len(*seen) >= remembered {
		*seen = (*seen)[:remembered/2]
	}
	*seen = append([]*envelope{k}, *seen...)
	return k, nil
}

// parse reads a text that is JSON to its last byte. What a converter can't have written wrong is not looked at twice:
// it takes characters below space within texts, and leaves it to the columns whether a number is one.
func parse(p *fastjson.Parser, b []byte) (*fastjson.Value, error) {
	v, err := p.ParseBytes(b)
	switch {
	case err != nil:
		return nil, bad("no JSON: %w", err)
	case !utf8.Valid(b):
		return nil, bad("it has texts that are not UTF-8")
	case !escaped(b):
		return nil, bad("no JSON: a backslash stands before what it can't stand before")
	}
	return v, nil
}

// escaped tells whether all characters after a backslash are those that JSON knows: the parser takes any.
func escaped(b []byte) bool {
	for {
		at := bytes.IndexByte(b, '\\')
		if at < 0 || at+1 >= len(b) {
			return at < 0
		}
		switch c := b[at+1]; {
		case c == 'u':
			if _, err := strconv.ParseUint(string(b[at+2:min(at+6, len(b))]), 16, 16); err != nil || at+6 > len(b) {
				return false
			}
		case bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0:
			return false
		}
		b = b[at+2:]
	}
}

func keysOf(k *envelope, c connect) error {
	for _, f := range c.Fields {
		k.keys = append(k.keys, f.Field)
	}
	return nil
}

// rowsOf is the type of rows that the schema of a value describes: of its member after.
func rowsOf(k *envelope, c connect) error {
	for _, member := range []string{"after", "before"} {
		for _, f := range c.Fields {
			if f.Field != member {
				continue
			}
			if f.Type == "string" { // MongoDB writes documents as texts
				return nil
			}
			var err error
			k.typ, err = f.rows()
			return err
		}
	}
	return bad("the schema has no member after")
}
