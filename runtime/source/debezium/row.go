package debezium

import (
	"fmt"

	"github.com/hamba/avro/v2"
	"github.com/valyala/fastjson"
)

// Row is a row as an event has it. It ends with the next call of the Reader that it comes from.
type Row struct {
	json *fastjson.Value
	avro []byte
	node *node // of avro
}

// None tells that there is no row.
func (r Row) None() bool {
	return r.node == nil && (r.json == nil || r.json.Type() == fastjson.TypeNull)
}

// String is the row in JSON, for people; empty when there is none.
func (r Row) String() string {
	switch {
	case r.None():
		return ""
	case r.node != nil:
		c := cursor{b: r.avro}
		return string(r.node.text(&c, nil))
	}
	return r.json.String()
}

func isText(v *fastjson.Value) bool { return v != nil && v.Type() == fastjson.TypeString }

func (r Row) isObject() bool { return r.node != nil || r.json.Type() == fastjson.TypeObject }

// mongo settles an event of MongoDB, whose rows are documents that are written as texts. The key of its messages is
// named id, that of its documents _id. Columns are the members of documents, with types that are guessed.
func (r *Reader) mongo(e *Event, before, after []byte) error {
	if e.Keys = []string{"_id"}; !e.Key.None() {
		id, ok := e.Key.text("id")
		if !ok {
			return bad("key: it has no text id")
		}
		v, err := parse(&r.key, []byte(`{"_id":`+id+`}`))
		if err != nil {
			return fmt.Errorf("key: %w", err)
		}
		e.Key = Row{json: v}
	}
	text := after
	if e.Op == Delete {
		text = before
	}
	if text == nil {
		return e.settle(Row{}, Row{})
	}
	v, err := parse(&r.document, text)
	if err != nil {
		return err
	}
	return e.settle(Row{json: v}, Row{json: v})
}

// text is a member of the row that is a text.
func (r Row) text(name string) (string, bool) {
	if r.node == nil {
		v := r.json.Get(name)
		return string(v.GetStringBytes()), isText(v)
	}
	c := &cursor{b: r.avro}
	for i, f := range r.node.fields {
		if r.node.names[i] == name {
			f = c.pick(f)
			return string(c.bytes()), f != nil && f.kind == avro.String && !c.bad
		}
		f.skip(c)
	}
	return "", false
}
