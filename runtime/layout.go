package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// How the rows lie in files is asked for beside the actor: after each write, and from time to time, because scans and
// compactions of the engine's own do not pass the actor.
const (
	lookSoon = time.Second      // after something changed
	lookLate = 10 * time.Second // where nothing changes; lookSoon doubles until then
)

// files is what an actor needs to look at the files of its engine. The actor owns it, but for result.
type files struct {
	timer   *time.Timer
	result  chan fileLook // of the one look that may run; never closed
	looking bool
	again   bool          // a write came while a look ran
	wait    time.Duration // until the next look
	failed  string        // why the last look failed; empty when it did not
}

// fileLook is what a look found.
type fileLook struct {
	layout engines.Layout
	err    error
}

// lookAtFiles has the layout asked for, unless the engine has none.
func (a *actor) lookAtFiles() {
	eng, ok := a.eng.(engines.LayoutEngine)
	if !ok || a.ctx.Err() != nil {
		return
	}
	if a.files.looking {
		a.files.again = true
		return
	}
	a.files.looking, a.files.again = true, false
	a.files.timer.Stop()
	a.jobs.Go(func() {
		l, err := eng.Layout(a.ctx)
		a.files.result <- fileLook{l, err} // has room: one look runs at a time
	})
}

// looked takes over what a look found, plans the next one, and tells whether anything changed.
func (a *actor) looked(m fileLook) (changed bool) {
	f := &a.files
	f.looking = false
	switch {
	case m.err == nil:
		f.failed = ""
		changed = a.lies(m.layout)
	case !errors.Is(m.err, context.Canceled) && f.failed != m.err.Error():
		f.failed = m.err.Error()
		a.emit(api.Warn, "runtime", "how its rows lie in files can't be told, what is shown is older: "+f.failed)
	}
	if f.again {
		a.lookAtFiles()
		return changed
	}
	if f.wait = min(2*f.wait, lookLate); changed || f.wait == 0 {
		f.wait = lookSoon
	}
	f.timer.Reset(f.wait)
	return changed
}

// lies puts a layout into the state; what did not change stays the same, so that States share it.
func (a *actor) lies(l engines.Layout) (changed bool) {
	st := &a.st
	if next := apiLayout(l.Partitions); st.Layout == nil || !slices.Equal(next.Partitions, st.Layout.Partitions) {
		st.Layout, changed = next, true
	}
	if next := api.Reads(l.Reads); st.Reads == nil || *st.Reads != next {
		st.Reads, changed = &next, true
	}
	switch {
	case l.Compaction == nil:
		changed = changed || st.Compaction != nil
		st.Compaction = nil
	default:
		next := api.Compaction(*l.Compaction)
		next.Err = a.rt.redact(next.Err)
		if st.Compaction == nil || *st.Compaction != next {
			st.Compaction, changed = &next, true
		}
	}
	return changed
}

func apiLayout(ps []engines.Partition) *api.Layout {
	l := &api.Layout{Partitions: make([]api.Partition, len(ps))}
	t := &l.Total
	for i, p := range ps {
		l.Partitions[i] = api.Partition(p)
		t.Files, t.Small = t.Files+p.Files, t.Small+p.Small
		t.Rows, t.Deleted, t.Bytes = t.Rows+p.Rows, t.Deleted+p.Deleted, t.Bytes+p.Bytes
	}
	slices.SortFunc(l.Partitions, func(a, b api.Partition) int { return strings.Compare(a.Path, b.Path) })
	return l
}
