package runtime_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// TestRefreshModeSnapshotFollowsTheStore has one replica write snapshots and another, without a source,
// follow them: to newer ones, back after a rollback, and past a restart without loading again.
func TestRefreshModeSnapshotFollowsTheStore(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			store := t.TempDir()
			writer := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: 'file://` + store + `'}
datasets:
  - {from: 'file:a.csv', name: d, on_schema_change: sync_all_columns, acceleration: {engine: ` + engine + `, mode: file, snapshots: create_only}}
`, "a.csv": cities(10)})
			pod := `
snapshots: {location: 'file://` + store + `'}
datasets:
  - {from: 'databricks:nowhere.d', name: d, acceleration: {engine: ` + engine + `, mode: file, refresh_mode: snapshot, refresh_check_interval: 100ms, snapshots: bootstrap_only}}
`
			reader := newBed(t, map[string]string{"spicepod.yml": pod}).start()
			if d := reader.failing("d"); !strings.Contains(d.Err, "no snapshot of the dataset yet") || d.Hint == "" || d.Retry == nil {
				t.Errorf("%q / %q, retry %v", d.Err, d.Hint, d.Retry)
			}
			writer.start()
			writer.ready("d", 10)
			first := snapshotOf(writer, 10)
			reader.do(api.RefreshNow{Dataset: "d"}) // its re-try would come, too, but seconds later
			reader.ready("d", 10)
			reader.wants("SELECT count(*) AS n FROM d WHERE city = 'Seattle'", "n\n5")
			if _, err := reader.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "d", Mode: "full"}); err == nil {
				t.Error("it took another refresh_mode")
			}
			if id, err := reader.Runtime.Do(t.Context(), api.SnapshotNow{Dataset: "d"}); err == nil && reader.task(id).State != api.TaskFailed {
				t.Error("a reader wrote a snapshot")
			}

			writer.write("a.csv", cities(20))
			writer.refresh("d")
			newest := snapshotOf(writer, 20)
			d := reader.ready("d", 20)
			if d.Snapshots.Booted == nil || d.Snapshots.Booted.ID != newest || d.Refreshes[0].Mode != "snapshot" {
				t.Errorf("loaded %+v, want %d; %+v", d.Snapshots.Booted, newest, d.Refreshes[0])
			}
			reader.dataset("d", "finds nothing new", func(d *api.Dataset) bool { return d.Refreshes[0].Outcome == api.Skipped })

			point(t, store, newest, first)
			reader.ready("d", 10)

			reader.stop()
			again := &bed{t: t, dir: reader.dir}
			again.start()
			d = again.dataset("d", "polls", func(d *api.Dataset) bool { return len(d.Refreshes) > 1 })
			if d.Rows != 10 || d.Snapshots.Booted != nil || d.Refreshes[0].Outcome != api.Skipped || d.Refreshes[1].Outcome != api.Skipped {
				t.Errorf("after a restart: %d rows, loaded %+v, %+v", d.Rows, d.Snapshots.Booted, d.Refreshes[0])
			}

			writer.write("a.csv", "id,city,more\n1,Seattle,x\n")
			writer.refresh("d")
			snapshotOf(writer, 1)
			d = again.failing("d")
			if d.Rows != 10 || !strings.Contains(d.Err, "column more") || !strings.Contains(d.Hint, "on_schema_change") {
				t.Errorf("other columns: %d rows, %q / %q", d.Rows, d.Err, d.Hint)
			}
			again.write("spicepod.yml", strings.Replace(pod, "name: d,", "name: d, on_schema_change: sync_all_columns,", 1))
			again.ready("d", 1)
			again.wants("SELECT more FROM d", "more\nx")

			writer.write("a.csv", "id,city,more\n1,Seattle,x\n2,Bellevue,y\n")
			writer.refresh("d")
			snapshotOf(writer, 2)
			again.ready("d", 2)
		})
	}
}

// snapshotOf waits for a snapshot of that many rows and returns its id.
func snapshotOf(b *bed, rows int64) uint64 {
	b.t.Helper()
	return b.dataset("d", "has its snapshot", func(d *api.Dataset) bool {
		return d.Snapshots.Newest != nil && d.Snapshots.Newest.Rows == rows
	}).Snapshots.Newest.ID
}

// point sets the pointer of the only dataset of a store.
func point(t *testing.T, store string, from, to uint64) {
	t.Helper()
	name := filepath.Join(store, "metadata.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	re := regexp.MustCompile(`("current-snapshot-id": )` + strconv.FormatUint(from, 10))
	if !re.Match(text) {
		t.Fatalf("no pointer at %d in %s", from, text)
	}
	if err := os.WriteFile(name, re.ReplaceAll(text, []byte("${1}"+strconv.FormatUint(to, 10))), 0o644); err != nil {
		t.Fatal(err)
	}
}
