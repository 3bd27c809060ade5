package runtime_test

import (
	"testing"

	"pitwall/runtime/api"
)

// The state tells how a dataset lies in files: after its load, after each refresh, and what scans read and left out; for
// an engine without such files it tells nothing.
func TestLayoutIsInTheState(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: d
    time_column: id
    time_format: unix_seconds
    acceleration: {engine: cayenne, mode: file, refresh_mode: append}
  - from: file:a.csv
    name: e
    acceleration: {engine: sqlite}
`, "a.csv": csv(50_000)}).start()
	b.ready("d", 50_000)
	first := b.dataset("d", "tells its layout", func(d *api.Dataset) bool { return d.Layout != nil && d.Layout.Total.Rows == 50_000 })
	if l := first.Layout; l.Partitioned() || len(l.Partitions) != 1 || l.Partitions[0] != l.Total || l.Total.Bytes <= 0 || l.Total.Bytes > first.Bytes {
		t.Errorf("%+v, of %d bytes", l, first.Bytes)
	}
	b.write("a.csv", csv(50_100))
	b.do(api.RefreshNow{Dataset: "d"})
	more := b.dataset("d", "has another file", func(d *api.Dataset) bool { return d.Layout.Total.Rows == 50_100 })
	if n := more.Layout.Total.Files; n != first.Layout.Total.Files+1 {
		t.Errorf("%d files after an append to %d", n, first.Layout.Total.Files)
	}
	before := more.Reads.Scans
	b.wants("SELECT count(*) AS n FROM d WHERE id = 7", "n\n1")
	read := b.dataset("d", "counts the scan", func(d *api.Dataset) bool { return d.Reads.Scans > before })
	if read.Reads.FilesLeft == 0 && read.Reads.ZonesLeft == 0 {
		t.Errorf("the scan for one row left out nothing: %+v", *read.Reads)
	}
	if read.Layout != more.Layout {
		t.Error("a scan made a new list of the partitions")
	}
	if e := b.ready("e", 50_000); e.Layout != nil || e.Reads != nil || e.Compaction != nil {
		t.Errorf("sqlite: %+v %+v %+v", e.Layout, e.Reads, e.Compaction)
	}
}

// Rows of a snapshot lie in other files than those before.
func TestLayoutAfterABootstrap(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: cayenne, mode: file, snapshots: enabled, snapshots_trigger: time_interval, snapshots_trigger_threshold: 1h}
`, "a.csv": csv(100)}).start()
	b.ready("d", 100)
	if task := b.do(api.SnapshotNow{Dataset: "d"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.write("a.csv", csv(200))
	b.do(api.RefreshNow{Dataset: "d"})
	b.dataset("d", "lies anew", func(d *api.Dataset) bool { return d.Layout != nil && d.Layout.Total.Rows == 200 })
	n := b.dataset("d", "has its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil }).Snapshots.Newest
	if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: n.ID}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.dataset("d", "lies as in the snapshot", func(d *api.Dataset) bool { return d.Layout.Total.Rows == 100 })
}

// A compaction of the engine's own is in the state, with the files that there are then.
func TestCompactionIsInTheState(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": compactPod, "a.csv": upTo(1000)}).start()
	b.ready("d", 1000)
	b.write("a.csv", upTo(2000))
	b.refresh("d")
	d := b.dataset("d", "tells of the compaction", func(d *api.Dataset) bool {
		return d.Compaction != nil && d.Compaction.Runs == 1 && d.Layout.Total.Files == 1
	})
	if want := (api.Compaction{Runs: 1, Before: 2, After: 1}); *d.Compaction != want || d.Layout.Total.Rows != 2000 {
		t.Errorf("%+v, %+v", *d.Compaction, d.Layout.Total)
	}
}
