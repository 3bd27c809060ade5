package kafka

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
)

// How fast events of 1.2 KB besides their schemas come, from a broker in the same process to record batches. ns/op is
// that of one event.
func BenchmarkFeed(b *testing.B) {
	const n = 30000
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	p, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var fields strings.Builder
	for i := range 9 {
		fmt.Fprintf(&fields, `,{"type":"string","optional":true,"field":"text_%d"}`, i)
	}
	size := 0
	for i := range n {
		var row strings.Builder
		for k := range 9 {
			fmt.Fprintf(&row, `,"text_%d":"%s%d"`, k, strings.Repeat("abcdefgh", 13), i*k)
		}
		body := fmt.Sprintf(`{"before":null,"after":{"id":%d,"name":"x"%s},"source":{"connector":"postgresql","snapshot":"false","db":"shop"},"op":"c","ts_ms":1700000000123}`, i, &row)
		size = len(body)
		p.Produce(b.Context(), &kgo.Record{Key: fmt.Appendf(nil, `{"id":%d}`, i), Value: []byte(`{"schema":` + schemaOf(columns+fields.String()) + `,"payload":` + body + `}`)}, nil)
	}
	if err := p.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	s, err := New(Options{Topic: topic, Dataset: "t", Format: Debezium, Params: map[string]string{"kafka_bootstrap_servers": c.ListenAddrs()[0], "kafka_security_protocol": "PLAINTEXT"}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	var f source.Feed
	left := 0
	for b.Loop() {
		if left--; left > 0 {
			continue
		}
		if f == nil || f.Standing().Next[0] >= n {
			if f != nil {
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
			if f, err = s.Follow(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
		changes, err := f.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		left = len(changes.Records)
		changes.Release()
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
