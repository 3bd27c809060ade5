// Package httpapi is the HTTP face of a runtime (spec data-refresh 3.2 to 3.5 and 4.3 to 4.5). It sees only
// api.Console. Handler makes the routes, Serve runs them; neither starts a goroutine that outlives it.
package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/apikey"
)

// Options of Handler. Console is required.
type Options struct {
	Console api.Console
	// Endpoints are the faces that GET /v1/status lists.
	Endpoints []Endpoint
	// Auth is true when an API key of Keys is needed, but for /health, /v1/ready and /openapi.json.
	Auth bool
	Keys apikey.Keys
	// ParseDuration reads a duration as the spicepod does; nil means time.ParseDuration.
	ParseDuration func(string) (time.Duration, error)
	// Query bounds POST /v1/sql.
	Query api.QueryOptions
	// Observe, if not nil, is told of every answered request. route is the pattern, not the path.
	Observe func(method, route string, status int, took time.Duration)
	// Metrics answers GET /metrics; nil leaves the route out.
	Metrics http.Handler
}

// Endpoint is one network face of the runtime.
type Endpoint struct {
	Name string `json:"name"`
	// Endpoint is host and port, "N/A" when Status is Disabled.
	Endpoint string `json:"endpoint"`
	Status   string `json:"status"`
}

// server holds what the handlers need.
type server struct{ Options }

// route is one operation.
type route struct {
	method, pattern string
	// changes is true when a read-only key may not use it.
	changes bool
	// open is true when no key is needed.
	open   bool
	handle func(*server, http.ResponseWriter, *http.Request)
}

// routes are all operations; the OpenAPI document describes each of them.
func routes() []route {
	return []route{
		{method: "GET", pattern: "/health", open: true, handle: (*server).health},
		{method: "GET", pattern: "/v1/ready", open: true, handle: (*server).ready},
		{method: "GET", pattern: "/v1/status", handle: (*server).status},
		{method: "GET", pattern: "/v1/spicepods", handle: (*server).spicepods},
		{method: "GET", pattern: "/v1/catalogs", handle: (*server).catalogs},
		{method: "GET", pattern: "/v1/datasets", handle: (*server).datasets},
		{method: "GET", pattern: "/v1/datasets/{name}", handle: (*server).dataset},
		{method: "GET", pattern: "/v1/datasets/{name}/why", handle: (*server).why},
		{method: "GET", pattern: "/v1/datasets/{name}/incident", handle: (*server).incident},
		{method: "PATCH", pattern: "/v1/datasets/{name}/acceleration", changes: true, handle: (*server).patchAcceleration},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/refresh", changes: true, handle: (*server).refresh},
		{method: "POST", pattern: "/v1/datasets/{name}/refresh", changes: true, handle: (*server).refresh},
		{method: "POST", pattern: "/v1/datasets/{name}/cdc", changes: true, handle: (*server).push},
		{method: "GET", pattern: "/v1/datasets/{name}/refreshes", handle: (*server).refreshes},
		{method: "GET", pattern: "/v1/datasets/{name}/partitions", handle: (*server).partitions},
		{method: "DELETE", pattern: "/v1/datasets/{name}/refreshes/current", changes: true, handle: (*server).cancelRefresh},
		{method: "GET", pattern: "/v1/datasets/{name}/acceleration/snapshots", handle: (*server).snapshots},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots", changes: true, handle: (*server).createSnapshot},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/current", changes: true, handle: (*server).setCurrent},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/undo", changes: true, handle: (*server).undoBootstrap},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/unpin", changes: true, handle: (*server).unpinSnapshots},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/gc", changes: true, handle: (*server).collectSnapshots},
		{method: "DELETE", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}", changes: true, handle: (*server).deleteSnapshot},
		{method: "GET", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}/diff", handle: (*server).diff},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}/pin", changes: true, handle: (*server).pinSnapshot},
		{method: "GET", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}", handle: (*server).snapshot},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}/verify", changes: true, handle: (*server).verifySnapshot},
		{method: "POST", pattern: "/v1/datasets/{name}/acceleration/snapshots/{id}/bootstrap", changes: true, handle: (*server).bootstrap},
		{method: "POST", pattern: "/v1/datasets/{name}/stream/skip", changes: true, handle: (*server).skipRecord},
		{method: "POST", pattern: "/v1/datasets/{name}/stream/rebootstrap", changes: true, handle: (*server).rebootstrap},
		{method: "GET", pattern: "/v1/tasks/{id}", handle: (*server).task},
		{method: "GET", pattern: "/v1/config", handle: (*server).config},
		{method: "POST", pattern: "/v1/config/apply", changes: true, handle: (*server).applyConfig},
		{method: "POST", pattern: "/v1/config/revert", changes: true, handle: (*server).revertConfig},
		{method: "POST", pattern: "/v1/config/reload", changes: true, handle: (*server).setReload},
		{method: "GET", pattern: "/v1/doctor", handle: (*server).doctor},
		{method: "GET", pattern: "/v1/events", handle: (*server).events},
		{method: "POST", pattern: "/v1/sql", handle: (*server).sql},
		{method: "GET", pattern: "/v1/pitwall/watch", handle: (*server).watch},
		{method: "POST", pattern: "/v1/pitwall/commands", changes: true, handle: (*server).command},
		{method: "GET", pattern: "/v1/pitwall/datasets/{name}/snapshots", handle: (*server).listed},
		{method: "GET", pattern: "/v1/pitwall/datasets/{name}/objects", handle: (*server).objects},
		{method: "POST", pattern: "/v1/pitwall/query", handle: (*server).query},
		{method: "GET", pattern: "/openapi.json", open: true, handle: (*server).openapi},
	}
}

// Handler returns the routes.
func Handler(o Options) http.Handler {
	if o.ParseDuration == nil {
		o.ParseDuration = time.ParseDuration
	}
	s := &server{o}
	mux := http.NewServeMux()
	for _, r := range routes() {
		mux.Handle(r.method+" "+r.pattern, s.observed(r.pattern, s.guarded(r, func(w http.ResponseWriter, q *http.Request) { r.handle(s, w, q) })))
	}
	if o.Metrics != nil {
		mux.Handle("GET /metrics", s.guarded(route{}, o.Metrics.ServeHTTP))
	}
	return mux
}

// message is the body of every answer that is a sentence.
type message struct {
	Message string `json:"message"`
}

// writeJSON answers with a value.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone: there is nobody to tell
}

func fail(w http.ResponseWriter, status int, text string) { writeJSON(w, status, message{text}) }

// observed counts a request.
func (s *server) observed(pattern string, h http.HandlerFunc) http.Handler {
	if s.Observe == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		start, rec := time.Now(), &recorder{ResponseWriter: w, status: http.StatusOK}
		h(rec, q)
		s.Observe(q.Method, pattern, rec.status, time.Since(start))
	})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
