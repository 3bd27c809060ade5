package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"pitwall/runtime/source"
)

// faults turns the errors of one store into *source.Error.
type faults struct {
	// secrets must not be in a message.
	secrets []string
	// params are the params that hold credentials, for hints.
	params string
	// endpoint is the param that names the server.
	endpoint string
}

// fault is what a store's library says of an error: the HTTP status if there was one, the store's own
// code, and its message.
type fault struct {
	status  int
	code    string
	message string
}

// wrap classifies an error. what is nil when the store did not answer.
func (f *faults) wrap(ctx context.Context, place string, err error, what *fault) error {
	var e *source.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", place, ctx.Err())
	}
	if what == nil {
		what = &fault{}
	}
	e = &source.Error{Kind: source.Unavailable, Place: place, Err: f.clean(err, what)}
	switch what.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind, e.Hint = source.Denied, "check "+f.params
	case http.StatusNotFound, http.StatusGone:
		e.Kind, e.Hint = source.Missing, "check from: in the spicepod"
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return changed(place, "it changed while it was read")
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		e.Hint = "it is tried again"
	case 0:
		e.Hint = "check " + f.endpoint + " and the network"
	default:
		e.Hint = "it is tried again"
		if what.status < 500 {
			e.Kind, e.Hint = source.Unsupported, "check "+f.endpoint
		}
	}
	return e
}

// clean is the cause in short and without secrets.
func (f *faults) clean(err error, what *fault) error {
	text := what.message
	var u *url.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, errIdle):
		text = "the server does not answer"
		if i := strings.Index(err.Error(), text); i >= 0 {
			text = firstLine(err.Error()[i:])
		}
	case text != "":
	case errors.As(err, &dial):
		text = dial.Error()
	case errors.As(err, &u):
		text = u.Err.Error()
	default:
		text = err.Error()
	}
	if what.code != "" && !strings.Contains(text, what.code) {
		text = what.code + ": " + text
	}
	return errors.New(f.redact(firstLine(text)))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (f *faults) redact(text string) string {
	for _, s := range f.secrets {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		text = strings.ReplaceAll(text, s, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(s), "***")
	}
	return text
}

func changed(place, what string) error {
	return &source.Error{Kind: source.Unavailable, Place: place, Err: errors.New(what),
		Hint: "it is read again by the next try; write source files under another name and rename them"}
}

// localFault classifies an error of the file system.
func localFault(place string, err error) error {
	var e *source.Error
	switch {
	case err == nil, errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &source.Error{Kind: source.Missing, Place: place, Err: errors.New("it does not exist"),
			Hint: "check from: in the spicepod; relative paths start at the spicepod's folder"}
	case errors.Is(err, fs.ErrPermission):
		return &source.Error{Kind: source.Denied, Place: place, Err: err, Hint: "let this user read it"}
	default:
		return &source.Error{Kind: source.Unavailable, Place: place, Err: err}
	}
}
