package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// DefaultTimeout is how long a request may stand still before it is given up (client_timeout).
const DefaultTimeout = 30 * time.Second

// Attempts is how often a request that may succeed the next time is sent.
const Attempts = 4

// ErrIdle is the cause of a request that was given up because nothing happened.
var ErrIdle = errors.New("the server does not answer")

// Transport gives up a request when nothing happens for a while: while it connects, sends the body, waits
// for the answer, or reads it. A large object that keeps moving may take as long as it likes.
type Transport struct {
	base    *http.Transport
	timeout time.Duration
	closed  atomic.Bool
}

// NewTransport returns the transport of one store; Close it in the end.
func NewTransport(timeout time.Duration) *Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext
	t.MaxIdleConnsPerHost = 16
	t.DisableCompression = true // ranges count the bytes of the object as it is stored
	return &Transport{base: t, timeout: timeout}
}

// Close ends idle connections. A request that is under way, or comes later, leaves none behind.
func (t *Transport) Close() {
	t.closed.Store(true)
	t.base.CloseIdleConnections()
}

// ended is called at the end of a request: one that overlaps with Close would have its connection kept.
func (t *Transport) ended() {
	if t.closed.Load() {
		t.base.CloseIdleConnections()
	}
}

func (t *Transport) idle() error {
	return fmt.Errorf("%w: nothing came for %s (client_timeout)", ErrIdle, t.timeout)
}

// RoundTrip sends the request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(t.timeout, func() { cancel(ErrIdle) })
	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &sending{r.Body, timer, t.timeout}
	}
	resp, err := t.base.RoundTrip(r)
	timer.Stop()
	if err != nil {
		if context.Cause(ctx) == ErrIdle {
			err = t.idle()
		}
		cancel(nil)
		t.ended()
		return nil, err
	}
	resp.Body = &receiving{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, timer: timer, t: t}
	return resp, nil
}

// sending is a body that is sent: every piece that is taken starts the patience anew.
type sending struct {
	io.ReadCloser
	timer   *time.Timer
	timeout time.Duration
}

func (b *sending) Read(to []byte) (int, error) {
	if b.timer.Stop() { // false: it is given up, or answered
		b.timer.Reset(b.timeout)
	}
	return b.ReadCloser.Read(to)
}

// receiving is the body of an answer.
type receiving struct {
	io.ReadCloser
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
	timer  *time.Timer
	t      *Transport
}

func (b *receiving) Read(to []byte) (int, error) {
	b.timer.Reset(b.t.timeout)
	n, err := b.ReadCloser.Read(to)
	b.timer.Stop()
	if err != nil && context.Cause(b.ctx) == ErrIdle {
		err = b.t.idle()
	}
	return n, err
}

func (b *receiving) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	b.t.ended()
	return err
}
