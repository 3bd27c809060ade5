package runtime

import (
	"context"
	"sync/atomic"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
)

// transferJob is a running snapshot, bootstrap or verification: at most one per dataset.
type transferJob struct {
	kind    string
	id      api.CommandID
	started time.Time
	ctx     context.Context // of the job
	step    atomic.Pointer[step]
}

type step struct {
	phase       string
	done, total int64
	snapshot    uint64
}

func (t *transferJob) at(phase string, done, total int64, snapshot uint64) {
	t.step.Store(&step{phase, done, total, snapshot})
}

func (t *transferJob) progress() *api.Transfer {
	p := &api.Transfer{Kind: t.kind, StartedAt: t.started, Phase: "start"}
	if s := t.step.Load(); s != nil {
		p.Phase, p.Done, p.Total, p.SnapshotID = s.phase, s.done, s.total, s.snapshot
	}
	return p
}

// transferred is the message of a finished transfer.
type transferred struct {
	job *transferJob
	// done records the outcome; it runs in the actor.
	done  func(a *actor)
	store storeLook
}

// storeLook is what the store holds of the dataset.
type storeLook struct {
	newest *api.Snapshot
	kept   int
	sets   bool // of partitions
	err    error
	none   bool // not looked
}

// look reads the list of snapshots.
func (a *actor) look(ctx context.Context) storeLook {
	if a.usesSnapshots() != "" {
		return storeLook{none: true}
	}
	list, sets, err := a.rt.snaps.Stored(ctx, a.cfg().Name)
	l := storeLook{kept: len(list), sets: sets, err: err}
	for _, s := range list {
		if s.Current {
			c := apiSnapshot(s)
			l.newest = &c
		}
	}
	return l
}

// inStore records what the store holds.
func (a *actor) inStore(l storeLook) {
	switch {
	case l.none:
	case l.err != nil:
		a.st.Snapshots.LastErr = a.explain(l.err).Message
	default:
		if l.newest != nil {
			l.newest.Verified = a.verified(l.newest.ID)
		}
		if n := l.newest; n == nil {
			a.st.Snapshots.Ahead = 0
		} else if was := a.st.Snapshots.Newest; was == nil || was.ID != n.ID {
			a.st.Snapshots.Ahead = max(time.Until(n.Created), 0)
		}
		a.st.Snapshots.Newest, a.st.Snapshots.Kept = l.newest, l.kept
		a.st.Snapshots.ByPartition = l.sets || byPartition(a.cfg())
	}
}

// usesSnapshots returns why the dataset has nothing to do with snapshots, "" when it has.
func (a *actor) usesSnapshots() string {
	c := a.cfg().Acceleration
	switch {
	case !c.Enabled:
		return "the dataset is not accelerated"
	case a.opener != nil && a.opener.Extension() == "":
		return string(c.Engine) + " has no snapshots"
	case a.file == "":
		return "mode: memory has no snapshots; use mode: file"
	case c.Snapshots == config.SnapshotsDisabled:
		return "snapshots are disabled for this dataset"
	case a.rt.snaps == nil:
		return "snapshots are off: " + a.rt.snapsErr
	default:
		return ""
	}
}

// creates returns why the dataset writes no snapshots, "" when it does.
func (a *actor) creates() string {
	if a.rt.o.ReadOnly {
		return "read-only: this process writes no snapshots"
	}
	if a.follows() {
		return "refresh_mode: snapshot only reads them"
	}
	if a.cfg().Acceleration.Snapshots == config.SnapshotsBootstrapOnly {
		return "snapshots: bootstrap_only never writes"
	}
	return a.usesSnapshots()
}

// bootstraps returns why the dataset loads no snapshots, "" when it does.
func (a *actor) bootstraps() string {
	if a.cfg().Acceleration.Snapshots == config.SnapshotsCreateOnly {
		return "snapshots: create_only never loads"
	}
	return a.usesSnapshots()
}

// replacing tells whether other data is about to take the place of what is there: a refresh would mix them.
func (a *actor) replacing() bool {
	return a.move != nil && (a.move.kind == "bootstrap" || a.move.kind == "undo")
}

// transferIDs are the commands whose transfer runs or waits.
func (a *actor) transferIDs() (ids []api.CommandID) {
	if a.move != nil {
		ids = append(ids, a.move.id)
	}
	if a.wantSnapshot != nil {
		ids = append(ids, a.wantSnapshot.id)
	}
	for _, v := range a.steers {
		ids = append(ids, v.id)
	}
	return ids
}

// transfer starts a job of one kind; the caller has checked that none is running.
func (a *actor) transfer(kind string, id api.CommandID, fn func(t *transferJob) func(*actor)) {
	t := &transferJob{kind: kind, id: id, started: time.Now(), ctx: a.ctx}
	a.move = t
	a.job(func() any {
		done := fn(t)
		return transferred{job: t, done: done, store: a.look(a.ctx)}
	})
}

func (a *actor) transferred(m transferred) {
	a.move = nil
	a.inStore(m.store)
	m.done(a)
	a.moveFree()
}

// moveFree begins what waited for the end of a transfer or of the opening.
func (a *actor) moveFree() {
	if a.wantOpen && a.move == nil {
		a.wantOpen = false
		a.openNow()
	}
	if a.run == nil && a.eng != nil {
		a.proceed()
	}
	if w := a.wantSnapshot; w != nil && a.move == nil {
		a.wantSnapshot = nil
		a.beginSnapshot(*w)
	}
	for a.move == nil && len(a.steers) > 0 && !a.stream.ending && !a.stream.skipping {
		v := a.steers[0]
		a.steers = a.steers[1:]
		a.command(v)
	}
}
