package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// Watch implements api.Console.
func (r *Runtime) Watch(ctx context.Context) (*api.State, <-chan *api.State) { return r.bus.watch(ctx) }

// State returns the current State.
func (r *Runtime) State() *api.State { return r.bus.cur.Load() }

// Do implements api.Console.
func (r *Runtime) Do(_ context.Context, c api.Command) (api.CommandID, error) {
	s := r.State()
	if why := api.Refusal(s, c); why != "" {
		reason := api.Refused
		switch {
		case s.ShuttingDown:
			reason = api.Stopping
		case s.ReadOnly && api.Changes(c):
			reason = api.ReadOnly
		case c.Target() != "" && s.Dataset(c.Target()) == nil:
			reason = api.NotFound
		}
		return 0, &api.CommandError{Reason: reason, Message: why}
	}
	if c.Target() == "" {
		return r.instruct(c)
	}
	r.mu.Lock()
	a := r.actors[c.Target()]
	if a == nil || r.stopped {
		r.mu.Unlock()
		return 0, &api.CommandError{Reason: api.NotFound, Message: fmt.Sprintf("there is no dataset %q", c.Target())}
	}
	if err := checkSQL(a.cfg(), c); err != nil {
		r.mu.Unlock()
		return 0, &api.CommandError{Reason: api.Invalid, Message: r.redact(err.Error())}
	}
	id := api.CommandID(r.ids.Add(1))
	t := api.Task{ID: id, Dataset: c.Target(), Verb: c.Verb(), Twin: r.twin(c), State: api.TaskRunning, Started: time.Now()}
	r.tasks[id] = t
	r.mu.Unlock()
	r.bus.task(t)
	if !a.send(command{id, c}) {
		r.finish(id, api.TaskFailed, "the dataset has too many commands waiting; try again")
		return 0, &api.CommandError{Reason: api.Refused, Message: c.Target() + " has too many commands waiting; try again"}
	}
	select {
	case <-a.done: // it ended meanwhile and does not look into its inbox any more
		r.finish(id, api.TaskCancelled, stoppedText)
	default:
	}
	return id, nil
}

// order is a command about the spicepod.
type order struct {
	id  api.CommandID
	cmd api.Command
}

// instruct queues a command for loop.
func (r *Runtime) instruct(c api.Command) (api.CommandID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return 0, &api.CommandError{Reason: api.Stopping, Message: "pitwall is shutting down"}
	}
	id := api.CommandID(r.ids.Add(1))
	select {
	case r.orders <- order{id, c}:
	default:
		return 0, &api.CommandError{Reason: api.Refused, Message: "too many commands about the spicepod wait; try again"}
	}
	r.tasks[id] = api.Task{ID: id, Verb: c.Verb(), Twin: r.twin(c), State: api.TaskRunning, Started: time.Now()}
	r.bus.task(r.tasks[id])
	return id, nil
}

// carryOut does what an order says. Its task is known: instruct holds the lock, which finish needs, until then.
func (r *Runtime) carryOut(ctx context.Context, l *reload, o order) {
	text, err := l.obey(ctx, o.cmd)
	if err != nil {
		r.finish(o.id, api.TaskFailed, err.Error())
		return
	}
	r.finish(o.id, api.TaskDone, text)
}

// leaveOrders gives up the orders that nobody carries out any more.
func (r *Runtime) leaveOrders() {
	for {
		select {
		case o := <-r.orders:
			r.finish(o.id, api.TaskCancelled, "pitwall is shutting down")
		default:
			return
		}
	}
}

// twin is how a script asks for a command, without secrets.
func (r *Runtime) twin(c api.Command) api.Twin {
	t := api.TwinOf(c)
	t.CLI, t.Path, t.Body = r.redact(t.CLI), r.redact(t.Path), r.redact(t.Body)
	return t
}

// Listens makes known where the HTTP API answers, as a URL.
func (r *Runtime) Listens(url string) {
	r.bus.change(func(s *api.State) { s.HTTP = url })
	r.bus.publish()
}

// checkSQL parses the refresh_sql of a command, so that a bad one is told at once and not by a refresh that
// fails later.
func checkSQL(cfg *config.Dataset, c api.Command) error {
	sql := ""
	switch c := c.(type) {
	case api.SetRefreshSQL:
		sql = c.SQL
	case api.RefreshNow:
		sql = c.SQL
	}
	if r, ok := c.(api.RefreshNow); cfg.Acceleration.RefreshMode == config.RefreshSnapshot && (sql != "" || ok && r.Mode != "") {
		return &settingError{"refresh_mode: snapshot takes neither refresh_sql nor another mode", ""}
	}
	if sql == "" {
		return nil
	}
	_, err := newPlan(load{cfg: cfg, sql: sql}, cfg.Acceleration.RefreshMode, time.Now())
	return err
}

// finish ends a task and tells what came of it. The first end counts.
func (r *Runtime) finish(id api.CommandID, state api.TaskState, detail string) {
	if id == 0 {
		return
	}
	r.mu.Lock()
	t, ok := r.tasks[id]
	delete(r.tasks, id)
	r.mu.Unlock()
	if !ok {
		return
	}
	t.State, t.Ended, t.Detail = state, time.Now(), r.redact(detail)
	r.bus.task(t)
	level := api.Info
	if state == api.TaskFailed {
		level = api.Warn
	}
	r.event(api.Event{Level: level, Dataset: t.Dataset, Kind: "command", Command: id,
		Message: fmt.Sprintf("%s %s: %s", t.Verb, state, detail)})
}

// Snapshots implements api.Console.
func (r *Runtime) Snapshots(ctx context.Context, dataset string) ([]api.Snapshot, error) {
	d := r.State().Dataset(dataset)
	if d == nil {
		return nil, &api.CommandError{Reason: api.NotFound, Message: fmt.Sprintf("there is no dataset %q", dataset)}
	}
	if r.snaps == nil {
		return nil, &api.CommandError{Reason: api.Refused, Message: "snapshots are off: " + r.snapsErr}
	}
	r.mu.Lock()
	a := r.actors[dataset]
	r.mu.Unlock()
	list, err := r.storedOf(ctx, dataset, a)
	if err != nil {
		return nil, err
	}
	// What others found is good to know, no more: the list does not fail for it.
	kept, err := r.snaps.Checks(ctx, dataset)
	if err != nil && ctx.Err() == nil {
		r.emit(api.Warn, dataset, "snapshot", err.Error())
	}
	out := make([]api.Snapshot, len(list))
	for i, s := range list {
		out[i] = apiSnapshot(s)
		if c, ok := kept[s.ID]; ok {
			out[i].Verified = api.Verification{State: api.VerifyState(c.Result), At: c.At, Detail: c.Detail}
		}
		if a == nil {
			continue
		}
		if v := a.verified(s.ID); v.At.After(out[i].Verified.At) {
			out[i].Verified = v
		}
	}
	return out, nil
}

// Objects implements api.Console.
func (r *Runtime) Objects(ctx context.Context, dataset string, ids []uint64) (map[uint64]api.ObjectState, error) {
	if r.snaps == nil {
		return nil, &api.CommandError{Reason: api.Refused, Message: "snapshots are off: " + r.snapsErr}
	}
	r.mu.Lock()
	a := r.actors[dataset]
	r.mu.Unlock()
	list, err := r.storedOf(ctx, dataset, a)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(s snapshots.Snapshot) bool { return !slices.Contains(ids, s.ID) })
	looks := r.snaps.Look(ctx, list)
	out := map[uint64]api.ObjectState{}
	for _, s := range list {
		switch l := looks[s.ID]; {
		case l.Err != nil:
			out[s.ID] = api.ObjectUnknown
		case l.Bytes == s.Bytes:
			out[s.ID] = api.ObjectThere
		default:
			out[s.ID] = api.ObjectOther
		}
	}
	return out, nil
}

func apiSnapshot(s snapshots.Snapshot) api.Snapshot {
	return api.Snapshot{ID: s.ID, Created: s.Created, URI: s.URI, Checksum: s.Checksum, Algorithm: s.Algorithm,
		Bytes: s.Bytes, Rows: s.Rows, Engine: s.Engine, Current: s.Current, Pinned: s.Pinned,
		Incremental: s.Incremental, Stored: s.Stored}
}

// Report shows a piece of work outside of the runtime, such as the making of demo data, as a task. The
// function it returns tells how far it is; done == total, or an error, ends the task.
func (r *Runtime) Report(verb string) func(done, total int64, err error) {
	t := api.Task{ID: api.CommandID(r.ids.Add(1)), Verb: verb, State: api.TaskRunning, Started: time.Now()}
	r.bus.task(t)
	return func(done, total int64, err error) {
		if t.State != api.TaskRunning {
			return
		}
		t.Done, t.Total = done, total
		switch {
		case err != nil:
			t.State, t.Ended, t.Detail = api.TaskFailed, time.Now(), r.redact(err.Error())
			r.emit(api.ErrorLevel, "", "command", verb+": "+err.Error())
		case done >= total:
			t.State, t.Ended = api.TaskDone, time.Now()
			t.Detail = fmt.Sprintf("done in %s", time.Since(t.Started).Round(time.Millisecond))
			r.emit(api.Info, "", "command", verb+" "+t.Detail)
		}
		r.bus.task(t)
	}
}
