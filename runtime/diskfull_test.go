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

// The disk of the data directory gets full anywhere in the copy for a snapshot, and in the download of one: the old
// data goes on answering, the error says so, nothing unfinished is left, and there is no need of a restart.
func TestDiskFullWhileSnapshotsComeAndGo(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": fmt.Sprintf(fileEngines, "warn"), "a.csv": csv(50_000)})
	data := filepath.Join(b.dir, ".spice", "data")
	mount(t, data, "size=48m", 0)
	b.start()
	first := map[string]uint64{}
	for n := range fileEngineFiles {
		b.ready(n, 50_000)
		d := b.dataset(n, "a first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Totals.Written != nil })
		first[n] = d.Snapshots.Totals.Written.ID
	}
	failed := 0
	for n := range fileEngineFiles {
		for what, command := range map[string]api.Command{"snapshot": api.SnapshotNow{Dataset: n}, "bootstrap": api.BootstrapFrom{Dataset: n, SnapshotID: first[n]}} {
			for pages := 0; ; pages += 1 + pages {
				free := leave(t, data, pages)
				task := b.do(command)
				left, _ := filepath.Glob(filepath.Join(data, ".*tmp*"))
				free()
				if task.State == api.TaskDone {
					break
				}
				failed++
				if !strings.Contains(task.Detail, n) || !full(task.Detail) {
					t.Errorf("%s of %s, %d pages: %+v", what, n, pages, task)
				}
				st := b.until("an error of "+n, func(s *api.State) bool { return s.Dataset(n).Snapshots.LastErr != "" })
				d, hint := st.Dataset(n), ""
				for _, e := range st.Events {
					for _, f := range e.Fields {
						if e.Dataset == n && e.Level == api.ErrorLevel && f.Key == "hint" {
							hint = f.Value
						}
					}
				}
				if d.Rows != 50_000 || !d.HasData || !full(d.Snapshots.LastErr) || !strings.Contains(hint, "free space") || len(left) > 0 {
					t.Errorf("%s of %s, %d pages: %d rows, %q / %q, left %v", what, n, pages, d.Rows, d.Snapshots.LastErr, hint, left)
				}
				b.wants("SELECT count(*) AS n FROM "+n, "n\n50000")
			}
		}
	}
	t.Logf("failed %d times", failed)
	if failed < 2*len(fileEngineFiles) {
		t.Error("the disk was not full")
	}
}

// full tells whether a message says that a disk is full, in the words of the system or of an engine.
func full(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "no space left") || strings.Contains(m, "disk is full") || strings.Contains(m, "disk full")
}

// leave fills a file system but for some pages.
func leave(t *testing.T, dir string, pages int) (free func()) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, max(1, int64(st.Bavail)-int64(pages))*st.Bsize); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}
