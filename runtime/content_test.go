package runtime_test

import (
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
