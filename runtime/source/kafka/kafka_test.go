package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/source"
)

// broker is a Kafka in the process, on a network that lives in the test's own time.
type broker struct {
	t       *testing.T
	net     *kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	params  map[string]string
	cleanup []func()
}

const topic = "shop.public.t"

// inBubble runs a test with a broker that has the topic with one partition.
func inBubble(t *testing.T, test func(t *testing.T, b *broker), opts ...kfake.Opt) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{t: t, net: &kfake.VirtualNetwork{}, params: map[string]string{"kafka_bootstrap_servers": "localhost:9092", "kafka_security_protocol": "PLAINTEXT"}}
		b.up(append([]kfake.Opt{kfake.SeedTopics(1, topic)}, opts...)...)
		var err error
		b.client, err = kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(b.net.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.DisableIdempotentWrite(), kgo.DisableClientMetrics())
		if err != nil {
			t.Fatal(err)
		}
		b.admin = kadm.NewClient(b.client)
		defer func() {
			for _, f := range slices.Backward(b.cleanup) {
				f()
			}
			b.client.Close()
			b.cluster.Close()
		}()
		test(t, b)
	})
}

func (b *broker) up(opts ...kfake.Opt) {
	b.t.Helper()
	var err error
	b.cluster, err = kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(b.net.Listen)}, opts...)...)
	if err != nil {
		b.t.Fatal(err)
	}
}

// put writes messages to a partition.
func (b *broker) put(partition int32, values ...string) {
	b.t.Helper()
	for _, v := range values {
		b.putKeyed(partition, nil, []byte(v))
	}
}

func (b *broker) putKeyed(partition int32, key, value []byte) {
	b.t.Helper()
	r := &kgo.Record{Topic: topic, Partition: partition, Key: key, Value: value}
	if err := b.client.ProduceSync(b.t.Context(), r).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// source makes a source of the topic.
func (b *broker) source(format Format, params ...string) *Source {
	b.t.Helper()
	o := Options{Topic: topic, Dataset: "t", Format: format, Params: map[string]string{}}
	for k, v := range b.params {
		o.Params[k] = v
	}
	for i := 0; i < len(params); i += 2 {
		o.Params[params[i]] = params[i+1]
	}
	s, err := New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	s.settings.dial = b.net.DialContext
	return s
}

// follow begins to follow, until the test ends.
func (b *broker) follow(s *Source, from source.Position) *follower {
	b.t.Helper()
	f, err := s.Follow(b.t.Context(), from)
	if err != nil {
		b.t.Fatal(err)
	}
	out := &follower{t: b.t, Feed: f}
	b.cleanup = append(b.cleanup, out.close)
	return out
}

// follower reads a feed.
type follower struct {
	t *testing.T
	source.Feed
	closed bool
}

func (f *follower) close() {
	if !f.closed {
		f.closed = true
		if err := f.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

// got is a batch, in words.
type got struct {
	rows     []string // op and values
	keys     string
	schema   string
	records  int
	caughtUp bool
	after    func(n int) source.Position
}

func (g got) String() string { return strings.Join(g.rows, "; ") }

// words are those of a batch, which is released.
func words(c *source.Changes) got {
	defer c.Release()
	g := got{keys: strings.Join(c.Keys, ","), records: len(c.Records), caughtUp: c.CaughtUp, after: c.After}
	for i, op := range c.Ops {
		row := string(op)
		for n := range int(c.Rows.NumCols()) {
			if a := c.Rows.Column(n); a.IsNull(i) {
				row += " -"
			} else {
				row += " " + a.ValueStr(i)
			}
		}
		g.rows = append(g.rows, row)
	}
	if c.Rows != nil {
		var cols []string
		for _, f := range c.Rows.Schema().Fields() {
			of := f.Name + " " + f.Type.String()
			if !f.Nullable {
				of += "!"
			}
			cols = append(cols, of)
		}
		g.schema = strings.Join(cols, ", ")
	}
	return g
}

// next is the next batch.
func (f *follower) next() got {
	f.t.Helper()
	c, err := f.Next(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return words(c)
}

// within is what Next does within a time: a batch, an error, or nothing.
func (f *follower) within(d time.Duration) (*got, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), d)
	defer cancel()
	c, err := f.Next(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g := words(c)
	return &g, nil
}

// all reads until everything is delivered.
func (f *follower) all() (rows []string, batches []got) {
	f.t.Helper()
	for {
		g := f.next()
		rows, batches = append(rows, g.rows...), append(batches, g)
		if g.caughtUp {
			return rows, batches
		}
	}
}

func TestFollowsObjects(t *testing.T) {
	inBubble(t, func(t *testing.T, b *broker) {
		b.put(0, `{"id":1,"name":"a"}`, `{"id":2,"name":null,"x":{"y":[1, 2]}}`)
		f := b.follow(b.source(JSON), nil)
		defer f.close()
		g := f.next()
		if fmt.Sprint(g) != "c 1 a" || g.schema != "id int64, name utf8" || g.caughtUp || g.keys != "" {
			t.Errorf("%+v", g)
		}
		g = f.next()
		if fmt.Sprint(g) != `c 2 - {"y":[1,2]}` || g.schema != "id int64, name utf8, x utf8" || !g.caughtUp {
			t.Errorf("%+v", g)
		}
		b.put(0, `{"id":3}`)
		if g = f.next(); fmt.Sprint(g) != "c 3 - -" {
			t.Errorf("%+v", g)
		}
	})
}
