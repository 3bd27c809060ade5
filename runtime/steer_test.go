package runtime_test

import (
	"os"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// What on-call does with stored snapshots: pin, write, verify a damaged one, delete, collect.
func TestSteeringSnapshots(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration:
      engine: duckdb
      mode: file
      snapshots: enabled
      snapshots_retain: {last: 2, min_age: 1ms}
`, "a.csv": cities(10)}).start()
	b.ready("d", 10)
	b.dataset("d", "the first snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	do := func(c api.Command) string {
		t.Helper()
		task := b.do(c)
		if task.State != api.TaskDone {
			t.Fatalf("%s: %s", c.Verb(), task.Detail)
		}
		return task.Detail
	}
	list := func() []api.Snapshot {
		t.Helper()
		l, err := b.Runtime.Snapshots(t.Context(), "d")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	ids := func() (s string) {
		for _, x := range list() {
			s += string(rune('0' + x.ID))
			if x.Current {
				s += "*"
			}
		}
		return s
	}
	do(api.PinSnapshot{Dataset: "d", SnapshotID: 0})
	for range 4 {
		do(api.SnapshotNow{Dataset: "d"})
	}
	// The rule keeps the newest two, and the pinned one.
	if got := ids(); got != "430*" {
		t.Errorf("after four more: %s", got)
	}
	if task := b.do(api.DeleteSnapshot{Dataset: "d", SnapshotID: 0}); task.State != api.TaskFailed || !strings.Contains(task.Detail, "pinned") {
		t.Errorf("deleted the pinned one: %+v", task)
	}
	if got := do(api.CollectSnapshots{Dataset: "d", DryRun: true}); !strings.Contains(got, "dry run: 3 kept, 0 removed") || !strings.Contains(got, "wait") {
		t.Error(got)
	}
	do(api.UnpinSnapshots{Dataset: "d"})
	if got := ids(); got != "4*30" {
		t.Errorf("unpinned: %s", got)
	}
	if got := do(api.VerifySnapshot{Dataset: "d", SnapshotID: 4}); !strings.Contains(got, "opens it") {
		t.Error(got)
	}
	damaged := strings.TrimPrefix(list()[1].URI, "./snaps/")
	path := b.dir + "/snaps/" + damaged
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if task := b.do(api.VerifySnapshot{Dataset: "d", SnapshotID: 3}); task.State != api.TaskFailed || !strings.Contains(task.Detail, "SHA-256") {
		t.Errorf("verified a damaged one: %+v", task)
	}
	// The results outlive the process.
	b.stop()
	b = b.start()
	b.ready("d", 10)
	for _, s := range list() {
		if want := map[uint64]api.VerifyState{4: api.VerifiedSum, 3: api.VerifyFailed, 0: api.Unverified}[s.ID]; s.Verified.State != want {
			t.Errorf("snapshot %d is %q, want %q", s.ID, s.Verified.State, want)
		}
	}
	do(api.DeleteSnapshot{Dataset: "d", SnapshotID: 3})
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("its object is there: %v", err)
	}
	if got := ids(); got != "4*0" {
		t.Errorf("deleted: %s", got)
	}
}
