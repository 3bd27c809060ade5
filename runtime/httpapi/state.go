package httpapi

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pitwall/runtime/api"
)

// state returns the current picture of the runtime.
func (s *server) state(q *http.Request) *api.State {
	ctx, cancel := context.WithCancel(q.Context())
	defer cancel()
	cur, _ := s.Console.Watch(ctx)
	return cur
}

// find returns the dataset of the path; names match without regard to case. It answers 404 itself.
func (s *server) find(w http.ResponseWriter, q *http.Request) *api.Dataset {
	name := q.PathValue("name")
	for _, d := range s.state(q).Datasets {
		if strings.EqualFold(d.Name, name) {
			return d
		}
	}
	fail(w, http.StatusNotFound, fmt.Sprintf("Dataset %s not found", name))
	return nil
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n")
}

// ready answers 200 once every dataset was ready; it stays so through later errors (spec 4.3).
func (s *server) ready(w http.ResponseWriter, q *http.Request) {
	cur := s.state(q)
	ok := cur.Ready && !cur.ShuttingDown && len(cur.Datasets) > 0
	text, status := "ready", http.StatusOK
	if !ok {
		text, status = "not ready", http.StatusServiceUnavailable
	}
	if q.URL.Query().Get("verbose") == "true" {
		var b strings.Builder
		sign := map[bool]string{true: "[+]", false: "[-]"}
		for _, d := range cur.Datasets {
			fmt.Fprintf(&b, "%s dataset:%s %s\n", sign[d.WasReady], d.Name, d.Status)
		}
		fmt.Fprintf(&b, "%s components %s\n", sign[ok], map[bool]string{true: "ok", false: "not ready"}[ok])
		text = b.String() + text
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (s *server) status(w http.ResponseWriter, q *http.Request) {
	list := s.Endpoints
	if list == nil {
		list = []Endpoint{}
	}
	rows := [][]string{{"name", "endpoint", "status"}}
	for _, e := range list {
		rows = append(rows, []string{e.Name, e.Endpoint, e.Status})
	}
	s.list(w, q, list, rows)
}

// list answers with JSON, or with CSV for format=csv.
func (s *server) list(w http.ResponseWriter, q *http.Request, v any, rows [][]string) {
	switch f := q.URL.Query().Get("format"); f {
	case "", "json":
		writeJSON(w, http.StatusOK, v)
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_ = csv.NewWriter(w).WriteAll(rows)
	default:
		fail(w, http.StatusBadRequest, fmt.Sprintf("format %q is not json or csv", f))
	}
}

// spicepod is one entry of GET /v1/spicepods.
type spicepod struct {
	Name              string `json:"name"`
	Version           string `json:"version"`
	DatasetsCount     int    `json:"datasets_count"`
	ModelsCount       int    `json:"models_count"`
	DependenciesCount int    `json:"dependencies_count"`
}

func (s *server) spicepods(w http.ResponseWriter, q *http.Request) {
	cur := s.state(q)
	s.list(w, q, []spicepod{{Name: cur.Config.Name, Version: cur.Config.Version, DatasetsCount: len(cur.Datasets)}}, [][]string{
		{"name", "version", "datasets_count", "models_count", "dependencies_count"},
		{cur.Config.Name, cur.Config.Version, strconv.Itoa(len(cur.Datasets)), "0", "0"}})
}

func (s *server) catalogs(w http.ResponseWriter, q *http.Request) {
	s.list(w, q, []struct{}{}, [][]string{{"from", "name", "provider"}})
}

// dataset is one entry of GET /v1/datasets (spec 4.5).
type dataset struct {
	From                string         `json:"from"`
	Name                string         `json:"name"`
	ReplicationEnabled  bool           `json:"replication_enabled"`
	AccelerationEnabled bool           `json:"acceleration_enabled"`
	Status              api.Status     `json:"status,omitempty"`
	DependsOn           []string       `json:"depends_on,omitempty"`
	Properties          map[string]any `json:"properties,omitempty"`
}

func (s *server) datasets(w http.ResponseWriter, q *http.Request) {
	from, withStatus := q.URL.Query().Get("source"), q.URL.Query().Get("status") == "true"
	list := []dataset{}
	header := []string{"from", "name", "replication_enabled", "acceleration_enabled"}
	if withStatus {
		header = append(header, "status")
	}
	rows := [][]string{header}
	for _, d := range s.state(q).Datasets {
		if from != "" && d.From != from && !strings.HasPrefix(d.From, from+":") {
			continue
		}
		e := dataset{From: d.From, Name: d.Name, AccelerationEnabled: d.Engine != "", DependsOn: d.DependsOn}
		row := []string{d.From, d.Name, "false", strconv.FormatBool(e.AccelerationEnabled)}
		if withStatus {
			e.Status = d.Status
			row = append(row, string(d.Status))
		}
		list, rows = append(list, e), append(rows, row)
	}
	s.list(w, q, list, rows)
}

// task is a command and how it went.
type task struct {
	ID      api.CommandID `json:"id"`
	Dataset string        `json:"dataset,omitempty"`
	Verb    string        `json:"verb"`
	State   api.TaskState `json:"state"`
	Started time.Time     `json:"started_at"`
	Ended   *time.Time    `json:"ended_at,omitempty"`
	Detail  string        `json:"detail,omitempty"`
}

func (s *server) task(w http.ResponseWriter, q *http.Request) {
	id, err := strconv.ParseUint(q.PathValue("id"), 10, 64)
	if err != nil {
		fail(w, http.StatusBadRequest, "the id of a task is a number")
		return
	}
	t, ok := s.findTask(q.Context(), api.CommandID(id))
	if !ok {
		fail(w, http.StatusNotFound, fmt.Sprintf("Task %d not found", id))
		return
	}
	writeJSON(w, http.StatusOK, task{t.ID, t.Dataset, t.Verb, t.State, t.Started, when(t.Ended), t.Detail})
}

// lag is how long a State may take to show a command that was just accepted.
const lag = 2 * time.Second

// findTask looks for a task in the State and, for a moment, in the next ones.
func (s *server) findTask(ctx context.Context, id api.CommandID) (api.Task, bool) {
	ctx, cancel := context.WithTimeout(ctx, lag)
	defer cancel()
	cur, next := s.Console.Watch(ctx)
	for open := true; open; cur, open = <-next {
		for _, t := range cur.Tasks {
			if t.ID == id {
				return t, true
			}
			if t.ID > id { // newer ones are there: it was forgotten
				return t, false
			}
		}
	}
	return api.Task{}, false
}

// when leaves a zero time out.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
