package enginetest

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// expect fails unless the engine holds this.
func expect(t testing.TB, e engines.Engine, want state) {
	t.Helper()
	if diff := cmp.Diff(want, mustRead(t, e)); diff != "" {
		t.Fatal(diff)
	}
}

// reopen closes an engine and opens it again: it must hold what it held.
func reopen(t testing.TB, h Harness, e engines.Engine) engines.Engine {
	t.Helper()
	want := mustRead(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = h.Open(t)
	expect(t, e, want)
	return e
}

// watch lets n readers read all the time, until stop. Each has read once when watch returns. wrong says what
// must not be about a state that a reader saw after another; empty when all is well.
func watch(t testing.TB, e engines.Engine, n int, wrong func(before, s state) string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	started := make(chan struct{}, n)
	for range n {
		wg.Go(func() {
			var before state
			for first := true; ctx.Err() == nil; first = false {
				s, err := read(t.Context(), e)
				if first {
					started <- struct{}{}
				}
				if err != nil {
					t.Error(err)
					return
				}
				if text := wrong(before, s); text != "" {
					t.Error(text)
					return
				}
				before = s
			}
		})
	}
	for range n {
		<-started
	}
	return func() {
		cancel()
		wg.Wait()
	}
}
