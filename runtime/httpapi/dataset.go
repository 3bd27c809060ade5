package httpapi

import (
	"net/http"
	"time"

	"pitwall/runtime/api"
)

// detail is the whole state of a dataset.
type detail struct {
	dataset
	Description string     `json:"description,omitempty"`
	Engine      string     `json:"engine,omitempty"`
	Mode        string     `json:"mode,omitempty"`
	RefreshMode string     `json:"refresh_mode,omitempty"`
	RefreshSQL  string     `json:"refresh_sql,omitempty"`
	Temporary   bool       `json:"refresh_sql_temporary,omitempty"`
	Schedule    string     `json:"schedule,omitempty"`
	TimeColumn  string     `json:"time_column,omitempty"`
	Since       time.Time  `json:"status_since"`
	HasData     bool       `json:"has_data"`
	Error       string     `json:"error,omitempty"`
	Hint        string     `json:"hint,omitempty"`
	Rows        int64      `json:"rows"`
	Bytes       int64      `json:"bytes"`
	Watermark   string     `json:"watermark,omitempty"`
	Schema      []column   `json:"schema"`
	LastRefresh *time.Time `json:"last_refresh_at,omitempty"`
	NextRefresh *time.Time `json:"next_refresh_at,omitempty"`
	Held        bool       `json:"held,omitempty"`
	Current     *run       `json:"current_refresh,omitempty"`
	Retry       *retry     `json:"retry,omitempty"`
	Retention   *retention `json:"retention,omitempty"`
	files
}

type column struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// run is a refresh that is at work.
type run struct {
	ID            uint64    `json:"id"`
	Mode          string    `json:"mode"`
	Trigger       string    `json:"trigger"`
	Phase         api.Phase `json:"phase"`
	Attempt       int       `json:"attempt"`
	StartedAt     time.Time `json:"started_at"`
	Rows          int64     `json:"rows_read"`
	Bytes         int64     `json:"bytes_read"`
	Total         int64     `json:"bytes_total,omitempty"`
	RowsPerSecond float64   `json:"rows_per_second"`
	SQL           string    `json:"refresh_sql,omitempty"`
	Plan          string    `json:"plan,omitempty"`
}

type retry struct {
	Attempt int       `json:"attempt"`
	Max     int       `json:"max_attempts,omitempty"`
	At      time.Time `json:"at"`
}

type retention struct {
	PeriodSeconds float64    `json:"period_seconds,omitempty"`
	SQL           string     `json:"sql,omitempty"`
	EverySeconds  float64    `json:"check_interval_seconds"`
	Last          *time.Time `json:"last_check_at,omitempty"`
	Next          *time.Time `json:"next_check_at,omitempty"`
	LastEvicted   int64      `json:"last_evicted"`
	Evicted       int64      `json:"evicted"`
	Error         string     `json:"error,omitempty"`
}

func (s *server) dataset(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	v := detail{
		dataset:     dataset{From: d.From, Name: d.Name, AccelerationEnabled: d.Engine != "", Status: d.Status},
		Description: d.Description, Engine: d.Engine, Mode: d.Mode, RefreshMode: d.RefreshMode, RefreshSQL: d.RefreshSQL,
		Temporary: d.Patched, Schedule: d.Schedule, TimeColumn: d.TimeColumn, Since: d.Since, HasData: d.HasData,
		Error: d.Err, Hint: d.Hint, Rows: d.Rows, Bytes: d.Bytes, Watermark: d.Watermark, Schema: []column{},
		LastRefresh: when(d.LastRefresh), NextRefresh: when(d.NextRefresh), Held: d.Held, files: filesOf(d),
	}
	for _, c := range d.Schema {
		v.Schema = append(v.Schema, column(c))
	}
	if r := d.Run; r != nil {
		v.Current = &run{r.ID, r.Mode, r.Trigger, r.Phase, r.Attempt, r.StartedAt, r.Rows, r.Bytes, r.Total, r.RowsPerSecond, r.SQL, r.Plan}
	}
	if r := d.Retry; r != nil {
		v.Retry = &retry{r.Attempt, r.Max, r.At}
	}
	if r := d.Retention; r != nil {
		v.Retention = &retention{r.Period.Seconds(), r.SQL, r.Every.Seconds(), when(r.Last), when(r.Next), r.LastEvicted, r.Evicted, r.Err}
	}
	writeJSON(w, http.StatusOK, v)
}

// finished is a refresh that ended.
type finished struct {
	ID          uint64      `json:"id"`
	Mode        string      `json:"mode"`
	Trigger     string      `json:"trigger"`
	Outcome     api.Outcome `json:"outcome"`
	Attempt     int         `json:"attempt"`
	StartedAt   time.Time   `json:"started_at"`
	DurationMS  int64       `json:"duration_ms"`
	RowsRead    int64       `json:"rows_read"`
	RowsWritten int64       `json:"rows_written"`
	RowsAfter   int64       `json:"rows_after"`
	BytesRead   int64       `json:"bytes_read"`
	Evicted     int64       `json:"rows_evicted,omitempty"`
	Dropped     int64       `json:"rows_dropped,omitempty"`
	SQL         string      `json:"refresh_sql,omitempty"`
	Plan        string      `json:"plan,omitempty"`
	Error       string      `json:"error,omitempty"`
	Hint        string      `json:"hint,omitempty"`
}

// refreshes answers with the history, newest first.
func (s *server) refreshes(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	list := []finished{}
	for _, r := range d.Refreshes {
		list = append(list, finished{r.ID, r.Mode, r.Trigger, r.Outcome, r.Attempt, r.StartedAt, r.Duration.Milliseconds(),
			r.RowsRead, r.RowsWritten, r.RowsAfter, r.BytesRead, r.Evicted, r.Dropped, r.SQL, r.Plan, r.Err, r.Hint})
	}
	writeJSON(w, http.StatusOK, list)
}
