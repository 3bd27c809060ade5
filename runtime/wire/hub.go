package wire

import (
	"context"
	"sync"

	"pitwall/runtime/api"
)

// Hub hands the newest State to whoever watches. It is safe for concurrent use.
type Hub struct {
	mu       sync.Mutex
	cur      *api.State
	watchers map[chan *api.State]struct{}
	closed   bool
}

// NewHub returns a Hub that has a State.
func NewHub(s *api.State) *Hub {
	return &Hub{cur: s, watchers: map[chan *api.State]struct{}{}}
}

// State returns the current State.
func (h *Hub) State() *api.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cur
}

// Set publishes a State; who did not take the one before skips it.
func (h *Hub) Set(s *api.State) { h.Change(func(*api.State) *api.State { return s }) }

// Change publishes the State that fn makes of the current one, which it must not write to.
func (h *Hub) Change(fn func(*api.State) *api.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := fn(h.cur)
	h.cur = s
	for w := range h.watchers {
		select {
		case <-w:
		default:
		}
		w <- s
	}
}

// Watch is that of api.Console.
func (h *Hub) Watch(ctx context.Context) (*api.State, <-chan *api.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := make(chan *api.State, 1)
	if h.closed {
		close(w)
		return h.cur, w
	}
	h.watchers[w] = struct{}{}
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if _, ok := h.watchers[w]; ok {
			delete(h.watchers, w)
			close(w)
		}
	})
	return h.cur, w
}

// Close ends all watches.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		close(w)
	}
	clear(h.watchers)
}
