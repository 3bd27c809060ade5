package ui

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/runtime/api"
)

// A flood of States becomes at most 30 frames a second, 2 when nobody looks, and the last State is
// never lost.
func TestFeedPacesAFlood(t *testing.T) {
	for _, tc := range []struct {
		blurred  bool
		min, max int
	}{{false, 25, 31}, {true, 1, 3}} {
		synctest.Test(t, func(t *testing.T) {
			ch := make(chan *api.State, 1)
			ctx, cancel := context.WithCancel(t.Context())
			f := &feed{ch: ch}
			f.blurred.Store(tc.blurred)
			var frames int
			var last uint64
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					m, ok := f.next(ctx)().(frameMsg)
					if !ok || m.state == nil {
						return
					}
					frames++
					last = m.state.Seq
				}
			}()
			publish := func(seq uint64) {
				select {
				case <-ch:
				default:
				}
				ch <- &api.State{Seq: seq}
			}
			for i := range 1000 {
				publish(uint64(i + 1))
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
			got := frames
			time.Sleep(2 * time.Second)
			synctest.Wait()
			cancel()
			<-done
			if got < tc.min || got > tc.max {
				t.Errorf("%d frames in a second, want %d to %d", got, tc.min, tc.max)
			}
			if last != 1000 {
				t.Errorf("the last State shown is %d", last)
			}
		})
	}
}

func TestFeedTellsTheEndOfTheRuntime(t *testing.T) {
	ch := make(chan *api.State)
	close(ch)
	f := &feed{ch: ch}
	if m, ok := f.next(t.Context())().(frameMsg); !ok || m.state != nil {
		t.Fatalf("%v", m)
	}
}

func TestGracePeriod(t *testing.T) {
	begin := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name    string
		lastKey int
		now     int
		want    bool
	}{
		{"just opened", 0, 10, true}, {"quiet long enough", 0, 425, false}, {"a key came", 400, 500, true},
		{"keys keep coming", 1400, 1499, true}, {"the cap", 1499, 1500, false},
	} {
		f := &front{Dialog: &Confirm{}, opened: begin, lastKey: at(tc.lastKey)}
		if got := f.guarded(at(tc.now)); got != tc.want {
			t.Errorf("%s: guarded is %v", tc.name, got)
		}
	}
	if (&front{Dialog: &helpDialog{}, opened: begin, lastKey: begin}).guarded(begin) {
		t.Error("help needs no grace")
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"s3_key=AKIA1 x": "s3_key=*** x", `password: "a b" y`: `password: *** y`, "postgres://me:pw@host/db": "postgres://me:***@host/db",
		"rows=12 took=4s": "rows=12 took=4s", "Authorization: Bearer abc": "Authorization: Bearer ***",
	} {
		if got := redact(in); got != want {
			t.Errorf("redact(%q) = %q, want %q", in, got, want)
		}
	}
}
