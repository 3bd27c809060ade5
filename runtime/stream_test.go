package runtime_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/api"
)

// topic is a topic of a Kafka in the process, and who writes to it.
type topic struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kgo.Client
}

const ordersTopic = "shop.public.orders"

func newTopic(t *testing.T, partitions int32) *topic {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, ordersTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic(ordersTopic), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &topic{t, cluster, client}
}

// pod is a spicepod with one dataset that follows the topic.
func (k *topic) pod(acceleration string, more ...string) string {
	mode := "refresh_mode: changes"
	from := "debezium:"
	if strings.Contains(strings.Join(more, " "), "plain") {
		from, mode, more = "kafka:", "refresh_mode: append", nil
	}
	return fmt.Sprintf("datasets:\n- from: %s%s\n  name: orders\n  params:\n    kafka_bootstrap_servers: %s\n    kafka_security_protocol: PLAINTEXT\n    batch_max_duration: 20ms\n%s  acceleration:\n    enabled: true\n    %s\n    %s\n",
		from, ordersTopic, strings.Join(k.cluster.ListenAddrs(), ","), strings.Join(more, ""), mode, strings.ReplaceAll(acceleration, "\n", "\n    "))
}

// put writes a message; nil is none.
func (k *topic) put(key, value any) {
	k.t.Helper()
	r := &kgo.Record{}
	for to, v := range map[*[]byte]any{&r.Key: key, &r.Value: value} {
		switch v := v.(type) {
		case nil:
		case string:
			*to = []byte(v)
		default:
			b, err := json.Marshal(v)
			if err != nil {
				k.t.Fatal(err)
			}
			*to = b
		}
	}
	if err := k.client.ProduceSync(k.t.Context(), r).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

type members = map[string]any

// event writes a change event of a table orders(id, state, amount) as Debezium does, with schemas.
func (k *topic) event(op string, id int, state string, amount float64, snapshot any) {
	k.t.Helper()
	row := members{"id": id, "state": state, "amount": amount}
	fields := []members{{"type": "int64", "optional": false, "field": "id"}, {"type": "string", "optional": true, "field": "state"}, {"type": "double", "optional": true, "field": "amount"}}
	payload := members{"op": op, "ts_ms": 1_790_000_000_000, "source": members{"snapshot": snapshot}}
	switch op {
	case "d":
		payload["before"] = members{"id": id}
	case "t":
	default:
		payload["after"] = row
	}
	of := func(name string) members {
		return members{"type": "struct", "fields": fields, "optional": true, "field": name}
	}
	var key any = members{"schema": members{"type": "struct", "fields": fields[:1]}, "payload": members{"id": id}}
	if op == "t" {
		key = nil
	}
	k.put(key, members{"schema": members{"type": "struct", "fields": []members{of("before"), of("after")}}, "payload": payload})
}

func TestStream(t *testing.T) {
	for _, acceleration := range []string{"engine: duckdb\nmode: file", "engine: sqlite\nmode: file", "engine: arrow", "engine: cayenne\nmode: file"} {
		t.Run(strings.Fields(acceleration)[1], func(t *testing.T) {
			k := newTopic(t, 1)
			k.event("r", 1, "new", 1.5, "first")
			k.event("r", 2, "new", 2.5, "true")
			b := newBed(t, map[string]string{"spicepod.yml": k.pod(acceleration)}).start()
			b.dataset("orders", "loading", func(d *api.Dataset) bool { return d.Rows == 2 && !d.HasData && d.Status == api.Refreshing })
			k.event("r", 3, "new", 3.5, "last")
			d := b.ready("orders", 3)
			if s := d.Stream; s.Phase != api.StreamFollowing || s.Ops.Reads != 3 || s.Behind != 0 {
				t.Errorf("%+v", s)
			}
			k.event("c", 4, "new", 4.5, false)
			k.event("u", 1, "paid", 1.5, false)
			k.event("d", 2, "", 0, false)
			k.put(members{"payload": members{"id": 2}}, nil)
			b.dataset("orders", "with changes", func(d *api.Dataset) bool { return d.Stream.Records == 7 })
			b.wants("SELECT id, state, amount FROM orders ORDER BY id", "id,state,amount\n1,paid,1.5\n3,new,3.5\n4,new,4.5")
			b.stop()
			k.event("u", 3, "sent", 3.5, false)
			b.start()
			b.dataset("orders", "with what came meanwhile", func(d *api.Dataset) bool {
				return d.Status == api.Ready && d.Stream.Phase == api.StreamFollowing && d.Stream.Behind == 0 && d.Stream.Records > 0
			})
			b.wants("SELECT id, state, amount FROM orders ORDER BY id", "id,state,amount\n1,paid,1.5\n3,sent,3.5\n4,new,4.5")
			k.event("t", 0, "", 0, false)
			k.event("c", 9, "new", 9, false)
			b.dataset("orders", "truncated", func(d *api.Dataset) bool { return d.Rows == 1 })
		})
	}
}
