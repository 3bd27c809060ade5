package api_test

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
)

// What is odd is told while it is odd, and not where it is as it should be.
func TestSigns(t *testing.T) {
	at := time.Now()
	check := api.Retention{Period: 30 * time.Minute, Last: at, LastEvicted: 1997, Evicted: 1997}
	hurt := &api.Damage{At: at, KeptAs: "d.duckdb.corrupt"}
	for _, c := range []struct {
		name string
		d    api.Dataset
		want string
	}{
		{"nothing", api.Dataset{Rows: 5}, ""},
		{"a check took nearly all", api.Dataset{Rows: 3, Retention: &check}, "removed 1997 of 2000 rows at once: it keeps those of the last 30m"},
		{"a check took some", api.Dataset{Rows: 9000, Retention: &check}, ""},
		{"a refresh brought them back", api.Dataset{Rows: 2000, RowsDelta: 1997, Retention: &check, Refreshes: []api.Refresh{{Outcome: api.Succeeded, StartedAt: at.Add(time.Second)}}}, ""},
		{"one that failed did not", api.Dataset{Rows: 3, Retention: &check, Refreshes: []api.Refresh{{Outcome: api.Failed, StartedAt: at.Add(time.Second)}}}, "removed 1997"},
		{"a refresh took nearly all", api.Dataset{Rows: 3, RowsDelta: -1997, Retention: &api.Retention{SQL: "DELETE"}, Refreshes: []api.Refresh{{Outcome: api.Succeeded, StartedAt: at, Evicted: 1997}}}, "removed 1997 of 2000 rows at once"},
		{"a refresh that reads old rows each time", api.Dataset{Rows: 3, Retention: &api.Retention{Period: time.Hour}, Refreshes: []api.Refresh{{Outcome: api.Succeeded, StartedAt: at, Evicted: 1997}}}, ""},
		{"a usual jitter", api.Dataset{Jitter: time.Minute}, ""},
		{"a long jitter", api.Dataset{Jitter: 6 * time.Hour}, "up to 6h, also what r asks for"},
		{"a wait for it", api.Dataset{Jitter: 90 * time.Minute, Waiting: true, NextRefresh: at}, "waits for its jitter (up to 1h30m)"},
		{"a damaged file", api.Dataset{Damage: hurt}, "was damaged and is being rebuilt"},
		{"a damaged file, loaded anew", api.Dataset{Damage: hurt, HasData: true, Refreshes: []api.Refresh{{Outcome: api.Succeeded}}}, "rebuilt from the source"},
		{"a damaged file, and a snapshot since", api.Dataset{Damage: hurt, HasData: true, Snapshots: api.DatasetSnapshots{Booted: &api.Bootstrap{ID: 7, At: at.Add(time.Second)}}}, "rebuilt from snapshot #7"},
		{"a compaction that runs", api.Dataset{Compaction: &api.Compaction{Running: true}}, ""},
		{"a compaction that failed", api.Dataset{Compaction: &api.Compaction{Err: "no space left"}}, "compaction failed: no space left"},
		{"a snapshot of now", api.Dataset{Snapshots: api.DatasetSnapshots{Newest: &api.Snapshot{}, Ahead: time.Second}}, ""},
		{"a snapshot from the future", api.Dataset{Snapshots: api.DatasetSnapshots{Newest: &api.Snapshot{ID: 7}, Ahead: 3*time.Hour - time.Second}}, "#7 is from the future (3h ahead)"},
	} {
		got := api.Signs(&c.d)
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %v", c.name, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0].Text, c.want) || got[0].Hint == ""):
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A stream that waits is odd, and so is one that is far behind for a minute and does not get nearer; a burst is not.
func TestSignsOfAStream(t *testing.T) {
	now := time.Now()
	history := func(behind ...int64) (out []api.StreamPoint) {
		for i, n := range behind {
			out = append(out, api.StreamPoint{At: now.Add(-time.Duration(len(behind)-1-i) * 30 * time.Second), Behind: n})
		}
		return out
	}
	for _, x := range []struct {
		s    api.Stream
		says string
	}{
		{api.Stream{Phase: api.StreamRetrying, Err: "no broker answers"}, "no broker answers"},
		{api.Stream{Phase: api.StreamFollowing, Behind: 3000, History: history(0, 2000, 2500, 3000)}, "falls behind"},
		{api.Stream{Phase: api.StreamFollowing, Behind: 3000, History: history(9000, 5000, 3000)}, ""},
		{api.Stream{Phase: api.StreamFollowing, Behind: 3000, History: history(0, 3000)}, ""},
		{api.Stream{Phase: api.StreamPaused, Behind: 3000, History: history(2000, 2500, 3000)}, ""},
		{api.Stream{Phase: api.StreamStopped, Err: "a record"}, ""},
	} {
		got := api.Signs(&api.Dataset{Name: "d", Stream: &x.s})
		if x.says == "" && len(got) > 0 || x.says != "" && (len(got) != 1 || !strings.Contains(got[0].Text, x.says) || got[0].Hint == "") {
			t.Errorf("%s: %+v, want %q", x.s.Phase, got, x.says)
		}
	}
}
