// Package uitest tests the console as a person sees it: a full in-memory api.Console, and the console
// itself on an emulated terminal whose screen can be read and whose keys can be pressed.
package uitest

import (
	"context"
	"slices"
	"sync"
	"time"

	"pitwall/runtime/api"
)

// Console is a runtime that only tells what it is told. It is safe for concurrent use.
type Console struct {
	mu       sync.Mutex
	cur      *api.State
	watchers map[chan *api.State]struct{}
	commands []api.Command
	snaps    map[string][]api.Snapshot
	snapsErr error
	gate     chan struct{} // nil, or Snapshots waits until it is closed
	findings findings
	ids      api.CommandID
	answer   func(ctx context.Context, sql string) (api.Rows, error)
}

var _ api.Console = (*Console)(nil)

// New returns a Console with a state.
func New(s *api.State) *Console {
	return &Console{cur: s, watchers: map[chan *api.State]struct{}{}, snaps: map[string][]api.Snapshot{}}
}

// Watch implements api.Console.
func (c *Console) Watch(ctx context.Context) (*api.State, <-chan *api.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan *api.State, 1)
	c.watchers[ch] = struct{}{}
	context.AfterFunc(ctx, func() { c.leave(ch) })
	return c.cur, ch
}

func (c *Console) leave(ch chan *api.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.watchers[ch]; ok {
		delete(c.watchers, ch)
		close(ch)
	}
}

// Close ends all watches, as a runtime that has stopped.
func (c *Console) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.watchers {
		delete(c.watchers, ch)
		close(ch)
	}
}

// State returns the current state.
func (c *Console) State() *api.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cur
}

// Change publishes a state that change made of a copy of the current one. Datasets must be replaced,
// not changed; Dataset does that.
func (c *Console) Change(change func(*api.State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change(change)
}

func (c *Console) change(change func(*api.State)) {
	s := *c.cur
	s.Datasets, s.Tasks = slices.Clone(s.Datasets), slices.Clone(s.Tasks)
	change(&s)
	s.Seq++
	s.At = time.Now()
	c.cur = &s
	for ch := range c.watchers {
		select {
		case <-ch:
		default:
		}
		ch <- &s
	}
}

// Dataset publishes a state with a changed copy of one dataset.
func (c *Console) Dataset(name string, change func(*api.Dataset)) {
	c.Change(func(s *api.State) {
		for i, d := range s.Datasets {
			if d.Name == name {
				n := *d
				change(&n)
				n.Rev++
				s.Datasets[i] = &n
			}
		}
	})
}

// Event publishes an event.
func (c *Console) Event(e api.Event) {
	c.Change(func(s *api.State) {
		e.Seq = 1
		if n := len(s.Events); n > 0 {
			e.Seq = s.Events[n-1].Seq + 1
		}
		if e.At.IsZero() {
			e.At = time.Now()
		}
		s.Events = append(s.Events[max(len(s.Events)-api.EventWindow+1, 0):len(s.Events):len(s.Events)], e)
	})
}

// Do implements api.Console: it records the command and starts its task, unless the runtime would
// refuse it. End ends the task.
func (c *Console) Do(_ context.Context, cmd api.Command) (api.CommandID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := api.Refusal(c.cur, cmd); why != "" {
		return 0, &api.CommandError{Reason: api.Refused, Message: why}
	}
	c.ids++
	id := c.ids
	c.commands = append(c.commands, cmd)
	c.change(func(s *api.State) {
		s.Tasks = append(s.Tasks, api.Task{ID: id, Dataset: cmd.Target(), Verb: cmd.Verb(), Twin: api.TwinOf(cmd), State: api.TaskRunning, Started: time.Now()})
	})
	return id, nil
}

// End ends the task of a command.
func (c *Console) End(id api.CommandID, state api.TaskState, detail string) {
	c.Change(func(s *api.State) {
		for i := range s.Tasks {
			if s.Tasks[i].ID == id {
				s.Tasks[i].State, s.Tasks[i].Detail, s.Tasks[i].Ended = state, detail, time.Now()
			}
		}
	})
}

// Commands returns the commands that were taken.
func (c *Console) Commands() []api.Command {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.commands)
}

// SetSnapshots sets what the store holds for a dataset, or its error. With hold the store does not
// answer until the returned function is called.
func (c *Console) SetSnapshots(dataset string, list []api.Snapshot, err error, hold bool) (answer func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snaps[dataset], c.snapsErr, c.gate = list, err, nil
	if !hold {
		return func() {}
	}
	gate := make(chan struct{})
	c.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

// Objects implements api.Console: all are there.
func (c *Console) Objects(_ context.Context, _ string, ids []uint64) (map[uint64]api.ObjectState, error) {
	out := map[uint64]api.ObjectState{}
	for _, id := range ids {
		out[id] = api.ObjectThere
	}
	return out, nil
}

// Snapshots implements api.Console.
func (c *Console) Snapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	c.mu.Lock()
	list, err, gate := slices.Clone(c.snaps[dataset]), c.snapsErr, c.gate
	c.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return list, err
}

// Answer sets what queries get.
func (c *Console) Answer(answer func(ctx context.Context, sql string) (api.Rows, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

// Query implements api.Console: without Answer it has no data.
func (c *Console) Query(ctx context.Context, sql string, _ api.QueryOptions) (api.Rows, error) {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	if answer != nil {
		return answer(ctx, sql)
	}
	return nil, &api.QueryError{Reason: api.QueryFailed, Message: "this console has no data to query"}
}
