package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
)

// request asks for a refresh.
type request struct {
	// mode and sql override refresh_mode and refresh_sql; empty keeps them.
	mode, sql string
	trigger   string
	id        api.CommandID
}

// The reasons for which a run can be cancelled.
var (
	errSuperseded = fmt.Errorf("superseded by an on-demand refresh: %w", context.Canceled)
	errCancelled  = fmt.Errorf("cancelled: %w", context.Canceled)
	errForBoot    = fmt.Errorf("cancelled for a bootstrap: %w", context.Canceled)
)

// refreshJob is a running refresh. The job writes the atomics, the actor reads them.
type refreshJob struct {
	req     request
	number  uint64
	mode    string
	attempt int
	cancel  context.CancelCauseFunc
	started time.Time

	reading atomic.Int64 // time in ns when reading began; 0 while queued
	commit  atomic.Bool
	rows    atomic.Int64
	reader  atomic.Pointer[counted]
	// transfer is the download of a snapshot, with refresh_mode snapshot.
	transfer atomic.Pointer[transferJob]
	sql      string
	plan     atomic.Pointer[string]
}

// progress describes the run.
func (j *refreshJob) progress(now time.Time) *api.RefreshRun {
	p := &api.RefreshRun{ID: j.number, Mode: j.mode, Trigger: j.req.trigger, Attempt: j.attempt,
		StartedAt: j.started, Phase: api.PhaseQueued, Fraction: -1, Rows: j.rows.Load(), SQL: j.sql, Plan: j.planned()}
	began := j.reading.Load()
	if began == 0 {
		return p
	}
	p.Phase = api.PhaseReading
	if r := j.reader.Load(); r != nil {
		p.Bytes, p.Total = r.src.Progress()
	}
	if t := j.transfer.Load(); t != nil {
		step := t.progress()
		p.Bytes, p.Total = step.Done, step.Total
	}
	if p.Total > 0 {
		p.Fraction = float64(p.Bytes) / float64(p.Total)
	}
	elapsed := now.Sub(time.Unix(0, began))
	if s := elapsed.Seconds(); s > 0 {
		p.RowsPerSecond = float64(p.Rows) / s
	}
	if p.Fraction > 0.01 && p.Fraction < 1 && elapsed > time.Second {
		p.ETA = time.Duration(float64(elapsed) * (1 - p.Fraction) / p.Fraction)
	}
	if j.commit.Load() {
		p.Phase = api.PhaseCommit
	}
	return p
}

func (j *refreshJob) planned() string {
	if p := j.plan.Load(); p != nil {
		return *p
	}
	return ""
}

// refreshed is the message of a finished run.
type refreshed struct {
	job *refreshJob
	// skipped is true when the source held nothing new; known is the state that was written otherwise.
	skipped   bool
	known     ownState
	stats     engines.Stats
	info      engines.Info
	store     storeLook      // of refresh_mode snapshot
	boot      *api.Bootstrap // of refresh_mode snapshot
	times     *api.Times     // when somebody wants to know
	watermark string
	rowsRead  int64
	bytesRead int64
	duration  time.Duration
	at        time.Time
	err       error
}

// begin starts a refresh, after the one that runs was cancelled: an on-demand refresh supersedes it
// (seed data-refresh, "On-Demand").
func (a *actor) begin(q request) {
	if a.streams() { // what follows a stream has nothing to refresh from
		a.rt.finish(q.id, api.TaskFailed, "it follows a stream, whose changes are applied as they come")
		return
	}
	if a.eng == nil || a.run != nil || a.boot != nil || a.replacing() {
		if a.next != nil {
			a.rt.finish(a.next.id, api.TaskCancelled, "superseded by another refresh")
		}
		a.next = &q
		if a.run != nil {
			a.run.cancel(errSuperseded)
		}
		a.openNow()
		return
	}
	if q.trigger != "retry" {
		a.attempt = 0
	}
	if a.pending != nil {
		a.rt.finish(a.pending.id, api.TaskCancelled, "superseded by another refresh")
		a.pending = nil
	}
	a.disarm()
	a.st.Retry = nil
	ctx, cancel := context.WithCancelCause(a.ctx)
	mode := q.mode
	if mode == "" {
		mode = string(a.cfg().Acceleration.RefreshMode)
	}
	if a.stale && !a.follows() { // what is there came from another source or was shaped by other settings
		mode = string(config.RefreshFull)
	}
	sql := q.sql
	if sql == "" {
		sql = a.refreshSQL()
	}
	j := &refreshJob{req: q, number: a.rt.runs.Add(1), mode: mode, attempt: a.attempt + 1, cancel: cancel, started: time.Now(), sql: sql}
	a.run = j
	if q.trigger != "interval" && q.trigger != "cron" { // of those the end says it all
		a.emit(api.Info, "refresh", "refresh started", api.Field{Key: "mode", Value: mode},
			api.Field{Key: "trigger", Value: q.trigger}, api.Field{Key: "run", Value: fmt.Sprint(j.number)})
	}
	cfg := a.cfg()
	print := a.fingerprint(sql)
	l := load{cfg: cfg, eng: a.eng, src: a.src, sql: sql, fingerprint: print, known: a.known, learned: &a.learned, loaded: a.loaded,
		accept: a.acceptSchema || a.known.Fingerprint != "" && a.known.Fingerprint != print,
		skip:   !a.stale && a.ready && (q.trigger == "interval" || q.trigger == "cron" || q.trigger == byWatcher)}
	a.job(func() any {
		defer cancel(nil)
		m := refreshed{job: j, store: storeLook{none: true}}
		if mode == string(config.RefreshSnapshot) {
			m.err = a.follow(ctx, &m, l)
		} else {
			m.err = a.refresh(ctx, &m, l)
		}
		if m.err != nil && ctx.Err() != nil {
			m.err = context.Cause(ctx)
		}
		m.duration = time.Since(j.started)
		return m
	})
}

// refreshSQL is the effective refresh_sql: that of SetRefreshSQL, else that of the spicepod.
func (a *actor) refreshSQL() string {
	if a.patched != "" {
		return a.patched
	}
	return a.cfg().Acceleration.RefreshSQL
}

// patch sets the refresh_sql of the refreshes to come; empty goes back to that of the spicepod.
func (a *actor) patch(sql string) {
	a.patched = sql
	a.describe()
	if sql != "" {
		a.emit(api.Info, "refresh", "refresh_sql is now "+sql)
	}
}

// refreshed records how a run went and plans the next one.
func (a *actor) refreshed(m refreshed) {
	j := m.job
	a.run = nil
	h := api.Refresh{ID: j.number, Mode: j.mode, Trigger: j.req.trigger, Attempt: j.attempt, StartedAt: j.started,
		Duration: m.duration, RowsRead: j.rows.Load(), BytesRead: m.bytesRead, RowsAfter: a.st.Rows, SQL: j.sql, Plan: j.planned()}
	a.st.Totals.Rows += h.RowsRead
	a.st.Totals.Bytes += m.bytesRead
	var end api.TaskState
	var text string
	switch {
	case m.err != nil:
		end, text = a.failed(m, &h)
	case m.skipped:
		end, text = a.skipped(m, &h)
	default:
		end, text = a.succeeded(m, &h)
	}
	a.st.Refreshes = a.refreshes.add(h)
	if m.err == nil && j.req.trigger == "manual" { // somebody saw it
		a.st.Damage = nil
	}
	if j.req.id != 0 {
		a.rt.bus.set(a.snapshotState()) // whoever waits for the command finds its outcome in the State
		a.rt.finish(j.req.id, end, text)
	}
	if m.err == nil && !m.skipped && a.cfg().Acceleration.SnapshotsTrigger == config.TriggerRefreshComplete && a.creates() == "" {
		a.beginSnapshot(snapshotRequest{trigger: "refresh_complete", force: a.cfg().Acceleration.SnapshotsCreationPolicy == config.PolicyAlways})
	}
	if a.next != nil || a.boot != nil {
		a.proceed()
		return
	}
	if m.err != nil && a.outgrown(m.err) {
		return
	}
	if a.dueFor == dueNothing {
		a.armInterval(time.Now())
	}
}

// skipped records a run that found its source unchanged: the data is as good as newly loaded.
func (a *actor) skipped(m refreshed, h *api.Refresh) (api.TaskState, string) {
	h.Outcome = api.Skipped
	a.inStore(m.store)
	a.st.Totals.Skipped++
	a.well(m.at)
	text := "the source did not change"
	if a.follows() {
		text = "the current snapshot is loaded already"
	}
	a.emit(api.Debug, "refresh", "nothing to load: "+text, api.Field{Key: "trigger", Value: m.job.req.trigger})
	return api.TaskDone, text
}

// well records that the data is as of a time.
func (a *actor) well(at time.Time) {
	a.st.Err, a.st.Hint, a.st.FailingSince, a.st.Retry = "", "", time.Time{}, nil
	a.st.LastRefresh = at
	a.attempt, a.ready = 0, true
}

func (a *actor) succeeded(m refreshed, h *api.Refresh) (api.TaskState, string) {
	h.Outcome, h.RowsWritten, h.RowsAfter = api.Succeeded, m.stats.Written, m.info.Rows
	h.Evicted, h.Dropped = m.stats.Evicted, m.stats.Dropped
	a.known = m.known
	if m.boot != nil {
		a.inStore(m.store)
		a.loaded, a.st.Snapshots.Booted = &m.boot.ID, m.boot
	}
	a.st.Totals.Written += m.stats.Written
	a.evicted(m.stats.Evicted)
	a.st.RowsDelta = m.info.Rows - a.st.Rows
	a.took(m.info)
	a.st.Watermark = m.watermark
	a.st.Times = m.times
	a.well(m.at)
	a.dropUndo()
	if m.job.mode == string(config.RefreshFull) {
		a.acceptSchema, a.stale = false, false
		a.forgetExpiry()
	}
	if m.stats.Written > 0 || m.job.mode == string(config.RefreshFull) || a.changedAt.IsZero() {
		a.changedAt = m.at
	}
	text := fmt.Sprintf("loaded %d rows in %s", m.stats.Written, m.duration.Round(time.Millisecond))
	a.emit(api.Info, "refresh", text, api.Field{Key: "mode", Value: m.job.mode}, api.Field{Key: "rows", Value: fmt.Sprint(m.info.Rows)},
		api.Field{Key: "run", Value: fmt.Sprint(m.job.number)})
	return api.TaskDone, text
}

func (a *actor) failed(m refreshed, h *api.Refresh) (api.TaskState, string) {
	f := a.explain(m.err)
	h.Err, h.Hint = f.Message, f.Hint
	if f.Canceled {
		h.Outcome, h.Err = api.Cancelled, ""
		text := "refresh cancelled; the data is as it was"
		switch {
		case errors.Is(m.err, errSuperseded):
			h.Outcome = api.Superseded
			text = "refresh superseded by an on-demand refresh"
		case errors.Is(m.err, errForBoot):
			text = "refresh cancelled for a bootstrap"
		}
		if a.ctx.Err() == nil {
			a.emit(api.Info, "refresh", text, api.Field{Key: "run", Value: fmt.Sprint(m.job.number)})
		}
		return api.TaskCancelled, text
	}
	h.Outcome = api.Failed
	a.st.Failures++
	errs := maps.Clone(a.st.Totals.Errors) // the published one is not ours any more
	if errs == nil {
		errs = map[string]int64{}
	}
	errs[m.job.mode]++
	a.st.Totals.Errors = errs
	a.fail(f)
	a.attempt++
	c := a.cfg().Acceleration
	text := f.Message
	if f.Retry && c.RefreshRetryEnabled && (c.RefreshRetryMaxAttempts == nil || a.attempt <= *c.RefreshRetryMaxAttempts) && a.next == nil && a.boot == nil {
		wait := a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Backoff(a.attempt, r) })
		a.arm(dueRetry, wait)
		a.retryMode, a.retrySQL = m.job.mode, m.job.req.sql
		a.st.Retry = &api.Retry{Attempt: a.attempt, At: a.dueAt}
		if c.RefreshRetryMaxAttempts != nil {
			a.st.Retry.Max = *c.RefreshRetryMaxAttempts
		}
		text += fmt.Sprintf("; retrying in %s", wait.Round(100*time.Millisecond))
	}
	a.emit(api.ErrorLevel, "refresh", text, append(hintField(f.Hint), api.Field{Key: "attempt", Value: fmt.Sprint(m.job.attempt)})...)
	return api.TaskFailed, text
}

// proceed begins what waited for the end of a run or of a bootstrap.
func (a *actor) proceed() {

	if b := a.boot; b != nil {
		a.boot = nil
		a.beginBootstrap(*b)
		return
	}
	if q := a.next; q != nil {
		a.next = nil
		a.begin(*q)
	}
}

// cancelRefresh cancels the running refresh, or the wait for its re-try.
func (a *actor) cancelRefresh(id api.CommandID) {
	if a.next != nil {
		a.rt.finish(a.next.id, api.TaskCancelled, "cancelled before it began")
		a.next = nil
	}
	switch {
	case a.run != nil:
		a.run.cancel(errCancelled)
		a.rt.finish(id, api.TaskDone, "the running refresh is being cancelled")
	case a.pending != nil:
		a.rt.finish(a.pending.id, api.TaskCancelled, "cancelled before it began")
		a.pending = nil
		a.disarm()
		a.armInterval(time.Now())
		a.rt.finish(id, api.TaskDone, "the refresh that was about to begin was cancelled")
	case a.dueFor == dueRetry:
		a.disarm()
		a.st.Retry, a.attempt = nil, 0
		a.armInterval(time.Now())
		a.emit(api.Info, "refresh", "re-tries cancelled")
		a.rt.finish(id, api.TaskDone, "the re-tries were cancelled")
	default:
		a.rt.finish(id, api.TaskDone, "nothing was running any more")
	}
}
