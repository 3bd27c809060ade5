package runtime

import (
	"context"
	"fmt"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// steer changes what the store holds of the dataset, or which of it replicas load. One such change is made at a
// time, and none while a snapshot is written or read.
func (a *actor) steer(c command) {
	if a.move != nil {
		a.steers = append(a.steers, c)
		return
	}
	if why := a.usesSnapshots(); why != "" {
		a.rt.finish(c.id, api.TaskFailed, why)
		return
	}
	a.transfer(c.c.Verb(), c.id, func(t *transferJob) func(*actor) {
		text, err := a.steered(t.ctx, c.c)
		return func(a *actor) {
			if err != nil {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "snapshot", f.Message, hintField(f.Hint)...)
				a.rt.finish(c.id, api.TaskFailed, f.Message)
				return
			}
			a.emit(api.Info, "snapshot", text)
			a.rt.finish(c.id, api.TaskDone, text)
		}
	})
}

func (a *actor) steered(ctx context.Context, c api.Command) (string, error) {
	rule := a.cfg().Acceleration.SnapshotsRetain
	if x, ok := c.(api.CollectSnapshots); ok && byPartition(a.cfg()) {
		text, _, err := a.collectSets(ctx, rule, x.DryRun)
		return text, err
	}
	return Steer(ctx, a.rt.snaps, rule, c)
}

// Steer carries out a command that changes what a store holds of a dataset, or which of it replicas load, and
// returns what was done; keep is snapshots_retain, for CollectSnapshots. The errors are those of m.
func Steer(ctx context.Context, m *snapshots.Manager, keep config.Retain, c api.Command) (string, error) {
	name := c.Target()
	switch c := c.(type) {
	case api.SetCurrent:
		return fmt.Sprintf("snapshot %d is current: new replicas load it, and readers that follow, until the next one is written", c.SnapshotID),
			m.SetCurrent(ctx, name, c.SnapshotID)
	case api.PinSnapshot:
		return fmt.Sprintf("snapshot %d is pinned: new replicas load it, and readers that follow, until it is unpinned", c.SnapshotID),
			m.Pin(ctx, name, c.SnapshotID)
	case api.UnpinSnapshots:
		return "no snapshot is pinned: the newest one is current", m.Unpin(ctx, name)
	case api.DeleteSnapshot:
		return fmt.Sprintf("snapshot %d is deleted", c.SnapshotID), m.Delete(ctx, name, c.SnapshotID, nil)
	case api.CollectSnapshots:
		done, err := m.Collect(ctx, collection(name, keep, c.DryRun))
		text := done.String()
		if c.DryRun {
			text = "dry run: " + text
		}
		return text, err
	default:
		return "", fmt.Errorf("%T is not known", c)
	}
}

// collection is a removal of older snapshots by snapshots_retain.
func collection(dataset string, r config.Retain, dry bool) snapshots.CollectRequest {
	return snapshots.CollectRequest{Dataset: dataset, Now: time.Now(), Grace: snapshots.Grace, DryRun: dry,
		Rule: snapshots.Rule{Last: r.Last, Daily: r.Daily, Weekly: r.Weekly, Monthly: r.Monthly, MinAge: r.MinAge}}
}

// retained removes older snapshots after one was written. That it failed is told, and does not make the snapshot
// that was written less good.
func (a *actor) retained(t *transferJob) {
	rule := a.cfg().Acceleration.SnapshotsRetain
	if !rule.Set() {
		return
	}
	t.at("collect", 0, 0, 0)
	var text string
	var any bool
	var err error
	if byPartition(a.cfg()) {
		text, any, err = a.collectSets(t.ctx, rule, false)
	} else {
		var done snapshots.Collected
		done, err = a.rt.snaps.Collect(t.ctx, collection(a.cfg().Name, rule, false))
		text, any = done.String(), len(done.Removed)+done.Deleted > 0
	}
	switch {
	case t.ctx.Err() != nil:
	case err != nil:
		f := a.explain(err)
		a.emit(api.Warn, "snapshot", f.Message+"; they go after the next snapshot", hintField(f.Hint)...)
	case any:
		a.emit(api.Info, "snapshot", "older snapshots: "+text)
	}
}
