package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"pitwall/runtime/api"
)

// configInfo is which version of the spicepod runs, and what the file on disk would change.
type configInfo struct {
	Path       string         `json:"path"`
	Generation int            `json:"generation"`
	AppliedAt  time.Time      `json:"applied_at"`
	Reload     api.ReloadMode `json:"reload"`
	// Broken is true while the file on disk has errors; Problems are its errors and warnings.
	Broken   bool            `json:"broken"`
	Problems []configProblem `json:"problems"`
	// Pending is what waits to be applied.
	Pending []pendingChange `json:"pending"`
}

type configProblem struct {
	Severity string `json:"severity"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Path     string `json:"path"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
}

type pendingChange struct {
	Op      string `json:"op"`
	Dataset string `json:"dataset,omitempty"`
	Field   string `json:"field,omitempty"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	Effect  string `json:"effect,omitempty"`
	Drops   string `json:"drops,omitempty"`
}

// config tells which version of the spicepod runs, and what waits.
func (s *server) config(w http.ResponseWriter, q *http.Request) {
	c := s.state(q).Config
	out := configInfo{Path: c.Path, Generation: c.Generation, AppliedAt: c.AppliedAt, Reload: c.Reload, Broken: c.Broken, Problems: []configProblem{}, Pending: []pendingChange{}}
	for _, p := range c.Problems {
		out.Problems = append(out.Problems, configProblem{p.Severity, p.File, p.Line, p.Column, p.Path, p.Message, p.Hint})
	}
	if c.Pending != nil {
		for _, x := range c.Pending.Changes {
			out.Pending = append(out.Pending, pendingChange(x))
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// applyConfig applies what waits.
func (s *server) applyConfig(w http.ResponseWriter, q *http.Request) {
	var o struct {
		Drops bool `json:"drops"`
	}
	if body(w, q, &o) {
		s.steer(w, q, api.ApplyConfig{Drops: o.Drops}, "The spicepod is being applied.")
	}
}

// revertConfig writes the version that runs.
func (s *server) revertConfig(w http.ResponseWriter, q *http.Request) {
	s.steer(w, q, api.RevertConfig{}, "The spicepod is being reverted.")
}

// setReload says which versions are applied by themselves.
func (s *server) setReload(w http.ResponseWriter, q *http.Request) {
	var o struct {
		Mode api.ReloadMode `json:"mode"`
	}
	if body(w, q, &o) {
		s.steer(w, q, api.SetReload{Mode: o.Mode}, "Changes of the spicepod: "+string(o.Mode)+".")
	}
}

// steer sends a command about the spicepod.
func (s *server) steer(w http.ResponseWriter, q *http.Request, c api.Command, text string) {
	id, err := s.Console.Do(q.Context(), c)
	if err != nil {
		fail(w, statusOf(err), err.Error())
		return
	}
	w.Header().Set(CommandHeader, strconv.FormatUint(uint64(id), 10))
	writeJSON(w, http.StatusAccepted, message{text})
}
