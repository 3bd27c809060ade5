package runtime_test

import (
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// TestIncrementalSnapshots appends rows: the second snapshot stores little, both are loaded as they were, and a new
// process begins with the second.
func TestIncrementalSnapshots(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			all := manyRows(200_000)
			at := strings.Index(all, "\n196001,") + 1
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    time_column: id
    time_format: unix_seconds
    acceleration:
      engine: ` + engine + `
      mode: file
      refresh_mode: append
      snapshots: enabled
      snapshots_upload: incremental
`, "a.csv": "id,text\n" + all[:at]}).start()
			b.ready("d", 196_000)
			first := b.dataset("d", "has its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil && d.Snapshots.Run == nil }).Snapshots.Newest
			if first.Incremental {
				t.Fatalf("%+v", first)
			}
			b.write("a.csv", "id,text\n"+all)
			b.refresh("d")
			second := b.dataset("d", "has its second snapshot", func(d *api.Dataset) bool {
				return d.Snapshots.Newest != nil && d.Snapshots.Newest.ID > first.ID && d.Snapshots.Run == nil
			}).Snapshots.Newest
			if !second.Incremental || !second.Current || second.Stored > second.Bytes/2 {
				t.Errorf("%+v", second)
			}
			if task := b.do(api.SnapshotNow{Dataset: "d", Full: true}); task.State != api.TaskDone {
				t.Fatalf("%+v", task)
			}
			b.dataset("d", "has a full one, as asked", func(d *api.Dataset) bool {
				return d.Snapshots.Newest != nil && d.Snapshots.Newest.ID > second.ID && !d.Snapshots.Newest.Incremental && d.Snapshots.Run == nil
			})
			for _, c := range []struct {
				id   uint64
				rows string
			}{{first.ID, "196000"}, {second.ID, "200000"}} {
				if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: c.id}); task.State != api.TaskDone {
					t.Fatalf("%+v", task)
				}
				b.wants("SELECT count(*) AS n, max(id) AS id FROM d", "n,id\n"+c.rows+","+c.rows)
			}
		})
	}
}
