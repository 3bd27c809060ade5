package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/source"
	"pitwall/runtime/source/push"
	"pitwall/runtime/stream"
)

// progressEvery is how often a running refresh or transfer is shown.
const progressEvery = 100 * time.Millisecond

// actor owns one dataset: its engine, its timers and its jobs. Its goroutine is the only one that
// touches the fields below "owned"; everybody else sends it messages.
type actor struct {
	rt     *Runtime
	ctx    context.Context // ends when the dataset is removed or the runtime stops
	cancel context.CancelFunc
	done   chan struct{} // closed by run when everything the actor started has ended
	inbox  chan any      // never closed; see send
	result chan any      // of jobs; never closed
	jobs   sync.WaitGroup

	checksMu sync.Mutex
	checks   map[uint64]api.Verification // by snapshot id
	// bootFaults are under checksMu, too.
	bootFaults      map[string]int64
	boots, bootTime atomic.Int64
	peeks           peeks
	expiry          atomic.Pointer[time.Time] // when the retention clock was reset; nil when it was not
	content         contentSeen               // owned by the running transfer
	shared          atomic.Bool               // another process with this identity was told of
	leaves          atomic.Bool               // what comes after it writes no snapshots

	pushed atomic.Pointer[push.Source] // takes the changes that are sent; nil for other datasets

	conf atomic.Pointer[config.Dataset] // written by the actor, read by its jobs and by queries
	// serving is written by the actor and read by queries, which count their fallbacks to the source.
	serving                       atomic.Pointer[serving]
	zeroFallbacks, readyFallbacks atomic.Int64

	// owned
	file   string // database file; empty in memory
	opener engines.Opener
	eng    engines.Engine // nil until opened
	src    source.Source
	st     api.Dataset
	// refreshes and attempts are what st.Refreshes and st.Snapshots.Attempts are windows of.
	refreshes history[api.Refresh]
	attempts  history[api.SnapshotAttempt]
	ready     bool
	// changedAt is the time of the last write that changed the data; zero when unknown.
	changedAt time.Time
	// acceptSchema lets the next full refresh change the schema: the spicepod was changed.
	acceptSchema bool
	// stale has the data loaded anew, in full, whatever the checkpoint says: the spicepod was changed.
	// It stays until a full refresh has succeeded.
	stale bool
	// opening is true while the engine is being opened, wantOpen while that waits for the running transfer.
	opening, wantOpen bool

	run  *refreshJob
	next *request // to begin when run has ended
	boot *bootJob // to begin when run has ended
	move *transferJob
	// wantSnapshot is a snapshot to begin when the running transfer has ended.
	wantSnapshot *snapshotRequest
	// steers are verifications, and changes of what the store holds, that wait for the running transfer.
	steers []command

	// known is the state that the last write left in the engine.
	known   ownState
	printed printed // see fingerprint
	// learned is what reads told about the source; a running refresh owns it.
	learned learned
	// loaded is the snapshot that the data came from; nil when unknown.
	loaded *uint64
	// patched is the refresh_sql of SetRefreshSQL; empty when there is none.
	patched  string
	watching bool // file_watcher runs
	// missed is the trigger of a change that came while on hold; empty when none did.
	missed string
	// sweeping is true while a retention check runs.
	sweeping bool

	retryMode, retrySQL string      // of the refresh that is retried
	attempt             int         // failed attempts in a row of the refresh under way
	due                 *time.Timer // next refresh, retry or attempt to open
	dueFor              dueReason
	dueAt               time.Time
	pending             *request    // waits for its jitter
	cronTimer           *time.Timer // refresh_cron
	snapTimer           *time.Timer // time_interval trigger
	sweepTimer          *time.Timer // retention
	drillTimer          *time.Timer // verifications on schedule
	damageTimer         *time.Timer // until st.Damage is forgotten
	compaction          compaction
	stream              following
	ticker              *time.Ticker
	files               files
}

// command is an accepted api.Command.
type command struct {
	id api.CommandID
	c  api.Command
}

// reconfigure carries settings that can be changed while the dataset runs.
type reconfigure struct {
	cfg *config.Dataset
	// reload has the data loaded again: a setting that shapes it was changed.
	reload bool
}

func (r *Runtime) newActor(ctx context.Context, d *config.Dataset, file string) *actor {
	ctx, cancel := context.WithCancel(ctx)
	a := &actor{rt: r, ctx: ctx, cancel: cancel, done: make(chan struct{}), inbox: make(chan any, 64),
		result: make(chan any, 8), files: files{result: make(chan fileLook, 1)}, stream: following{news: make(chan struct{}, 1)}, checks: map[uint64]api.Verification{}, file: file,
		refreshes: history[api.Refresh]{most: api.RefreshWindow}, attempts: history[api.SnapshotAttempt]{most: api.SnapshotWindow}}
	a.conf.Store(d)
	for _, o := range r.o.Engines {
		if o.Name() == string(d.Acceleration.Engine) {
			a.opener = o
		}
	}
	a.st.Status, a.st.Since = api.Initializing, time.Now()
	a.describe()
	a.describeStream(stream.Progress{})
	return a
}

// cfg is the dataset's configuration as it is now.
func (a *actor) cfg() *config.Dataset { return a.conf.Load() }

// start runs the actor.
func (a *actor) start() {
	go a.loop() // waited for through done by whoever cancels the actor
}

// send puts a message into the inbox; false when it is full.
func (a *actor) send(m any) bool {
	select {
	case a.inbox <- m:
		return true
	default:
		return false
	}
}

func (a *actor) loop() {
	defer func() {
		close(a.done)
		a.drain() // what was sent before done was closed; see Runtime.Do for what comes after
	}()
	defer a.shutdown()
	for _, t := range []**time.Timer{&a.due, &a.cronTimer, &a.snapTimer, &a.sweepTimer, &a.drillTimer, &a.damageTimer, &a.compaction.timer, &a.files.timer, &a.stream.timer} {
		*t = time.NewTimer(time.Hour)
		(*t).Stop()
	}
	a.ticker = time.NewTicker(progressEvery)
	a.ticker.Stop()
	if a.cfg().Acceleration.Enabled {
		a.open()
	}
	a.publish()
	for {
		select {
		case <-a.ctx.Done():
			return
		case m := <-a.inbox:
			a.handle(m)
		case m := <-a.result:
			a.handle(m)
		case <-a.due.C:
			a.isDue()
		case <-a.cronTimer.C:
			a.cronDue()
		case <-a.snapTimer.C:
			a.snapshotDue()
		case <-a.sweepTimer.C:
			a.sweepDue()
		case <-a.drillTimer.C:
			a.drillDue()
		case <-a.compaction.timer.C:
			a.compactDue()
		case <-a.damageTimer.C:
			a.st.Damage = nil
		case <-a.stream.news:
			a.lookAtStream()
		case <-a.stream.timer.C:
			a.streamTick()
		case <-a.ticker.C:
		case <-a.files.timer.C:
			a.lookAtFiles()
			continue
		case m := <-a.files.result:
			if !a.looked(m) {
				continue
			}
		}
		a.publish()
	}
}

func (a *actor) handle(m any) {
	switch m := m.(type) {
	case command:
		a.command(m)
	case reconfigure:
		a.reconfigure(m)
	case opened:
		a.opened(m)
	case refreshed:
		a.refreshed(m)
	case swept:
		a.swept(m)
	case streamed:
		a.streamed(m)
	case skipped:
		a.recordSkipped(m)
	case compacted:
		a.compacted(m)
	case transferred:
		a.transferred(m)
	case changed:
		a.sourceChanged(m.trigger)
	default:
		panic(fmt.Sprintf("unknown message %T", m))
	}
}

func (a *actor) command(c command) {
	switch v := c.c.(type) {
	case api.SkipRecord:
		a.skipRecord(c.id)
	case api.Rebootstrap:
		a.rebootstrap(c.id)
	case api.RefreshNow:
		if a.streams() {
			a.retryStream(c.id)
			return
		}
		a.ask(request{mode: v.Mode, sql: v.SQL, trigger: "manual", id: c.id}, v.JitterMax)
	case api.SetRefreshSQL:
		a.patch(v.SQL)
		a.rt.finish(c.id, api.TaskDone, "the next refresh uses it; it lasts until pitwall ends or the spicepod changes")
	case api.CancelRefresh:
		a.cancelRefresh(c.id)
	case api.SnapshotNow:
		a.beginSnapshot(snapshotRequest{trigger: "manual", force: true, full: v.Full, id: c.id})
	case api.UndoBootstrap:
		a.undo(c)
	case api.BootstrapFrom:
		a.beginBootstrap(bootJob{snapshot: v.SnapshotID, hold: v.Hold, id: c.id})
	case api.VerifySnapshot:
		a.beginVerify(c.id, v.SnapshotID)
	case api.SetCurrent, api.PinSnapshot, api.UnpinSnapshots, api.DeleteSnapshot, api.CollectSnapshots:
		a.steer(c)
	case api.Hold:
		a.hold(v.On)
		a.rt.finish(c.id, api.TaskDone, map[bool]string{true: "scheduled refreshes are on hold", false: "scheduled refreshes go on"}[v.On])
	default:
		a.rt.finish(c.id, api.TaskFailed, fmt.Sprintf("%T is not known", v))
	}
}

// active tells whether progress has to be shown.
func (a *actor) active() bool { return a.run != nil || a.move != nil }

// publish hands a copy of the state to the bus.
func (a *actor) publish() {
	if a.active() {
		a.ticker.Reset(progressEvery)
	} else {
		a.ticker.Stop()
	}
	a.rt.bus.set(a.snapshotState())
}

// snapshotState returns an immutable copy of the state.
func (a *actor) snapshotState() *api.Dataset {
	a.st.Rev++
	a.serve()
	a.st.HasData, a.st.Registered = a.ready, a.src != nil
	a.st.Totals.ZeroFallbacks, a.st.Totals.ReadyFallbacks = a.zeroFallbacks.Load(), a.readyFallbacks.Load()
	a.totalBoots()
	a.st.Snapshots.Shared = a.shared.Load() && a.creates() == ""
	a.st.NextRefresh, a.st.Waiting = a.nextRefresh(), a.pending != nil
	if s := a.status(); s != a.st.Status {
		a.st.Status, a.st.Since = s, time.Now()
	}
	a.st.Run, a.st.Snapshots.Run = nil, nil
	if a.run != nil {
		a.st.Run = a.run.progress(time.Now())
	}
	if a.move != nil && a.move.step.Load() != nil { // an open may find that there is nothing to bootstrap
		a.st.Snapshots.Run = a.move.progress()
	}
	d := a.st
	return &d
}

// totalBoots takes in what bootstraps have counted.
func (a *actor) totalBoots() {
	t := &a.st.Snapshots.Totals
	t.Boots, t.BootTime = a.boots.Load(), time.Duration(a.bootTime.Load())
	a.checksMu.Lock()
	defer a.checksMu.Unlock()
	n := int64(0)
	for _, v := range a.bootFaults {
		n += v
	}
	for _, v := range t.BootFailed {
		n -= v
	}
	if n != 0 { // the published one is not ours any more
		t.BootFailed = maps.Clone(a.bootFaults)
	}
}

func (a *actor) status() api.Status {
	switch {
	case a.ctx.Err() != nil:
		return api.ShuttingDown
	case !a.cfg().Acceleration.Enabled:
		return api.Ready
	case a.run != nil, a.replacing() && a.eng != nil:
		return api.Refreshing
	case a.st.Err != "":
		return api.Error
	case a.st.Stream != nil && a.st.Stream.Phase == api.StreamLoading:
		return api.Refreshing
	case !a.ready:
		return api.Initializing
	default:
		return api.Ready
	}
}

// job runs fn beside the actor and delivers what it returns as a message.
func (a *actor) job(fn func() any) {
	a.jobs.Go(func() { a.result <- fn() })
}

func (a *actor) emit(level api.Level, kind, message string, fields ...api.Field) {
	a.rt.emit(level, a.cfg().Name, kind, message, fields...)
}

// shutdown ends all jobs and closes the engine.
func (a *actor) shutdown() {
	a.peeks.mu.Lock() // from here on nobody begins one: the context has ended
	a.cancel()
	a.peeks.mu.Unlock()
	for _, t := range []*time.Timer{a.due, a.cronTimer, a.snapTimer, a.sweepTimer, a.drillTimer, a.damageTimer, a.compaction.timer, a.files.timer, a.stream.timer} {
		t.Stop()
	}
	a.ticker.Stop()
	a.jobs.Wait()
	for len(a.result) > 0 { // an open that ended meanwhile still owns an engine
		if m, ok := (<-a.result).(opened); ok && m.eng != nil {
			a.eng = m.eng
		}
	}
	var ids []api.CommandID
	if a.run != nil {
		ids = append(ids, a.run.req.id)
	}
	for _, q := range []*request{a.next, a.pending} {
		if q != nil {
			ids = append(ids, q.id)
		}
	}
	if a.boot != nil {
		ids = append(ids, a.boot.id)
	}
	ids = append(ids, a.transferIDs()...)
	for _, id := range ids {
		a.rt.finish(id, api.TaskCancelled, stoppedText)
	}
	a.drain()
	a.release()
	if a.eng != nil {
		if err := a.eng.Close(); err != nil && !errors.Is(err, context.Canceled) {
			a.emit(api.Warn, "runtime", "closing the engine: "+err.Error())
		}
	}
	a.run, a.move = nil, nil
	a.rt.bus.set(a.snapshotState())
}
