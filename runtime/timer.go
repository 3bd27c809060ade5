package runtime

import (
	"math/rand/v2"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
)

type dueReason int

const (
	dueNothing dueReason = iota
	dueOpen
	dueInterval
	dueRetry
	dueRequest // a request that waits for its jitter
)

// tick is what the times of refreshes far ahead are rounded up to: timers that ring together cost the
// machine one awakening.
const tick = 20 * time.Millisecond

// arm sets the one timer of the actor.
func (a *actor) arm(why dueReason, d time.Duration) {
	now := time.Now()
	if d >= time.Second {
		d += tick - time.Duration(now.Add(d).UnixNano())%tick
	}
	a.due.Reset(d)
	a.dueFor, a.dueAt = why, now.Add(d)
}

func (a *actor) disarm() {
	a.due.Stop()
	a.dueFor, a.dueAt = dueNothing, time.Time{}
}

func (a *actor) isDue() {
	why := a.dueFor
	a.disarm()
	switch why {
	case dueOpen:
		a.open()
	case dueInterval:
		if !a.st.Held {
			a.begin(request{trigger: "interval"})
		}
	case dueRetry:
		a.begin(request{trigger: "retry", mode: a.retryMode, sql: a.retrySQL})
	case dueRequest:
		q := *a.pending
		a.pending = nil
		a.begin(q)
	}
}

// ask begins a refresh that somebody or the cron schedule asks for, after its jitter (spec data-refresh
// 5.3). What was due, a re-try or the next interval, is given up for it.
func (a *actor) ask(q request, jitter *time.Duration) {
	c := a.cfg().Acceleration
	most := time.Duration(0)
	if c.RefreshJitterEnabled {
		most = c.RefreshJitterMax
	}
	if jitter != nil {
		most = *jitter
	}
	wait := a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Delay(0, most, r) })
	if wait == 0 || a.eng == nil {
		a.begin(q)
		return
	}
	if a.pending != nil {
		a.rt.finish(a.pending.id, api.TaskCancelled, "superseded by another refresh")
	}
	a.pending = &q
	a.arm(dueRequest, wait)
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

// armCron plans the next tick of refresh_cron.
func (a *actor) armCron() {
	a.cronTimer.Stop()
	a.st.Upcoming = nil
	spec := a.cfg().Acceleration.RefreshCron
	if spec == "" {
		return
	}
	plan, err := config.CronParser().Parse(spec)
	if err != nil { // Load has checked it
		a.fail(fault{Message: a.cfg().Name + ": refresh_cron: " + err.Error()})
		return
	}
	now := time.Now()
	if a.st.Upcoming = schedule.Next(plan, now, upcoming); len(a.st.Upcoming) > 0 {
		a.cronTimer.Reset(a.st.Upcoming[0].Sub(now))
	}
}

// upcoming is how many times of a cron schedule are shown.
const upcoming = 5

// cronDue is a tick of refresh_cron. One that finds a refresh at work or waiting is left out: to start
// over each time would keep a refresh that takes longer than the schedule from ever ending.
func (a *actor) cronDue() {
	a.armCron()
	switch {
	case a.st.Held:
	case a.run != nil || a.next != nil || a.pending != nil:
		a.emit(api.Info, "refresh", "a tick of refresh_cron was left out: the refresh before it is not done yet")
	default:
		a.ask(request{trigger: "cron"}, nil)
	}
}

// nextRefresh is when the next refresh is due; zero when nothing is planned.
func (a *actor) nextRefresh() time.Time {
	at := a.dueAt
	if len(a.st.Upcoming) > 0 && !a.st.Held && (at.IsZero() || a.st.Upcoming[0].Before(at)) {
		at = a.st.Upcoming[0]
	}
	return at
}

// hold stops the refreshes on schedule, or lets them go on.
func (a *actor) hold(on bool) {
	a.st.Held = on
	if a.streams() {
		a.holdStream(on)
		return
	}
	if on {
		a.emit(api.Info, "refresh", "scheduled refreshes are on hold")
		if a.dueFor == dueInterval {
			a.disarm()
		}
		return
	}
	a.emit(api.Info, "refresh", "scheduled refreshes go on")
	if a.run == nil && a.dueFor == dueNothing {
		a.armInterval(time.Now())
	}
	if missed := a.missed; missed != "" {
		a.missed = ""
		a.sourceChanged(missed)
	}
}
