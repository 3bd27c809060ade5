package httpapi

import (
	"net/http"
	"time"

	"pitwall/runtime/api/incident"
	"pitwall/runtime/api/why"
)

// why answers why a dataset is as it is.
func (s *server) why(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		writeJSON(w, http.StatusOK, map[string]any{"dataset": d.Name, "answers": why.Explain(s.state(q), d.Name, time.Now())})
	}
}

// incident writes the timeline of a dataset, of the last since when that is given.
func (s *server) incident(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	now, from := time.Now(), time.Time{}
	if text := q.URL.Query().Get("since"); text != "" {
		span, err := s.ParseDuration(text)
		if err != nil {
			fail(w, http.StatusBadRequest, "since is a duration such as 90m: "+err.Error())
			return
		}
		from = now.Add(-span)
	}
	r := incident.Of(s.state(q), d.Name, from, now)
	if r == nil {
		fail(w, http.StatusNotFound, "Dataset "+d.Name+" not found")
		return
	}
	switch format := q.URL.Query().Get("format"); format {
	case "", "json":
		writeJSON(w, http.StatusOK, r)
	case "md":
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		_ = r.Markdown(w)
	default:
		fail(w, http.StatusBadRequest, "format is json or md")
	}
}
