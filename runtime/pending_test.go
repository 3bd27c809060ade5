package runtime_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

const pendingPod = `
datasets:
  - {from: 'file:a.csv', name: keep, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 1h}}
  - {from: 'file:a.csv', name: move, acceleration: {engine: sqlite, mode: file}}
  - {from: 'file:a.csv', name: gone, acceleration: {}}
`

func withReload(m api.ReloadMode) func(*launch.Options) {
	return func(o *launch.Options) { o.Reload = m }
}

func waiting(s *api.State) bool { return s.Config.Pending != nil }

// newPending runs three datasets, with data in all.
func newPending(t *testing.T, m api.ReloadMode) *bed {
	t.Helper()
	b := newBed(t, map[string]string{"spicepod.yml": pendingPod, "a.csv": csv(10)}).start(withReload(m))
	for _, n := range []string{"keep", "move", "gone"} {
		b.ready(n, 10)
	}
	return b
}

// What drops local data waits as a whole, what does not is applied; apply takes the rest of a version, or with the
// drops all of it.
func TestDroppingLocalDataWaits(t *testing.T) {
	b := newPending(t, api.ReloadSafe)
	tuned := strings.Replace(pendingPod, "1h", "2h", 1)
	b.write("spicepod.yml", tuned)
	b.until("the tuned version", generation(2))

	dropping := strings.NewReplacer("2h", "3h", "engine: sqlite", "engine: duckdb", "name: gone", "name: fresh").Replace(tuned)
	b.write("spicepod.yml", dropping)
	s := b.until("a plan", waiting)
	if s.Config.Generation != 2 || s.Dataset("gone") == nil || s.Dataset("fresh") != nil || s.Dataset("move").Engine != "sqlite" {
		t.Errorf("it was applied: %+v", s.Config)
	}
	if got := s.Config.Pending.Drops(); !slices.Equal(got, []string{"gone", "move"}) {
		t.Errorf("drops %v of %+v", got, s.Config.Pending.Changes)
	}
	var lines []string
	for _, c := range s.Config.Pending.Changes {
		lines = append(lines, c.String())
	}
	if got := strings.Join(lines, "\n"); !strings.Contains(got, "~ keep acceleration.refresh_check_interval: 2h -> 3h (live)") || !strings.Contains(got, "- gone") || !strings.Contains(got, "+ fresh") {
		t.Errorf("the plan is\n%s", got)
	}

	if task := b.do(api.ApplyConfig{}); task.State != api.TaskDone || !strings.Contains(task.Detail, "move") {
		t.Errorf("%+v", task)
	}
	b.until("the part that drops nothing", generation(3))
	b.ready("fresh", 10)
	if s = b.Runtime.State(); s.Config.Pending == nil || len(s.Config.Pending.Changes) != 2 || s.Dataset("gone") == nil || s.Dataset("keep").Schedule != "every 3h" {
		t.Errorf("%+v", s.Config.Pending)
	}
	if why := api.Refusal(s, api.ApplyConfig{}); why == "" {
		t.Error("there is nothing left that drops nothing")
	}
	if task := b.do(api.ApplyConfig{Drops: true}); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	s = b.until("all of it", func(s *api.State) bool { return s.Config.Generation == 4 && s.Config.Pending == nil })
	if s.Dataset("gone") != nil {
		t.Error("gone is there")
	}
	if d := b.ready("move", 10); d.Engine != "duckdb" {
		t.Errorf("move is on %s", d.Engine)
	}
	if _, err := b.Runtime.Do(t.Context(), api.ApplyConfig{Drops: true}); api.ReasonOf(err) != api.Refused {
		t.Errorf("nothing waits: %v", err)
	}
}

// A runtime without a console applies all by itself.
func TestServeAppliesDropsByItself(t *testing.T) {
	b := newPending(t, "")
	b.write("spicepod.yml", strings.Replace(pendingPod, "name: gone", "name: fresh", 1))
	s := b.until("the second version", generation(2))
	if s.Dataset("gone") != nil || s.Config.Pending != nil || s.Config.Reload != api.ReloadAll {
		t.Errorf("%+v", s.Config)
	}
}

// By hand everything waits, and is applied once that is switched off again.
func TestReloadByHand(t *testing.T) {
	b := newPending(t, api.ReloadAll)
	b.do(api.SetReload{Mode: api.ReloadHand})
	b.write("spicepod.yml", strings.Replace(pendingPod, "1h", "2h", 1))
	s := b.until("a plan", waiting)
	if s.Config.Generation != 1 || len(s.Config.Pending.Drops()) > 0 || len(s.Config.Pending.Changes) != 1 {
		t.Errorf("%+v", s.Config)
	}
	b.do(api.SetReload{Mode: api.ReloadSafe})
	b.until("the second version", func(s *api.State) bool { return s.Config.Generation == 2 && s.Config.Pending == nil })
	if why := api.Refusal(b.Runtime.State(), api.SetReload{Mode: "sometimes"}); why == "" {
		t.Error("there is no such mode")
	}
}

// A plan goes when the file is what runs again, and when it breaks.
func TestPlanGoesWithItsVersion(t *testing.T) {
	b := newPending(t, api.ReloadSafe)
	dropping := strings.Replace(pendingPod, "name: gone", "name: fresh", 1)
	b.write("spicepod.yml", dropping)
	b.until("a plan", waiting)
	b.write("spicepod.yml", pendingPod)
	b.until("no plan", func(s *api.State) bool { return s.Config.Pending == nil })
	b.write("spicepod.yml", dropping)
	b.until("a plan", waiting)
	b.write("spicepod.yml", dropping+"  broken")
	b.until("the broken file", func(s *api.State) bool { return s.Config.Broken && s.Config.Pending == nil })
	if s := b.Runtime.State(); s.Config.Generation != 1 || s.Dataset("gone") == nil {
		t.Errorf("%+v", s.Config)
	}
}

// Reverting writes what runs, and keeps what was there: a broken file, and one that waits.
func TestRevert(t *testing.T) {
	for name, text := range map[string]string{"broken": pendingPod + "  broken", "waiting": strings.Replace(pendingPod, "name: gone", "name: fresh", 1)} {
		t.Run(name, func(t *testing.T) {
			b := newPending(t, api.ReloadSafe)
			file := filepath.Join(b.dir, "spicepod.yml")
			good, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if why := api.Refusal(b.Runtime.State(), api.RevertConfig{}); why == "" {
				t.Error("there is nothing to revert")
			}
			b.write("spicepod.yml", text)
			b.until("the other file", func(s *api.State) bool { return s.Config.Broken || s.Config.Pending != nil })
			bad, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if task := b.do(api.RevertConfig{}); task.State != api.TaskDone || !strings.Contains(task.Detail, "spicepod.yml.rejected") {
				t.Errorf("%+v", task)
			}
			s := b.until("the file that runs", func(s *api.State) bool { return !s.Config.Broken && s.Config.Pending == nil })
			if s.Config.Generation != 1 {
				t.Errorf("generation %d", s.Config.Generation)
			}
			if now, _ := os.ReadFile(file); string(now) != string(good) {
				t.Errorf("the file is\n%s", now)
			}
			if kept, _ := os.ReadFile(file + ".rejected"); string(kept) != string(bad) {
				t.Errorf("kept is\n%s", kept)
			}
			// A second one keeps what the first one kept.
			b.write("spicepod.yml", text+"# more\n")
			b.until("the other file again", func(s *api.State) bool { return s.Config.Broken || s.Config.Pending != nil })
			if task := b.do(api.RevertConfig{}); task.State != api.TaskDone || !strings.Contains(task.Detail, "spicepod.yml.rejected.2") {
				t.Errorf("%+v", task)
			}
			if kept, _ := os.ReadFile(file + ".rejected"); string(kept) != string(bad) {
				t.Errorf("what was kept first is\n%s", kept)
			}
		})
	}
}

// The secrets of what runs are masked as long as it runs, also when the file on disk does not have them any more.
func TestSecretsOfWhatRunsStayMasked(t *testing.T) {
	t.Setenv("PITWALL_TEST_OLD", "hunter2-old")
	t.Setenv("PITWALL_TEST_NEW", "hunter2-new")
	secret := "datasets:\n  - {from: 'file:a.csv', name: a, params: {file_format: csv, client_timeout: '${env:PITWALL_TEST_OLD}'}, acceleration: {}}\n"
	b := newBed(t, map[string]string{"spicepod.yml": secret, "a.csv": csv(10)}).start(withReload(api.ReloadHand))
	b.ready("a", 10)
	masked := func(when string, wants ...string) {
		t.Helper()
		task := b.do(api.SetRefreshSQL{Dataset: "a", SQL: "SELECT * FROM a -- hunter2-old hunter2-new"})
		for _, s := range wants {
			if strings.Contains(task.Twin.CLI+task.Twin.Body, s) {
				t.Errorf("%s: %+v", when, task.Twin)
			}
		}
	}
	masked("at first", "hunter2-old")
	b.write("spicepod.yml", strings.Replace(secret, "_OLD", "_NEW", 1))
	b.until("a plan", waiting)
	masked("while another version waits", "hunter2-old", "hunter2-new")
	b.write("spicepod.yml", "datasets: [\n")
	b.until("the broken file", func(s *api.State) bool { return s.Config.Broken })
	masked("with a broken file", "hunter2-old")
}
