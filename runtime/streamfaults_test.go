package runtime_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pitwall/runtime/api"
)

const inFile = "engine: duckdb\nmode: file"

func stoppedAt(kind string) func(*api.Dataset) bool {
	return func(d *api.Dataset) bool {
		return d.Status == api.Error && d.Stream.Phase == api.StreamStopped && d.Stream.Stopped.Kind == kind
	}
}

func followed(records int64) func(*api.Dataset) bool {
	return func(d *api.Dataset) bool {
		return d.Status == api.Ready && d.Stream.Phase == api.StreamFollowing && d.Stream.Records == records && d.Stream.Behind == 0
	}
}

// A record that can't be read stops the stream, with all before it applied, until it is passed over; it is kept.
func TestStreamStopsAtARecord(t *testing.T) {
	k := newTopic(t, 1)
	k.event("c", 1, "new", 1, false)
	k.put(nil, `{"payload": {"op": "c", "after": `)
	k.event("c", 2, "new", 2, false)
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile)}).start()
	d := b.dataset("orders", "stopped", stoppedAt("record"))
	if d.Rows != 1 || d.Stream.Stopped.Record.Offset != 1 || !strings.Contains(d.Err, "orders") || !strings.Contains(d.Err, "offset 1") {
		t.Errorf("%d rows, %q, %+v", d.Rows, d.Err, d.Stream.Stopped)
	}
	b.do(api.RefreshNow{Dataset: "orders"}) // nothing is cured
	b.dataset("orders", "stopped again", stoppedAt("record"))
	b.stop()
	b.start() // nor by a restart
	b.dataset("orders", "stopped after a restart", stoppedAt("record"))
	if task := b.do(api.SkipRecord{Dataset: "orders"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	d = b.dataset("orders", "going on", followed(1))
	if d.Rows != 2 || d.Stream.Skipped != 1 || d.Err != "" {
		t.Errorf("%+v", d.Stream)
	}
	text, err := os.ReadFile(d.Stream.DeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	var letter struct {
		Place, Error string
		Offset       int64
		Value        []byte
	}
	if err := json.Unmarshal(text, &letter); err != nil || letter.Offset != 1 || letter.Error == "" || !bytes.HasPrefix(letter.Value, []byte(`{"payload"`)) {
		t.Errorf("%s, %v", text, err)
	}
	b.stop()
	b.start()
	b.ready("orders", 2)
}

// A change of columns that on_schema_change does not accept stops the stream at the record that brings it; the spicepod is
// mended, and it goes on.
func TestStreamStopsAtAChangeOfColumns(t *testing.T) {
	k := newTopic(t, 1)
	k.put(members{"id": 1}, members{"op": "c", "after": members{"id": 1, "state": "new"}})
	k.put(members{"id": 2}, members{"op": "c", "after": members{"id": 2, "state": "new"}})
	pod := k.pod(inFile, "  on_schema_change: fail\n")
	b := newBed(t, map[string]string{"spicepod.yml": pod}).start()
	b.ready("orders", 2)
	k.put(members{"id": 3}, members{"op": "c", "after": members{"id": 3, "state": "new"}})
	k.put(members{"id": 4}, members{"op": "c", "after": members{"id": 4, "state": "new", "note": "a column"}})
	k.put(members{"id": 5}, members{"op": "c", "after": members{"id": 5, "state": "new"}})
	d := b.dataset("orders", "stopped", stoppedAt("record"))
	if d.Rows != 3 || !strings.Contains(d.Err, "note") || !strings.Contains(d.Hint, "on_schema_change") {
		t.Errorf("%d rows, %q, %q", d.Rows, d.Err, d.Hint)
	}
	b.write("spicepod.yml", strings.Replace(pod, "on_schema_change: fail", "on_schema_change: append_new_columns", 1))
	b.dataset("orders", "going on", func(d *api.Dataset) bool { return d.Status == api.Ready && d.Rows == 5 })
	b.wants("SELECT id, note FROM orders WHERE id >= 3 ORDER BY id", "id,note\n3,\n4,a column\n5,")
}

// Messages that were deleted before they were read are a gap, which only a new beginning cures.
func TestStreamGap(t *testing.T) {
	k := newTopic(t, 1)
	k.event("c", 1, "new", 1, false)
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile)}).start()
	b.ready("orders", 1)
	b.stop()
	k.event("c", 2, "new", 2, false)
	k.event("c", 3, "new", 3, false)
	k.deleteBefore(2)
	k.event("c", 4, "new", 4, false)
	b.start()
	d := b.dataset("orders", "stopped", stoppedAt("gap"))
	if d.Rows != 1 || !strings.Contains(d.Hint, "re-bootstrap") {
		t.Errorf("%d rows, %q", d.Rows, d.Hint)
	}
	if task := b.do(api.Rebootstrap{Dataset: "orders"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.ready("orders", 2)
	b.wants("SELECT id FROM orders ORDER BY id", "id\n3\n4")
}

// deleteBefore removes the messages of partition 0 before an offset.
func (k *topic) deleteBefore(offset int64) {
	k.t.Helper()
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: ordersTopic, At: offset})
	if _, err := kadm.NewClient(k.client).DeleteRecords(k.t.Context(), o); err != nil {
		k.t.Fatal(err)
	}
}

// A paused stream applies nothing, and misses nothing.
func TestStreamPause(t *testing.T) {
	k := newTopic(t, 3)
	for i := range 10 {
		k.event("r", i, "new", 1, "last")
	}
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile)}).start()
	b.ready("orders", 10)
	b.do(api.Hold{Dataset: "orders", On: true})
	b.dataset("orders", "paused", func(d *api.Dataset) bool { return d.Stream.Phase == api.StreamPaused && d.HasData })
	for i := range 10 {
		k.event("d", i, "", 0, false)
	}
	b.wants("SELECT count(*) AS n FROM orders", "n\n10")
	b.do(api.Hold{Dataset: "orders"})
	b.dataset("orders", "empty", func(d *api.Dataset) bool { return d.Rows == 0 && d.Stream.Phase == api.StreamFollowing })
}

// What is appended from a topic is kept across a restart, once.
func TestKafkaAppend(t *testing.T) {
	k := newTopic(t, 2)
	for i := range 20 {
		k.put(nil, members{"n": i, "who": members{"name": fmt.Sprint("name ", i)}})
	}
	b := newBed(t, map[string]string{"spicepod.yml": strings.Replace(k.pod(inFile, "plain"), "  acceleration:", "    flatten_json: true\n  acceleration:", 1)}).start()
	b.ready("orders", 20)
	b.stop()
	for i := range 5 {
		k.put(nil, members{"n": 20 + i, "who": members{"name": "later"}})
	}
	b.start()
	b.ready("orders", 25)
	b.wants(`SELECT sum(n) AS n, count(DISTINCT "who.name") AS names FROM orders`, "n,names\n300,21")
}

// A snapshot carries the place in the stream that its rows are as of: a new replica reads on exactly there.
func TestStreamSnapshots(t *testing.T) {
	k := newTopic(t, 2)
	store := t.TempDir()
	pod := "snapshots:\n  enabled: true\n  location: file://" + store + "\n" +
		k.pod(inFile+"\nsnapshots: enabled\nsnapshots_trigger: stream_batches\nsnapshots_trigger_threshold: 1")
	for i := range 50 {
		k.event("r", i, "new", 1, "last")
	}
	b := newBed(t, map[string]string{"spicepod.yml": pod}).start()
	b.ready("orders", 50)
	k.event("u", 7, "paid", 1, false)
	b.dataset("orders", "with a snapshot of all", func(d *api.Dataset) bool {
		return d.Stream.Records == 51 && d.Snapshots.Run == nil && d.Snapshots.Newest != nil && !d.Snapshots.Newest.Created.Before(d.Stream.Applied)
	})
	b.stop()
	k.event("d", 8, "", 0, false)
	k.event("u", 9, "sent", 2, false)
	other := newBed(t, map[string]string{"spicepod.yml": pod}).start()
	d := other.dataset("orders", "going on", func(d *api.Dataset) bool {
		return d.Snapshots.Booted != nil && d.Status == api.Ready && d.Rows == 49 && d.Stream.Behind == 0
	})
	if d.Stream.Records != 2 {
		t.Errorf("the replica read %d records again, 2 were new", d.Stream.Records)
	}
	other.wants("SELECT state, count(*) AS n FROM orders GROUP BY state ORDER BY state", "state,n\nnew,47\npaid,1\nsent,1")
	if task := other.do(api.BootstrapFrom{Dataset: "orders", SnapshotID: d.Snapshots.Booted.ID}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	other.dataset("orders", "caught up after the bootstrap", func(d *api.Dataset) bool { return d.Rows == 49 && followed(4)(d) })
}

// Killed at any moment, a replica has applied each change once: the rows are what the changes come to.
func TestStreamKill(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	accelerations := []string{inFile, "engine: sqlite\nmode: file", "engine: cayenne\nmode: file"}
	if testing.Short() { // the race detector sees nothing of the victim
		accelerations = accelerations[:1]
	}
	for _, acceleration := range accelerations {
		k := newTopic(t, 3)
		pod := k.pod(acceleration)
		b := newBed(t, map[string]string{"spicepod.yml": pod})
		want := map[int]string{}
		next := 0
		change := func(n int) {
			var batch []*kgo.Record
			for range n {
				next++
				id, op := rng.IntN(40), "u"
				if rng.IntN(4) == 0 {
					op = "d"
					delete(want, id)
				} else {
					want[id] = fmt.Sprint("v", next)
				}
				before, _ := json.Marshal(members{"op": op, "before": members{"id": id}, "after": members{"id": id, "state": want[id]}})
				key, _ := json.Marshal(members{"id": id})
				batch = append(batch, &kgo.Record{Key: key, Value: before})
			}
			if err := k.client.ProduceSync(t.Context(), batch...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			change(300)
			killAfter(t, b.dir, rng.IntN(60), func() { change(300) })
		}
		b.start()
		b.dataset("orders", "caught up", func(d *api.Dataset) bool {
			return d.Status == api.Ready && d.Stream.Phase == api.StreamFollowing && d.Stream.Behind == 0
		})
		var lines []string
		for id, state := range want {
			lines = append(lines, fmt.Sprintf("%d,%s", id, state))
		}
		slices.Sort(lines)
		got, err := b.sql("SELECT id, state FROM orders")
		if err != nil {
			t.Fatal(err)
		}
		have := strings.Split(got, "\n")[1:]
		slices.Sort(have)
		if !slices.Equal(lines, have) {
			t.Errorf("%s: have %v, want %v", acceleration, have, lines)
		}
		b.stop()
	}
}

// killAfter runs a replica in a process of its own, and kills it when it has told so many things.
func killAfter(t *testing.T, dir string, things int, meanwhile func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "PITWALL_TEST_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	lines := bufio.NewScanner(out)
	for i := 0; i < 3+things/10 && lines.Scan(); i++ {
		if i == 1 {
			meanwhile()
		}
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(dir, ".spice")); err != nil {
		t.Fatal(err)
	}
}

// A stream that is followed begins anew when it is asked to.
func TestStreamBeginsAnewWhileItIsFollowed(t *testing.T) {
	k := newTopic(t, 1)
	k.event("c", 1, "new", 1, false)
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile)}).start()
	b.ready("orders", 1)
	k.event("c", 2, "new", 2, false)
	b.dataset("orders", "followed", followed(2))
	k.deleteBefore(1) // what a new beginning does not find any more
	if task := b.do(api.Rebootstrap{Dataset: "orders"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.dataset("orders", "loaded anew", func(d *api.Dataset) bool { return d.Rows == 1 && d.Stream.Phase == api.StreamFollowing })
}

// A schedule, which has no effect on a stream, does no harm to it.
func TestStreamWithASchedule(t *testing.T) {
	k := newTopic(t, 1)
	k.event("c", 1, "new", 1, false)
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile + "\nrefresh_cron: '* * * * * *'")}).start()
	b.ready("orders", 1)
	d := b.dataset("orders", "followed for some ticks", func(d *api.Dataset) bool { return len(d.Stream.History) >= 3 })
	if d.Status != api.Ready || d.Err != "" || len(d.Refreshes) > 0 {
		t.Errorf("%s %q %+v", d.Status, d.Err, d.Refreshes)
	}
}

// The number of rows after an eviction stays, though the stream commits nothing.
func TestStreamAndRetention(t *testing.T) {
	k := newTopic(t, 1)
	k.event("c", 1, "new", 1, false)
	k.event("c", 2, "new", 2, false)
	b := newBed(t, map[string]string{"spicepod.yml": k.pod(inFile +
		"\nretention_check_enabled: true\nretention_check_interval: 2s\nretention_sql: DELETE FROM orders WHERE id = 1")}).start()
	d := b.dataset("orders", "with one row evicted", func(d *api.Dataset) bool { return d.Retention.Evicted == 1 })
	n := len(d.Stream.History)
	d = b.dataset("orders", "looked at twice more", func(d *api.Dataset) bool { return len(d.Stream.History) >= n+2 })
	if d.Rows != 1 {
		t.Errorf("%d rows are told, 1 is there", d.Rows)
	}
}

// A snapshot that is loaded while the stream is stopped has its own place: the record that stopped it is met again, and to pass
// over it passes over nothing else.
func TestStreamBootstrapWhileStopped(t *testing.T) {
	k := newTopic(t, 1)
	pod := "snapshots:\n  enabled: true\n  location: file://" + t.TempDir() + "\n" +
		k.pod(inFile+"\nsnapshots: enabled\nsnapshots_trigger: time_interval\nsnapshots_trigger_threshold: 1h")
	k.event("c", 1, "new", 1, false)
	b := newBed(t, map[string]string{"spicepod.yml": pod}).start()
	b.dataset("orders", "with a snapshot", func(d *api.Dataset) bool { return d.Rows == 1 && d.Snapshots.Newest != nil && d.Snapshots.Run == nil })
	k.event("c", 2, "new", 2, false)
	k.put(nil, "{")
	k.event("c", 3, "new", 3, false)
	d := b.dataset("orders", "stopped", stoppedAt("record"))
	if task := b.do(api.BootstrapFrom{Dataset: "orders", SnapshotID: d.Snapshots.Newest.ID}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.dataset("orders", "stopped again, with what was before the record", func(d *api.Dataset) bool { return d.Rows == 2 && stoppedAt("record")(d) })
	if task := b.do(api.SkipRecord{Dataset: "orders"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.ready("orders", 3)
}
