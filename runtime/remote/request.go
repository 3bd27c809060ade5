package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// answer is an answer that is none of success.
type answer struct {
	status  int
	refusal wire.Refusal
}

// Error returns what the other side said.
func (a *answer) Error() string { return a.refusal.Message }

// Unwrap returns it as the error of a Console.
func (a *answer) Unwrap() error {
	return &api.CommandError{Reason: api.Reason(a.refusal.Reason), Message: a.refusal.Message}
}

// maxAnswer is how many bytes of a refusal are read.
const maxAnswer = 1 << 20

// send sends a request, with a body of JSON unless it is nil or a string, and returns the body of the answer, which
// is one of success. The caller closes it.
func (r *Remote) send(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var in io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case string:
		in, kind = strings.NewReader(b), "text/plain"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		in, kind = bytes.NewReader(text), "application/json"
	}
	q, err := http.NewRequestWithContext(ctx, method, r.o.URL+path, in)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	return r.do(q)
}

// keyHeader has the API key. net/http knows other headers that are secret, but not this one.
const keyHeader = "X-API-Key"

// keeping is a client that does not hand the key on when it is sent to another host, or to one without TLS.
func keeping(c *http.Client) *http.Client {
	own := *c
	own.CheckRedirect = func(q *http.Request, via []*http.Request) error {
		if from := via[0].URL; q.URL.Host != from.Host || from.Scheme == "https" && q.URL.Scheme != "https" {
			q.Header.Del(keyHeader)
		}
		if c.CheckRedirect != nil {
			return c.CheckRedirect(q, via)
		}
		if len(via) >= 10 {
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return &own
}

// do is answer without the type.
func (r *Remote) do(q *http.Request) (io.ReadCloser, error) {
	in, _, err := r.answer(q)
	return in, err
}

// answer sends a request and returns the body of its answer and the type of that. The key goes to the runtime only:
// its metrics may be another server's.
func (r *Remote) answer(q *http.Request) (body io.ReadCloser, typ string, err error) {
	if r.o.Key != "" && strings.HasPrefix(q.URL.String(), r.o.URL+"/v1/") {
		q.Header.Set(keyHeader, r.o.Key)
	}
	a, err := r.o.Client.Do(q)
	if err != nil {
		return nil, "", r.unreachable(err)
	}
	if a.StatusCode < 300 {
		return a.Body, a.Header.Get("Content-Type"), nil
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return nil, "", r.unreachable(err)
	}
	refused := &answer{status: a.StatusCode}
	if json.Unmarshal(text, &refused.refusal) != nil || refused.refusal.Message == "" {
		refused.refusal.Message = fmt.Sprintf("%s answers %s: %s", r.o.Name, a.Status, strings.TrimSpace(string(text)))
	}
	if refused.refusal.Reason == "" {
		refused.refusal.Reason = string(api.Refused)
	}
	if a.StatusCode == http.StatusUnauthorized {
		refused.refusal = wire.Refusal{Reason: string(api.Unreachable), Message: r.o.Name + " needs an API key: give it as PITWALL_API_KEY or in the context"}
	}
	return nil, "", refused
}

// unreachable says that nobody answers.
func (r *Remote) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		if strings.Contains(cause.Error(), "certificate") && !strings.Contains(next.Error(), "certificate") {
			break
		}
		cause = next
	}
	if errors.Is(err, context.DeadlineExceeded) {
		cause = errors.New("no answer in time")
	}
	return &api.CommandError{Reason: api.Unreachable, Message: fmt.Sprintf("no runtime answers at %s: %v", r.o.URL, cause)}
}
