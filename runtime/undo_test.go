package runtime_test

import (
	"os"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// A bootstrap can be undone until the next refresh, also after a restart.
func TestUndoOfABootstrap(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: ` + engine + `, mode: file, snapshots: enabled}
`, "a.csv": cities(10)}).start()
			kept := func(n int) func(*api.Dataset) bool {
				return func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil }
			}
			b.dataset("d", "the first snapshot", kept(1))
			b.write("a.csv", cities(20))
			b.do(api.RefreshNow{Dataset: "d"})
			b.ready("d", 20)
			b.dataset("d", "the second snapshot", kept(2))
			if _, err := b.Runtime.Do(t.Context(), api.UndoBootstrap{Dataset: "d"}); api.ReasonOf(err) != api.Refused {
				t.Errorf("undo of nothing: %v", err)
			}
			boot := func() {
				t.Helper()
				if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: 0}); task.State != api.TaskDone {
					t.Fatalf("%+v", task)
				}
				b.dataset("d", "old", func(d *api.Dataset) bool { return d.Rows == 10 && !d.Snapshots.Undo.IsZero() })
			}
			boot()
			b.stop()
			b.start()
			// What came from the store is not written to it again.
			if d := b.dataset("d", "open", func(d *api.Dataset) bool { return d.HasData }); d.Snapshots.Kept != 2 || d.Snapshots.Totals.Attempts != 0 {
				t.Errorf("%+v", d.Snapshots)
			}
			b.dataset("d", "old, and to be undone", func(d *api.Dataset) bool { return d.Rows == 10 && !d.Snapshots.Undo.IsZero() })
			if task := b.do(api.UndoBootstrap{Dataset: "d"}); task.State != api.TaskDone || !strings.Contains(task.Detail, "20 rows") {
				t.Fatalf("%+v", task)
			}
			d := b.dataset("d", "new again", func(d *api.Dataset) bool { return d.Rows == 20 && d.Snapshots.Undo.IsZero() })
			b.wants("SELECT count(*) AS n FROM d", "n\n20")
			boot()
			// A refresh makes newer data: there is nothing to go back to.
			b.do(api.RefreshNow{Dataset: "d"})
			b.dataset("d", "refreshed", func(d *api.Dataset) bool { return d.Rows == 20 && d.Run == nil && d.Snapshots.Undo.IsZero() })
			if _, err := os.Stat(d.File + ".undo"); !os.IsNotExist(err) {
				t.Errorf("the copy is there: %v", err)
			}
			// A bootstrap that fails replaces nothing.
			if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: 77}); task.State != api.TaskFailed {
				t.Fatalf("%+v", task)
			}
			b.dataset("d", "as it was", func(d *api.Dataset) bool { return d.Rows == 20 && d.Snapshots.Undo.IsZero() })
		})
	}
}

// snapshots_reset_expiry_on_load: the rows of a snapshot count as new when it was loaded.
func TestLoadingASnapshotResetsTheRetentionClock(t *testing.T) {
	for _, reset := range []bool{true, false} {
		pod := `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    time_column: at
    time_format: ISO8601
    acceleration:
      engine: duckdb
      mode: file
      refresh_mode: append
      refresh_on_startup: always
      snapshots: enabled
      snapshots_reset_expiry_on_load: ` + map[bool]string{true: "enabled", false: "disabled"}[reset]
		b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": "id,at\n1,2020-01-01T00:00:00Z\n2,2020-01-02T00:00:00Z\n"}).start()
		d := b.ready("d", 2)
		b.dataset("d", "the snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
		b.stop()
		if err := os.Remove(d.File); err != nil {
			t.Fatal(err)
		}
		b.write("spicepod.yml", pod+"\n      retention_check_enabled: true\n      retention_period: 30d\n      retention_check_interval: 1h\n")
		want := int64(0)
		if reset {
			want = 2
		}
		for range 2 { // the second start finds the data
			b.start()
			b.dataset("d", "checked", func(d *api.Dataset) bool {
				return d.Retention != nil && !d.Retention.Last.IsZero() && d.Run == nil && d.Rows == want && !d.LastRefresh.IsZero() && len(d.Refreshes) > 0
			})
			b.stop()
		}
	}
}
