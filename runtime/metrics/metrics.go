// Package metrics turns the State of a runtime into Prometheus metrics (spec data-refresh 9). It sees only
// api.Console. Run owns the one goroutine it runs in.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pitwall/runtime/api"
)

// Metrics holds the registry. What a State tells is read when somebody asks; what it forgets, single
// refreshes and failed loads, is counted by Run.
type Metrics struct {
	console  api.Console
	registry *prometheus.Registry

	durations    *prometheus.HistogramVec
	writes       *prometheus.HistogramVec
	loadErrors   prometheus.Counter
	requests     *prometheus.CounterVec
	requestTimes *prometheus.HistogramVec
	flights      *prometheus.CounterVec
	flightTimes  *prometheus.HistogramVec

	mu   sync.Mutex
	seen map[string]uint64 // newest counted refresh, by dataset
	done map[string]int64  // counted attempts to write a snapshot, by dataset
	last []*api.Dataset    // of the State that was counted last
}

// New makes the metrics of a runtime. Counters exist at 0 from the start.
func New(console api.Console) *Metrics {
	ms := prometheus.ExponentialBuckets(1, 4, 12) // 1 ms to 70 min
	m := &Metrics{console: console, registry: prometheus.NewRegistry(), seen: map[string]uint64{}, done: map[string]int64{},
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dataset_acceleration_refresh_duration_ms",
			Help: "Duration of successful refreshes in milliseconds.", Buckets: ms}, []string{"dataset", "mode"}),
		writes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "dataset_acceleration_snapshot_write_duration_ms",
			Help: "Time in milliseconds taken to write a snapshot to object storage.", Buckets: ms}, []string{"dataset"}),
		loadErrors: prometheus.NewCounter(prometheus.CounterOpts{Name: "dataset_load_errors",
			Help: "Failed attempts to load a dataset that has no data yet."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests", Help: "Answered HTTP requests."},
			[]string{"method", "path", "status"}),
		requestTimes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_requests_duration_ms",
			Help: "Duration of HTTP requests in milliseconds.", Buckets: ms}, []string{"method", "path", "status"}),
		flights: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "flight_requests", Help: "Answered Arrow Flight requests."},
			[]string{"method", "command", "status"}),
		flightTimes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "flight_request_duration_ms",
			Help: "Duration of Arrow Flight requests in milliseconds.", Buckets: ms}, []string{"method", "command"}),
	}
	m.registry.MustRegister(m.durations, m.writes, m.loadErrors, m.requests, m.requestTimes, m.flights, m.flightTimes, states{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Registry is for exporters.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	all := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		s, _ := m.console.Watch(q.Context())
		m.count(s) // before the collectors run, which they do side by side
		all.ServeHTTP(w, q)
	})
}

// Observe counts an HTTP request.
func (m *Metrics) Observe(method, route string, status int, took time.Duration) {
	code := strconv.Itoa(status)
	m.requests.WithLabelValues(method, route, code).Inc()
	m.requestTimes.WithLabelValues(method, route, code).Observe(millis(took))
}

// ObserveFlight counts an Arrow Flight request.
func (m *Metrics) ObserveFlight(method, command, status string, took time.Duration) {
	m.flights.WithLabelValues(method, command, status).Inc()
	m.flightTimes.WithLabelValues(method, command).Observe(millis(took))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// countEvery bounds how often Run looks at a State; each remembers the last 60 refreshes of a dataset.
const countEvery = 500 * time.Millisecond

// Run counts refreshes until ctx ends.
func (m *Metrics) Run(ctx context.Context) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	s, next := m.console.Watch(ctx)
	for open := true; open; s, open = <-next {
		m.count(s)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// count takes in what is new in a State.
func (m *Metrics) count(s *api.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, d := range s.Datasets {
		if i < len(m.last) && m.last[i] == d {
			continue // States share what did not change
		}
		last, ok := m.seen[d.Name]
		if !ok && d.Engine != "" {
			m.durations.WithLabelValues(d.Name, mode(d.RefreshMode))
		}
		for _, r := range d.Refreshes { // newest first
			if r.ID <= last {
				break
			}
			m.observe(d, &r)
		}
		if len(d.Refreshes) > 0 {
			last = max(last, d.Refreshes[0].ID)
		}
		m.seen[d.Name] = last
		m.snapshots(d)
	}
	m.last = s.Datasets
}

// snapshots counts the attempts to write one that are new.
func (m *Metrics) snapshots(d *api.Dataset) {
	s := &d.Snapshots
	if s.Off != "" {
		return
	}
	writes := m.writes.WithLabelValues(d.Name)
	fresh := s.Totals.Attempts - m.done[d.Name]
	if fresh < 0 { // the dataset began anew
		fresh = s.Totals.Attempts
	}
	m.done[d.Name] = s.Totals.Attempts
	for _, a := range s.Attempts { // newest first
		if fresh <= 0 {
			break
		}
		if a.Outcome == api.Cancelled {
			continue
		}
		fresh--
		if a.Outcome == api.Succeeded {
			writes.Observe(millis(a.Duration))
		}
	}
}

// observe counts one refresh.
func (m *Metrics) observe(d *api.Dataset, r *api.Refresh) {
	switch r.Outcome {
	case api.Succeeded:
		m.durations.WithLabelValues(d.Name, mode(r.Mode)).Observe(millis(r.Duration))
	case api.Failed:
		if !d.HasData {
			m.loadErrors.Inc()
		}
	}
}

// mode is the label for it: full or append.
func mode(m string) string {
	if m == "append" {
		return m
	}
	return "full"
}
