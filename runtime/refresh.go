package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
	"pitwall/runtime/source"
)

// request asks for a refresh.
type request struct {
	// mode overrides refresh_mode; empty keeps it.
	mode    string
	trigger string
	id      api.CommandID
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
}

// progress describes the run.
func (j *refreshJob) progress(now time.Time) *api.RefreshRun {
	p := &api.RefreshRun{ID: j.number, Mode: j.mode, Trigger: j.req.trigger, Attempt: j.attempt,
		StartedAt: j.started, Phase: api.PhaseQueued, Fraction: -1, Rows: j.rows.Load()}
	began := j.reading.Load()
	if began == 0 {
		return p
	}
	p.Phase = api.PhaseReading
	if r := j.reader.Load(); r != nil {
		p.Bytes, p.Total = r.src.Progress()
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

// refreshed is the message of a finished run.
type refreshed struct {
	job       *refreshJob
	stats     engines.Stats
	info      engines.Info
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
	if a.eng == nil || a.run != nil || a.boot != nil || a.move != nil && a.move.kind == "bootstrap" {
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
	a.disarm()
	a.st.Retry = nil
	ctx, cancel := context.WithCancelCause(a.ctx)
	mode := q.mode
	if mode == "" {
		mode = string(a.cfg().Acceleration.RefreshMode)
	}
	if a.stale { // what is there came from another source or was shaped by other settings
		mode = string(config.RefreshFull)
	}
	j := &refreshJob{req: q, number: a.rt.runs.Add(1), mode: mode, attempt: a.attempt + 1, cancel: cancel, started: time.Now()}
	a.run = j
	a.emit(api.Info, "refresh", "refresh started", api.Field{Key: "mode", Value: mode},
		api.Field{Key: "trigger", Value: q.trigger}, api.Field{Key: "run", Value: fmt.Sprint(j.number)})
	cfg, eng, src, accept := a.cfg(), a.eng, a.src, a.acceptSchema
	a.job(func() any {
		defer cancel(nil)
		m := refreshed{job: j}
		m.err = a.refresh(ctx, &m, cfg, eng, src, accept)
		if m.err != nil && ctx.Err() != nil {
			m.err = context.Cause(ctx)
		}
		m.duration = time.Since(j.started)
		return m
	})
}

// refresh does one run.
func (a *actor) refresh(ctx context.Context, m *refreshed, cfg *config.Dataset, eng engines.Engine, src source.Source, acceptSchema bool) error {
	j := m.job
	if err := a.rt.slots.Acquire(ctx, 1); err != nil {
		return err
	}
	defer a.rt.slots.Release(1)
	j.reading.Store(time.Now().UnixNano())
	r, err := src.Read(ctx, source.Scan{})
	if err != nil {
		return err
	}
	c := &counted{src: r, ctx: ctx, job: j}
	j.reader.Store(c)
	defer c.Release()
	if err := eng.Supports(r.Schema()); err != nil {
		return err
	}
	if cfg.TimeColumn != "" {
		if err := checkTimeColumn(r.Schema(), cfg.TimeColumn, cfg.TimeFormat); err != nil {
			return err
		}
	}
	m.at = time.Now().UTC().Truncate(time.Millisecond)
	w := engines.Write{Mode: engines.Replace, Rows: c, At: m.at, RefreshSQL: cfg.Acceleration.RefreshSQL}
	recorded, err := a.checkSchema(ctx, cfg, config.RefreshMode(j.mode), eng, r, acceptSchema)
	if err != nil {
		return err
	}
	if j.mode == string(config.RefreshAppend) {
		rows, err := newer(ctx, c, eng, cfg.TimeColumn)
		if err != nil {
			return err
		}
		if recorded != nil {
			rows = inOrder(rows, recorded)
		}
		defer rows.Release()
		w.Mode, w.Rows = engines.Append, rows
	}
	if m.stats, err = eng.Write(ctx, w); err != nil {
		return err
	}
	m.rowsRead = j.rows.Load()
	m.bytesRead, _ = r.Progress()
	// The write is durable. What follows only describes it, and must not turn it into a failure.
	after := context.WithoutCancel(ctx)
	if m.info, err = eng.Info(after); err != nil {
		m.info = engines.Info{Rows: m.stats.Rows, Bytes: m.stats.Bytes, Schema: r.Schema()}
	}
	if cfg.TimeColumn != "" {
		if mark, err := eng.Watermark(after, cfg.TimeColumn); err == nil {
			m.watermark = markText(mark)
		}
	}
	return nil
}

// refreshed records how a run went and plans the next one.
func (a *actor) refreshed(m refreshed) {
	j := m.job
	a.run = nil
	h := api.Refresh{ID: j.number, Mode: j.mode, Trigger: j.req.trigger, Attempt: j.attempt, StartedAt: j.started,
		Duration: m.duration, RowsRead: j.rows.Load(), BytesRead: m.bytesRead, RowsAfter: a.st.Rows}
	if m.err == nil {
		a.succeeded(m, &h)
	} else {
		a.failed(m, &h)
	}
	a.st.Refreshes = prepend(a.st.Refreshes, h, api.RefreshWindow)
	if a.next != nil || a.boot != nil {
		a.proceed()
		return
	}
	if a.dueFor == dueNothing {
		a.armInterval(time.Now())
	}
}

func (a *actor) succeeded(m refreshed, h *api.Refresh) {
	h.Outcome, h.RowsWritten, h.RowsAfter = api.Succeeded, m.stats.Written, m.info.Rows
	a.st.RowsDelta = m.info.Rows - a.st.Rows
	a.took(m.info)
	a.st.Watermark = m.watermark
	a.st.Err, a.st.Hint, a.st.FailingSince, a.st.Retry = "", "", time.Time{}, nil
	a.st.LastRefresh = m.at
	a.attempt, a.ready = 0, true
	if m.job.mode == string(config.RefreshFull) {
		a.acceptSchema, a.stale = false, false
	}
	if m.stats.Written > 0 || m.job.mode == string(config.RefreshFull) || a.changedAt.IsZero() {
		a.changedAt = m.at
	}
	text := fmt.Sprintf("loaded %d rows in %s", m.stats.Written, m.duration.Round(time.Millisecond))
	a.emit(api.Info, "refresh", text, api.Field{Key: "mode", Value: m.job.mode}, api.Field{Key: "rows", Value: fmt.Sprint(m.info.Rows)},
		api.Field{Key: "run", Value: fmt.Sprint(m.job.number)})
	a.rt.finish(m.job.req.id, api.TaskDone, text)
	if a.cfg().Acceleration.SnapshotsTrigger == config.TriggerRefreshComplete && a.creates() == "" {
		a.beginSnapshot(snapshotRequest{trigger: "refresh_complete", force: a.cfg().Acceleration.SnapshotsCreationPolicy == config.PolicyAlways})
	}
}

func (a *actor) failed(m refreshed, h *api.Refresh) {
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
		a.rt.finish(m.job.req.id, api.TaskCancelled, text)
		return
	}
	h.Outcome = api.Failed
	a.st.Failures++
	a.fail(f)
	a.attempt++
	c := a.cfg().Acceleration
	text := f.Message
	if f.Retry && c.RefreshRetryEnabled && (c.RefreshRetryMaxAttempts == nil || a.attempt <= *c.RefreshRetryMaxAttempts) && a.next == nil && a.boot == nil {
		wait := a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Backoff(a.attempt, r) })
		a.arm(dueRetry, wait)
		a.retryMode = m.job.mode
		a.st.Retry = &api.Retry{Attempt: a.attempt, At: a.st.NextRefresh}
		if c.RefreshRetryMaxAttempts != nil {
			a.st.Retry.Max = *c.RefreshRetryMaxAttempts
		}
		text += fmt.Sprintf("; retrying in %s", wait.Round(100*time.Millisecond))
	}
	a.emit(api.ErrorLevel, "refresh", text, append(hintField(f.Hint), api.Field{Key: "attempt", Value: fmt.Sprint(m.job.attempt)})...)
	a.rt.finish(m.job.req.id, api.TaskFailed, text)
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

// armInterval plans the next refresh one interval, give or take the jitter, after from.
func (a *actor) armInterval(from time.Time) {
	c := a.cfg().Acceleration
	if c.RefreshCheckInterval == 0 || a.st.Held {
		return
	}
	var jitter time.Duration
	if c.RefreshJitterEnabled {
		jitter = c.RefreshJitterMax
	}
	wait := a.rt.random(func(r *rand.Rand) time.Duration {
		return schedule.Delay(c.RefreshCheckInterval-time.Since(from), jitter, r)
	})
	a.arm(dueInterval, max(0, wait))
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

// prepend puts x in front of a copy of list and keeps at most n.
func prepend[T any](list []T, x T, n int) []T {
	out := make([]T, 0, min(n, len(list)+1))
	out = append(out, x)
	return append(out, list[:min(len(list), n-1)]...)
}
