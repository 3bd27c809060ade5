package runtime_test

import (
	"strings"
	"testing"
	"time"

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

// A dataset that is taken out of the spicepod, or writes no snapshots any more, leaves them to another replica.
func TestStandbyTakesOverWhenTheDatasetIsRemoved(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"removed": func(pod string) string { return strings.Replace(pod, "name: d", "name: e", 1) },
		"read":    func(pod string) string { return strings.Replace(pod, "create_only", "bootstrap_only", 1) },
		"in memory": func(pod string) string {
			return strings.Replace(pod, "mode: file, snapshots: create_only", "mode: memory", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := "\nsnapshots: {location: 'file://" + t.TempDir() + "'}" + aPod("", "snapshots: create_only")
			replica := func(name string) *bed {
				return newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": cities(10)}).start(func(o *launch.Options) { o.Instance = name })
			}
			a := replica("host-a")
			a.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
			b := replica("host-b")
			b.dataset("d", "standing by", func(d *api.Dataset) bool { return d.Snapshots.Standby != "" && d.Snapshots.Run == nil })
			a.write("spicepod.yml", edit(pod))
			a.until("the new version", func(s *api.State) bool { return s.Config.Generation == 2 })
			b.do(api.Hold{Dataset: "d", On: true})
			for began := time.Now(); ; { // the lease is given back a moment later
				task := b.do(api.SnapshotNow{Dataset: "d"})
				if task.State == api.TaskDone {
					break
				}
				if time.Since(began) > patience/10 {
					t.Fatalf("%+v", task)
				}
			}
		})
	}
}
