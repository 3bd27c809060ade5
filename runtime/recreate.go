package runtime

import (
	"errors"
	"fmt"
	"os"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// The modes file_create and file_update (spec acceleration-snapshots 4.6): the local file is made anew at every
// start, or when the columns of the source changed; what it held is in the snapshot store first, where snapshots
// are written at all.

// beforeRecreation is the trigger of the snapshot before a recreation.
const beforeRecreation = "recreate"

// createsAnew tells whether the dataset begins with nothing, not even a snapshot: its source gives all rows again.
func createsAnew(c config.Acceleration) bool {
	return c.Mode == config.ModeFileCreate && (c.RefreshMode == config.RefreshFull || c.RefreshMode == config.RefreshCaching)
}

// recreate removes the local file at the start. A file whose snapshot could not be written stays, and is used.
func (a *actor) recreate(o engines.Options, move *transferJob) {
	if a.cfg().Acceleration.Mode != config.ModeFileCreate || a.rt.o.ReadOnly {
		return
	}
	if _, err := os.Stat(a.file); err != nil || a.inUse(o) {
		return
	}
	if a.creates() == "" {
		if err := a.saveBefore(o, move); err != nil {
			a.emit(api.Warn, "runtime", "mode: file_create keeps the local file this time: the snapshot before its recreation failed: "+err.Error())
			return
		}
	}
	var errs []error
	for _, s := range append([]string{""}, sidecars...) {
		if err := os.RemoveAll(a.file + s); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		a.emit(api.Warn, "runtime", "mode: file_create: "+err.Error())
		return
	}
	a.emit(api.Info, "runtime", "mode: file_create: the local file was removed, it is made anew")
}

// inUse tells whether another process has the local file open: it must not lose it. To open it will fail for that.
func (a *actor) inUse(o engines.Options) bool {
	eng, err := a.opener.Open(a.ctx, o)
	if err != nil {
		return engines.KindOf(err) == engines.Locked
	}
	_ = eng.Close() // the file is about to go
	return false
}

// saveBefore writes a snapshot of what the local file holds, unless the store has it already.
func (a *actor) saveBefore(o engines.Options, move *transferJob) (err error) {
	eng, err := a.opener.Open(a.ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, eng.Close()) }()
	info, err := eng.Info(a.ctx)
	if err != nil || info.Schema == nil {
		return err
	}
	file, ok := eng.(engines.FileEngine)
	if !ok {
		return nil
	}
	cp, err := eng.Checkpoint(a.ctx)
	if err != nil {
		return err
	}
	var changed time.Time
	if cp != nil {
		changed = cp.UpdatedAt
	}
	s, err := a.createSnapshot(move, a.cfg(), file, snapshotRequest{trigger: beforeRecreation}, changed, info.Rows)
	switch snapshots.KindOf(err) {
	case snapshots.Unchanged, snapshots.Standby: // the store has it, or another replica sees to that
		return nil
	}
	if err == nil {
		a.emit(api.Info, "snapshot", fmt.Sprintf("snapshot %d written before the local file is made anew", s.ID))
	}
	return err
}

// outgrown begins the recreation of a dataset whose source has other columns now; false when that is not what the
// refresh failed for, or not wanted.
func (a *actor) outgrown(err error) bool {
	if a.cfg().Acceleration.Mode != config.ModeFileUpdate || engines.KindOf(err) != engines.Schema || a.stale {
		return false
	}
	if a.creates() == "" && a.ready {
		a.emit(api.Info, "runtime", "mode: file_update: the columns of the source changed; a snapshot comes first, then the local file is made anew")
		a.beginSnapshot(snapshotRequest{trigger: beforeRecreation})
		return true
	}
	a.outgrow()
	return true
}

// outgrow loads the dataset anew, with whatever columns the source has.
func (a *actor) outgrow() {
	a.emit(api.Info, "runtime", "mode: file_update: the local file is made anew with the columns of the source")
	a.acceptSchema, a.stale = true, true
	a.begin(request{trigger: "reload"})
}
