package incident_test

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/api/incident"
)

func TestTimeline(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	s := &api.State{Version: "v1", Config: api.ConfigStatus{Path: "/pod/spicepod.yml", Generation: 3},
		Datasets: []*api.Dataset{{Name: "a", Status: api.Error, Err: "a: x | y", Config: "name: a\n# ```\n",
			Refreshes: []api.Refresh{{StartedAt: at.Add(2 * time.Minute), Outcome: api.Failed, Mode: "full", Trigger: "interval", Duration: 1500 * time.Millisecond, Err: "no such\nhost"}},
			Snapshots: api.DatasetSnapshots{Attempts: []api.SnapshotAttempt{{At: at.Add(time.Minute), Outcome: api.Succeeded, ID: 4, Trigger: "manual", Checksum: "abcd"}}}}, {Name: "b"}},
		Events: []api.Event{{Seq: 1, At: at, Dataset: "b", Message: "another dataset"}, {Seq: 2, At: at.Add(3 * time.Minute), Kind: "config", Message: "generation 3 applied"},
			{Seq: 3, At: at.Add(4 * time.Minute), Dataset: "a", Level: api.ErrorLevel, Message: "gone", Fields: []api.Field{{Key: "rows", Value: "7"}}},
			{Seq: 4, At: at.Add(5 * time.Minute), Dataset: "a", Kind: "command", Message: "refresh done"}},
		Tasks: []api.Task{{ID: 1, Dataset: "a", Verb: "refresh", State: api.TaskDone, Started: at.Add(5 * time.Minute), Ended: at.Add(6 * time.Minute), Detail: "7 rows"}, {ID: 2, Dataset: "b", Verb: "refresh"}}}
	now := at.Add(time.Hour)
	r := incident.Of(s, "a", time.Time{}, now)
	var kinds []string
	for _, e := range r.Timeline {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "snapshot refresh config event action" {
		t.Error(got)
	}
	if !r.From.Equal(at.Add(time.Minute)) {
		t.Error(r.From)
	}
	var b strings.Builder
	if err := r.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"# Incident: a\n", "a: x \\| y", "| event ERROR |  | gone (rows=7) |", "| refresh | 1.5s | refresh failed (full, interval): no such host |", "somebody asked to refresh: done, 7 rows",
		"**Is it ready?**", "````yaml\nname: a\n# ```\n````\n", "2026-11-22 03:03:00.000Z"} {
		if !strings.Contains(b.String(), w) {
			t.Errorf("%q is not in:\n%s", w, b.String())
		}
	}
	if strings.Contains(b.String(), "another dataset") {
		t.Error("what another dataset did is in it")
	}
	if late := incident.Of(s, "a", at.Add(270*time.Second), now); len(late.Timeline) != 1 {
		t.Errorf("%+v", late.Timeline)
	}
	if incident.Of(s, "nope", time.Time{}, now) != nil {
		t.Error("a report of a dataset that there is not")
	}
}
