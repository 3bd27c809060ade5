package runtime

import (
	"context"
	"fmt"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// The fire drill (snapshots_verify): what the store holds is read whole and opened, before somebody needs it. When
// that was last done is in the store, so that a restart, or another replica, does not do it again.

const (
	// drillFirst is how long after the start the store is looked at for the first time, drillLook how often then.
	drillFirst = time.Minute
	drillLook  = time.Hour
)

// armDrill plans the next look.
func (a *actor) armDrill(wait time.Duration) {
	a.drillTimer.Stop()
	if a.cfg().Acceleration.SnapshotsVerify.Every > 0 && a.usesSnapshots() == "" && !a.rt.o.ReadOnly {
		a.drillTimer.Reset(wait)
	}
}

// drillDue verifies what has not been for too long.
func (a *actor) drillDue() {
	if a.move != nil || a.eng == nil {
		a.armDrill(drillFirst)
		return
	}
	a.armDrill(drillLook)
	plan := a.cfg().Acceleration.SnapshotsVerify
	a.transfer("verify", 0, func(t *transferJob) func(*actor) {
		ids, err := a.unverified(t.ctx, plan.All, time.Now().Add(-plan.Every))
		var bad []error
		for _, id := range ids {
			if _, verr := a.verify(t, id); verr != nil && t.ctx.Err() == nil {
				bad = append(bad, verr)
			}
		}
		return func(a *actor) {
			if err != nil && a.ctx.Err() == nil {
				bad = append(bad, err)
			}
			for _, err := range bad {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "snapshot", "the verification on schedule found: "+f.Message, hintField(f.Hint)...)
			}
			if len(bad) == 0 && len(ids) > 0 {
				a.emit(api.Info, "snapshot", "the verification on schedule found all in order", api.Field{Key: "snapshots", Value: fmt.Sprint(len(ids))})
			}
		}
	})
}

// unverified are the snapshots that nobody has verified since a time.
func (a *actor) unverified(ctx context.Context, all bool, since time.Time) ([]uint64, error) {
	list, err := a.rt.stored(ctx, a.cfg())
	if err != nil {
		return nil, err
	}
	var checks map[uint64]snapshots.Check
	if checks, err = a.rt.snaps.Checks(ctx, a.cfg().Name); err != nil {
		return nil, err
	}
	var ids []uint64
	for _, s := range list {
		if (all || s.Current) && checks[s.ID].At.Before(since) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}
