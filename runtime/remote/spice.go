package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"pitwall/runtime/api"
)

// snapshotsEvery is how often the snapshots of a Spice runtime are listed: each of its answers looks at objects.
const snapshotsEvery = 30 * time.Second

// unknown is a count that a Spice runtime does not tell.
const unknown = -1

// spiceDataset is one entry of GET /v1/datasets?status=true (spec data-refresh 4.5).
type spiceDataset struct {
	From        string     `json:"from"`
	Name        string     `json:"name"`
	Accelerated bool       `json:"acceleration_enabled"`
	Status      api.Status `json:"status"`
	DependsOn   []string   `json:"depends_on"`
}

// ask makes a State of what a Spice runtime tells.
func (r *Remote) ask(ctx context.Context) (*api.State, error) {
	var list []spiceDataset
	if err := r.call(ctx, http.MethodGet, "/v1/datasets?status=true", nil, &list); err != nil {
		return nil, err
	}
	now := r.o.Now()
	old := &api.State{}
	if r.hub != nil {
		old = r.hub.State()
	}
	s := &api.State{Seq: old.Seq + 1, At: now, ReadOnly: r.o.ReadOnly, Events: old.Events, Tasks: old.Tasks,
		Link: api.Link{Kind: api.LinkSpice, Name: r.o.Name, URL: r.o.URL}, Ready: len(list) > 0}
	for _, x := range list {
		d := &api.Dataset{Name: x.Name, From: x.From, DependsOn: x.DependsOn, Status: x.Status, Since: now, Rows: unknown, Bytes: unknown}
		if x.Accelerated {
			d.Engine = "unknown"
		}
		if was := old.Dataset(x.Name); was != nil {
			d.Since, d.Snapshots, d.WasReady, d.Rev = was.Since, was.Snapshots, was.WasReady, was.Rev
			if was.Status != d.Status {
				d.Since = now
				r.note(s, d, was.Status)
			}
			if was.Engine != "" && x.Accelerated {
				d.Engine = was.Engine
			}
		}
		d.HasData = d.Status == api.Ready || d.Status == api.Refreshing
		d.WasReady = d.WasReady || d.Status == api.Ready
		if d.Status == api.Error {
			d.Err, d.Hint = "the Spice runtime says Error", "its log says why"
		}
		d.Rev++
		s.Ready = s.Ready && d.WasReady
		s.Datasets = append(s.Datasets, d)
	}
	if r.o.Metrics != "" {
		if err := r.metrics(ctx, s); err != nil {
			s.Store.Err = err.Error()
		}
	}
	return s, nil
}

// note makes an event of a change of status: a Spice runtime has no events of its own.
func (r *Remote) note(s *api.State, d *api.Dataset, was api.Status) {
	e := api.Event{Seq: 1, At: s.At, Level: api.Info, Dataset: d.Name, Kind: "refresh", Message: fmt.Sprintf("%s is %s; it was %s", d.Name, d.Status, was)}
	if d.Status == api.Error {
		e.Level = api.ErrorLevel
	}
	if n := len(s.Events); n > 0 {
		e.Seq = s.Events[n-1].Seq + 1
	}
	s.Events = append(s.Events[:len(s.Events):len(s.Events)], e)
	s.Events = s.Events[max(0, len(s.Events)-api.EventWindow):]
}

// poll asks a Spice runtime until it does not answer.
func (r *Remote) poll(ctx context.Context, up func()) error {
	var listed time.Time
	for {
		round, cancel := context.WithTimeout(ctx, silence)
		s, err := r.ask(round)
		if err == nil && r.o.Now().Sub(listed) >= snapshotsEvery {
			listed = r.o.Now()
			r.newest(round, s)
		}
		cancel()
		if err != nil {
			return err
		}
		up()
		r.hub.Change(func(old *api.State) *api.State {
			s.Tasks = old.Tasks // a command may have been taken meanwhile
			return s
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askEvery):
		}
	}
}

// newest looks which snapshot of each dataset is current.
func (r *Remote) newest(ctx context.Context, s *api.State) {
	for _, d := range s.Datasets {
		if d.Engine == "" {
			continue
		}
		list, err := r.spiceSnapshots(ctx, d.Name)
		d.Snapshots = api.DatasetSnapshots{Failures: d.Snapshots.Failures} // these are of the metrics
		switch {
		case err != nil:
			d.Snapshots.Off = err.Error()
		case len(list) > 0:
			d.Snapshots.Mode, d.Snapshots.Kept = "enabled", len(list)
			i := max(slices.IndexFunc(list, func(x api.Snapshot) bool { return x.Current }), 0)
			d.Snapshots.Newest = &list[i]
			if list[i].Engine != "" {
				d.Engine = list[i].Engine
			}
		}
	}
}

// spiceSnapshots lists the snapshots of a dataset, newest first (spec acceleration-snapshots 6).
func (r *Remote) spiceSnapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	var answer struct {
		Snapshots []struct {
			ID        uint64  `json:"snapshot_id"`
			Millis    int64   `json:"timestamp_ms"`
			Location  string  `json:"location"`
			Checksum  string  `json:"checksum"`
			Algorithm string  `json:"checksum_algorithm"`
			Bytes     int64   `json:"size_bytes"`
			Engine    string  `json:"engine"`
			Rows      *int64  `json:"row_count"`
			Current   bool    `json:"is_current"`
			Status    *string `json:"status"`
		}
	}
	if err := r.call(ctx, http.MethodGet, "/v1/datasets/"+url.PathEscape(dataset)+"/acceleration/snapshots?limit=1000", nil, &answer); err != nil {
		return nil, err
	}
	var list []api.Snapshot
	for _, x := range slices.Backward(answer.Snapshots) {
		s := api.Snapshot{ID: x.ID, Created: time.UnixMilli(x.Millis), URI: x.Location, Checksum: x.Checksum, Algorithm: x.Algorithm, Bytes: x.Bytes,
			Rows: unknown, Engine: x.Engine, Current: x.Current}
		if x.Rows != nil {
			s.Rows = *x.Rows
		}
		list = append(list, s)
	}
	return list, nil
}

// metrics adds what the metrics of a Spice runtime tell (spec data-refresh 9.1).
func (r *Remote) metrics(ctx context.Context, s *api.State) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.o.Metrics, nil)
	if err != nil {
		return err
	}
	body, err := r.do(q)
	if err != nil {
		return fmt.Errorf("the metrics at %s: %w", r.o.Metrics, err)
	}
	defer body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(body)
	if err != nil {
		return fmt.Errorf("the metrics at %s: %w", r.o.Metrics, err)
	}
	each := func(name string, f func(d *api.Dataset, v float64)) {
		fam := families[name]
		if fam == nil {
			return
		}
		for _, m := range fam.Metric {
			for _, l := range m.Label {
				if l.GetName() != "dataset" {
					continue
				}
				if d := s.Dataset(l.GetValue()); d != nil {
					f(d, m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue())
				}
			}
		}
	}
	each("dataset_acceleration_last_refresh_unix_time_ms", func(d *api.Dataset, v float64) { d.LastRefresh = time.UnixMilli(int64(v)) })
	each("dataset_acceleration_last_refresh_time_ms", func(d *api.Dataset, v float64) { d.LastRefresh = time.UnixMilli(int64(v)) })
	each("dataset_acceleration_size_bytes", func(d *api.Dataset, v float64) { d.Bytes = int64(v) })
	each("dataset_acceleration_refresh_errors", func(d *api.Dataset, v float64) { d.Failures += int(v) })
	each("dataset_acceleration_refresh_processed_rows", func(d *api.Dataset, v float64) { d.Totals.Rows += int64(v) })
	each("dataset_acceleration_snapshot_failure_count", func(d *api.Dataset, v float64) { d.Snapshots.Failures = int(v) })
	return nil
}

// doSpice sends the commands that a Spice runtime has an API for.
func (r *Remote) doSpice(ctx context.Context, c api.Command) (api.CommandID, error) {
	path := "/v1/datasets/" + url.PathEscape(c.Target()) + "/acceleration"
	method, body := http.MethodPost, map[string]any{}
	switch c := c.(type) {
	case api.RefreshNow:
		path += "/refresh"
		if c.SQL != "" {
			body["refresh_sql"] = c.SQL
		}
		if c.Mode != "" {
			body["refresh_mode"] = c.Mode
		}
		if c.JitterMax != nil {
			body["refresh_jitter_max"] = strconv.FormatInt(c.JitterMax.Milliseconds(), 10) + "ms"
		}
	case api.SetRefreshSQL:
		method, body["refresh_sql"] = http.MethodPatch, c.SQL
	case api.SetCurrent:
		path += "/snapshots/current"
		body["snapshot_id"] = c.SnapshotID
	default:
		return 0, &api.CommandError{Reason: api.Refused, Message: api.Refusal(r.hub.State(), c)}
	}
	in, err := r.send(ctx, method, path, body)
	if err != nil {
		return 0, err
	}
	text, _ := io.ReadAll(io.LimitReader(in, maxAnswer))
	if err := in.Close(); err != nil {
		return 0, err
	}
	return r.accepted(c, text), nil
}

// accepted lists a command that a Spice runtime took as a task that is done: it does not tell how it goes on.
func (r *Remote) accepted(c api.Command, text []byte) api.CommandID {
	var m struct{ Message string }
	if json.Unmarshal(text, &m) != nil || m.Message == "" {
		m.Message = strings.TrimSpace(string(text))
	}
	t := api.Task{ID: 1, Dataset: c.Target(), Verb: c.Verb(), Twin: api.TwinOf(c), State: api.TaskDone, Started: r.o.Now(), Ended: r.o.Now(), Detail: m.Message}
	r.hub.Change(func(old *api.State) *api.State {
		s := *old
		if n := len(s.Tasks); n > 0 {
			t.ID = s.Tasks[n-1].ID + 1
		}
		s.Tasks = append(slices.Clone(s.Tasks), t)
		s.Tasks = s.Tasks[max(0, len(s.Tasks)-api.TaskWindow):]
		return &s
	})
	return t.ID
}

// openSpice runs a query with Spice's own endpoint, which answers with JSON.
func (r *rows) openSpice(o api.QueryOptions) error {
	if o.Timeout > 0 {
		ctx, cancel := context.WithTimeout(r.ctx, o.Timeout)
		outer := r.cancel
		r.ctx, r.cancel = ctx, func() { cancel(); outer() }
	}
	q, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.r.o.URL+"/v1/sql", strings.NewReader(r.sql))
	if err != nil {
		return err
	}
	q.Header.Set("Accept", "text/csv")
	q.Header.Set("Content-Type", "text/plain")
	in, err := r.r.do(q)
	if err != nil {
		return err
	}
	r.body = in
	return r.readCSV(in, o.Limit)
}
