package uitest

import (
	"fmt"
	"strings"
	"time"

	"pitwall/runtime/api"
)

// Sample is a runtime in the middle of a bad night at the time now: a dataset in every state.
func Sample(now time.Time) *api.State {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	in := func(d time.Duration) time.Time { return now.Add(d) }
	sum := func(s string) string { return strings.Repeat(s, 16)[:64] }
	base := func(name, engine string, st api.Status) api.Dataset {
		return api.Dataset{
			Name: name, From: "file:/data/" + name + ".parquet", Engine: engine, Mode: "file", File: ".spice/data/" + name + ".db",
			RefreshMode: "full", Schedule: "every 10m", Status: st, Since: ago(3 * time.Minute), HasData: true, Rev: 1,
			Config:    "from: file:/data/" + name + ".parquet\nname: " + name + "\nacceleration:\n  enabled: true\n  engine: " + engine + "\n  refresh_mode: full\n  refresh_check_interval: 10m\n",
			Snapshots: api.DatasetSnapshots{Mode: "enabled", Trigger: "refresh_complete", Policy: "on_change"},
		}
	}
	refreshes := func(n int) (out []api.Refresh) {
		for i := range n {
			r := api.Refresh{ID: uint64(100 - i), Mode: "full", Trigger: "interval", Outcome: api.Succeeded, Attempt: 1,
				StartedAt: ago(time.Duration(i+1) * 10 * time.Minute), Duration: time.Duration(30+(i*7)%25) * time.Second,
				RowsRead: 18_204_118, RowsWritten: 1204, RowsAfter: 18_204_118 - int64(i)*1204, BytesRead: 412 << 20}
			if i == 5 {
				r.Outcome, r.Err, r.Hint = api.Failed, "read /data/lake.sales_eu.parquet: unexpected end of file", "the writer may not have finished; write to a temporary name and rename"
			}
			out = append(out, r)
		}
		return out
	}
	eu := base("lake.sales_eu", "duckdb", api.Refreshing)
	eu.Rows, eu.Bytes, eu.RowsDelta = 18_204_118, 412<<20, 1204
	eu.LastRefresh, eu.NextRefresh = ago(12*time.Minute), in(9*time.Minute+48*time.Second)
	eu.Run = &api.RefreshRun{ID: 101, Mode: "full", Trigger: "interval", Phase: api.PhaseReading, Attempt: 1, StartedAt: ago(41 * time.Second),
		Rows: 11_400_000, Bytes: 260 << 20, Total: 412 << 20, Fraction: 0.63, RowsPerSecond: 278_000, ETA: 23 * time.Second}
	eu.Refreshes = refreshes(20)
	eu.Schema = []api.Column{{Name: "id", Type: "int64"}, {Name: "city", Type: "utf8", Nullable: true}}
	snaps := Snapshots(now)
	eu.Snapshots.Newest, eu.Snapshots.Kept = &snaps[0], len(snaps)
	eu.Snapshots.Booted = &api.Bootstrap{ID: 40, Checksum: snaps[1].Checksum, Bytes: snaps[1].Bytes, Rows: snaps[1].Rows, At: ago(13 * time.Minute), Duration: 710 * time.Millisecond, Rejected: []string{"snapshot 41: checksum mismatch"}}
	eu.Snapshots.Attempts = []api.SnapshotAttempt{{Trigger: "refresh_complete", Outcome: api.Succeeded, At: ago(3 * time.Minute), Duration: 412 * time.Millisecond, ID: 41, Bytes: 3_250_000, Checksum: snaps[0].Checksum},
		{Trigger: "manual", Outcome: api.Skipped, At: ago(20 * time.Minute), Err: "nothing changed"}}

	us := base("lake.sales_us", "duckdb", api.Ready)
	us.Rows, us.Bytes, us.LastRefresh, us.NextRefresh = 22_910_000, 501<<20, ago(time.Minute), in(8*time.Minute)
	us.Refreshes = refreshes(3)
	us.Snapshots.Newest = &api.Snapshot{ID: 12, Created: ago(5 * time.Minute), Checksum: sum("02ab"), Bytes: 4 << 20, Rows: us.Rows, Verified: api.Verification{State: api.VerifiedSum, At: ago(time.Minute)}}

	ap := base("lake.sales_ap", "duckdb", api.Error)
	ap.Rows, ap.Bytes, ap.LastRefresh, ap.NextRefresh = 9_100_000, 200<<20, ago(22*time.Minute), ago(12*time.Minute)
	ap.Err = "lake.sales_ap: read /data/lake.sales_ap.parquet: column amount is utf8, was float64"
	ap.Hint = "the writer changed the type of a column; change it back, or drop .spice/data/lake.sales_ap.db to take the new schema"
	ap.FailingSince, ap.Failures, ap.Retry = ago(22*time.Minute), 4, &api.Retry{Attempt: 4, Max: 10, At: in(8 * time.Second)}
	ap.Snapshots.Newest = &api.Snapshot{ID: 7, Created: ago(time.Hour), Checksum: sum("77e0"), Bytes: 2 << 20, Rows: 9_000_000}

	fx := base("ref.fx", "sqlite", api.Ready)
	fx.Rows, fx.Bytes, fx.LastRefresh, fx.NextRefresh = 512, 48<<10, ago(4*time.Second), in(6*time.Second)
	fx.Snapshots.Newest = &api.Snapshot{ID: 3, Created: ago(2 * time.Minute), Checksum: sum("9f3c"), Bytes: 9 << 20, Rows: 512}
	fx.Snapshots.Run = &api.Transfer{Kind: "snapshot", Phase: "upload", StartedAt: ago(time.Second), Done: 4 << 20, Total: 9 << 20}

	users := base("ref.users", "arrow", api.Ready)
	users.Mode, users.File, users.Rows, users.Bytes = "memory", "", 1_100_000, 64<<20
	users.LastRefresh, users.Schedule, users.Held = ago(30*time.Second), "on demand", true
	users.Snapshots = api.DatasetSnapshots{Mode: "disabled", Off: "arrow has no snapshots"}

	ev := base("stg.events", "sqlite", api.Initializing)
	ev.HasData, ev.Run = false, &api.RefreshRun{ID: 1, Mode: "full", Trigger: "start", Phase: api.PhaseReading, Attempt: 1, StartedAt: ago(2 * time.Second), Fraction: 0.08, Rows: 4000}
	ev.Snapshots.Mode = "bootstrap_only"

	arch := base("stg.archive", "", api.Disabled)
	arch.HasData, arch.Snapshots = false, api.DatasetSnapshots{}

	s := &api.State{
		Seq: 1, At: now, Version: "test", Ready: false,
		Config: api.ConfigStatus{Path: "/srv/pod/spicepod.yml", Name: "sales", Generation: 42, AppliedAt: ago(7 * time.Minute), Reload: api.ReloadSafe,
			Changes: []string{"~ lake.sales_eu refresh_check_interval 5m → 10m", "+ ref.fx sqlite"}},
		Store:    api.StoreStatus{Location: "s3://bucket/spice/snapshots/", Enabled: true, OnFailure: "fallback"},
		Datasets: []*api.Dataset{&eu, &us, &ap, &fx, &users, &ev, &arch},
	}
	for i := range 40 {
		e := api.Event{Seq: uint64(i + 1), At: ago(time.Duration(40-i) * 7 * time.Second), Level: api.Info, Dataset: s.Datasets[i%5].Name, Kind: "refresh",
			Message: "refresh done", Fields: []api.Field{{Key: "rows", Value: fmt.Sprint(1000 + i)}, {Key: "took", Value: "41s"}}}
		switch i % 10 {
		case 3:
			e.Level, e.Kind, e.Message, e.Fields = api.ErrorLevel, "bootstrap", "snapshot 41 checksum mismatch", []api.Field{{Key: "want", Value: "9f3c"}, {Key: "got", Value: "41d0"}}
		case 4:
			e.Level, e.Kind, e.Message, e.Fields = api.Warn, "bootstrap", "falling back to snapshot 40 (1 of 3)", nil
		case 7:
			e.Level, e.Kind, e.Message, e.Fields = api.Debug, "snapshot", "lease taken", nil
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// Snapshots are the stored snapshots of lake.sales_eu of the Sample, newest first: the newest is
// corrupt, the one before is verified.
func Snapshots(now time.Time) []api.Snapshot {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	mk := func(id uint64, age time.Duration, sum string, rows int64, v api.Verification) api.Snapshot {
		return api.Snapshot{ID: id, Created: ago(age), URI: fmt.Sprintf("s3://bucket/spice/snapshots/lake.sales_eu/%d.db", id), Checksum: strings.Repeat(sum, 16)[:64],
			Algorithm: "SHA256", Bytes: 3_250_000 - int64(id), Rows: rows, Engine: "duckdb", Verified: v}
	}
	out := []api.Snapshot{
		mk(41, 3*time.Minute, "9f3c02ab", 18_204_118, api.Verification{State: api.VerifyFailed, At: ago(time.Minute), Detail: "want 9f3c02ab, got 41d09e11"}),
		mk(40, 13*time.Minute, "8d20aa01", 18_193_914, api.Verification{State: api.VerifiedSum, At: ago(12 * time.Minute)}),
		mk(39, 23*time.Minute, "71be33c0", 18_170_000, api.Verification{}),
		mk(38, 33*time.Minute, "5a02e911", -1, api.Verification{}),
	}
	out[0].Current = true
	return out
}
