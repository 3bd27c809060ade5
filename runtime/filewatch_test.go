package runtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

func TestFileWatcherRefreshesWhenFilesChange(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: one, params: {file_watcher: enabled}, acceleration: {engine: duckdb, mode: file}}
  - {from: 'file:parts/', name: folder, acceleration: {engine: sqlite, params: {file_watcher: enabled}}}
  - {from: 'file:parts/*.csv', name: glob, params: {file_watcher: enabled}, acceleration: {}}
  - {from: 'file:a.csv', name: unwatched, params: {file_watcher: disabled}, acceleration: {}}
`, "a.csv": cities(10), "parts/1.csv": cities(10)}).start()
	for _, n := range []string{"one", "folder", "glob", "unwatched"} {
		b.ready(n, 10)
	}
	if s := b.Runtime.State().Dataset("one").Schedule; s != "on demand and on file changes" {
		t.Errorf("schedule %q", s)
	}
	b.write("a.csv", cities(20)) // a rename into place
	b.ready("one", 20)
	b.write("parts/2.csv", cities(5))
	b.ready("folder", 15)
	b.ready("glob", 15)
	b.write("parts/deeper/3.csv", cities(5)) // a new folder; not of the glob
	b.ready("folder", 20)
	f, err := os.OpenFile(filepath.Join(b.dir, "a.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.SplitAfterN(cities(3), "\n", 2)[1]); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d := b.ready("one", 23)
	if d.Refreshes[0].Trigger != "file_watcher" {
		t.Errorf("trigger %s", d.Refreshes[0].Trigger)
	}
	if err := os.Remove(filepath.Join(b.dir, "parts/1.csv")); err != nil {
		t.Fatal(err)
	}
	b.ready("folder", 10)
	b.ready("glob", 5)
	// a folder that is replaced as a whole
	b.write("next/4.csv", cities(7))
	for _, move := range [][2]string{{"parts", "old"}, {"next", "parts"}} {
		if err := os.Rename(filepath.Join(b.dir, move[0]), filepath.Join(b.dir, move[1])); err != nil {
			t.Fatal(err)
		}
	}
	b.ready("folder", 7)
	b.ready("glob", 7)
	b.write("parts/5.csv", cities(3)) // and is watched from then on
	b.ready("folder", 10)
	b.ready("glob", 10)
	b.do(api.Hold{Dataset: "one", On: true})
	b.do(api.Hold{Dataset: "glob", On: true})
	b.write("a.csv", cities(30))
	b.write("parts/1.csv", cities(30))
	b.ready("folder", 40) // the others were told by the same time
	if d := b.Runtime.State().Dataset("glob"); d.Rows != 10 {
		t.Errorf("on hold, %d rows", d.Rows)
	}
	b.do(api.Hold{Dataset: "one", On: false})
	b.ready("one", 30)
	b.stop()
	b.write("a.csv", cities(40)) // while nobody watches
	again := &bed{t: t, dir: b.dir}
	again.start()
	again.ready("one", 40)
	if d := b.Runtime.State().Dataset("unwatched"); len(d.Refreshes) != 1 {
		t.Errorf("%d refreshes without a watcher", len(d.Refreshes))
	}
}
