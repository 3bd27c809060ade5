package runtime_test

import (
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// Two replicas share a store: one writes the snapshots, the other one stands by and shows it, and goes on when the
// first one ends.
func TestStandbyTakesOverWhenTheWriterEnds(t *testing.T) {
	store := t.TempDir()
	replica := func(name string) *bed {
		return newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: "file://` + store + `"}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: duckdb, mode: file, snapshots: create_only, refresh_check_interval: 1h}
`, "a.csv": cities(10)}).start(func(o *launch.Options) { o.Instance = name })
	}
	a := replica("host-a")
	a.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	b := replica("host-b")
	d := b.dataset("d", "standing by", func(d *api.Dataset) bool { return d.Snapshots.Standby != "" })
	if !strings.Contains(d.Snapshots.Standby, "host-a") || d.Snapshots.LastErr != "" || d.Snapshots.Failures != 0 || len(d.Snapshots.Attempts) != 0 {
		t.Errorf("%+v", d.Snapshots)
	}
	if task := b.do(api.SnapshotNow{Dataset: "d"}); task.State != api.TaskFailed || !strings.Contains(task.Detail, "host-a") {
		t.Errorf("the standby wrote: %+v", task)
	}
	a.stop()
	if task := b.do(api.SnapshotNow{Dataset: "d"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	d = b.dataset("d", "writing", func(d *api.Dataset) bool { return d.Snapshots.Standby == "" && d.Snapshots.Kept == 2 })
	if d.Snapshots.Newest.ID != 1 {
		t.Errorf("%+v", d.Snapshots.Newest)
	}
}
