package sourcetest

import (
	"context"
	"errors"
	"testing"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// Cancel cancels a scan of a table of several batches, and leaves another without reading it: the leak
// check of the package shows whether something stays.
func Cancel(tb testing.TB, src source.Source) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	r, err := src.Read(ctx, source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	r.Next()
	if done, _ := r.Progress(); done == 0 {
		tb.Error("no progress")
	}
	cancel()
	for r.Next() {
	}
	if !errors.Is(r.Err(), context.Canceled) {
		tb.Errorf("%v", r.Err())
	}
	r.Release()
	early, err := src.Read(tb.Context(), source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	early.Release()
}

// Server is one that can go away.
type Server interface {
	Down(testing.TB)
	Up(tb testing.TB, settings ...string)
}

// Restart takes the server away in the middle of a table of several batches with id = 1, 2, and so on: the
// source is unavailable until the server is back.
func Restart(tb testing.TB, src source.Source, s Server) {
	tb.Helper()
	r, err := src.Read(tb.Context(), source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	r.Next()
	s.Down(tb)
	for r.Next() {
	}
	if source.KindOf(r.Err()) != source.Unavailable {
		tb.Errorf("cut in the middle: %v", r.Err())
	}
	r.Release()
	if _, _, _, err := Rows(tb, src, source.Scan{}); source.KindOf(err) != source.Unavailable {
		tb.Errorf("down: %v", err)
	}
	s.Up(tb)
	where := engines.Compare{Column: "id", Op: engines.Lt, Value: int64(10)}
	if _, got, _, err := Rows(tb, src, source.Scan{Where: where}); err != nil || len(got) != 9 {
		tb.Errorf("up again: %d rows, %v", len(got), err)
	}
}
