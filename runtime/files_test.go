package runtime_test

import (
	"testing"
	"time"

	"pitwall/runtime/api"
)

const filesPod = `
snapshots: {location: 'file:snaps'}
datasets:
  - from: file:logs/
    name: logs
    time_column: last_modified
    time_format: timestamptz
    params: {file_format: csv}
    acceleration: {engine: sqlite, mode: file, refresh_mode: append, snapshots: enabled}
`

// Only files that are new are read, also after a restart.
func TestAppendByLastModifiedReadsNewFilesOnly(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": filesPod, "logs/a.csv": "id\n1\n2\n"})
	b.age("logs/a.csv", time.Hour)
	b.start()
	b.ready("logs", 2)
	b.write("logs/b.csv", "id\n3\n")
	b.age("logs/b.csv", 2*time.Hour) // older than the watermark: copied with its time
	if d := b.refresh("logs"); d.Rows != 3 || d.Refreshes[0].RowsRead != 1 {
		t.Errorf("%d rows, %d read: %s", d.Rows, d.Refreshes[0].RowsRead, d.Refreshes[0].Plan)
	}
	b.stop()
	b.write("logs/c.csv", "id\n4\n5\n")
	b.age("logs/c.csv", time.Minute)
	b.start()
	if d := b.ready("logs", 5); d.Refreshes[0].RowsRead != 2 {
		t.Errorf("after a restart: %d rows read", d.Refreshes[0].RowsRead)
	}
	if d := b.refresh("logs"); d.Rows != 5 || d.Refreshes[0].Outcome != api.Skipped {
		t.Errorf("%+v", d.Refreshes[0])
	}
	b.wants("SELECT count(*) AS n, count(last_modified) AS m FROM logs", "n,m\n5,5")
}

// What came after a snapshot is read again when it is loaded.
func TestAppendAfterABootstrapFromAnOlderSnapshotMissesNothing(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": filesPod, "logs/a.csv": "id\n1\n2\n"})
	b.age("logs/a.csv", time.Hour)
	b.start()
	b.ready("logs", 2)
	first := b.dataset("logs", "has a snapshot", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil }).Snapshots.Newest.ID
	b.write("logs/b.csv", "id\n3\n")
	b.age("logs/b.csv", time.Minute)
	b.refresh("logs")
	b.dataset("logs", "has two snapshots", func(d *api.Dataset) bool { return d.Snapshots.Newest.ID != first && d.Snapshots.Run == nil })
	if task := b.do(api.BootstrapFrom{Dataset: "logs", SnapshotID: first}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	b.wants("SELECT count(*) AS n FROM logs", "n\n2")
	if d := b.refresh("logs"); d.Rows != 3 {
		t.Errorf("%d rows: the file after the snapshot is lost", d.Rows)
	}
}
