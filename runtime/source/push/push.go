// Package push is a stream of changes that somebody sends: from: cdc:name (spec data-refresh 7.6). A request is one record
// of the stream: it is applied as a whole or not at all, and its sender waits until it is durable. Requests may have keys;
// those that were applied last are part of the position, so that one which is sent again is not applied again, also after a
// crash.
//
// It starts no goroutines.
package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"pitwall/runtime/source"
)

// Limits of what waits to be applied.
const (
	mostWaiting = 256      // requests
	mostBytes   = 64 << 20 // of their bodies
)

// The errors of Push.
var (
	// ErrBusy says that too much waits.
	ErrBusy = errors.New("too many changes wait to be applied")
	// ErrStopped says that nobody applies changes now: the stream is paused, or stopped, or not open yet.
	ErrStopped = errors.New("the stream of the dataset is not followed now")
)

// BadError says that events can't be read, or not be applied: the sender keeps them.
type BadError struct{ Err error }

// Error returns the cause.
func (e *BadError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BadError) Unwrap() error { return e.Err }

// Source takes changes. It is safe for concurrent use.
type Source struct {
	name string

	mu      sync.Mutex
	feed    *feed // nil: nobody follows
	waiting []*request
	bytes   int
}

var _ source.Streamer = (*Source)(nil)

// New returns a Source for the place that from: names.
func New(name string) *Source { return &Source{name: name} }

// request is what somebody sent.
type request struct {
	key    string
	events []event
	bytes  int
	body   []byte
	at     time.Time
	done   chan struct{} // closed when it is decided
	err    error
}

// Push hands events over and waits until they are applied. The errors are ErrBusy, ErrStopped, *BadError, or the context's:
// then they may be applied or not.
func (s *Source) Push(ctx context.Context, body []byte, key string) (applied int, again bool, err error) {
	events, err := split(body)
	if err != nil {
		return 0, false, &BadError{err}
	}
	r := &request{key: key, events: events, bytes: len(body), body: body, at: time.Now().UTC(), done: make(chan struct{})}
	r, err = s.enqueue(r)
	if err != nil || r == nil {
		return len(events), true, err
	}
	select {
	case <-r.done:
		return len(events), false, r.err
	case <-ctx.Done():
		return 0, false, ctx.Err()
	}
}

// enqueue returns the request to wait for: that with the same key, where one is under way; nil when it was applied before.
func (s *Source) enqueue(r *request) (*request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed == nil {
		return nil, ErrStopped
	}
	if r.key != "" {
		if slices.Contains(s.feed.at.Keys, r.key) {
			return nil, nil
		}
		for _, x := range s.feed.flight {
			if x.key == r.key {
				return x.request, nil
			}
		}
		for _, x := range s.waiting {
			if x.key == r.key {
				return x, nil
			}
		}
	}
	if len(s.waiting) >= mostWaiting || s.bytes+r.bytes > mostBytes && len(s.waiting) > 0 {
		return nil, ErrBusy
	}
	s.waiting = append(s.waiting, r)
	s.bytes += r.bytes
	s.feed.wake()
	return r, nil
}

// Follow implements source.Streamer. Who follows last is who is sent to.
func (s *Source) Follow(_ context.Context, from source.Position) (source.Feed, error) {
	f := &feed{s: s, news: make(chan struct{}, 1)}
	if err := f.open(from); err != nil {
		return nil, &source.Error{Kind: source.Damaged, Place: s.name, Err: err, Hint: "re-bootstrap, and have everything sent again"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.feed != nil {
		return nil, &source.Error{Kind: source.Unavailable, Place: s.name, Err: errors.New("it is followed already")}
	}
	s.feed = f
	return f, nil
}

// keep is how many keys of requests a position has.
const keep = 1000

// position is a source.Position.
type position struct {
	// Seq counts requests.
	Seq int64 `json:"seq"`
	// Keys are those of the last requests, oldest first.
	Keys []string `json:"keys,omitempty"`
	// Schema and Primary are those of the last rows: events without a schema are read with it.
	Schema  json.RawMessage `json:"schema,omitempty"`
	Primary []string        `json:"primary_key,omitempty"`
}

func (p position) marshal() source.Position {
	b, err := json.Marshal(p)
	if err != nil { // there is none for these types
		return nil
	}
	return b
}

// split divides a body into events.
func split(body []byte) ([]event, error) {
	var all []event
	dec := json.NewDecoder(newReader(body))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			if isEnd(err) {
				break
			}
			return nil, fmt.Errorf("event %d is no JSON: %w", len(all)+1, err)
		}
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			list = nil
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, err
			}
		}
		for _, one := range list {
			all = append(all, eventOf(one))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is no event in the request")
	}
	return all, nil
}
