// Package kafka follows the changes of a dataset in a Kafka topic: change events of Debezium, in JSON or in Avro, and
// plain JSON objects, each of them a new row (spec data-refresh 7).
//
// It reads all partitions of the topic itself and is no member of a consumer group: a rebalance can't divide the
// changes of a dataset between replicas, each of which needs all of them. Where to read on is told by the Position
// alone, which is kept with the rows. The offsets of the group are committed for others to see, and never read.
//
// A Feed has a goroutine that looks after the topic, and those of the client; Close waits for them.
package kafka

import (
	"context"
	"errors"
	"fmt"

	"pitwall/runtime/source"
)

// Format is what messages are.
type Format string

// The formats.
const (
	Debezium Format = "debezium" // change events
	JSON     Format = "json"     // objects, each of them a new row
)

// Options say what to follow.
type Options struct {
	// Topic is the name of the topic, as in from:.
	Topic string
	// Dataset is the name of the dataset, of which the name of the consumer group is made when no param has it.
	Dataset string
	Format  Format
	// Dir is where relative paths of files begin; empty is the working directory.
	Dir string
	// Params are those of the dataset: kafka_bootstrap_servers, kafka_security_protocol, kafka_sasl_mechanism,
	// kafka_sasl_username, kafka_sasl_password, kafka_ssl_ca_location, kafka_enable_ssl_certificate_verification,
	// kafka_ssl_endpoint_identification_algorithm, kafka_consumer_group_id, batch_max_size (messages) and
	// batch_max_duration; of events debezium_transport, debezium_message_format, kafka_schema_registry_url,
	// kafka_schema_registry_username and kafka_schema_registry_password; of objects schema_infer_max_records and
	// flatten_json.
	Params map[string]string
}

// Source is one topic. It holds no connection: each Feed opens its own and closes them.
type Source struct {
	topic, dataset string
	format         Format
	settings       settings
}

var _ source.Streamer = (*Source)(nil)

// New checks the options; it does not connect. A wrong param is an error of Kind Unsupported that names it and what it
// may be.
func New(o Options) (*Source, error) {
	s := &Source{topic: o.Topic, dataset: o.Dataset, format: o.Format}
	var err error
	switch {
	case o.Format != Debezium && o.Format != JSON:
		err = fmt.Errorf("the format %q is neither debezium nor json", o.Format)
	case o.Topic == "":
		err = fmt.Errorf("the topic is missing: write %s:topic", o.connector())
	default:
		s.settings, err = o.settings()
	}
	if err != nil {
		return nil, &source.Error{Kind: source.Unsupported, Place: o.connector() + ":" + o.Topic, Err: err, Hint: "correct params of the dataset"}
	}
	return s, nil
}

func (o *Options) connector() string {
	if o.Format == Debezium {
		return "debezium"
	}
	return "kafka"
}

func (s *Source) place() string { return "topic " + s.topic }

func (s *Source) partition(p int32) string { return fmt.Sprintf("topic %s, partition %d", s.topic, p) }

// Follow implements source.Streamer. The position must be one of this topic: one of another topic, or of an earlier
// topic of this name, is a *source.GapError, as is one that begins with messages that the broker deleted.
func (s *Source) Follow(ctx context.Context, from source.Position) (source.Feed, error) {
	at, err := parsePosition(from)
	if err != nil {
		return nil, &source.Error{Kind: source.Damaged, Place: s.place(), Err: err, Hint: "load the dataset anew"}
	}
	f, err := s.open(at)
	if err != nil {
		return nil, err
	}
	if err := f.start(ctx, at); err != nil {
		f.client.Close()
		f.decode.close()
		return nil, err
	}
	return f, nil
}

// errClosed is what a feed returns that was closed.
var errClosed = errors.New("the feed is closed")
