package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
	"pitwall/runtime/source"
	"pitwall/runtime/stream"
)

// following is what an actor knows of the stream of its dataset.
type following struct {
	source source.Streamer
	job    *streamJob
	ending bool // job was cancelled and has not ended yet
	news   chan struct{}
	timer  *time.Timer // while a stream is followed: lag grows when nothing happens
	// anew has the next job begin at the beginning of the stream.
	anew bool
	// stopped is the error that somebody has to decide about; nil when there is none.
	stopped error
	since   time.Time
	// base is what jobs before this one counted.
	base stream.Progress
	// batches is how many batches of the present job the last snapshot had, or what was applied when one was asked for.
	batches  int64
	history  []api.StreamPoint
	skipped  int64
	skipping bool   // a job passes over a record
	letters  string // the dead-letter file; empty when this process wrote none
	phase    stream.Phase
}

// streamJob is a stream that is followed.
type streamJob struct {
	runner *stream.Runner
	cancel context.CancelCauseFunc
	// outdated is true once the stream is to begin anew: where this job has got does not matter any more.
	outdated bool
	// seen is how many commits are taken in.
	seen int64
}

// streamed is the message of a job that ended.
type streamed struct {
	job *streamJob
	err error
}

// errHeld ends a stream that is paused, errAnew one that begins anew, errAgain one that is tried again at once.
var (
	errHeld  = fmt.Errorf("paused: %w", context.Canceled)
	errAnew  = fmt.Errorf("begins anew: %w", context.Canceled)
	errAgain = fmt.Errorf("tried again: %w", context.Canceled)
)

// busy tells whether somebody works at the rows for the stream.
func (f *following) busy() bool { return f.job != nil || f.skipping }

// streams tells whether the dataset follows a stream.
func (a *actor) streams() bool { return a.cfg().Streams() }

// openedStream takes over where the rows that are there stand in the stream.
func (a *actor) openedStream(hasRows bool) {
	s := a.known.Stream
	a.stream.anew = a.stale || hasRows && s == nil
	a.ready = hasRows && (s == nil || s.Loaded)
	a.stream.stopped = nil // it was about other rows: to pass over a record would pass over all that is between
	if a.stream.anew && hasRows {
		a.emit(api.Info, "stream", "where the local data stands in the stream is not known, or it was loaded with other settings: the stream is read from its beginning")
	}
	a.describeStream(stream.Progress{})
}

// target is where the changes of the dataset go. It may be used by jobs.
func (a *actor) target() stream.Target {
	cfg, fingerprint := a.cfg(), a.fingerprint(a.refreshSQL())
	return stream.Target{
		Engine: a.eng, Keys: keysOf(cfg.Acceleration), Append: cfg.Acceleration.RefreshMode == config.RefreshAppend,
		Columns: func(recorded, next *arrow.Schema) (*arrow.Schema, bool, error) {
			if err := checkKeys(keysOf(cfg.Acceleration), next); err != nil {
				return nil, false, err
			}
			if recorded == nil {
				return next, false, nil
			}
			action := a.cfg().OnSchemaChange
			if diff := schemaDiff(recorded, next, action); len(diff) > 0 {
				return nil, false, &engines.Error{Op: "apply", Dataset: cfg.Name, Path: a.file, Kind: engines.Schema,
					Err:  fmt.Errorf("the columns of the stream changed: %v", diff),
					Hint: "to accept new columns set on_schema_change: append_new_columns or sync_all_columns; to take over all of them re-bootstrap"}
			}
			to, changed := merged(recorded, next, action)
			return to, changed, nil
		},
		State: func(s stream.State) ([]byte, error) {
			return ownState{Fingerprint: fingerprint, Stream: &s}.encode()
		},
	}
}

// beginStream follows the stream from where the rows stand, unless something is in the way: whatever that is begins it
// later.
func (a *actor) beginStream() {
	f := &a.stream
	if a.eng == nil || f.source == nil || f.job != nil || f.skipping || a.boot != nil || a.replacing() || a.st.Held || f.stopped != nil || a.ctx.Err() != nil {
		a.describeStream(stream.Progress{State: a.streamState()})
		return
	}
	if sql := a.refreshSQL(); sql != "" {
		a.stopped(&settingError{"refresh_sql can't shape a stream of changes", "remove refresh_sql from the dataset"})
		return
	}
	if f.anew {
		a.ready = a.ready && a.known.Stream == nil // what nobody knows the place of serves until its replacement begins
	}
	ctx, cancel := context.WithCancelCause(a.ctx)
	j := &streamJob{cancel: cancel}
	j.runner = stream.New(stream.Options{
		Source: f.source, Target: a.target(), From: a.streamState(),
		Backoff: func(n int) time.Duration {
			return a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Backoff(n, r) })
		},
		Tell: func() {
			select {
			case f.news <- struct{}{}:
			default:
			}
		},
	})
	f.job, f.ending, f.batches = j, false, 0
	f.timer.Reset(time.Second)
	a.job(func() any {
		defer cancel(nil)
		return streamed{j, j.runner.Run(ctx)}
	})
	a.lookAtStream()
}

// streamState is where to go on.
func (a *actor) streamState() stream.State {
	if s := a.known.Stream; s != nil && !a.stream.anew {
		return *s
	}
	return stream.State{Anew: a.stream.anew}
}

// endStream cancels the stream; streamed follows.
func (a *actor) endStream(why error) {
	if j := a.stream.job; j != nil {
		a.stream.ending = true
		j.cancel(why)
	}
}

// lookAtStream takes in what the stream has done.
func (a *actor) lookAtStream() {
	f := &a.stream
	if f.job == nil {
		return
	}
	p := f.job.runner.Progress()
	if p.Commits > f.job.seen && !f.job.outdated { // not again: what evicts rows meanwhile knows their number better
		f.job.seen = p.Commits
		wasLoaded := a.known.Stream != nil && a.known.Stream.Loaded
		s := p.State
		a.known = ownState{Fingerprint: a.fingerprint(a.refreshSQL()), Stream: &s}
		f.anew, a.stale, a.acceptSchema = false, false, false
		a.ready = s.Loaded && p.Schema != nil
		if p.Schema != nil {
			a.st.RowsDelta = p.Rows - a.st.Rows
			a.took(engines.Info{Schema: p.Schema, Rows: p.Rows, Bytes: p.Size})
		}
		if p.Applied.After(a.changedAt) {
			a.changedAt, a.st.LastRefresh = p.Applied, p.Applied
			a.dropUndo()
		}
		if s.Loaded && !wasLoaded {
			a.emit(api.Info, "stream", fmt.Sprintf("everything is applied that was there: %d rows; changes are followed", p.Rows))
		}
	}
	if p.Phase != f.phase {
		switch {
		case p.Phase == stream.Retrying:
			x := a.explain(p.Err)
			a.emit(api.Warn, "stream", "the stream does not go on: "+x.Message+"; it is tried again", hintField(x.Hint)...)
		case f.phase == stream.Retrying && p.Phase != stream.Connecting:
			a.emit(api.Info, "stream", "the stream goes on")
		}
		f.phase = p.Phase
	}
	if p.Phase == stream.Loading || p.Phase == stream.Following {
		a.st.Err, a.st.Hint, a.st.FailingSince = "", "", time.Time{}
	}
	a.describeStream(p)
	c := a.cfg().Acceleration
	if c.SnapshotsTrigger == config.TriggerStreamBatches && a.ready && p.Batches-f.batches >= c.SnapshotsBatches && a.creates() == "" {
		f.batches = p.Batches
		a.beginSnapshot(snapshotRequest{trigger: "stream_batches", force: c.SnapshotsCreationPolicy == config.PolicyAlways})
	}
}

// streamTick is once a second.
func (a *actor) streamTick() {
	f := &a.stream
	if f.job == nil {
		return
	}
	f.timer.Reset(time.Second)
	a.lookAtStream()
	now := time.Now()
	s := a.st.Stream
	f.history = append(f.history, api.StreamPoint{At: now, Behind: s.Behind, Lag: s.Lag(now), Ops: s.Ops})
	if n := len(f.history) - api.StreamWindow; n > 0 {
		f.history = append([]api.StreamPoint(nil), f.history[n:]...) // the published one is not ours any more
	}
	s.History = f.history[:len(f.history):len(f.history)]
}

// streamed records how a stream ended.
func (a *actor) streamed(m streamed) {
	f := &a.stream
	a.lookAtStream()
	p := m.job.runner.Progress()
	f.base = sum(f.base, p)
	if s := p.State; p.Commits == 0 && !s.Anew && !m.job.outdated { // a place that nothing could be kept with yet
		a.known.Stream = &s
	}
	f.job, f.ending, f.phase = nil, false, ""
	f.timer.Stop()
	if a.ctx.Err() != nil {
		return
	}
	if !errors.Is(m.err, context.Canceled) {
		a.stopped(m.err)
	}
	a.streamFree()
}

// streamFree begins what waited for the end of the stream, or has it go on.
func (a *actor) streamFree() {
	switch {
	case a.boot != nil:
		a.proceed()
	case len(a.steers) > 0:
		a.moveFree()
	}
	a.beginStream()
}

// stopped records that somebody has to decide.
func (a *actor) stopped(err error) {
	f := &a.stream
	f.stopped, f.since = err, time.Now()
	x := a.explain(err)
	var record *source.RecordError
	var gap *source.GapError
	switch {
	case errors.As(err, &record):
		x.Message = a.rt.redact(fmt.Sprintf("%s: %s can't be applied: %v", a.cfg().Name, record.Place, record.Err))
		if record.Hint != "" {
			x.Hint = record.Hint
		}
		x.Hint = join(x.Hint, "then retry; or skip it, which keeps it in a dead-letter file; or re-bootstrap")
	case errors.As(err, &gap):
		x.Hint = "changes are lost that were never read: re-bootstrap, which loads the dataset anew from the stream"
	}
	a.st.Failures++
	a.fail(x)
	a.emit(api.ErrorLevel, "stream", "the stream stopped: "+x.Message, hintField(x.Hint)...)
	a.describeStream(stream.Progress{State: a.streamState()})
}

// join puts two hints together.
func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// holdStream pauses the stream, or has it go on.
func (a *actor) holdStream(on bool) {
	if on {
		a.emit(api.Info, "stream", "the stream is paused")
		a.endStream(errHeld)
	} else {
		a.emit(api.Info, "stream", "the stream goes on")
	}
	a.beginStream()
}

// retryStream tries again what stopped, or what waits for its next try.
func (a *actor) retryStream(id api.CommandID) {
	if a.eng == nil {
		a.openNow()
	}
	a.goOn()
	a.rt.finish(id, api.TaskDone, "the stream is tried again")
}

// goOn forgets what stopped the stream.
func (a *actor) goOn() {
	a.stream.stopped = nil
	a.st.Err, a.st.Hint, a.st.FailingSince = "", "", time.Time{}
	if a.stream.job != nil && a.stream.phase == stream.Retrying {
		a.endStream(errAgain)
	}
	a.beginStream()
}

// rebootstrap has the stream begin anew.
func (a *actor) rebootstrap(id api.CommandID) {
	if !a.streams() {
		a.rt.finish(id, api.TaskFailed, "the dataset follows no stream")
		return
	}
	a.beginsAnew()
	a.ready = false
	a.emit(api.Info, "stream", "the dataset is loaded anew from the beginning of its stream")
	a.rt.finish(id, api.TaskDone, "the stream is read from its beginning; what is there is replaced")
	a.endStream(errAnew)
	a.goOn()
}

// reconfigureStream takes over settings: what stopped the stream may be cured.
func (a *actor) reconfigureStream(reload bool) {
	if reload {
		a.beginsAnew()
	}
	a.endStream(errAgain)
	a.goOn()
}

// beginsAnew has the next job begin at the beginning of the stream.
func (a *actor) beginsAnew() {
	a.stream.anew = true
	if j := a.stream.job; j != nil {
		j.outdated = true
	}
}
