package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// defaultTimeout is how long a request may stand still before it is given up (client_timeout).
const defaultTimeout = 30 * time.Second

// errIdle is the cause of a request that was given up because nothing came.
var errIdle = errors.New("the server does not answer")

// patient gives up a request when nothing happens for a while: while it connects, waits for the
// answer, or reads the body. A large object that keeps coming may take as long as it likes.
type patient struct {
	base    *http.Transport
	timeout time.Duration
}

// newTransport returns the transport of one store; close its idle connections in the end.
func newTransport(timeout time.Duration) *patient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext
	t.MaxIdleConnsPerHost = 16
	t.DisableCompression = true // ranges count the bytes of the object as it is stored
	return &patient{base: t, timeout: timeout}
}

func (p *patient) idle() error {
	return fmt.Errorf("%w: nothing came for %s (client_timeout)", errIdle, p.timeout)
}

// RoundTrip sends the request.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(p.timeout, func() { cancel(errIdle) })
	resp, err := p.base.RoundTrip(r.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if context.Cause(ctx) == errIdle {
			err = p.idle()
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &patientBody{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, timer: timer, p: p}
	return resp, nil
}

type patientBody struct {
	io.ReadCloser
	ctx    context.Context // of the request
	cancel context.CancelCauseFunc
	timer  *time.Timer
	p      *patient
}

func (b *patientBody) Read(to []byte) (int, error) {
	b.timer.Reset(b.p.timeout)
	n, err := b.ReadCloser.Read(to)
	b.timer.Stop()
	if err != nil && context.Cause(b.ctx) == errIdle {
		err = b.p.idle()
	}
	return n, err
}

func (b *patientBody) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
