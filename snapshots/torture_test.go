package snapshots

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"pitwall/snapshots/objstore/storetest"
)

// TestTorture has processes write, without a lease, to one dataset of a real store through a proxy that breaks
// requests, kills the processes at random, and collects older snapshots meanwhile. It lasts a moment; `make torture`
// has it last as long as PITWALL_TORTURE says. Every acknowledged snapshot must be listed, or have been collected,
// and everything listed must be whole.
func TestTorture(t *testing.T) {
	lasts := 3 * time.Second
	if text := os.Getenv("PITWALL_TORTURE"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		lasts = d
	}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, seed))
	t.Logf("seed %d", seed)
	ctx := t.Context()
	if err := server.CreateBucket(ctx, "torture"); err != nil {
		t.Fatal(err)
	}
	m, err := place(ctx, "torture", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()

	var mu sync.Mutex
	acked := map[uint64]string{}
	gone := map[uint64]bool{}
	faults := 0
	fault := func(w http.ResponseWriter, q *http.Request) bool {
		mu.Lock()
		dice := rng.IntN(200)
		if dice < 8 {
			faults++
		}
		mu.Unlock()
		switch {
		case dice < 2: // busy
			w.WriteHeader(http.StatusServiceUnavailable)
		case dice < 4: // the request never arrives
			panic(http.ErrAbortHandler)
		case dice < 6: // the answer never arrives
			resp, err := http.DefaultTransport.RoundTrip(forward(q, server.URL))
			if err == nil {
				resp.Body.Close()
			}
			panic(http.ErrAbortHandler)
		case dice < 8:
			w.WriteHeader(http.StatusConflict)
		default:
			return false
		}
		return true
	}
	const processes = 4
	end := time.Now().Add(lasts)
	var all sync.WaitGroup
	kills := 0
	for range processes {
		proxy := storetest.NewProxy(t, server.URL)
		proxy.Break(fault)
		all.Go(func() {
			for time.Now().Before(end) {
				cmd, lines := spawn(t, proxy.URL, "torture write")
				mu.Lock()
				life := time.Duration(100+rng.IntN(1500)) * time.Millisecond
				mu.Unlock()
				killer := time.AfterFunc(min(life, time.Until(end)), func() { _ = cmd.Process.Kill() })
				for lines.Scan() {
					var id uint64
					var sum string
					if _, err := fmt.Sscanf(lines.Text(), "ack %d %s", &id, &sum); err != nil {
						continue // cut off by the kill
					}
					mu.Lock()
					if old, twice := acked[id]; twice && old != sum {
						t.Errorf("id %d was acknowledged for two snapshots", id)
					}
					acked[id] = sum
					mu.Unlock()
				}
				killer.Stop()
				_ = cmd.Wait() // it was killed
				mu.Lock()
				kills++
				mu.Unlock()
			}
		})
	}
	collections := 0
	for time.Now().Before(end) {
		// Nothing waits for its readers here: there are none.
		c, err := m.Collect(ctx, CollectRequest{Dataset: "o", Rule: Rule{Last: 20}, Now: time.Now()})
		if err != nil {
			t.Errorf("collect: %v", err)
		}
		mu.Lock()
		for _, s := range c.Removed {
			gone[s.ID] = true
		}
		mu.Unlock()
		collections++
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	all.Wait()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	list, err := m.List(ctx, "o")
	if err != nil {
		t.Fatal(err)
	}
	there, increments := map[uint64]string{}, 0
	for _, s := range list {
		if _, twice := there[s.ID]; twice {
			t.Errorf("id %d is listed twice", s.ID)
		}
		there[s.ID] = s.Checksum
		if s.Incremental {
			increments++
		}
		if err := m.Verify(ctx, "o", s.ID, nil); err != nil {
			t.Errorf("listed, but: %v", err)
		}
	}
	for id, sum := range acked {
		if there[id] != sum && !gone[id] {
			t.Errorf("snapshot %d was acknowledged, and is lost", id)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was written")
	}
	t.Logf("%d snapshots acknowledged by %d processes that were killed %d times, %d faults, %d collections, %d collected, %d left, %d of them incremental",
		len(acked), processes, kills, faults, collections, len(gone), len(list), increments)
}
