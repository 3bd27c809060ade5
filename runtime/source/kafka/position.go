package kafka

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/schemajson"
	"pitwall/runtime/source"
)

// position is a source.Position.
type position struct {
	Topic string `json:"topic"`
	// ID is the topic's; empty when the broker has none (Kafka before 2.8).
	ID string `json:"topic_id,omitempty"`
	// Group is the consumer group whose offsets are committed.
	Group string `json:"consumer_group,omitempty"`
	// Offsets has the offset that is read next of each partition.
	Offsets map[int32]int64 `json:"offsets"`
	// SnapshotEnded tells that the connector's own first snapshot is behind.
	SnapshotEnded bool `json:"snapshot_ended,omitempty"`
	// Keys and Schema are those of the last row: messages without a schema are read with it, and a truncate needs it.
	Keys   []string        `json:"keys,omitempty"`
	Schema json.RawMessage `json:"schema,omitempty"`
}

// parsePosition reads a position; nil is none.
func parsePosition(p source.Position) (*position, error) {
	if len(p) == 0 {
		return nil, nil
	}
	at := &position{}
	if err := json.Unmarshal(p, at); err != nil {
		return nil, fmt.Errorf("the position that is kept with the rows can't be read: %w", err)
	}
	if at.Topic == "" || at.Offsets == nil {
		return nil, fmt.Errorf("the position that is kept with the rows is none of a topic: %.100s", p)
	}
	return at, nil
}

// columns is the schema of the position, nil when there is none.
func (p *position) columns() (*arrow.Schema, error) {
	if len(p.Schema) == 0 {
		return nil, nil
	}
	return schemajson.Unmarshal(p.Schema)
}

// with returns a position of other offsets and, when it is not nil, another schema.
func (p position) with(offsets map[int32]int64, schema *arrow.Schema) position {
	p.Offsets = maps.Clone(offsets)
	if schema == nil {
		return p
	}
	if text, err := schemajson.Marshal(schema); err == nil { // a type that it does not know can't be read back either
		p.Schema = text
	}
	return p
}

// marshal writes the position.
func (p position) marshal() source.Position {
	b, err := json.Marshal(p)
	if err != nil { // there is none for these types
		return nil
	}
	return b
}
