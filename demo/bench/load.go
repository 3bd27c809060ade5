package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"pitwall/runtime/api"
)

// load is an api.Console whose datasets change at a given rate. It makes its States as the runtime's
// bus does: copied on write, at most one in 10 ms, only the newest kept for a slow watcher.
type load struct {
	mu       sync.Mutex
	draft    api.State
	dirty    bool
	watchers []chan *api.State
	applied  int
}

func newLoad(datasets int) *load {
	l := &load{draft: api.State{Version: "bench", Config: api.ConfigStatus{Path: "spicepod.yml", Name: "bench", Generation: 1}}}
	for i := range datasets {
		l.draft.Datasets = append(l.draft.Datasets, &api.Dataset{Name: tag(i), From: "file:x", Engine: "duckdb", Mode: "file",
			RefreshMode: "full", Schedule: "every 10m", Status: api.Ready, HasData: true, Rows: int64(i) * 1000, Bytes: int64(i) << 12, LastRefresh: time.Now()})
	}
	return l
}

// tag is a name of eight letters that no other dataset has and no other text contains; tags sort as i.
func tag(i int) string {
	const letters = "bcdfghjkmnpqrstvwxyz" // 20, so that 6 of them count to 64 million
	name := []byte("qz......")
	for p, n := 7, i*6389+17; p > 1; p, n = p-1, n/len(letters) {
		name[p] = letters[n%len(letters)]
	}
	return string(name)
}

// run applies rate events a second until ctx ends.
func (l *load) run(ctx context.Context, rate int) {
	r := rand.New(rand.NewPCG(1, 1))
	const every = 2 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	last, owed := time.Now(), 0.0
	published := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			owed += now.Sub(last).Seconds() * float64(rate)
			last = now
			l.mu.Lock()
			for ; owed >= 1; owed-- {
				l.event(r, now)
			}
			if l.dirty && now.Sub(published) >= 10*time.Millisecond {
				published = now
				l.publish(now)
			}
			l.mu.Unlock()
		}
	}
}

func (l *load) event(r *rand.Rand, now time.Time) {
	i := r.IntN(len(l.draft.Datasets))
	d := *l.draft.Datasets[i]
	d.Rev++
	d.Rows += int64(r.IntN(1000))
	switch r.IntN(3) {
	case 0:
		d.Status = api.Refreshing
		d.Run = &api.RefreshRun{Mode: "full", Trigger: "interval", Phase: api.PhaseReading, Fraction: r.Float64(), StartedAt: now}
	default:
		d.Status, d.Run, d.LastRefresh = api.Ready, nil, now
	}
	l.draft.Datasets[i] = &d
	if s := &l.draft; len(s.Events) == cap(s.Events) {
		keep := s.Events[max(0, len(s.Events)-api.EventWindow):]
		s.Events = append(make([]api.Event, 0, 2*api.EventWindow), keep...)
	}
	l.applied++
	l.draft.Events = append(l.draft.Events, api.Event{Seq: uint64(l.applied), At: now, Level: api.Info, Dataset: d.Name, Kind: "refresh", Message: "loaded some rows"})
	l.dirty = true
}

func (l *load) publish(now time.Time) {
	l.dirty = false
	l.draft.Seq++
	l.draft.At = now
	s := l.draft
	s.Datasets = slices.Clone(s.Datasets)
	s.Events = s.Events[max(0, len(s.Events)-api.EventWindow):len(s.Events):len(s.Events)]
	for _, w := range l.watchers {
		select {
		case <-w:
		default:
		}
		w <- &s
	}
}

// Watch implements api.Console.
func (l *load) Watch(context.Context) (*api.State, <-chan *api.State) {
	w := make(chan *api.State, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers = append(l.watchers, w)
	s := l.draft
	s.Datasets = slices.Clone(s.Datasets)
	return &s, w
}

// Do implements api.Console.
func (l *load) Do(context.Context, api.Command) (api.CommandID, error) {
	return 0, &api.CommandError{Reason: api.Refused, Message: "a bench does nothing"}
}

// Doctor implements api.Console.
func (l *load) Doctor(context.Context) ([]api.Finding, error) { return nil, nil }

// Snapshots implements api.Console.
func (l *load) Objects(context.Context, string, []uint64) (map[uint64]api.ObjectState, error) {
	return nil, nil
}

func (l *load) Snapshots(context.Context, string) ([]api.Snapshot, error) {
	return nil, fmt.Errorf("a bench has no snapshots")
}

// Query implements api.Console: there is no data behind these datasets.
func (l *load) Query(context.Context, string, api.QueryOptions) (api.Rows, error) {
	return nil, &api.QueryError{Reason: api.QueryFailed, Message: "the benchmark has no data"}
}
