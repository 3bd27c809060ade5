package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"pitwall/runtime/api"
)

// CommandHeader carries the id of the command that a request began, for GET /v1/tasks/{id}.
const CommandHeader = "Pitwall-Command"

// maxBody is the largest body of a request, in bytes.
const maxBody = 4 << 20

// body reads the JSON object of a request into v; an empty body leaves it as it is. It answers 400 itself:
// a body that is not understood must never count as none.
func body(w http.ResponseWriter, q *http.Request, v any) bool {
	text, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "the body is not understood: "+err.Error())
	}
	return err == nil
}

// do sends a command and tells its id. It answers itself when the command is refused.
func (s *server) do(w http.ResponseWriter, q *http.Request, c api.Command, invalid func(string)) bool {
	id, err := s.Console.Do(q.Context(), c)
	if err == nil {
		w.Header().Set(CommandHeader, strconv.FormatUint(uint64(id), 10))
		return true
	}
	switch api.ReasonOf(err) {
	case api.NotFound:
		fail(w, http.StatusNotFound, fmt.Sprintf("Dataset %s not found", c.Target()))
	case api.ReadOnly:
		fail(w, http.StatusForbidden, err.Error())
	case api.Stopping:
		fail(w, http.StatusServiceUnavailable, err.Error())
	case api.Invalid:
		invalid(err.Error())
	default:
		fail(w, http.StatusInternalServerError, err.Error())
	}
	return false
}

// patchAcceleration sets refresh_sql until the runtime ends (spec 3.2).
func (s *server) patchAcceleration(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	var change struct {
		RefreshSQL *string `json:"refresh_sql"`
	}
	if !body(w, q, &change) || change.RefreshSQL == nil || d.Engine == "" {
		return // 400 was answered; or there is nothing to change, which is 200
	}
	failed := func(detail string) { fail(w, http.StatusInternalServerError, "Request failed. "+detail) }
	if *change.RefreshSQL == "" {
		failed("refresh_sql can't be empty")
		return
	}
	s.do(w, q, api.SetRefreshSQL{Dataset: d.Name, SQL: *change.RefreshSQL}, failed)
}

// refresh begins a refresh, with overrides for this run only (spec 3.3).
func (s *server) refresh(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	var o struct {
		SQL       string  `json:"refresh_sql"`
		Mode      string  `json:"refresh_mode"`
		JitterMax *string `json:"refresh_jitter_max"`
	}
	if !body(w, q, &o) {
		return
	}
	if d.Engine == "" {
		fail(w, http.StatusBadRequest, fmt.Sprintf("Dataset %s does not have acceleration enabled", d.Name))
		return
	}
	c := api.RefreshNow{Dataset: d.Name, Mode: o.Mode, SQL: o.SQL}
	if o.Mode != "" && o.Mode != "full" && o.Mode != "append" {
		fail(w, http.StatusBadRequest, fmt.Sprintf("refresh_mode %q is not full or append", o.Mode))
		return
	}
	if o.JitterMax != nil {
		most, err := s.jitter(*o.JitterMax)
		if err != nil {
			fail(w, http.StatusBadRequest, "refresh_jitter_max: "+err.Error())
			return
		}
		c.JitterMax = &most
	}
	bad := func(detail string) { fail(w, http.StatusBadRequest, detail) }
	if s.do(w, q, c, bad) {
		writeJSON(w, http.StatusCreated, message{fmt.Sprintf("Dataset refresh triggered for %s.", d.Name)})
	}
}

func (s *server) jitter(text string) (time.Duration, error) {
	most, err := s.ParseDuration(text)
	if err == nil && most < 0 {
		err = errors.New("it can't be negative")
	}
	return most, err
}

// cancelRefresh cancels the running refresh, or the wait for the next attempt.
func (s *server) cancelRefresh(w http.ResponseWriter, q *http.Request) {
	d := s.find(w, q)
	if d == nil {
		return
	}
	c := api.CancelRefresh{Dataset: d.Name}
	if why := api.Refusal(s.state(q), c); why == "no refresh is running" {
		fail(w, http.StatusConflict, fmt.Sprintf("Dataset %s: %s", d.Name, why))
		return
	}
	if s.do(w, q, c, nil) {
		writeJSON(w, http.StatusAccepted, message{fmt.Sprintf("Dataset refresh cancelled for %s.", d.Name)})
	}
}
