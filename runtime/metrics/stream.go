package metrics

import (
	"time"

	"pitwall/runtime/api"
)

// stream emits how far the stream of changes that a dataset follows is applied, with the names of spec data-refresh 9.3
// where it has one; nothing for a dataset that follows none.
func (e emitter) stream(d *api.Dataset, now time.Time) {
	x := d.Stream
	if x == nil {
		return
	}
	const p = "dataset_acceleration_cdc_"
	e.gauge(p+"replication_lag_ms", "How old the newest applied change is while others wait, else how long it took to be applied, in milliseconds.", float64(x.Lag(now).Milliseconds()), "dataset", d.Name)
	e.gauge(p+"lag_records", "Records of the source that are not applied yet.", float64(x.Behind), "dataset", d.Name)
	if !x.Applied.IsZero() {
		e.gauge(p+"applied_commit_unix_time_ms", "When the newest applied change was made at the source, in milliseconds since 1970.", unix(x.Changed), "dataset", d.Name)
		e.gauge(p+"last_apply_unix_time_ms", "When changes were last applied, in milliseconds since 1970.", unix(x.Applied), "dataset", d.Name)
	}
	for _, phase := range []api.StreamPhase{api.StreamConnecting, api.StreamLoading, api.StreamFollowing, api.StreamRetrying, api.StreamPaused, api.StreamStopped} {
		e.gauge(p+"phase", "1 for the phase that the stream is in.", truth(x.Phase == phase), "dataset", d.Name, "phase", string(phase))
	}
	for _, op := range []struct {
		name string
		n    int64
	}{{"insert", x.Ops.Inserts}, {"update", x.Ops.Updates}, {"delete", x.Ops.Deletes}, {"read", x.Ops.Reads}, {"truncate", x.Ops.Truncates}} {
		e.counter(p+"rows_total", "Rows that changes were applied to, by operation; read is of what was there at first.", float64(op.n), "dataset", d.Name, "op", op.name)
	}
	for _, c := range []amount{
		{"records_total", "Records that were applied.", x.Records},
		{"bytes_total", "Bytes of the records that were applied.", x.Bytes},
		{"records_ignored_total", "Records about no row.", x.Ignored},
		{"records_skipped_total", "Records that somebody passed over.", x.Skipped},
		{"commits_total", "Commits that changes were applied in.", x.Commits},
	} {
		e.counter(p+c.name, c.help, float64(c.v), "dataset", d.Name)
	}
}
