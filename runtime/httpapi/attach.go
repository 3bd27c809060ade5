package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// watchEvery is the shortest time between two States that are sent, so that a slow link is not flooded; watchAlive is
// how often a silent stream tells that it is alive.
const (
	watchEvery = 100 * time.Millisecond
	watchAlive = 3 * time.Second
)

// jsonLines is the type of answers that are lines of JSON.
const jsonLines = "application/x-ndjson"

// watch streams what a console needs, line by line: first all of the State, then what changes (package wire). A line
// without changes tells that the runtime is there.
func (s *server) watch(w http.ResponseWriter, q *http.Request) {
	cur, next := s.Console.Watch(q.Context())
	w.Header().Set("Content-Type", jsonLines)
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	lines := json.NewEncoder(w)
	alive := time.NewTicker(watchAlive)
	defer alive.Stop()
	_, write := s.allowed(q)
	var told *api.State
	cur = current(cur) // the first line may come long after the last change, and sets the clock of the other side
	for {
		if s.Auth && !write && !cur.ReadOnly { // so is all that this key can do
			same := *cur
			same.ReadOnly = true
			cur = &same
		}
		d, err := wire.Diff(told, cur)
		if err != nil || lines.Encode(d) != nil || flush.Flush() != nil {
			return
		}
		told = cur
		select {
		case <-time.After(watchEvery):
		case <-q.Context().Done():
			return
		}
		select {
		case newer, open := <-next:
			if !open {
				return
			}
			cur = newer
		case <-alive.C:
			cur = current(cur)
		case <-q.Context().Done():
			return
		}
	}
}

// current is a State as it is now: nothing changed since, but it is so now.
func current(s *api.State) *api.State {
	now := time.Now()
	if now.Before(s.At) {
		return s
	}
	same := *s
	same.At = now
	return &same
}

// command takes any command (package wire).
func (s *server) command(w http.ResponseWriter, q *http.Request) {
	var body wire.Command
	if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxBody)).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, &wire.Refusal{Reason: string(api.Invalid), Message: "the body is not understood: " + err.Error()})
		return
	}
	c, err := body.Decode()
	if err != nil {
		refuse(w, http.StatusBadRequest, &wire.Refusal{Reason: string(api.Invalid), Message: err.Error()})
		return
	}
	id, err := s.Console.Do(q.Context(), c)
	if err != nil {
		refuse(w, statusOf(err), wire.RefusalOf(err))
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]api.CommandID{"id": id})
}

func refuse(w http.ResponseWriter, status int, r *wire.Refusal) { writeJSON(w, status, r) }

// listed lists the stored snapshots of a dataset as the console sees them.
func (s *server) listed(w http.ResponseWriter, q *http.Request) {
	list, err := s.Console.Snapshots(q.Context(), q.PathValue("name"))
	if err != nil {
		refuse(w, statusOf(err), wire.RefusalOf(err))
		return
	}
	if list == nil {
		list = []api.Snapshot{}
	}
	writeJSON(w, http.StatusOK, list)
}

// objects looks at the objects of the snapshots whose ids are given, separated by commas.
func (s *server) objects(w http.ResponseWriter, q *http.Request) {
	var ids []uint64
	for _, text := range strings.Split(q.URL.Query().Get("ids"), ",") {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			refuse(w, http.StatusBadRequest, &wire.Refusal{Reason: string(api.Invalid), Message: "ids are numbers separated by commas"})
			return
		}
		ids = append(ids, id)
	}
	states, err := s.Console.Objects(q.Context(), q.PathValue("name"), ids)
	if err != nil {
		refuse(w, statusOf(err), wire.RefusalOf(err))
		return
	}
	writeJSON(w, http.StatusOK, states)
}

// query runs one statement that only reads, and streams its rows as they are shown.
func (s *server) query(w http.ResponseWriter, q *http.Request) {
	var body wire.Query
	if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, maxBody)).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
		refuse(w, http.StatusBadRequest, &wire.Refusal{Reason: string(api.BadQuery), Message: "the body is not understood: " + err.Error()})
		return
	}
	o := s.Query
	if body.Limit > 0 && (o.Limit == 0 || body.Limit < o.Limit) {
		o.Limit = body.Limit
	}
	if t := time.Duration(body.TimeoutMillis) * time.Millisecond; t > 0 && (o.Timeout == 0 || t < o.Timeout) {
		o.Timeout = t
	}
	rows, err := s.Console.Query(q.Context(), body.SQL, o)
	if err != nil {
		refuse(w, http.StatusBadRequest, wire.RefusalOf(err))
		return
	}
	defer rows.Close()
	w.Header().Set("Content-Type", jsonLines)
	if err := wire.WriteRows(w, rows, http.NewResponseController(w).Flush); err != nil && q.Context().Err() == nil {
		panic(http.ErrAbortHandler) // only a broken connection tells that the rows are not all
	}
}

// statusOf is the status for the error of a Console.
func statusOf(err error) int {
	switch api.ReasonOf(err) {
	case api.NotFound:
		return http.StatusNotFound
	case api.ReadOnly:
		return http.StatusForbidden
	case api.Refused:
		return http.StatusConflict
	case api.Stopping:
		return http.StatusServiceUnavailable
	case api.Invalid:
		return http.StatusBadRequest
	case api.Unreachable:
		return http.StatusBadGateway
	}
	if errors.Is(err, context.Canceled) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
