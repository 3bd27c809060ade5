package demo

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pitwall/runtime"
	"pitwall/runtime/api"
)

// ordersFile is the source of most incidents, and dataset what is made of it.
const (
	dataset    = "orders"
	ordersFile = "data/orders.csv"
)

// failing tells whether the refresh of the orders failed.
func failing(s *api.State) bool {
	d := s.Dataset(dataset)
	return d != nil && d.Err != ""
}

// rows tells whether the orders are well and have n rows.
func rows(n int64) func(*api.Dataset, *api.State) bool {
	return func(d *api.Dataset, _ *api.State) bool { return d.Status == api.Ready && d.Err == "" && d.Rows == n }
}

// why opens the page that says why.
func why() []Step { return []Step{{"w", "Is it ready?"}} }

// before has the orders loaded by an earlier pitwall.
func (w *Workspace) before(n int) error {
	if err := w.put(ordersFile, orders(n)); err != nil {
		return err
	}
	return w.earlier(func(ctx context.Context, r *runtime.Runtime) error { return loaded(ctx, r, dataset) })
}

func credentialsExpired() Incident {
	const old, fresh = "LAKE_TOKEN=last-week", "LAKE_TOKEN=this-week"
	return Incident{
		Name: "credentials-expired", Dataset: dataset,
		About: "the token for the bucket of the source has expired (a small S3 server in this process answers 403 ExpiredToken to the old one)",
		Begun: failing, Cause: why(), Shows: []string{"orders", "ExpiredToken", "s3_session_token"},
		Edit: Edit{".env", old, fresh}, Remedy: []Step{{"5", "g1 runs"}, {"e", "g2 runs"}},
		Holds: "the new token is used without a restart, and the orders are loaded", After: rows(2_000),
		prepare: func(w *Workspace) error {
			if err := w.openLake(); err != nil {
				return err
			}
			w.lake.fault = func(rw http.ResponseWriter, r *http.Request) bool {
				if "LAKE_TOKEN="+r.Header.Get("X-Amz-Security-Token") == fresh {
					return false
				}
				refuse(rw, http.StatusForbidden, "ExpiredToken", "The provided token has expired.")
				return true
			}
			if err := w.put(".env", old+"\n"); err != nil {
				return err
			}
			return w.put("lake/sales/orders.csv", orders(2_000))
		},
	}
}

func sourceSlow() Incident {
	return Incident{
		Name: "source-slow", Dataset: dataset,
		About: "the source became slow after the first load (a small web server in this process sends some bytes a second)",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && d.Run != nil && d.Run.Phase == api.PhaseReading && time.Since(d.Run.StartedAt) > time.Second
		},
		Cause: why(), Shows: []string{"orders", "runs since", "the ones before took", "x cancels it"},
		Remedy: []Step{{"H", ""}, {"x", "esc cancels"}, {"y", ""}},
		Holds:  "nothing runs and nothing begins until H resumes it; the old rows answer",
		After: func(d *api.Dataset, _ *api.State) bool {
			return d.Run == nil && d.Held && d.HasData && d.Rows == 2_000
		},
		prepare: func(w *Workspace) error {
			if err := w.openLake(); err != nil {
				return err
			}
			w.lake.fault = func(rw http.ResponseWriter, r *http.Request) bool {
				if !w.lake.slow.Load() || r.Method != http.MethodGet {
					return false
				}
				w.lake.get(slowly{rw, r.Context()}, r, "sales/orders.csv")
				return true
			}
			w.onRead = func(n int64) error {
				if n < 2 || w.lake.slow.Swap(true) {
					return nil
				}
				return w.put("lake/sales/orders.csv", orders(2_500))
			}
			return w.put("lake/sales/orders.csv", orders(2_000))
		},
	}
}

// slowly sends so little at a time that nobody waits for the end.
type slowly struct {
	http.ResponseWriter
	ctx context.Context
}

// dripEvery is how often slowly sends dripped bytes.
const (
	dripEvery = 500 * time.Millisecond
	dripped   = 64
)

// Write implements io.Writer.
func (s slowly) Write(p []byte) (n int, err error) {
	tick := time.NewTicker(dripEvery)
	defer tick.Stop()
	for n < len(p) {
		m, err := s.ResponseWriter.Write(p[n:min(n+dripped, len(p))])
		if n += m; err != nil {
			return n, err
		}
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		select {
		case <-s.ctx.Done():
			return n, s.ctx.Err()
		case <-tick.C:
		}
	}
	return n, nil
}

func sourceSchemaChanged() Incident {
	return Incident{
		Name: "source-schema-changed", Dataset: dataset,
		About: "a column of the source was renamed after the orders were loaded",
		Begun: failing, Cause: why(), Shows: []string{"orders", "amount_eur", "on_schema_change: sync_all_columns"},
		Edit: Edit{"", "on_schema_change: block", "on_schema_change: sync_all_columns"}, Remedy: []Step{{"5", "g1 runs"}, {"e", "g2 runs"}, {"1", "Datasets"}, {"r", ""}},
		Holds: "the new columns are accepted, and the orders are loaded with them",
		After: func(d *api.Dataset, _ *api.State) bool {
			for _, c := range d.Schema {
				if c.Name == "amount_eur" {
					return d.Err == "" && d.Rows == 2_500
				}
			}
			return false
		},
		prepare: func(w *Workspace) error {
			if err := w.before(2_000); err != nil {
				return err
			}
			return w.put(ordersFile, strings.Replace(orders(2_500), "amount", "amount_eur", 1))
		},
	}
}

func refreshRetrying() Incident {
	return Incident{
		Name: "refresh-retrying", Dataset: dataset,
		About: "the file of the source is gone, and the refresh is tried again and again, later each time",
		Begun: func(s *api.State) bool { return failing(s) && s.Dataset(dataset).Retry != nil },
		Cause: why(), Shows: []string{"orders", "orders.csv", "it does not exist", "What to do", "failed"},
		Outside: "the export is put back", Mend: func(w *Workspace) error { return w.put(ordersFile, orders(2_500)) },
		Remedy: []Step{{"r", ""}},
		Holds:  "the orders are loaded at once, not when the next re-try is due", After: rows(2_500),
		prepare: func(w *Workspace) error {
			if err := w.before(2_000); err != nil {
				return err
			}
			return os.Remove(filepath.Join(w.Dir, ordersFile))
		},
	}
}

func csvBadRows() Incident {
	broken := strings.Replace(orders(2_500), "\n1200,", "\n1200 ", 1)
	return Incident{
		Name: "csv-bad-rows", Dataset: dataset,
		About: "a row of the CSV file has lost its delimiter",
		Begun: failing, Cause: why(), Shows: []string{"orders", "orders.csv:1201", "correct the row"},
		Outside: "the row is corrected", Mend: func(w *Workspace) error { return w.put(ordersFile, orders(2_500)) },
		Remedy: []Step{{"r", ""}},
		Holds:  "all 2,500 orders are loaded; until then the old ones answered", After: rows(2_500),
		prepare: func(w *Workspace) error {
			if err := w.before(2_000); err != nil {
				return err
			}
			return w.put(ordersFile, broken)
		},
	}
}

func datasetStale() Incident {
	const sane, slow = "refresh_check_interval: 10m", "refresh_check_interval: 12h\n      refresh_jitter_enabled: true\n      refresh_jitter_max: 6h"
	return Incident{
		Name: "dataset-stale", Dataset: dataset,
		About: "the orders are old although nothing fails: somebody set an interval of 12h with a jitter of 6h, which also delays what is asked for by hand",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && !d.NextRefresh.IsZero()
		},
		Home:  "its jitter delays every refresh by up to 6h, also what r asks for",
		Cause: why(), Shows: []string{"orders", "Its jitter delays every refresh by up to 6h", "acceleration.refresh_jitter_max", "every 12h ± 6h"},
		Edit:   Edit{"", slow, sane},
		Remedy: []Step{{"5", "g1 runs"}, {"e", "g2 runs"}, {"1", "Datasets"}, {"r", ""}},
		Holds:  "the orders are those of now, and come every 10 minutes again",
		After: func(d *api.Dataset, s *api.State) bool {
			return d.Err == "" && d.Rows == 2_500 && !d.Waiting && d.NextRefresh.Sub(s.At) < time.Hour
		},
		prepare: func(w *Workspace) error {
			if err := w.before(2_000); err != nil {
				return err
			}
			if err := w.put(ordersFile, orders(2_500)); err != nil {
				return err
			}
			return w.Change(Edit{Old: sane, New: slow})
		},
	}
}
