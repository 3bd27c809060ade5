package uitest

import (
	"fmt"
	"time"

	"pitwall/runtime/api"
)

// Streamed adds a dataset to a Sample, in front, that follows a stream of changes in three partitions and is in a phase
// of it. A stopped one stopped at a record.
func Streamed(s *api.State, phase api.StreamPhase) {
	now := s.At
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	d := &api.Dataset{Name: "shop.orders", From: "debezium:shop.public.orders", Engine: "duckdb", Mode: "file", File: ".spice/data/shop.orders.duckdb",
		RefreshMode: "changes", Schedule: "as changes come", Status: api.Ready, Since: ago(time.Hour), HasData: true, WasReady: true, Rev: 1,
		Rows: 1_204_118, Bytes: 96 << 20, LastRefresh: ago(2 * time.Second),
		Schema:    []api.Column{{Name: "id", Type: "int64"}, {Name: "state", Type: "utf8", Nullable: true}},
		Snapshots: api.DatasetSnapshots{Mode: "enabled", Trigger: "stream_batches", Policy: "on_change"}}
	x := &api.Stream{Phase: phase, Source: d.From, Loaded: true, Changed: ago(2500 * time.Millisecond), Applied: ago(2 * time.Second), Took: 14 * time.Millisecond,
		Records: 1_410_233, Bytes: 812 << 20, Ignored: 1_204, Commits: 2_811, Keys: []string{"id"},
		Ops:        api.StreamOps{Reads: 1_200_000, Inserts: 120_400, Updates: 81_004, Deletes: 8_624, Truncates: 1},
		Partitions: []api.StreamPartition{{ID: 0, Next: 470_101, End: 470_101}, {ID: 1, Next: 469_882, End: 469_882}, {ID: 2, Next: 470_250, End: 470_250}},
		Last: &api.StreamRecord{Partition: 2, Offset: 470_249, At: ago(2500 * time.Millisecond), Key: `{"id":4711}`, Size: 312,
			Value: `{"op":"u","ts_ms":1790000000000,"source":{"table":"orders","snapshot":"false"},"before":{"id":4711,"state":"new"},"after":{"id":4711,"state":"paid","card":"***"}}`}}
	behind := func(of int64) {
		for i := range x.Partitions {
			x.Partitions[i].End += of * int64(i+1)
			x.Behind += of * int64(i+1)
		}
	}
	switch phase {
	case api.StreamLoading:
		d.Status, d.HasData, d.WasReady, x.Loaded = api.Refreshing, false, false, false
		x.Ops = api.StreamOps{Reads: x.Records}
		behind(200_000)
	case api.StreamConnecting:
		d.Status, d.HasData, d.WasReady, d.LastRefresh = api.Initializing, false, false, time.Time{}
		*x = api.Stream{Phase: phase, Source: d.From}
	case api.StreamRetrying:
		x.Err, x.Hint, x.Retry = "debezium:shop.public.orders: no broker answers at kafka.shop:9092", "look whether the broker runs, and at kafka_bootstrap_servers", now.Add(9*time.Second)
		behind(12)
	case api.StreamPaused:
		d.Held = true
		behind(1_307)
	case api.StreamStopped:
		d.Status, d.FailingSince, d.Failures = api.Error, ago(4*time.Minute), 1
		d.Err = "shop.orders: partition 1 of shop.public.orders, offset 469882 can't be applied: the message is no JSON: unexpected end of input"
		d.Hint = "look at what wrote the message; then retry; or skip it, which keeps it in a dead-letter file; or re-bootstrap"
		x.Err, x.Hint, x.Skipped, x.DeadLetters = d.Err, d.Hint, 2, ".spice/data/shop.orders.dead-letters.jsonl"
		x.Stopped = &api.StreamStop{Kind: "record", Since: ago(4 * time.Minute),
			Record: &api.StreamRecord{Partition: 1, Offset: 469_882, At: ago(4 * time.Minute), Key: `{"id":815}`, Value: `{"op":"c","after":{"id":815,`, Size: 38}}
		x.Applied, x.Changed, d.LastRefresh, x.Last.At = ago(4*time.Minute), ago(4*time.Minute), ago(4*time.Minute), ago(4*time.Minute)
		behind(40)
	}
	if phase != api.StreamConnecting {
		x.History = points(x, now)
	}
	d.Config = fmt.Sprintf("from: %s\nname: %s\nacceleration:\n  enabled: true\n  engine: duckdb\n  refresh_mode: changes\n", d.From, d.Name)
	d.Stream = x
	s.Datasets = append([]*api.Dataset{d}, s.Datasets...)
}

// points is a history of a minute that leads to a Stream, with a burst in the middle of it.
func points(x *api.Stream, now time.Time) (out []api.StreamPoint) {
	const n = 60
	for i := range n {
		left := int64(n - 1 - i)
		p := api.StreamPoint{At: now.Add(-time.Duration(left) * time.Second), Lag: time.Duration(400+i%7*30) * time.Millisecond, Ops: x.Ops}
		if i >= 20 && i < 40 {
			p.Behind, p.Lag = int64(4_000-abs(30-i)*390), time.Duration(5-abs(30-i)/2)*time.Second
		}
		if i > n-10 {
			p.Behind = x.Behind * int64(i-(n-10)) / 9
		}
		p.Ops.Reads -= min(left*9_000*x.Ops.Reads/max(x.Ops.All(), 1)*int64(boolInt(!x.Loaded)), x.Ops.Reads)
		p.Ops.Inserts = max(p.Ops.Inserts-left*(40+left%5), 0)
		p.Ops.Updates = max(p.Ops.Updates-left*21, 0)
		p.Ops.Deletes = max(p.Ops.Deletes-left*3, 0)
		out = append(out, p)
	}
	return out
}

func abs(n int) int { return max(n, -n) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
