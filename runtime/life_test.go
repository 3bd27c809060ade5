package runtime_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

const threeEngines = `
snapshots:
  location: file://./snaps
datasets:
  - from: file:a.csv
    name: duck
    acceleration: {engine: duckdb, mode: file, snapshots: enabled}
  - from: file:a.csv
    name: lite
    acceleration: {engine: sqlite, mode: file, snapshots: enabled}
  - from: file:a.csv
    name: mem
    acceleration: {}
  - from: file:a.csv
    name: duckmem
    acceleration: {engine: duckdb}
  - from: file:a.csv
    name: plain
`

func TestEveryEngineLoadsAndIsSnapshotted(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(100)}).start()
	for _, n := range []string{"duck", "lite", "mem", "duckmem"} {
		d := b.ready(n, 100)
		if len(d.Refreshes) != 1 || d.Refreshes[0].Outcome != api.Succeeded || d.Refreshes[0].RowsWritten != 100 || d.Refreshes[0].Trigger != "start" {
			t.Errorf("%s: refreshes are %+v", n, d.Refreshes)
		}
		if len(d.Schema) != 2 || d.Schema[0].Name != "id" || d.Schema[0].Type != "int64" {
			t.Errorf("%s: schema is %+v", n, d.Schema)
		}
	}
	for _, n := range []string{"duck", "lite"} {
		d := b.dataset(n, "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil })
		list, err := b.Runtime.Snapshots(t.Context(), n)
		if err != nil || len(list) != 1 || list[0].Rows != 100 || !list[0].Current || list[0].Checksum != d.Snapshots.Newest.Checksum {
			t.Errorf("%s: snapshots are %+v, %v", n, list, err)
		}
	}
	if d := b.Runtime.State().Dataset("mem"); !strings.Contains(d.Snapshots.Off, "arrow has no snapshots") {
		t.Errorf("mem: snapshots are off because %q", d.Snapshots.Off)
	}
	if _, err := b.Runtime.Do(t.Context(), api.SnapshotNow{Dataset: "mem"}); api.ReasonOf(err) != api.Refused {
		t.Errorf("a snapshot of memory gave %v", err)
	}
	if _, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "plain"}); api.ReasonOf(err) != api.Refused {
		t.Errorf("a refresh of a plain dataset gave %v", err)
	}
	if _, err := b.Runtime.Do(t.Context(), api.RefreshNow{Dataset: "nix"}); api.ReasonOf(err) != api.NotFound {
		t.Errorf("an unknown dataset gave %v", err)
	}
	if !b.Runtime.State().Ready {
		t.Error("the runtime is not ready")
	}
}

func TestRestartKeepsFilesAndBootstrapsWhatIsGone(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(100)}).start()
	for _, n := range []string{"duck", "lite"} {
		b.dataset(n, "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil })
	}
	b.stop()
	// The source grows, but without an interval a restart does not read it again (spec data-refresh 5.1).
	b.write("a.csv", csv(150))
	b.start()
	for _, n := range []string{"duck", "lite"} {
		if d := b.ready(n, 100); len(d.Refreshes) != 0 || d.Snapshots.Booted != nil || d.LastRefresh.IsZero() {
			t.Errorf("%s: %d refreshes, booted %v, last refresh %v", n, len(d.Refreshes), d.Snapshots.Booted, d.LastRefresh)
		}
	}
	b.ready("mem", 150)
	b.stop()
	for _, f := range []string{"duck.duckdb", "lite.sqlite"} {
		if err := os.Remove(filepath.Join(b.DataDir, f)); err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	for _, n := range []string{"duck", "lite"} {
		d := b.ready(n, 100)
		if d.Snapshots.Booted == nil || d.Snapshots.Booted.Rows != 100 || len(d.Refreshes) != 0 {
			t.Errorf("%s: booted %+v, refreshes %+v", n, d.Snapshots.Booted, d.Refreshes)
		}
		if d.Snapshots.Newest.Verified.State != api.VerifiedSum {
			t.Errorf("%s: its bytes were just checked, but it shows %+v", n, d.Snapshots.Newest.Verified)
		}
	}
	if task := b.do(api.RefreshNow{Dataset: "duck"}); task.State != api.TaskDone {
		t.Fatalf("refresh: %+v", task)
	}
	b.ready("duck", 150)
}

func TestBootstrapFromAnOlderSnapshotWhileRunning(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(10)}).start()
	for _, n := range []string{"duck", "lite"} {
		b.dataset(n, "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	}
	b.write("a.csv", csv(25))
	for _, n := range []string{"duck", "lite"} {
		b.do(api.RefreshNow{Dataset: n})
		b.ready(n, 25)
		b.dataset(n, "snapshotted again", func(d *api.Dataset) bool { return d.Snapshots.Kept == 2 && d.Snapshots.Run == nil })
		if task := b.do(api.BootstrapFrom{Dataset: n, SnapshotID: 0, Hold: true}); task.State != api.TaskDone {
			t.Fatalf("%s: %+v", n, task)
		}
		d := b.ready(n, 10)
		if d.Snapshots.Booted == nil || d.Snapshots.Booted.ID != 0 || !d.Held || d.RowsDelta != -15 {
			t.Errorf("%s: booted %+v, held %v, delta %d", n, d.Snapshots.Booted, d.Held, d.RowsDelta)
		}
		if task := b.do(api.BootstrapFrom{Dataset: n, SnapshotID: 77}); task.State != api.TaskFailed || !strings.Contains(task.Detail, n) {
			t.Errorf("%s: an unknown snapshot gave %+v", n, task)
		}
		b.ready(n, 10)
		if task := b.do(api.Hold{Dataset: n}); task.State != api.TaskDone {
			t.Errorf("%s: resume: %+v", n, task)
		}
		if task := b.do(api.VerifySnapshot{Dataset: n, SnapshotID: 1}); task.State != api.TaskDone {
			t.Errorf("%s: verify: %+v", n, task)
		}
		if list, err := b.Runtime.Snapshots(t.Context(), n); err != nil || list[0].Verified.State != api.VerifiedSum {
			t.Errorf("%s: %+v, %v", n, list, err)
		}
	}
}

// Data that was loaded but not snapshotted, as after a kill between the two, gets its snapshot at the
// next start and not only after the next refresh; data that is in the store is not written again.
func TestMissedSnapshotIsMadeUpForAtStart(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": strings.ReplaceAll(threeEngines, "snapshots: enabled", "snapshots: disabled"), "a.csv": csv(10)}).start()
	b.ready("duck", 10)
	b.ready("lite", 10)
	b.stop()
	b.write("spicepod.yml", threeEngines)
	for start := range 2 {
		b.start()
		for _, n := range []string{"duck", "lite"} {
			d := b.dataset(n, "looked after its snapshot", func(d *api.Dataset) bool { return len(d.Snapshots.Attempts) == 1 && d.Snapshots.Run == nil })
			want := api.Succeeded
			if start > 0 {
				want = api.Skipped
			}
			if d.Snapshots.Attempts[0].Outcome != want || d.Snapshots.Kept != 1 || len(d.Refreshes) != 0 {
				t.Errorf("start %d of %s: %+v, %d kept, %d refreshes", start, n, d.Snapshots.Attempts, d.Snapshots.Kept, len(d.Refreshes))
			}
		}
		b.stop()
	}
}

func TestForcedSnapshotIsWrittenThoughNothingChanged(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(10)}).start()
	b.dataset("duck", "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	if task := b.do(api.SnapshotNow{Dataset: "duck"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	d := b.dataset("duck", "has two", func(d *api.Dataset) bool { return d.Snapshots.Kept == 2 })
	if d.Snapshots.Attempts[0].Trigger != "manual" || d.Snapshots.Newest.ID != 1 {
		t.Errorf("%+v", d.Snapshots)
	}
}

func TestReadOnlyRefusesBelowTheConsole(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(10)}).start(func(o *launch.Options) { o.ReadOnly = true })
	b.ready("duck", 10)
	b.ready("lite", 10)
	if _, err := os.Stat(filepath.Join(b.dir, "snaps", "metadata.json")); err == nil {
		t.Error("a read-only process wrote into the snapshot store")
	}
	for _, c := range []api.Command{api.RefreshNow{Dataset: "duck"}, api.CancelRefresh{Dataset: "duck"}, api.SnapshotNow{Dataset: "duck"},
		api.BootstrapFrom{Dataset: "duck"}, api.Hold{Dataset: "duck", On: true}} {
		if _, err := b.Runtime.Do(t.Context(), c); api.ReasonOf(err) != api.ReadOnly {
			t.Errorf("%s: %v", c.Verb(), err)
		}
	}
}

func TestOneProcessPerDataDirectory(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": threeEngines, "a.csv": csv(10)}).start()
	_, err := launch.Open(t.Context(), launch.Options{Pod: b.dir})
	if !errors.Is(err, runtime.ErrLocked) || !strings.Contains(err.Error(), "pid") {
		t.Errorf("a second runtime: %v", err)
	}
}
