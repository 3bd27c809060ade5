package why_test

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/api/why"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func TestAnswers(t *testing.T) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	places := map[string]api.Place{"a": {File: "/pod/spicepod.yml", Line: 4, Keys: map[string]int{"acceleration.refresh_cron": 9, "acceleration.snapshots_trigger": 12}}}
	for name, tt := range map[string]struct {
		d    api.Dataset
		pod  api.ConfigStatus
		want []string
	}{
		"first load": {api.Dataset{Engine: "duckdb", Status: api.Refreshing, Run: &api.RefreshRun{Trigger: "start", Mode: "full", Attempt: 1, StartedAt: ago(90 * time.Second), Rows: 1234567, ETA: 30 * time.Second}}, api.ConfigStatus{},
			[]string{"Not yet: its first load runs since 1m 30s and has read 1,234,567 rows.", "A refresh (full, attempt 1) runs since 1m 30s, because pitwall started.",
				"acceleration.refresh_on_startup is not set: its default acts", "The running refresh is done in about 30s."}},
		"failing": {api.Dataset{Engine: "duckdb", Status: api.Error, Err: "a: no such host.", Hint: "check the endpoint", FailingSince: ago(2 * time.Hour), Retry: &api.Retry{Attempt: 3, Max: 5, At: now.Add(8 * time.Second)},
			Refreshes: []api.Refresh{{Outcome: api.Failed, Mode: "full", Trigger: "cron", StartedAt: ago(time.Minute), Duration: time.Second, Err: "no such host"}}}, api.ConfigStatus{},
			[]string{"No: it never was loaded, because every attempt failed.", "What is wrong: no such host.", "What to do: check the endpoint.", "It has been failing for 2h 0m; the last good refresh was never.",
				"because its schedule said so and failed after 1s: no such host", "spicepod.yml:9 acceleration.refresh_cron", "Attempt 3 of 5 begins at"}},
		"old data": {api.Dataset{Engine: "sqlite", HasData: true, Rows: 5, Err: "x", LastRefresh: ago(time.Hour)}, api.ConfigStatus{},
			[]string{"Yes, with old data: its acceleration (sqlite) answers with 5 rows, although the last refresh failed.", "refresh_on_startup: auto loads nothing"}},
		"not accelerated": {api.Dataset{Status: api.Ready}, api.ConfigStatus{}, []string{"It is not accelerated: queries go to the source", "Nothing: it is not accelerated."}},
		"held":            {api.Dataset{Engine: "duckdb", HasData: true, Held: true}, api.ConfigStatus{}, []string{"on hold", "No scheduled refresh begins until somebody resumes them (H)."}},
		"jitter":          {api.Dataset{Engine: "duckdb", HasData: true, Waiting: true, NextRefresh: now.Add(time.Minute)}, api.ConfigStatus{}, []string{"its jitter delays it"}},
		"slow": {api.Dataset{Engine: "duckdb", HasData: true, Run: &api.RefreshRun{StartedAt: ago(time.Minute), Trigger: "interval", Rows: 7}, Refreshes: []api.Refresh{{Outcome: api.Succeeded, Duration: 2 * time.Second}}}, api.ConfigStatus{},
			[]string{"the ones before took 2s at most. It has read 7 rows; x cancels it, H holds the schedule"}},
		"jitter of all": {api.Dataset{Engine: "duckdb", HasData: true, Schedule: "every 12h ± 6h", NextRefresh: now.Add(time.Hour)}, api.ConfigStatus{}, []string{"moves every start by up to 6h, also of what is asked for with r"}},
		"retention": {api.Dataset{Engine: "duckdb", HasData: true, Retention: &api.Retention{Period: 30 * time.Minute, Evicted: 1234}}, api.ConfigStatus{},
			[]string{"Retention keeps the rows of the last 30m only.", "It has removed 1,234 rows since pitwall started."}},
		"a stream": {api.Dataset{Engine: "duckdb", HasData: true, Rows: 5, Stream: &api.Stream{Source: "debezium:t", Phase: api.StreamFollowing, Loaded: true, Records: 12, Behind: 3, Commits: 2, Applied: ago(time.Minute)}}, api.ConfigStatus{},
			[]string{"Yes: its acceleration (duckdb) answers", "It follows debezium:t: 12 records were applied since pitwall started, the last 1m 0s ago, and 3 wait.", "Changes are applied as they come."}},
		"a stream that loads": {api.Dataset{Engine: "duckdb", Stream: &api.Stream{Source: "debezium:t", Phase: api.StreamLoading, Records: 12, Behind: 3000}}, api.ConfigStatus{},
			[]string{"It loads what debezium:t had when it was first followed: 12 records are applied, 3,000 are left.", "It answers once the rest is loaded"}},
		"a stream that stopped": {api.Dataset{Engine: "duckdb", HasData: true, Err: "a: no JSON", FailingSince: ago(time.Hour), LastRefresh: ago(time.Hour), Stream: &api.Stream{Source: "debezium:t", Phase: api.StreamStopped, Loaded: true,
			Skipped: 2, DeadLetters: "a.jsonl", Stopped: &api.StreamStop{Since: ago(time.Hour), Record: &api.StreamRecord{Partition: 4, Offset: 17}}}}, api.ConfigStatus{},
			[]string{"although its stream stopped.", "What is wrong: no JSON.", "changes were last applied 1h 0m ago", "It stopped 1h 0m ago at partition 4, offset 17.", "2, kept in a.jsonl", "r tries it again, S skips the record", "R loads"}},
		"a gap":           {api.Dataset{Engine: "duckdb", Err: "gone", Stream: &api.Stream{Phase: api.StreamStopped, Loaded: true, Stopped: &api.StreamStop{Kind: "gap", Since: ago(time.Minute)}}}, api.ConfigStatus{}, []string{"nothing is applied since", "r tries it again, R loads"}},
		"a paused stream": {api.Dataset{Engine: "duckdb", HasData: true, Held: true, Stream: &api.Stream{Phase: api.StreamPaused, Loaded: true}}, api.ConfigStatus{}, []string{"somebody did that with H", "Nothing until H has the stream go on"}},
		"a stream that waits": {api.Dataset{Engine: "duckdb", HasData: true, Stream: &api.Stream{Phase: api.StreamRetrying, Loaded: true, Err: "no broker.", Hint: "start it", Retry: now.Add(8 * time.Second)}}, api.ConfigStatus{},
			[]string{"It does not go on: no broker.", "It is tried again at", "r does that at once"}},
		"booted": {api.Dataset{Engine: "duckdb", HasData: true, Snapshots: api.DatasetSnapshots{Mode: "enabled", Booted: &api.Bootstrap{ID: 6, At: ago(time.Hour), Rejected: []string{"#7: damaged"}}}}, api.ConfigStatus{},
			[]string{"r loads it now", "s writes a sound one"}},
		"failing alike": {api.Dataset{Engine: "duckdb", Refreshes: []api.Refresh{{Outcome: api.Failed, Err: "write x.96e1a54bebd0122a.tmp"}, {Outcome: api.Failed, Err: "write x.83755e9d14de8d16.tmp"}, {Outcome: api.Failed, Err: "write x.03755e9d14de8d16.tmp"}, {Outcome: api.Succeeded}}}, api.ConfigStatus{},
			[]string{"96e1a54bebd0122a", "The 2 attempts before it failed alike."}},
		"source unchanged": {api.Dataset{Engine: "duckdb", HasData: true, Refreshes: []api.Refresh{{Outcome: api.Skipped, Trigger: "interval", StartedAt: ago(time.Minute)}}}, api.ConfigStatus{},
			[]string{"not refreshed: the source had nothing new"}},
		"announced": {api.Dataset{Engine: "duckdb", HasData: true, Refreshes: []api.Refresh{{Outcome: api.Succeeded, Mode: "snapshot", Trigger: "queue", StartedAt: ago(time.Minute)}}}, api.ConfigStatus{},
			[]string{"because the queue of s3_queue_url announced a snapshot"}},
		"snapshots": {api.Dataset{Engine: "duckdb", HasData: true, Snapshots: api.DatasetSnapshots{Mode: "enabled", Trigger: "refresh_complete", Newest: &api.Snapshot{ID: 7, Created: ago(time.Hour), Verified: api.Verification{State: api.VerifyFailed}},
			Booted: &api.Bootstrap{ID: 6, At: ago(time.Hour), Rejected: []string{"#7: its SHA-256 is another"}},
			Attempts: []api.SnapshotAttempt{{Outcome: api.Skipped, Trigger: "refresh_complete", At: ago(time.Minute)}, {Outcome: api.Succeeded, ID: 7, Trigger: "manual", At: ago(2 * time.Minute)},
				{Outcome: api.Failed, Trigger: "refresh_complete", At: ago(3 * time.Minute), Err: "access denied", Hint: "give the role s3:PutObject"}}}}, api.ConfigStatus{},
			[]string{"none was written for refresh_complete: the rows are the same", "snapshot #7 was written by hand", "failed: access denied", "give the role s3:PutObject", "spicepod.yml:12 acceleration.snapshots_trigger",
				"A new replica loads #7 of 1h 0m ago, which was found damaged", "Its data came from snapshot #6", "A newer snapshot was passed over: #7: its SHA-256 is another."}},
		"standby":        {api.Dataset{Engine: "duckdb", HasData: true, Snapshots: api.DatasetSnapshots{Mode: "enabled", Standby: "replica-2"}}, api.ConfigStatus{}, []string{"replica-2 holds the lease"}},
		"bootstrap only": {api.Dataset{Engine: "duckdb", HasData: true, Snapshots: api.DatasetSnapshots{Mode: "bootstrap_only"}}, api.ConfigStatus{}, []string{"bootstrap_only loads snapshots of others and never writes"}},
		"broken pod": {api.Dataset{Engine: "duckdb", HasData: true}, api.ConfigStatus{Broken: true, BrokenSince: ago(time.Minute), Generation: 4},
			[]string{"The spicepod on disk is not applied: it has errors since 1m 0s ago, and generation 4 goes on running."}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.d.Name, tt.pod.Places = "a", places
			s := &api.State{Datasets: []*api.Dataset{&tt.d}, Config: tt.pod}
			var all strings.Builder
			parts := why.Explain(s, "a", now)
			for _, p := range parts {
				if len(p.Answer) == 0 {
					t.Errorf("%q is not answered", p.Question)
				}
				for _, x := range p.Answer {
					all.WriteString(x.Text + "\n" + x.Place() + "\n")
				}
			}
			for _, w := range tt.want {
				if !strings.Contains(all.String(), w) {
					t.Errorf("%q is not in:\n%s", w, all.String())
				}
			}
		})
	}
	if why.Explain(&api.State{}, "a", now) != nil {
		t.Error("answers about a dataset that there is not")
	}
}

// Warnings that no other answer tells are told once, newest first; those of other datasets are not.
func TestUnusual(t *testing.T) {
	ev := func(dataset, kind, message string, l api.Level) api.Event {
		return api.Event{Dataset: dataset, Kind: kind, Message: message, Level: l, At: now, Fields: []api.Field{{Key: "hint", Value: "do it"}, {Key: "kept_as", Value: "x.corrupt"}}}
	}
	s := &api.State{Datasets: []*api.Dataset{{Name: "a", Engine: "duckdb", HasData: true}}, Events: []api.Event{
		ev("a", "runtime", "the local file is damaged and was set aside", api.Warn), ev("a", "refresh", "no such host", api.ErrorLevel),
		ev("a", "snapshot", "a: another process is called x", api.Warn), ev("b", "runtime", "of b", api.Warn), ev("a", "snapshot", "a: another process is called x", api.Warn)}}
	for _, p := range why.Explain(s, "a", now) {
		if p.Question != "What was unusual?" {
			continue
		}
		var got []string
		for _, x := range p.Answer {
			text := strings.TrimPrefix(x.Text, "At "+now.Local().Format("15:04:05")+" ")
			got = append(got, text)
		}
		if len(got) != 6 || !strings.HasPrefix(got[0], "another process is called x.") || got[2] != "It is kept as x.corrupt." || !strings.HasPrefix(got[3], "the local file is damaged") || p.Answer[1].Text != "What to do: do it." {
			t.Errorf("%+v", p.Answer)
		}
		return
	}
	t.Error("nothing is told")
}
