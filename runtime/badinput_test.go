package runtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pitwall/runtime/api"
)

// Every kind of bad source beside a good one: a clear error that names the dataset and the cause, and
// the good one is not disturbed.
func TestBadSourcesDoNotStopTheGoodOne(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:bad.parquet', name: footer, acceleration: {engine: duckdb, mode: file}}
  - {from: 'file:ragged.csv', name: ragged, acceleration: {engine: sqlite, mode: file}}
  - {from: 'file:nix.csv', name: nix, acceleration: {}}
  - {from: 'file:empty.json', name: empty, acceleration: {engine: duckdb}}
  - {from: 'postgres:users', name: elsewhere, acceleration: {}}
  - {from: 'file:a.csv', name: good, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 100ms}}
`, "a.csv": csv(10), "bad.parquet": "PAR1" + strings.Repeat("x", 200) + "PAR1", "ragged.csv": "a,b\n1,2\n1\n", "empty.json": ""}).start()
	for name, want := range map[string][]string{
		"footer": {"bad.parquet", "footer"}, "ragged": {"ragged.csv:3", "fields"}, "nix": {"nix.csv", "does not exist"},
		"empty": {"empty.json", "no records"}, "elsewhere": {"postgres"},
	} {
		d := b.failing(name)
		for _, w := range append(want, name) {
			if !strings.Contains(d.Err, w) {
				t.Errorf("%s: %q does not say %q", name, d.Err, w)
			}
		}
		if d.Hint == "" {
			t.Errorf("%s: %q has no hint", name, d.Err)
		}
	}
	b.dataset("good", "refreshing all the while", func(d *api.Dataset) bool {
		return d.Status == api.Ready && d.Rows == 10 && len(d.Refreshes) >= 5 && d.Failures == 0
	})
}

const fileEngines = `
snapshots:
  location: file://./snaps
  bootstrap_on_failure_behavior: %s
datasets:
  - {from: 'file:a.csv', name: duck, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
  - {from: 'file:a.csv', name: lite, acceleration: {engine: sqlite, mode: file, snapshots: enabled}}
`

var fileEngineFiles = map[string]string{"duck": "duck.duckdb", "lite": "lite.sqlite"}

// snapshotted starts a bed whose file datasets have n snapshots of 10, 20, ... rows, and stops it.
func snapshotted(t *testing.T, behaviour string, n int) *bed {
	t.Helper()
	b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(fileEngines, behaviour), "a.csv": csv(10)}).start()
	for i := range n {
		for name := range fileEngineFiles {
			if i > 0 {
				b.write("a.csv", csv(10*(i+1)))
				b.do(api.RefreshNow{Dataset: name})
			}
			b.dataset(name, "snapshotted", func(d *api.Dataset) bool { return d.Snapshots.Kept == i+1 && d.Snapshots.Run == nil && d.Run == nil })
		}
	}
	b.stop()
	return b
}

// objects lists the stored snapshots of a dataset, oldest first.
func (b *bed) objects(dataset string) []string {
	b.t.Helper()
	all, err := filepath.Glob(filepath.Join(b.dir, "snaps", "month=*", "day=*", "dataset="+dataset, "*"))
	if err != nil || len(all) == 0 {
		b.t.Fatalf("no objects of %s: %v", dataset, err)
	}
	return all
}

func flip(t *testing.T, path string) {
	t.Helper()
	c, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c[len(c)/2] ^= 0xff
	if err := os.WriteFile(path, c, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestGarbageLocalFileIsSetAsideAndBootstrapped(t *testing.T) {
	b := snapshotted(t, "warn", 1)
	for _, f := range fileEngineFiles {
		if err := os.WriteFile(filepath.Join(b.DataDir, f), []byte(strings.Repeat("garbage", 3000)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.start()
	for name, f := range fileEngineFiles {
		if d := b.ready(name, 10); d.Snapshots.Booted == nil {
			t.Errorf("%s was not bootstrapped", name)
		}
		kept, _ := filepath.Glob(filepath.Join(b.DataDir, f+".corrupt-*"))
		if len(kept) != 1 {
			t.Fatalf("%s: the damaged file was not kept: %v", name, kept)
		}
		if c, err := os.ReadFile(kept[0]); err != nil || !strings.HasPrefix(string(c), "garbage") {
			t.Errorf("%s: kept file: %v", name, err)
		}
	}
}

func TestFlippedSnapshotIsNotLoaded(t *testing.T) {
	for behaviour, rows := range map[string]int64{"fallback": 20, "warn": 0} {
		t.Run(behaviour, func(t *testing.T) {
			b := snapshotted(t, behaviour, 3)
			for name, f := range fileEngineFiles {
				o := b.objects(name)
				flip(t, o[len(o)-1])
				if err := os.Remove(filepath.Join(b.DataDir, f)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Remove(filepath.Join(b.dir, "a.csv")); err != nil { // nothing but the snapshots
				t.Fatal(err)
			}
			b.start()
			for name := range fileEngineFiles {
				b.dataset(name, "has a newest snapshot that is known to be damaged", func(d *api.Dataset) bool {
					return d.Snapshots.Newest != nil && d.Snapshots.Newest.Verified.State == api.VerifyFailed
				})
				if rows > 0 {
					d := b.dataset(name, "fell back", func(d *api.Dataset) bool { return d.HasData })
					if d.Rows != rows || d.Snapshots.Booted.ID != 1 || len(d.Snapshots.Booted.Rejected) != 1 || !strings.Contains(d.Snapshots.Booted.Rejected[0], "SHA-256") {
						t.Errorf("%s: %d rows, booted %+v", name, d.Rows, d.Snapshots.Booted)
					}
					continue
				}
				if d := b.failing(name); d.HasData || d.Rows != 0 {
					t.Errorf("%s: data %v, %d rows of a damaged snapshot", name, d.HasData, d.Rows)
				}
				b.until(name+" tells why", func(s *api.State) bool {
					for _, e := range s.Events {
						if e.Dataset == name && e.Level >= api.Warn && strings.Contains(e.Message, "SHA-256") {
							return true
						}
					}
					return false
				})
			}
		})
	}
}

func TestDamagedSnapshotLeavesTheRunningDataAlone(t *testing.T) {
	b := snapshotted(t, "warn", 2)
	b.start()
	for name := range fileEngineFiles {
		b.ready(name, 20)
		b.dataset(name, "rest", func(d *api.Dataset) bool { return d.Run == nil && d.Snapshots.Run == nil })
		flip(t, b.objects(name)[0])
		task := b.do(api.BootstrapFrom{Dataset: name})
		if task.State != api.TaskFailed || !strings.Contains(task.Detail, "SHA-256") || !strings.Contains(task.Detail, name) {
			t.Errorf("%s: %+v", name, task)
		}
		if d := b.ready(name, 20); d.Snapshots.Failures != 1 {
			t.Errorf("%s: %d failures", name, d.Snapshots.Failures)
		}
		if task := b.do(api.VerifySnapshot{Dataset: name}); task.State != api.TaskFailed {
			t.Errorf("%s: verify: %+v", name, task)
		}
	}
}

// As many verifications as there are snapshots, asked for at once: each is done, and says what it found.
func TestVerificationsQueueAndFindTheDamagedOne(t *testing.T) {
	b := snapshotted(t, "warn", 3)
	b.start()
	for name := range fileEngineFiles {
		b.ready(name, 30)
		flip(t, b.objects(name)[1])
		var ids []api.CommandID
		for i := range uint64(3) {
			id, err := b.Runtime.Do(t.Context(), api.VerifySnapshot{Dataset: name, SnapshotID: i})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		for i, id := range ids {
			want := api.TaskDone
			if i == 1 {
				want = api.TaskFailed
			}
			if task := b.task(id); task.State != want {
				t.Errorf("%s: snapshot %d: %+v", name, i, task)
			}
		}
		list, err := b.Runtime.Snapshots(t.Context(), name)
		if err != nil || list[0].Verified.State != api.VerifiedSum || list[1].Verified.State != api.VerifyFailed || list[2].Verified.State != api.VerifiedSum {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

func TestUnreadableMetadataStopsNothingButSnapshots(t *testing.T) {
	for name, content := range map[string]string{
		"not JSON": "<html>", "format version 2": `{"format-version":2,"location":"x","last-updated-ms":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(fileEngines, "warn"), "a.csv": csv(10), "snaps/metadata.json": content}).start()
			for n := range fileEngineFiles {
				b.ready(n, 10)
				d := b.dataset(n, "failed to write a snapshot", func(d *api.Dataset) bool { return d.Snapshots.Failures > 0 })
				if !strings.Contains(d.Snapshots.LastErr, "metadata.json") || !strings.Contains(d.Snapshots.LastErr, n) {
					t.Errorf("%s: %q", n, d.Snapshots.LastErr)
				}
				if _, err := b.Runtime.Snapshots(t.Context(), n); err == nil {
					t.Errorf("%s: the list of an unreadable store is not an error", n)
				}
			}
			if c, err := os.ReadFile(filepath.Join(b.dir, "snaps", "metadata.json")); err != nil || string(c) != content {
				t.Errorf("metadata.json was changed to %s, %v", c, err)
			}
		})
	}
}

// A folder that nobody may write to: root is stopped by a read-only mount only.
func TestReadOnlyDataDirectory(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(fileEngines, "warn") +
		"  - {from: 'file:a.csv', name: mem, acceleration: {}}\n", "a.csv": csv(10)})
	dir := filepath.Join(b.dir, ".spice")
	mount(t, dir, "size=1m", unix.MS_RDONLY)
	b.start()
	b.ready("mem", 10)
	for n := range fileEngineFiles {
		d := b.failing(n)
		if !strings.Contains(d.Err, n) || !strings.Contains(d.Err, "read-only") || d.Hint == "" {
			t.Errorf("%s: %q / %q", n, d.Err, d.Hint)
		}
	}
}

func TestDiskFullKeepsTheOldDataAndRecovers(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": strings.ReplaceAll(fmt.Sprintf(fileEngines, "warn"), "snapshots: enabled", "snapshots: disabled"), "a.csv": csv(10)})
	data := filepath.Join(b.dir, ".spice", "data")
	mount(t, data, "size=6m", 0)
	b.start()
	for n := range fileEngineFiles {
		b.ready(n, 10)
	}
	filler := filepath.Join(data, "filler")
	fill(t, filler)
	b.write("a.csv", csv(100_000))
	for n := range fileEngineFiles {
		task := b.do(api.RefreshNow{Dataset: n})
		if task.State != api.TaskFailed || !strings.Contains(task.Detail, n) {
			t.Errorf("%s: %+v", n, task)
		}
		d := b.failing(n)
		if d.Rows != 10 || !d.HasData || !strings.Contains(d.Hint, "free space") || d.Retry == nil {
			t.Errorf("%s: %d rows, err %q, hint %q, retry %v", n, d.Rows, d.Err, d.Hint, d.Retry)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	b.write("a.csv", csv(20))
	for n := range fileEngineFiles {
		b.ready(n, 20) // by its re-try, without a restart
	}
}

// mount puts a small tmpfs over a folder; only root can.
func mount(t *testing.T, dir, options string, flags uintptr) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a tmpfs needs root")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skipf("mounting a tmpfs is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// fill writes until no space is left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}
