package runtime_test

import (
	"os"
	"testing"

	"pitwall/runtime/api"
)

// TestFileCreate starts a dataset twice: a full one loads anew and does not look at snapshots, an append one loads
// the snapshot that was written just before its file was removed.
func TestFileCreate(t *testing.T) {
	for _, tt := range []struct {
		mode string
		want int64
	}{{"refresh_mode: full", 3}, {"refresh_mode: append", 13}} {
		t.Run(tt.mode, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    time_column: id
    time_format: unix_seconds
    acceleration:
      engine: duckdb
      mode: file_create
      ` + tt.mode + `
      refresh_on_startup: always
      snapshots: enabled
      snapshots_trigger: time_interval
      snapshots_trigger_threshold: 10h
`, "a.csv": "id\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"}).start()
			b.ready("d", 10)
			first := b.dataset("d", "the first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
			b.stop()
			b.write("a.csv", "id\n11\n12\n13\n")
			b.start()
			d := b.ready("d", tt.want)
			if booted := d.Snapshots.Booted != nil; booted != (tt.want == 13) {
				t.Errorf("booted from %+v", d.Snapshots.Booted)
			}
			// The store had it already: nothing is written twice.
			if d.Snapshots.Newest == nil || d.Snapshots.Newest.ID != first.Snapshots.Newest.ID && tt.want == 13 {
				t.Errorf("newest is %+v", d.Snapshots.Newest)
			}
		})
	}
}

// A file whose snapshot can't be written stays.
func TestFileCreateKeepsWhatItCannotSave(t *testing.T) {
	pod := `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: sqlite, mode: file_create, refresh_on_startup: auto, snapshots: create_only}
`
	b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": cities(10)}).start()
	b.ready("d", 10)
	b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	b.stop()
	if err := os.WriteFile(b.dir+"/snaps/metadata.json", []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(b.dir + "/a.csv"); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.ready("d", 10)
	b.wants("SELECT count(*) AS n FROM d", "n\n10")
}

// TestFileUpdate changes the columns of the source: what was there goes to the store, then the file is made anew.
func TestFileUpdate(t *testing.T) {
	for _, snaps := range []string{"enabled", "disabled"} {
		t.Run("snapshots "+snaps, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: duckdb, mode: file_update, snapshots: ` + snaps + `}
`, "a.csv": "id,name\n1,a\n2,b\n"}).start()
			b.ready("d", 2)
			if snaps == "enabled" {
				b.dataset("d", "the first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
			}
			b.write("a.csv", "id,place\n1,2.5\n2,3.5\n3,4.5\n")
			b.do(api.RefreshNow{Dataset: "d"})
			d := b.ready("d", 3)
			if len(d.Schema) != 2 || d.Schema[1].Name != "place" || d.Err != "" {
				t.Errorf("%+v, %s", d.Schema, d.Err)
			}
			if snaps == "enabled" { // the old columns first, then the new ones
				b.dataset("d", "the second snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 2 && d.Snapshots.Run == nil })
				if task := b.do(api.VerifySnapshot{Dataset: "d", SnapshotID: 0}); task.State != api.TaskDone {
					t.Errorf("%+v", task)
				}
			}
		})
	}
}
