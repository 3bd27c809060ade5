package metrics

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pitwall/runtime/api"
)

// states collects what the current State says.
type states struct{ m *Metrics }

// Describe implements prometheus.Collector: which metrics there are depends on the spicepod, so that the
// collector is an unchecked one.
func (states) Describe(chan<- *prometheus.Desc) {}

// number of a status (spec data-refresh 4.4, as of 2025).
func number(s api.Status) float64 {
	switch s {
	case api.Initializing:
		return 0
	case api.Ready:
		return 1
	case api.Disabled:
		return 2
	case api.Error:
		return 3
	case api.Refreshing:
		return 4
	default:
		return 5
	}
}

// Collect implements prometheus.Collector.
func (c states) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, _ := c.m.console.Watch(ctx)
	c.m.count(s)
	engines := map[string]int{}
	e := emitter{out}
	for _, d := range s.Datasets {
		engine := d.Engine
		if engine == "" {
			engine = "None"
		}
		engines[engine]++
		e.dataset(d)
	}
	for engine, n := range engines {
		e.gauge("dataset_active_count", "Datasets by engine.", float64(n), "engine", engine)
	}
}

type emitter struct{ out chan<- prometheus.Metric }

func (e emitter) gauge(name, help string, v float64, labels ...string) {
	e.emit(prometheus.GaugeValue, name, help, v, labels)
}

func (e emitter) counter(name, help string, v float64, labels ...string) {
	e.emit(prometheus.CounterValue, name, help, v, labels)
}

// emit sends one metric; labels are names and values in turn.
func (e emitter) emit(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	e.out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

// dataset emits the metrics of one dataset.
func (e emitter) dataset(d *api.Dataset) {
	const p = "dataset_acceleration_"
	e.gauge("dataset_load_state", "Status: 0 Initializing, 1 Ready, 2 Disabled, 3 Error, 4 Refreshing, 5 ShuttingDown.", number(d.Status), "dataset", d.Name)
	e.gauge("dataset_unavailable_time_ms", "Since when its refreshes fail, in milliseconds since 1970; 0 when they do not.", unix(d.FailingSince), "dataset", d.Name)
	if d.Engine == "" {
		return
	}
	last := []string{"dataset", d.Name}
	if d.RefreshSQL != "" {
		last = append(last, "sql", d.RefreshSQL)
	}
	if !d.LastRefresh.IsZero() {
		e.gauge(p+"last_refresh_unix_time_ms", "When the last successful refresh was, in milliseconds since 1970.", unix(d.LastRefresh), last...)
	}
	for _, m := range []string{"full", "append"} {
		if n, ok := d.Totals.Errors[m]; ok || m == mode(d.RefreshMode) {
			e.counter(p+"refresh_errors", "Failed refreshes.", float64(n), "dataset", d.Name, "mode", m)
		}
	}
	t := d.Totals
	for _, c := range []struct {
		name, help string
		v          int64
	}{
		{p + "refresh_processed_rows", "Rows read from the source.", t.Rows},
		{p + "refresh_processed_bytes", "Bytes read from the source.", t.Bytes},
		{p + "refresh_rows_written", "Rows written to the acceleration.", t.Written},
		{p + "refresh_worker_panics", "Panics of refreshes.", 0},
	} {
		e.counter(c.name, c.help, float64(c.v), "dataset", d.Name)
	}
	e.counter(p+"refresh_data_fetches_skipped", "Refreshes that found the source unchanged.", float64(t.Skipped), "dataset", d.Name, "mode", mode(d.RefreshMode))
	e.gauge(p+"size_bytes", "Size of the acceleration in bytes.", float64(d.Bytes), "dataset", d.Name)
	e.gauge(p+"rows", "Rows of the acceleration.", float64(d.Rows), "dataset", d.Name)
	e.counter("accelerated_ready_state_federated_fallback", "Scans that the source answered because the acceleration was not loaded.", float64(t.ReadyFallbacks), "dataset_name", d.Name)
	e.counter("accelerated_zero_results_federated_fallback", "Scans that the source answered because the acceleration had no rows for them.", float64(t.ZeroFallbacks), "dataset_name", d.Name)
	e.times(d)
	e.layout(d)
	e.stream(d, time.Now())
	e.snapshots(d)
	if r := d.Retention; r != nil {
		e.counter(p+"retention_evicted_rows", "Rows that retention removed.", float64(r.Evicted), "dataset", d.Name)
		failing := 0.0
		if r.Err != "" {
			failing = 1
		}
		e.gauge(p+"retention_failing", "1 while the last retention check failed.", failing, "dataset", d.Name)
	}
}

// snapshots emits the metrics of the seed, "Observability", and those beside them (spec
// acceleration-snapshots 5); write_timestamp is when the write was complete, as the seed says.
func (e emitter) snapshots(d *api.Dataset) {
	s := &d.Snapshots
	if s.Off != "" {
		return
	}
	const p = "dataset_acceleration_snapshot_"
	e.counter(p+"failure_count", "Failures to write snapshots.", float64(s.Totals.Failed), "dataset", d.Name)
	e.counter(p+"skipped_count", "Snapshots that were not written because nothing changed.", float64(s.Totals.Skipped), "dataset", d.Name)
	standby := 0.0
	if s.Standby != "" {
		standby = 1
	}
	e.gauge(p+"standby", "1 while another replica writes the snapshots.", standby, "dataset", d.Name)
	e.counter(p+"bootstrap_duration_ms", "Time in milliseconds taken to load snapshots.", float64(s.Totals.BootTime.Milliseconds()), "dataset", d.Name)
	for reason, n := range s.Totals.BootFailed {
		e.counter(p+"bootstrap_failure_count", "Snapshots that could not be loaded.", float64(n), "dataset", d.Name, "reason", reason)
	}
	if w := s.Totals.Written; w != nil {
		e.gauge(p+"write_timestamp", "When the most recent snapshot write completed, in seconds since 1970.", float64(w.At.Add(w.Duration).Unix()), "dataset", d.Name)
		e.gauge(p+"write_bytes", "Bytes of the most recent snapshot.", float64(w.Bytes), "dataset", d.Name)
		e.gauge(p+"write_checksum", "Always 1; the checksum of the most recent snapshot is a label.", 1, "dataset", d.Name, "checksum", w.Checksum)
	}
	if b := s.Booted; b != nil {
		e.gauge(p+"bootstrap_bytes", "Bytes of the snapshot that was loaded.", float64(b.Bytes), "dataset", d.Name)
		e.gauge(p+"bootstrap_checksum", "Always 1; the checksum of the snapshot that was loaded is a label.", 1, "dataset", d.Name, "checksum", b.Checksum)
	}
}

// times emits the metrics that were asked for (spec data-refresh 9.2).
func (e emitter) times(d *api.Dataset) {
	t := d.Times
	if t == nil || t.After.IsZero() {
		return
	}
	const p = "dataset_acceleration_"
	for _, m := range []struct {
		name, help string
		v          float64
		none       bool
	}{
		{p + "max_timestamp_before_refresh_ms", "Newest time before the last refresh, in milliseconds since 1970.", unix(t.Before), t.Before.IsZero()},
		{p + "max_timestamp_after_refresh_ms", "Newest time after the last refresh, in milliseconds since 1970.", unix(t.After), false},
		{p + "refresh_lag_ms", "How far the last refresh moved the newest time, in milliseconds.", unix(t.After) - unix(t.Before), t.Before.IsZero()},
		{p + "ingestion_lag_ms", "How old the newest time was when the last refresh ended, in milliseconds.", unix(t.At) - unix(t.After), false},
	} {
		if !m.none && slices.Contains(d.Metrics, m.name) {
			e.gauge(m.name, m.help, m.v, "dataset", d.Name, "mode", t.Mode)
		}
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli())
}
