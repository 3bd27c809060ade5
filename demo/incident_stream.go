package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/api"
)

// ordersTopic is the topic that changes of the orders are written to.
const ordersTopic = "shop.public.orders"

// poisonAfter is when a message comes that nobody can read, where the pace is 1.
const poisonAfter = time.Minute

func changeStream() Incident {
	stopped := func(s *api.State) bool {
		d := s.Dataset(dataset)
		return d != nil && d.Stream != nil && d.Stream.Stopped != nil && d.Stream.Stopped.Record != nil
	}
	return Incident{
		Name: "change-stream", Dataset: dataset,
		About: "orders follow a live stream of changes (a Kafka broker in this process has the events that Debezium writes, at a changing rate, with bursts); a minute after the start one is cut off, and the stream stops at it",
		Begun: stopped,
		Cause: []Step{{"enter", "Overview"}, {"tab", "stopped at a record"}},
		Shows: []string{ordersTopic + ", partition", "r retry", "S skip the record", "R re-bootstrap"},
		// The second key is for who has read what is lost.
		Remedy: []Step{{"S", "y yes"}, {"y", "following"}},
		Holds:  "the stream goes on behind the event, which is kept in the dead-letter file",
		After: func(d *api.Dataset, _ *api.State) bool {
			return d.Status == api.Ready && d.Stream != nil && d.Stream.Phase == api.StreamFollowing && d.Stream.Skipped == 1
		},
		prepare: func(w *Workspace) error {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, ordersTopic))
			if err != nil {
				return fmt.Errorf("a broker in this process: %w", err)
			}
			w.broker = cluster
			if err := w.Change(Edit{Old: "BROKER_ADDRESS", New: strings.Join(cluster.ListenAddrs(), ",")}); err != nil {
				cluster.Close()
				return err
			}
			return nil
		},
		run: func(ctx context.Context, w *Workspace) error { return w.writeChanges(ctx) },
	}
}

// shop is who writes to the table of orders.
type shop struct {
	r    *rand.Rand
	open []order // those that are there
	last int
}

// order is a row of the table.
type order struct {
	ID    int    `json:"id"`
	State string `json:"state"`
	Cents int    `json:"cents"`
	City  string `json:"city"`
}

// change is an event of Debezium, without its schema.
type change struct {
	Op     string       `json:"op"`
	Before *order       `json:"before"`
	After  *order       `json:"after"`
	Source changeSource `json:"source"`
	Millis int64        `json:"ts_ms"`
}

type changeSource struct {
	Table    string `json:"table"`
	Snapshot string `json:"snapshot"`
}

// beatEvery is how often the shop writes; shopOpens is how many orders there are at first, shopBurst how many changes
// come at once every burstEvery.
const (
	beatEvery  = 200 * time.Millisecond
	shopOpens  = 2_000
	shopBurst  = 3_000
	burstEvery = 20 * time.Second
)

// writeChanges writes to the topic until ctx ends, which also ends the broker.
func (w *Workspace) writeChanges(ctx context.Context) error {
	defer w.broker.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.DefaultProduceTopic(ordersTopic), kgo.DisableClientMetrics())
	if err != nil {
		return err
	}
	defer client.Close()
	write := func(records ...*kgo.Record) error {
		err := client.ProduceSync(ctx, records...).FirstErr()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	s := &shop{r: rand.New(rand.NewPCG(w.seed, 3))}
	stock, err := s.stock(time.Now())
	if err == nil {
		err = write(stock...)
	}
	if err != nil {
		return err
	}
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	poison := time.NewTimer(time.Duration(float64(poisonAfter) / w.pace))
	defer poison.Stop()
	began := time.Now()
	burst := began.Add(burstEvery)
	for {
		var records []*kgo.Record
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poison.C:
			records = []*kgo.Record{{Key: []byte(`{"id":815}`), Value: []byte(`{"op":"c","before":null,"after":{"id":815,"state":"ne`)}}
		case now := <-tick.C:
			n := s.rush(now.Sub(began))
			if now.After(burst) {
				n, burst = n+shopBurst, now.Add(burstEvery)
			}
			for range n {
				x, err := s.change(now)
				if err != nil {
					return err
				}
				records = append(records, x)
			}
		}
		if err := write(records...); err != nil {
			return err
		}
	}
}

// rush is how many changes a beat has: their number goes up and down within a minute.
func (s *shop) rush(since time.Duration) int {
	wave := 1 + math.Sin(2*math.Pi*since.Minutes())
	return 2 + int(10*wave) + s.r.IntN(4)
}

// stock is the table as the connector finds it at first.
func (s *shop) stock(now time.Time) ([]*kgo.Record, error) {
	var out []*kgo.Record
	for i := range shopOpens {
		o := s.next()
		state := "true"
		if i == shopOpens-1 {
			state = "last"
		}
		x, err := s.record("r", nil, &o, state, now)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func (s *shop) next() order {
	s.last++
	o := order{ID: s.last, State: "new", Cents: 500 + s.r.IntN(20_000), City: []string{"Lyon", "Porto", "Graz", "Turku"}[s.r.IntN(4)]}
	s.open = append(s.open, o)
	return o
}

// change is one change of the table.
func (s *shop) change(now time.Time) (*kgo.Record, error) {
	pick := s.r.IntN(100)
	switch n := len(s.open); {
	case n < shopOpens/2 || pick < 40:
		o := s.next()
		return s.record("c", nil, &o, "false", now)
	case pick < 80 && n < 4*shopOpens:
		i := s.r.IntN(n)
		before := s.open[i]
		s.open[i].State = map[string]string{"new": "paid", "paid": "sent", "sent": "done"}[before.State]
		if s.open[i].State == "" {
			s.open[i].State = "back"
		}
		after := s.open[i]
		return s.record("u", &before, &after, "false", now)
	default:
		i := s.r.IntN(n)
		before := s.open[i]
		s.open[i] = s.open[n-1]
		s.open = s.open[:n-1]
		return s.record("d", &before, nil, "false", now)
	}
}

// record is a change as a message, with the key of its row.
func (s *shop) record(op string, before, after *order, snapshot string, now time.Time) (*kgo.Record, error) {
	id := after
	if id == nil {
		id = before
	}
	value, err := json.Marshal(change{op, before, after, changeSource{"orders", snapshot}, now.UnixMilli()})
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Key: fmt.Appendf(nil, `{"id":%d}`, id.ID), Value: value}, nil
}
