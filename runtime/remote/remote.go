// Package remote is the runtime of another process, reached over its HTTP API: an api.Console over a pitwall, whose
// event stream it follows, or over a plain Spice runtime, which is asked again and again.
//
// Remote.Run owns the connection and ends with its context; it starts no goroutine that outlives it.
package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// The times of a link. A pitwall that changes nothing tells every 3 s that it is there.
const (
	silence  = 10 * time.Second // after this long without a line the link is down
	retryMax = 15 * time.Second
	askEvery = 2 * time.Second // how often a Spice runtime is asked
)

// Options of Open.
type Options struct {
	// URL is where the HTTP API is, such as http://host:8090; Name how people call it, the URL when empty.
	URL, Name string
	// Key is an API key; may be empty.
	Key string
	// Metrics is where a Spice runtime has its metrics, such as http://host:9090/metrics; empty does without.
	Metrics string
	// ReadOnly refuses commands that change something, here already.
	ReadOnly bool
	// Client sends the requests; nil means http.DefaultClient. It must have no timeout: streams last.
	Client *http.Client
	// Now is the clock of this machine; nil means time.Now.
	Now func() time.Time
}

// Remote is the runtime of another process. It is safe for concurrent use.
type Remote struct {
	o     Options
	hub   *wire.Hub
	spice bool
	// ahead is how many nanoseconds the other clock is ahead of this one.
	ahead atomic.Int64
}

var (
	_ api.Console = (*Remote)(nil)
	_ api.Clock   = (*Remote)(nil)
)

// Open looks who answers at the URL and returns the console over it, with a first State. The errors are
// *api.CommandError of reason Unreachable, which name the URL and what to do, or the context's.
func Open(ctx context.Context, o Options) (*Remote, error) {
	o.URL = strings.TrimRight(o.URL, "/")
	if !strings.Contains(o.URL, "://") {
		o.URL = "http://" + o.URL
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &api.CommandError{Reason: api.Invalid, Message: fmt.Sprintf("%q is no address of an HTTP API: give one like http://host:8090", o.URL)}
	}
	if o.Name == "" {
		o.Name = u.Host
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Client = keeping(o.Client)
	r := &Remote{o: o}
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	first, err := r.first(ctx)
	if err != nil {
		return nil, err
	}
	r.hub = wire.NewHub(first)
	return r, nil
}

// first finds out who is there and gets the first State.
func (r *Remote) first(ctx context.Context) (*api.State, error) {
	body, err := r.send(ctx, http.MethodGet, "/v1/pitwall/watch", nil)
	var refused *answer
	if errors.As(err, &refused) && refused.status == http.StatusNotFound {
		r.spice = true
		return r.ask(ctx)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var d wire.Delta
	if err := json.NewDecoder(body).Decode(&d); err != nil {
		return nil, r.unreachable(err)
	}
	return r.apply(nil, &d)
}

// apply is wire.Apply for a State of the other side.
func (r *Remote) apply(old *api.State, d *wire.Delta) (*api.State, error) {
	s, err := wire.Apply(old, d)
	if err != nil {
		return nil, fmt.Errorf("%s tells what this pitwall does not understand: %w; are both of one version?", r.o.Name, err)
	}
	r.ahead.Store(int64(s.At.Sub(r.o.Now())))
	s.Link = api.Link{Kind: api.LinkPitwall, Name: r.o.Name, URL: r.o.URL}
	s.ReadOnly = s.ReadOnly || r.o.ReadOnly
	return s, nil
}

// Now implements api.Clock: the clock of the other machine.
func (r *Remote) Now() time.Time {
	ahead := time.Duration(r.ahead.Load())
	if ahead.Abs() < 2*time.Second { // the way here takes as long
		return r.o.Now()
	}
	return r.o.Now().Add(ahead)
}

// Run keeps the link until ctx ends, which is no error: it connects again after each end.
func (r *Remote) Run(ctx context.Context) error {
	defer r.hub.Close()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 500*time.Millisecond, retryMax
	for {
		err := r.follow(ctx, wait.Reset)
		if ctx.Err() != nil {
			return nil
		}
		pause := wait.NextBackOff()
		r.down(err, pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// down tells that nobody answers.
func (r *Remote) down(err error, pause time.Duration) {
	r.hub.Change(func(old *api.State) *api.State {
		s := *old
		if s.Link.DownSince.IsZero() {
			s.Link.DownSince = r.Now()
		}
		s.Link.Err, s.Link.RetryAt = strings.Join(strings.Fields(err.Error()), " "), r.Now().Add(pause)
		return &s
	})
}

// follow gets States until the link breaks; up is called with each.
func (r *Remote) follow(ctx context.Context, up func()) error {
	if r.spice {
		return r.poll(ctx, up)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("%s says nothing any more", r.o.Name)) })
	defer quiet.Stop()
	body, err := r.send(ctx, http.MethodGet, "/v1/pitwall/watch", nil)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	defer body.Close()
	var s *api.State
	for lines := json.NewDecoder(body); ; {
		var d wire.Delta
		if err := lines.Decode(&d); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			if errors.Is(err, io.EOF) {
				return errors.New("the runtime ended the connection")
			}
			return err
		}
		if s, err = r.apply(s, &d); err != nil {
			return err
		}
		quiet.Reset(silence)
		up()
		r.hub.Set(s)
	}
}

// Watch implements api.Console.
func (r *Remote) Watch(ctx context.Context) (*api.State, <-chan *api.State) { return r.hub.Watch(ctx) }

// Do implements api.Console.
func (r *Remote) Do(ctx context.Context, c api.Command) (api.CommandID, error) {
	if why := api.Refusal(r.hub.State(), c); why != "" {
		return 0, &api.CommandError{Reason: api.Refused, Message: why}
	}
	if r.spice {
		return r.doSpice(ctx, c)
	}
	w, err := wire.EncodeCommand(c)
	if err != nil {
		return 0, err
	}
	var ok struct{ ID api.CommandID }
	err = r.call(ctx, http.MethodPost, "/v1/pitwall/commands", w, &ok)
	return ok.ID, err
}

// call sends a request and reads its answer into to.
func (r *Remote) call(ctx context.Context, method, path string, body, to any) error {
	a, err := r.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := json.NewDecoder(a).Decode(to); err != nil {
		return r.unreachable(err)
	}
	return nil
}

// Snapshots implements api.Console.
func (r *Remote) Snapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	if r.spice {
		return r.spiceSnapshots(ctx, dataset)
	}
	var list []api.Snapshot
	err := r.call(ctx, http.MethodGet, "/v1/pitwall/datasets/"+url.PathEscape(dataset)+"/snapshots", nil, &list)
	return list, err
}

// Objects implements api.Console.
func (r *Remote) Objects(ctx context.Context, dataset string, ids []uint64) (map[uint64]api.ObjectState, error) {
	if r.spice || len(ids) == 0 {
		return nil, nil
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatUint(id, 10)
	}
	var states map[uint64]api.ObjectState
	err := r.call(ctx, http.MethodGet, "/v1/pitwall/datasets/"+url.PathEscape(dataset)+"/objects?ids="+strings.Join(texts, ","), nil, &states)
	return states, err
}

// Doctor implements api.Console.
func (r *Remote) Doctor(ctx context.Context) ([]api.Finding, error) {
	if r.spice {
		return nil, &api.CommandError{Reason: api.Refused, Message: "a Spice runtime has no checklist; run: pitwall doctor --pod FILE"}
	}
	var answer struct{ Findings []api.Finding }
	err := r.call(ctx, http.MethodGet, "/v1/doctor", nil, &answer)
	return answer.Findings, err
}
