// Package faces opens the network faces of a runtime: HTTP, Arrow Flight and metrics. Faces.Run owns their goroutines and
// waits for them.
package faces

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/apikey"
	"pitwall/runtime/flight"
	"pitwall/runtime/httpapi"
	"pitwall/runtime/metrics"
)

// Off is the address of a face that is not opened.
const Off = "off"

// Options of Open.
type Options struct {
	// HTTP, Flight and Metrics are host:port; Off or "" leaves the face closed; port 0 lets the system choose.
	HTTP, Flight, Metrics string
	// Auth and TLS are runtime.auth and runtime.tls of the spicepod.
	Auth config.Auth
	TLS  config.TLS
	// Version is the build.
	Version string
}

// queryTimeout ends a query over HTTP that nobody gave another time. Over Flight, by which all rows of a dataset may be
// read, it lasts as long as its client.
const queryTimeout = 5 * time.Minute

// Faces are open listeners that nobody answers yet.
type Faces struct {
	http, flight, metrics net.Listener
	handler               http.Handler
	queries               flight.Options
	counts                *metrics.Metrics
	certificate           *tls.Certificate
	endpoints             []httpapi.Endpoint
}

// Open listens. The error names the face and the address.
func Open(console api.Console, o Options) (*Faces, error) {
	f := &Faces{counts: metrics.New(console)}
	var err error
	if f.certificate, err = o.TLS.Certificate(); err != nil {
		return nil, fmt.Errorf("runtime.tls: %w", err)
	}
	if f.http, err = listen("http", o.HTTP); err != nil {
		return nil, err
	}
	if f.flight, err = listen("flight", o.Flight); err != nil {
		return nil, f.abandon(err)
	}
	if f.metrics, err = listen("metrics", o.Metrics); err != nil {
		return nil, f.abandon(err)
	}
	f.endpoints = []httpapi.Endpoint{endpoint("http", f.http), endpoint("flight", f.flight), endpoint("metrics", f.metrics), endpoint("opentelemetry", nil)}
	var keys apikey.Keys
	for _, k := range o.Auth.Keys {
		keys = append(keys, apikey.New(k.Text.Reveal(), k.Write))
	}
	f.queries = flight.Options{Console: console, Auth: o.Auth.Enabled, Keys: keys,
		Version: o.Version, Observe: f.counts.ObserveFlight}
	f.handler = httpapi.Handler(httpapi.Options{Console: console, Endpoints: f.endpoints, Auth: o.Auth.Enabled, Keys: keys, ParseDuration: config.ParseDuration,
		Query: api.QueryOptions{Timeout: queryTimeout}, Observe: f.counts.Observe, Metrics: f.counts.Handler()})
	return f, nil
}

func listen(face, addr string) (net.Listener, error) {
	if addr == "" || addr == Off {
		return nil, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", face, addr, err)
	}
	return l, nil
}

func endpoint(name string, l net.Listener) httpapi.Endpoint {
	if l == nil {
		return httpapi.Endpoint{Name: name, Endpoint: "N/A", Status: string(api.Disabled)}
	}
	return httpapi.Endpoint{Name: name, Endpoint: l.Addr().String(), Status: string(api.Ready)}
}

// abandon closes what was opened.
func (f *Faces) abandon(err error) error {
	for _, l := range []net.Listener{f.http, f.flight, f.metrics} {
		if l != nil {
			_ = l.Close()
		}
	}
	return err
}

// Addresses describes the open faces in one line; empty when there is none.
func (f *Faces) Addresses() string {
	var open []string
	for _, e := range f.endpoints {
		if e.Status == string(api.Ready) {
			open = append(open, e.Name+" "+e.Endpoint)
		}
	}
	return strings.Join(open, ", ")
}

// HTTP is the address of the HTTP face; empty when it is closed.
func (f *Faces) HTTP() string {
	if f.http == nil {
		return ""
	}
	return f.http.Addr().String()
}

// Flight is the address of the Flight face; empty when it is closed.
func (f *Faces) Flight() string {
	if f.flight == nil {
		return ""
	}
	return f.flight.Addr().String()
}

// Run answers until ctx ends.
func (f *Faces) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if f.http != nil || f.flight != nil || f.metrics != nil || metrics.Pushes() {
		g.Go(func() error { return f.counts.Run(ctx) })
	}
	if metrics.Pushes() {
		g.Go(func() error { return f.counts.Push(ctx) })
	}
	if f.http != nil {
		g.Go(func() error { return httpapi.Serve(ctx, f.http, f.handler, f.certificate) })
	}
	if f.flight != nil {
		g.Go(func() error { return flight.Serve(ctx, f.flight, f.queries, f.certificate) })
	}
	if f.metrics != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", f.counts.Handler())
		mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("OK")) })
		g.Go(func() error { return httpapi.Serve(ctx, f.metrics, mux, f.certificate) })
	}
	return g.Wait()
}
