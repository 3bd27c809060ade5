package runtime_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
)

func generation(n int) func(*api.State) bool {
	return func(s *api.State) bool { return s.Config.Generation == n && !s.Config.Broken }
}

func TestReloadTouchesOnlyWhatChanged(t *testing.T) {
	pod := `
datasets:
  - {from: 'file:a.csv', name: keep, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 1h}}
  - {from: 'file:a.csv', name: tune, acceleration: {engine: sqlite, mode: file, refresh_check_interval: 1h}}
  - {from: 'file:a.csv', name: move, acceleration: {}}
  - {from: 'file:a.csv', name: gone, acceleration: {}}
`
	b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": csv(10)}).start()
	for _, n := range []string{"keep", "tune", "move", "gone"} {
		b.ready(n, 10)
	}
	b.write("a.csv", csv(20))
	before := b.Runtime.State()

	saved := time.Now()
	b.write("spicepod.yml", strings.NewReplacer("name: tune, acceleration: {engine: sqlite, mode: file, refresh_check_interval: 1h}", "name: tune, acceleration: {engine: sqlite, mode: file, refresh_check_interval: 2h}",
		"name: move, acceleration: {}", "name: move, acceleration: {engine: duckdb}",
		"name: gone", "name: fresh").Replace(pod))
	s := b.until("the second version", generation(2))
	if took := time.Since(saved); took > time.Second {
		t.Logf("the reload took %s", took)
	}
	if s.Dataset("gone") != nil {
		t.Error("the removed dataset is still there")
	}
	b.ready("fresh", 20)
	if d := b.ready("move", 20); d.Engine != "duckdb" {
		t.Errorf("move is on %s", d.Engine)
	}
	tune := b.dataset("tune", "has its new interval", func(d *api.Dataset) bool { return d.Schedule == "every 2h" })
	if len(tune.Refreshes) != 1 || tune.Rows != 10 {
		t.Errorf("a new interval reloaded the data: %d refreshes, %d rows", len(tune.Refreshes), tune.Rows)
	}
	if left := time.Until(tune.NextRefresh); left < 119*time.Minute || left > 2*time.Hour {
		t.Errorf("the next refresh is in %s", left)
	}
	if d := b.Runtime.State().Dataset("keep"); d.Rev != before.Dataset("keep").Rev || len(d.Refreshes) != 1 {
		t.Errorf("keep was touched: revision %d, was %d", d.Rev, before.Dataset("keep").Rev)
	}
	names := ""
	for _, d := range b.Runtime.State().Datasets {
		names += d.Name + " "
	}
	if names != "keep tune move fresh " {
		t.Errorf("order is %s", names)
	}
	if got := strings.Join(s.Config.Changes, "\n"); !strings.Contains(got, "- gone") || !strings.Contains(got, "+ fresh") || !strings.Contains(got, "refresh_check_interval") {
		t.Errorf("changes are\n%s", got)
	}
}

func TestBrokenFileKeepsTheLastGoodVersion(t *testing.T) {
	pod := `
datasets:
  - {from: 'file:a.csv', name: a, acceleration: {refresh_check_interval: 100ms}}
`
	b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": csv(10)}).start()
	b.ready("a", 10)
	b.write("spicepod.yml", strings.Replace(pod, "refresh_check_interval", "refresh_chekc_interval", 1))
	s := b.until("the broken file", func(s *api.State) bool { return s.Config.Broken })
	p := s.Config.Problems[0]
	if s.Config.Generation != 1 || p.Line != 6 || p.Column == 0 || !strings.Contains(p.Message+p.Hint, "refresh_check_interval") || p.Excerpt == "" {
		t.Errorf("generation %d, problem %+v", s.Config.Generation, p)
	}
	n := len(s.Dataset("a").Refreshes)
	b.dataset("a", "refreshing with the last good version", func(d *api.Dataset) bool { return len(d.Refreshes) > n+2 })
	if !b.Runtime.State().Config.Broken {
		t.Error("the error went away by itself")
	}
	b.write("spicepod.yml", strings.Replace(pod, "100ms", "1h", 1))
	s = b.until("the mended file", generation(2))
	if len(s.Config.Problems) != 0 {
		t.Errorf("problems stay: %+v", s.Config.Problems)
	}
	b.dataset("a", "has its new interval", func(d *api.Dataset) bool { return d.Schedule == "every 1h" })
}

func TestFileThatIsDeletedAndComesBack(t *testing.T) {
	pod := "\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {}}\n"
	b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": csv(10)}).start()
	b.ready("a", 10)
	if err := os.Remove(filepath.Join(b.dir, "spicepod.yml")); err != nil {
		t.Fatal(err)
	}
	b.until("the missing file", func(s *api.State) bool { return s.Config.Broken })
	b.ready("a", 10)
	b.write("spicepod.yml", pod)
	b.until("the same version again", generation(1))
}

func TestSnapshotsBlockNeedsARestartAndSaysSo(t *testing.T) {
	pod := "\ndatasets:\n  - {from: 'file:a.csv', name: a, acceleration: {}}\n"
	b := newBed(t, map[string]string{"spicepod.yml": pod, "a.csv": csv(10)}).start()
	b.ready("a", 10)
	b.write("spicepod.yml", "\nsnapshots: {location: 'file://./snaps'}\n"+pod)
	s := b.until("the second version", generation(2))
	if got := strings.Join(s.Config.NeedsRestart, " "); !strings.Contains(got, "snapshots") {
		t.Errorf("needs a restart: %q", got)
	}
}
