package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
	"pitwall/runtime/source/debezium"
)

// Event is a change event in JSON that came otherwise than from a topic.
type Event struct {
	// Key is nil when it has none.
	Key, Value []byte
}

// Rows are what events say of rows.
type Rows struct {
	Ops []source.Op
	// Rows is nil when the events are about no row. The caller releases it.
	Rows arrow.RecordBatch
	// Keys are the columns of the primary key, as the keys of the events tell them.
	Keys []string
	// Schema is that of the rows, which events without a schema that come later are read with; nil while it is not known.
	Schema *arrow.Schema
	// At is the newest time at which the changes were made; zero when no event tells.
	At time.Time
}

// errSchemas is about events that can't be applied in one commit.
var errSchemas = errors.New("the events have different schemas or keys: send them one after another")

// ReadEvents reads events of one schema as those of a topic are read; schema and keys are those of rows before, nil when
// there are none. The error is about the first event that it can't read.
func ReadEvents(ctx context.Context, schema *arrow.Schema, keys []string, events []Event) (*Rows, error) {
	d := decoder{format: Debezium, infer: 1, hangUp: func() {}, guessed: debezium.Guessed(schema, false)}
	if schema != nil {
		d.typ = d.guessed
	}
	reader := debezium.NewReader()
	d.event = func(_ context.Context, key, value []byte) (debezium.Event, error) { return reader.Event(key, value) }
	defer d.close()
	raw := make([]*kgo.Record, len(events))
	for i, e := range events {
		raw[i] = &kgo.Record{Key: e.Key, Value: e.Value}
	}
	b, n, err := d.batch(ctx, position{Keys: slices.Clone(keys)}, raw)
	if err != nil {
		return nil, err
	}
	out := &Rows{Ops: b.ops, Rows: b.rows, Keys: b.state.Keys, Schema: d.schema()}
	if n < len(events) {
		if out.Rows != nil {
			out.Rows.Release()
		}
		if _, err := ReadEvents(ctx, schema, keys, events[n:n+1]); err != nil {
			return nil, err
		}
		return nil, errSchemas
	}
	for _, r := range b.records {
		if r.At.After(out.At) && !r.At.Equal(time.Time{}) {
			out.At = r.At
		}
	}
	return out, nil
}
