package runtime_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots"
	"pitwall/snapshots/objstore/storetest"
)

// sales are rows of three regions, from the first to before the last.
func sales(first, last int) string {
	var b strings.Builder
	for i := first; i < last; i++ {
		fmt.Fprintf(&b, "%d,%s,%d\n", i, []string{"eu", "us", "a/p"}[i%3], i*7)
	}
	return b.String()
}

const salesHead = "id,region,amount\n"

// partitionedBed has a partitioned dataset that is stored on S3 by partition.
func partitionedBed(t *testing.T, more string) (*bed, *snapshots.Manager, *cloud) {
	t.Helper()
	c := newCloud(t)
	params := map[string]string{"s3_endpoint": c.URL, "s3_region": "us-east-1", "s3_auth": "key", "s3_key": storetest.Key, "s3_secret": storetest.Secret, "allow_http": "true"}
	var text []string
	for k, v := range params {
		text = append(text, fmt.Sprintf("%s: '%s'", k, v))
	}
	location := "s3://" + c.bucket + "/snaps/"
	b := newBed(t, map[string]string{"a.csv": salesHead + sales(0, 900), "spicepod.yml": fmt.Sprintf(`
snapshots: {location: '%s', bootstrap_on_failure_behavior: fallback, params: {%s}}
datasets:
  - from: file:a.csv
    name: sales
    acceleration:
      engine: cayenne
      partition_by:
        - region: "region"
      snapshots: enabled
      snapshots_by: partition
%s`, location, strings.Join(text, ", "), more)})
	m, err := snapshots.Open(t.Context(), location, "", params)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return b, m, c
}

const salesSums = "SELECT region, count(*) AS n, sum(amount) AS amount, min(id) AS low, max(id) AS high FROM sales GROUP BY region ORDER BY region"

func wipe(t *testing.T, b *bed) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, ".spice")); err != nil {
		t.Fatal(err)
	}
}

// The process is killed, its data is lost, the source is away: every partition comes back from its own snapshot.
func TestPartitionsAreRestoredFromS3AfterAKill(t *testing.T) {
	b, m, _ := partitionedBed(t, "")
	acks := runAndKill(t, b.dir, 50*time.Millisecond, "ack")
	if !slices.ContainsFunc(keysOf(acks), func(l string) bool { return strings.HasPrefix(l, "ack sales 1 ") }) {
		t.Fatalf("no snapshot was acknowledged: %v", acks)
	}
	stored, err := m.Datasets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range stored {
		names = append(names, s.Dataset)
	}
	if got := strings.Join(names, " "); got != "sales@region=a!2Fp sales@region=eu sales@region=us" {
		t.Errorf("stored: %s", got)
	}
	wipe(t, b)
	if err := os.Rename(filepath.Join(b.dir, "a.csv"), filepath.Join(b.dir, "away")); err != nil {
		t.Fatal(err)
	}
	b.start()
	d := b.dataset("sales", "its rows", func(d *api.Dataset) bool { return d.HasData && d.Rows == 900 })
	if d.Snapshots.Booted == nil || d.Snapshots.Booted.ID != 1 {
		t.Errorf("%+v", d.Snapshots.Booted)
	}
	b.wants(salesSums, "region,n,amount,low,high\na/p,300,946050,2,899\neu,300,941850,0,897\nus,300,943950,1,898")
}

func keysOf(m map[string]bool) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

// What did not change does not travel; a damaged partition takes the whole set with it, and the older set is loaded.
func TestPartitionsThatDidNotChangeStay(t *testing.T) {
	b, m, c := partitionedBed(t, "      refresh_mode: append\n    time_column: id\n    time_format: unix_seconds\n")
	b.start()
	kept := func(n int) {
		t.Helper()
		b.dataset("sales", fmt.Sprintf("snapshot %d", n), func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil })
	}
	kept(1)
	b.write("a.csv", salesHead+sales(0, 900)+"900,eu,1\n901,eu,2\n")
	b.do(api.RefreshNow{Dataset: "sales"})
	b.ready("sales", 902)
	kept(2)
	for name, want := range map[string]int{"sales@region=eu": 2, "sales@region=us": 1, "sales@region=a!2Fp": 1} {
		if list, err := m.List(t.Context(), name); err != nil || len(list) != want {
			t.Errorf("%s has %d snapshots, want %d: %v", name, len(list), want, err)
		}
	}
	if task := b.do(api.VerifySnapshot{Dataset: "sales", SnapshotID: 2}); task.State != api.TaskDone || !strings.Contains(task.Detail, "set 2 is sound") {
		t.Errorf("%+v", task)
	}
	if task := b.do(api.SnapshotNow{Dataset: "sales"}); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	if _, err := b.Runtime.Do(t.Context(), api.PinSnapshot{Dataset: "sales", SnapshotID: 1}); api.ReasonOf(err) != api.Refused || !strings.Contains(err.Error(), "snapshots_by: partition") {
		t.Errorf("pinned a set: %v", err)
	}
	// A chosen set.
	if task := b.do(api.BootstrapFrom{Dataset: "sales", SnapshotID: 1, Hold: true}); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	b.ready("sales", 900)
	b.stop()

	list, err := m.List(t.Context(), "sales@region=eu")
	if err != nil {
		t.Fatal(err)
	}
	c.put(strings.TrimPrefix(list[0].URI, "s3://"+c.bucket+"/"), make([]byte, list[0].Bytes))
	wipe(t, b)
	b.write("a.csv", salesHead) // nothing comes from the source
	b.start()
	d := b.dataset("sales", "an older set", func(d *api.Dataset) bool { return d.HasData && d.Snapshots.Booted != nil })
	if d.Rows != 900 && d.Rows != 902 || len(d.Snapshots.Booted.Rejected) == 0 || !strings.Contains(d.Snapshots.Booted.Rejected[0], "region=eu") {
		t.Errorf("%d rows, %+v", d.Rows, d.Snapshots.Booted)
	}
}

// A refresh that leaves no rows is stored, too: a new replica does not bring them back.
func TestNoRowsAreASet(t *testing.T) {
	b, _, _ := partitionedBed(t, "")
	b.start()
	kept := func(n int) {
		t.Helper()
		b.dataset("sales", fmt.Sprintf("snapshot %d", n), func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil })
	}
	kept(1)
	b.write("a.csv", salesHead)
	b.do(api.RefreshNow{Dataset: "sales"})
	b.dataset("sales", "no rows", func(d *api.Dataset) bool { return d.HasData && d.Rows == 0 })
	kept(2)
	b.stop()
	wipe(t, b)
	if err := os.Rename(filepath.Join(b.dir, "a.csv"), filepath.Join(b.dir, "away")); err != nil {
		t.Fatal(err)
	}
	b.start()
	d := b.dataset("sales", "what the set has", func(d *api.Dataset) bool { return d.HasData && d.Snapshots.Booted != nil })
	if d.Rows != 0 || d.Snapshots.Booted.ID != 2 {
		t.Errorf("%d rows of %+v", d.Rows, d.Snapshots.Booted)
	}
	b.wants("SELECT count(*) AS n FROM sales", "n\n0")
}

// A store that does not answer at first is no reason to load an older snapshot of the whole.
func TestASetIsWaitedFor(t *testing.T) {
	b, _, c := partitionedBed(t, "")
	pod := filepath.Join(b.dir, "spicepod.yml")
	text, err := os.ReadFile(pod)
	if err != nil {
		t.Fatal(err)
	}
	for i, by := range []string{"dataset", "partition"} {
		if err := os.WriteFile(pod, []byte(strings.Replace(string(text), "snapshots_by: partition", "snapshots_by: "+by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		rows := int64(300 * (i + 1))
		b.write("a.csv", salesHead+sales(0, int(rows)))
		b.start()
		b.dataset("sales", "open", func(d *api.Dataset) bool { return d.HasData && d.Run == nil && d.Snapshots.Run == nil })
		b.do(api.RefreshNow{Dataset: "sales"})
		b.dataset("sales", "stored", func(d *api.Dataset) bool {
			return d.Snapshots.Newest != nil && d.Snapshots.Newest.Rows == rows && d.Snapshots.Run == nil
		})
		b.stop()
	}
	wipe(t, b)
	if err := os.Rename(filepath.Join(b.dir, "a.csv"), filepath.Join(b.dir, "away")); err != nil {
		t.Fatal(err)
	}
	c.Break(storetest.Status(http.StatusForbidden))
	b.start()
	b.until("a try that failed", func(s *api.State) bool {
		return slices.ContainsFunc(s.Events, func(e api.Event) bool { return strings.Contains(e.Message, "retrying in") })
	})
	c.Break(nil)
	d := b.dataset("sales", "the set", func(d *api.Dataset) bool { return d.Snapshots.Booted != nil })
	if d.Rows != 600 {
		t.Errorf("%d rows of %+v", d.Rows, d.Snapshots.Booted)
	}
}

// Whatever snapshots_by was, a new replica loads what is newest.
func TestTheNewestKindIsLoaded(t *testing.T) {
	b, _, _ := partitionedBed(t, "")
	pod := filepath.Join(b.dir, "spicepod.yml")
	text, err := os.ReadFile(pod)
	if err != nil {
		t.Fatal(err)
	}
	boot := func(want int64) {
		t.Helper()
		wipe(t, b)
		if err := os.Rename(filepath.Join(b.dir, "a.csv"), filepath.Join(b.dir, "away")); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.dataset("sales", fmt.Sprintf("%d rows", want), func(d *api.Dataset) bool { return d.HasData && d.Snapshots.Booted != nil && d.Rows == want })
		b.stop()
	}
	for i, by := range []string{"partition", "dataset", "partition"} {
		if err := os.WriteFile(pod, []byte(strings.Replace(string(text), "snapshots_by: partition", "snapshots_by: "+by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		rows := int64(300 * (i + 1))
		b.write("a.csv", salesHead+sales(0, int(rows)))
		b.start()
		b.dataset("sales", "open", func(d *api.Dataset) bool { return d.HasData && d.Run == nil && d.Snapshots.Run == nil })
		b.do(api.RefreshNow{Dataset: "sales"})
		b.dataset("sales", "stored", func(d *api.Dataset) bool {
			return d.Rows == rows && d.Snapshots.Newest != nil && d.Snapshots.Newest.Rows == rows && d.Snapshots.Run == nil
		})
		b.stop()
		boot(rows)
	}
}
