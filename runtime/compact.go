package runtime

import (
	"context"
	"fmt"
	"time"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// compactAgain is how long a compaction waits after one that failed.
const compactAgain = time.Minute

// compaction is when an actor compacts what many small writes left, where the engine can.
type compaction struct {
	timer *time.Timer
	armed bool   // the timer runs, or a compaction
	err   string // of the last one; the same error is told once
}

// compacted is the message of a finished compaction.
type compacted struct {
	before, after int
	bytes         int64
	duration      time.Duration
	err           error
}

// armCompaction plans a compaction after a write, unless one is planned.
func (a *actor) armCompaction() {
	c, ok := a.eng.(engines.Compactor)
	if !ok || a.compaction.armed || c.CompactEvery() == 0 {
		return
	}
	a.compactIn(c.CompactEvery())
}

func (a *actor) compactIn(d time.Duration) {
	a.compaction.armed = true
	a.compaction.timer.Reset(d)
}

// compactDue begins a compaction, beside whatever else the dataset does; of all datasets one at a time.
func (a *actor) compactDue() {
	c, ok := a.eng.(engines.Compactor)
	if !ok {
		a.compaction.armed = false
		return
	}
	a.job(func() any {
		var m compacted
		if m.err = a.rt.compactions.Acquire(a.ctx, 1); m.err != nil {
			return m
		}
		defer a.rt.compactions.Release(1)
		began := time.Now()
		for {
			done, err := c.Compact(a.ctx)
			m.before, m.after = m.before+done.Before, m.after+done.After
			if m.err = err; err != nil || done.Before == 0 {
				break
			}
		}
		m.duration = time.Since(began)
		if info, err := c.Info(context.WithoutCancel(a.ctx)); err == nil {
			m.bytes = info.Bytes
		}
		return m
	})
}

// compacted records a compaction. The data did not change by it: it is no reason for a snapshot.
func (a *actor) compacted(m compacted) {
	a.compaction.armed = false
	a.lookAtFiles()
	if m.before > 0 {
		if m.bytes > 0 {
			a.st.Bytes = m.bytes
		}
		a.emit(api.Info, "compaction", fmt.Sprintf("put %d files together to %d in %s", m.before, m.after, m.duration.Round(time.Millisecond)),
			api.Field{Key: "files_before", Value: fmt.Sprint(m.before)}, api.Field{Key: "files_after", Value: fmt.Sprint(m.after)})
	}
	if m.err == nil {
		a.compaction.err = ""
		return
	}
	f := a.explain(m.err)
	if f.Canceled {
		return
	}
	a.compactIn(compactAgain)
	if f.Message != a.compaction.err {
		a.compaction.err = f.Message
		a.emit(api.ErrorLevel, "compaction", "compaction failed: "+f.Message, hintField(f.Hint)...)
	}
}
