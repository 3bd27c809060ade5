package runtime_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// TestCompactedSnapshotsAreSmall evicts most rows: the local file keeps their room, a compacted snapshot does
// not, and it holds the same rows.
func TestCompactedSnapshotsAreSmall(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration:
      engine: ` + engine + `
      mode: file
      snapshots: enabled
      snapshots_compaction: enabled
      snapshots_trigger: time_interval
      snapshots_trigger_threshold: 1h
      retention_check_enabled: true
      retention_check_interval: 1h
      retention_sql: DELETE FROM d WHERE id > 10
`, "a.csv": "id,text\n" + manyRows(200_000)}).start()
			d := b.ready("d", 10)
			if task := b.do(api.SnapshotNow{Dataset: "d"}); task.State != api.TaskDone {
				t.Fatalf("%+v", task)
			}
			info, err := os.Stat(d.File)
			if err != nil {
				t.Fatal(err)
			}
			n := b.dataset("d", "has its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil && d.Snapshots.Run == nil }).Snapshots.Newest
			if n.Bytes >= info.Size() || n.Rows != 10 && n.Rows != -1 {
				t.Errorf("a snapshot of %d bytes, %d rows; the file has %d bytes", n.Bytes, n.Rows, info.Size())
			}
			if task := b.do(api.BootstrapFrom{Dataset: "d", SnapshotID: n.ID}); task.State != api.TaskDone {
				t.Fatalf("%+v", task)
			}
			b.wants("SELECT count(*) AS n, max(id) AS id FROM d", "n,id\n10,10")
		})
	}
}

// manyRows are lines of CSV that do not compress to nothing.
func manyRows(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "%d,text %x %x\n", i, i*7919, i*i*104729)
	}
	return b.String()
}
