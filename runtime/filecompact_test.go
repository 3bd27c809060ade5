package runtime_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// compactPod is a dataset in Cayenne whose files are put together as soon as there are two.
const compactPod = `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    time_column: id
    time_format: unix_seconds
    acceleration:
      engine: cayenne
      mode: file
      refresh_mode: append
      snapshots: enabled
      params: {cayenne_compaction_trigger_files: 2, cayenne_compaction_background_interval_ms: 20}
`

// upTo are the rows with ids from 1 to n.
func upTo(n int) string { return "id,text\n" + manyRows(n) }

// saidOfCompaction waits for an event of a compaction.
func (b *bed) saidOfCompaction(level api.Level, text string) {
	b.t.Helper()
	b.until(text, func(s *api.State) bool {
		return slices.ContainsFunc(s.Events, func(e api.Event) bool {
			return e.Kind == "compaction" && e.Level == level && strings.Contains(e.Message, text)
		})
	})
}

// TestSmallFilesArePutTogether appends: the files of the appends become one in the background, which is no reason for
// a snapshot.
func TestSmallFilesArePutTogether(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": compactPod, "a.csv": upTo(1000)}).start()
	b.ready("d", 1000)
	b.write("a.csv", upTo(2000))
	at := b.refresh("d").LastRefresh
	b.saidOfCompaction(api.Info, "put 2 files together to 1 in ")
	if d := b.ready("d", 2000); !d.LastRefresh.Equal(at) {
		t.Errorf("the data is as of %s, was of %s", d.LastRefresh, at)
	}
	b.wants("SELECT count(*) AS n, max(id) AS id FROM d", "n,id\n2000,2000")
	snapshot := b.dataset("d", "has its snapshot of all rows", func(d *api.Dataset) bool {
		return d.Snapshots.Newest != nil && d.Snapshots.Run == nil && !d.Snapshots.Newest.Created.Before(at)
	}).Snapshots
	b.stop()
	b.start() // a start writes the snapshot that a killed process did not write
	d := b.dataset("d", "has looked at the snapshots", func(d *api.Dataset) bool {
		return d.Snapshots.Newest != nil && d.Snapshots.Run == nil && len(d.Snapshots.Attempts) > 0
	})
	if d.Snapshots.Newest.ID != snapshot.Newest.ID {
		t.Errorf("the compaction made snapshot %d after %d", d.Snapshots.Newest.ID, snapshot.Newest.ID)
	}
}

// TestCompactionFails damages one of two files while pitwall is stopped: the next one says so, once.
func TestCompactionFails(t *testing.T) {
	const name = "cayenne_compaction_background_interval_ms: "
	b := newBed(t, map[string]string{"spicepod.yml": strings.Replace(compactPod, name+"20", name+"0", 1), "a.csv": upTo(1000)}).start()
	b.ready("d", 1000)
	b.write("a.csv", upTo(2000))
	b.refresh("d")
	d := b.ready("d", 2000)
	b.stop()
	files, err := filepath.Glob(filepath.Join(d.File, "data/*/*/*.vortex"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(files[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	b.write("spicepod.yml", compactPod)
	b.start()
	b.saidOfCompaction(api.ErrorLevel, "compaction failed: d: compact d")
	b.saidOfCompaction(api.ErrorLevel, "is damaged")
}

// TestACompactionIsNoReasonForASet compacts a dataset that is snapshotted by partition: its files are others then, its
// rows are not, and the next start stores nothing.
func TestACompactionIsNoReasonForASet(t *testing.T) {
	b, _, _ := partitionedBed(t, "      refresh_mode: append\n      params: {cayenne_compaction_trigger_files: 2, cayenne_compaction_background_interval_ms: 20}\n    time_column: id\n    time_format: unix_seconds\n")
	b.start()
	stored := func(n int) *api.Dataset {
		t.Helper()
		return b.dataset("sales", "its snapshots", func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil })
	}
	stored(1)
	b.write("a.csv", salesHead+sales(0, 1800))
	b.refresh("sales")
	stored(2)
	b.saidOfCompaction(api.Info, "put ")
	b.stop()
	b.start()
	b.dataset("sales", "has looked at the snapshots", func(d *api.Dataset) bool {
		return d.Snapshots.Run == nil && len(d.Snapshots.Attempts) > 0
	})
	stored(2)
}
