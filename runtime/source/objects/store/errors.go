package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/bucket"
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

// wrap classifies an error. what is nil when the store did not answer.
func (f *faults) wrap(ctx context.Context, place string, err error, what *bucket.Fault) error {
	var e *source.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", place, ctx.Err())
	}
	if what == nil {
		what = &bucket.Fault{}
	}
	e = &source.Error{Kind: source.Unavailable, Place: place, Err: bucket.Cause(err, what, f.secrets)}
	switch what.Status {
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
		if what.Status < 500 {
			e.Kind, e.Hint = source.Unsupported, "check "+f.endpoint
		}
	}
	return e
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
