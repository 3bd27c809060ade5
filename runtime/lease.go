package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"pitwall/config"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// identity is that of this replica (spec acceleration-snapshots 2.6): the same after a restart.
func identity(o string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return cmp.Or(o, os.Getenv("SPICE_INSTANCE_ID"), host)
}

// assumedInterval is between snapshots whose trigger has no interval.
const assumedInterval = 10 * time.Minute

// lease are the terms under which this replica writes the snapshots of a dataset.
func (a *actor) lease() *snapshots.LeaseTerms {
	c := a.cfg().Acceleration
	interval := assumedInterval
	switch {
	case c.SnapshotsTrigger == config.TriggerTimeInterval:
		interval = c.SnapshotsInterval
	case c.RefreshCheckInterval > 0:
		interval = c.RefreshCheckInterval
	}
	return &snapshots.LeaseTerms{Identity: a.rt.o.Instance, Process: a.rt.process, Duration: snapshots.LeaseDuration(interval)}
}

// leased tells of a lease that came to this replica.
func (a *actor) leased(h snapshots.Held) {
	switch {
	case h.From != "":
		a.emit(api.Info, "snapshot", fmt.Sprintf("this replica (%s) writes the snapshots from now on, in place of %s (lease generation %d)", a.rt.o.Instance, h.From, h.Generation))
	case h.Shared && !a.shared.Swap(true):
		a.emit(api.Warn, "snapshot", fmt.Sprintf("another process is called %s too, so that both write snapshots; give each replica a SPICE_INSTANCE_ID of its own", a.rt.o.Instance))
	}
}

// stands records whether another replica writes.
func (a *actor) stands(why string) {
	if why != "" && a.st.Snapshots.Standby == "" {
		a.emit(api.Info, "snapshot", why)
	}
	a.st.Snapshots.Standby = why
}

// releaseTimeout bounds what the end of the process waits for.
const releaseTimeout = 2 * time.Second

// release has another replica go on at once when this one ends, or writes no snapshots any more.
func (a *actor) release() {
	if a.rt.snaps == nil || a.rt.life.Err() == nil && !a.leaves.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), releaseTimeout)
	defer cancel()
	if err := errors.Join(a.rt.snaps.Release(ctx, a.cfg().Name), a.rt.snaps.ReleasePartitions(ctx, a.cfg().Name)); err != nil {
		a.emit(api.Info, "snapshot", err.Error())
	}
}
