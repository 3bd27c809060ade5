package runtime

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pitwall/runtime/api"
)

// publishEvery bounds how often a new State is made: often enough for an eye, and cheap with 1,000
// datasets that report at once. Each dataset beyond adds publishShare, because a State lists all.
const (
	publishEvery = 10 * time.Millisecond
	publishShare = 10 * time.Microsecond
)

// bus makes the States. Whoever changes something does so under its lock, in memory only; one
// goroutine turns the changes into an immutable State and hands it to the watchers, which take it
// without locks and can't hold anybody up.
type bus struct {
	cur  atomic.Pointer[api.State]
	wake chan struct{} // capacity 1; never closed

	mu       sync.Mutex
	draft    api.State // Datasets, Events and Tasks are owned by the bus, see publish
	dirty    bool
	eventSeq uint64
	watchers map[chan *api.State]struct{}
	closed   bool
	// readied are the datasets that were ready once; counting asks the next publish for State.Ready.
	readied  map[string]bool
	counting bool
	// at is where the datasets are in the draft.
	at map[string]int
}

func newBus(s api.State) *bus {
	b := &bus{wake: make(chan struct{}, 1), draft: s, watchers: map[chan *api.State]struct{}{}, at: map[string]int{}, readied: map[string]bool{}}
	b.publish()
	return b
}

// change runs fn on the draft and has a new State published soon.
func (b *bus) change(fn func(*api.State)) {
	b.mu.Lock()
	fn(&b.draft)
	b.dirty = true
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// set replaces the state of one dataset. The value must not be written to afterwards.
func (b *bus) set(d *api.Dataset) {
	b.change(func(s *api.State) {
		i, known := b.at[d.Name]
		if !known {
			return
		}
		b.mark(d)
		s.Datasets[i] = d
	})
}

// list replaces the list of datasets; fn gets a copy of the present one and marks what is new in it.
func (b *bus) list(fn func([]*api.Dataset) []*api.Dataset) {
	b.change(func(s *api.State) {
		s.Datasets = fn(slices.Clone(s.Datasets))
		b.counting = true
		clear(b.at)
		for i, d := range s.Datasets {
			b.at[d.Name] = i
		}
	})
}

// mark notes in a dataset that is not published yet whether it was ready; it stays so under its name,
// whatever becomes of it later (spec data-refresh 4.3). The caller holds the lock.
func (b *bus) mark(d *api.Dataset) {
	if d.WasReady = b.readied[d.Name]; !d.WasReady && b.ready(d) {
		b.readied[d.Name], d.WasReady, b.counting = true, true, true
	}
}

// ready tells whether a dataset is ready: its acceleration answers, or its source does and ready_state,
// its own or the runtime's, is content with that.
func (b *bus) ready(d *api.Dataset) bool {
	return d.Engine == "" || d.HasData || d.Registered && (d.ReadyOnRegistration || b.draft.ReadyOnRegistration)
}

// event appends an event. The slice is append-only, so that older States keep seeing theirs.
func (b *bus) event(e api.Event) api.Event {
	b.change(func(s *api.State) {
		b.eventSeq++
		e.Seq = b.eventSeq
		if len(s.Events) == cap(s.Events) {
			// Full: go on in a new array with the newest window and room for as many again.
			keep := s.Events[max(0, len(s.Events)-api.EventWindow):]
			s.Events = append(make([]api.Event, 0, min(2*api.EventWindow, 2*len(keep)+64)), keep...)
		}
		s.Events = append(s.Events, e)
	})
	return e
}

// task adds or replaces a task.
func (b *bus) task(t api.Task) {
	b.change(func(s *api.State) {
		// Copied, not changed in place: older States share the array.
		tasks := slices.Clone(s.Tasks)
		if i := slices.IndexFunc(tasks, func(o api.Task) bool { return o.ID == t.ID }); i >= 0 {
			tasks[i] = t
		} else {
			tasks = append(tasks, t)
		}
		finished := 0
		for _, o := range tasks {
			if o.State != api.TaskRunning {
				finished++
			}
		}
		s.Tasks = slices.DeleteFunc(tasks, func(o api.Task) bool {
			drop := o.State != api.TaskRunning && finished > api.TaskWindow
			if drop {
				finished--
			}
			return drop
		})
	})
}

// publish makes the draft the current State and offers it to the watchers. It returns the number of datasets.
func (b *bus) publish() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dirty = false
	if b.counting {
		b.draft.Ready = len(b.draft.Datasets) > 0 && !slices.ContainsFunc(b.draft.Datasets, func(d *api.Dataset) bool { return !d.WasReady })
		b.counting = false
	}
	b.draft.Seq++
	b.draft.At = time.Now()
	s := b.draft
	s.Datasets = slices.Clone(b.draft.Datasets)
	s.Events = s.Events[max(0, len(s.Events)-api.EventWindow):len(s.Events):len(s.Events)]
	b.cur.Store(&s)
	for w := range b.watchers {
		offer(w, &s)
	}
	return len(s.Datasets)
}

// offer replaces what the watcher did not take yet.
func offer(w chan *api.State, s *api.State) {
	select {
	case <-w:
	default:
	}
	w <- s
}

// run publishes until ctx ends, and once more at the end; then it closes the watchers' channels.
func (b *bus) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-b.wake:
			n := b.publish()
			select {
			case <-ctx.Done():
			case <-time.After(max(publishEvery, time.Duration(n)*publishShare)):
			}
		}
	}
	b.publish()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for w := range b.watchers {
		close(w)
	}
	clear(b.watchers)
}

// watch registers a watcher until ctx ends.
func (b *bus) watch(ctx context.Context) (*api.State, <-chan *api.State) {
	w := make(chan *api.State, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(w)
		return b.cur.Load(), w
	}
	b.watchers[w] = struct{}{}
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := b.watchers[w]; ok {
			delete(b.watchers, w)
			close(w)
		}
	})
	return b.cur.Load(), w
}
