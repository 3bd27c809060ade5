package runtime_test

import (
	"os"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// on_change is about the content: a full refresh that finds the same rows, in another order, is no change.
func TestUnchangedContentIsNoSnapshot(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: ` + engine + `, mode: file, snapshots: enabled}
`, "a.csv": "id,text\n1,a\n2,b\n2,b\n3,\n"}).start()
			b.dataset("d", "the first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
			// attempt refreshes on changed files and returns what came of its snapshot.
			attempt := func(text string) api.SnapshotAttempt {
				t.Helper()
				b.write("a.csv", text)
				n := b.Runtime.State().Dataset("d").Snapshots.Totals.Attempts
				if task := b.do(api.RefreshNow{Dataset: "d"}); task.State != api.TaskDone {
					t.Fatalf("%+v", task)
				}
				return b.dataset("d", "another attempt", func(d *api.Dataset) bool {
					return d.Snapshots.Totals.Attempts == n+1 && d.Snapshots.Run == nil
				}).Snapshots.Attempts[0]
			}
			for _, step := range []struct {
				text string
				want api.Outcome
			}{
				{"id,text\n3,\n2,b\n1,a\n2,b\n", api.Skipped},      // another order
				{"id,text\n3,\n2,b\n1,a\n1,a\n", api.Succeeded},    // another row twice
				{"id,text\n1,a\n1,a\n2,b\n3,\n", api.Skipped},      // as before
				{"id,text\n1,a\n1,a\n2,b\n3,x\n", api.Succeeded},   // a value
				{"id,text\n1,a\n1,a\n2,b\n", api.Succeeded},        // a row fewer
				{"id,text\n1,a\n1,a\n2,b\n3,x\n", api.Succeeded},   // as two before: the last snapshot counts
				{"id,text\n1,a\n1,a\n2,b\n3,x\n\n", api.Skipped},   // the file changed, its rows did not
				{"id,text\n1,a\n1,a\n2,b\n3,\"x\"\n", api.Skipped}, // likewise
			} {
				if got := attempt(step.text); got.Outcome != step.want {
					t.Errorf("%q: %+v, want %s", step.text, got, step.want)
				}
			}
			b.stop()
			b.start()
			b.dataset("d", "its look at the store at the start", func(d *api.Dataset) bool { return d.Snapshots.Totals.Attempts == 1 && d.Snapshots.Run == nil })
			if got := attempt("id,text\n3,x\n1,a\n1,a\n2,b\n"); got.Outcome != api.Skipped {
				t.Errorf("after a restart: %+v", got)
			}
			if task := b.do(api.SnapshotNow{Dataset: "d"}); task.State != api.TaskDone || !strings.Contains(task.Detail, "written") {
				t.Errorf("forced: %+v", task)
			}
		})
	}
}

// A snapshot that a bootstrap found damaged is no reason to skip the next one, although the rows did not change.
func TestADamagedSnapshotIsWrittenAnewAlthoughNothingChanged(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps, bootstrap_on_failure_behavior: fallback}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: duckdb, mode: file, snapshots: enabled}
`, "a.csv": cities(10)}).start()
	d := b.dataset("d", "the first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	b.stop()
	path := b.dir + "/snaps/" + strings.TrimPrefix(d.Snapshots.Newest.URI, "./snaps/")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)/2] ^= 1
	for name, do := range map[string]func() error{
		"damage": func() error { return os.WriteFile(path, body, 0o644) },
		"remove": func() error { return os.Remove(d.File) },
	} {
		if err := do(); err != nil {
			t.Fatal(name, err)
		}
	}
	b.start()
	b.ready("d", 10)
	d = b.dataset("d", "a snapshot that can be loaded", func(d *api.Dataset) bool { return d.Snapshots.Kept == 2 && d.Snapshots.Run == nil })
	if task := b.do(api.VerifySnapshot{Dataset: "d", SnapshotID: d.Snapshots.Newest.ID}); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
}
