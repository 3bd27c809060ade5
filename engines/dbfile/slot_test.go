package dbfile_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pitwall/engines/dbfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type store struct{ closed atomic.Int32 }

func (s *store) Close() error {
	s.closed.Add(1)
	return nil
}

// TestSlotClosesGenerationsOnce leases, replaces and closes concurrently: no lease ever sees a closed
// store, and in the end every store was closed exactly once.
func TestSlotClosesGenerationsOnce(t *testing.T) {
	var mu sync.Mutex
	var all []*store
	slot := dbfile.NewSlot(func(context.Context) (*store, error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, &store{})
		return all[len(all)-1], nil
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				l, err := slot.Acquire(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if l.Store.closed.Load() != 0 {
					t.Error("a leased store is closed")
				}
				l.Release()
				l.Release() // idempotent
			}
		})
	}
	for range 200 {
		if err := slot.Replace(t.Context(), func() error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if err := errors.Join(slot.Close(), slot.Close()); err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		if n := s.closed.Load(); n != 1 {
			t.Errorf("store %d was closed %d times", i, n)
		}
	}
	if _, err := slot.Acquire(t.Context(), nil); !errors.Is(err, dbfile.ErrClosed) {
		t.Errorf("acquire after Close: %v", err)
	}
}

// TestSlotKeepsTheOldGeneration checks that a failed install changes nothing.
func TestSlotKeepsTheOldGeneration(t *testing.T) {
	slot := dbfile.NewSlot(func(context.Context) (*store, error) { return &store{}, nil })
	defer slot.Close()
	a, err := slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	failure := errors.New("no")
	if err := slot.Replace(t.Context(), func() error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	b, err := slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if a.Store != b.Store || a.Store.closed.Load() != 0 {
		t.Error("the generation changed")
	}
}

func TestLockGivesUp(t *testing.T) {
	l := dbfile.NewLock()
	if err := l.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Lock(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	l.Unlock()
	if !l.TryLock() || l.TryLock() {
		t.Error("TryLock is wrong")
	}
}

// TestSlotReopensCondemned condemns a generation: the same file is opened again, but only after the
// last reader of the old one.
func TestSlotReopensCondemned(t *testing.T) {
	opened := 0
	slot := dbfile.NewSlot(func(context.Context) (*store, error) {
		opened++
		return &store{}, nil
	})
	reader, err := slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	writer.Condemn()
	writer.Condemn()
	writer.Release()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := slot.Acquire(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || opened != 1 {
			t.Errorf("%v, opened %d times", err, opened)
		}
		cancel()
	}
	if reader.Store.closed.Load() != 0 {
		t.Error("closed under its reader")
	}
	time.AfterFunc(10*time.Millisecond, reader.Release)
	next, err := slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if opened != 2 || next.Store == reader.Store || reader.Store.closed.Load() != 1 {
		t.Errorf("opened %d times, the old one closed %d times", opened, reader.Store.closed.Load())
	}
	next.Release()
	if err := slot.Close(); err != nil {
		t.Fatal(err)
	}
}
