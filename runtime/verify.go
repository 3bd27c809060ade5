package runtime

import (
	"errors"
	"fmt"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// beginVerify reads a stored snapshot and checks its bytes.
func (a *actor) beginVerify(id api.CommandID, snapshot uint64) {
	if a.move != nil { // one after the other, behind what runs
		a.verifies = append(a.verifies, command{id, api.VerifySnapshot{Dataset: a.cfg().Name, SnapshotID: snapshot}})
		return
	}
	a.transfer("verify", id, func(t *transferJob) func(*actor) {
		err := a.rt.snaps.Verify(t.ctx, a.cfg().Name, snapshot, func(done, total int64) { t.at("verify", done, total, snapshot) })
		if e := (*snapshots.Error)(nil); errors.As(err, &e) {
			a.found(e)
		} else if err == nil {
			a.check(snapshot, api.Verification{State: api.VerifiedSum, At: time.Now()})
		}
		return func(a *actor) {
			if err != nil {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "snapshot", f.Message, hintField(f.Hint)...)
				a.rt.finish(id, api.TaskFailed, f.Message)
				return
			}
			a.rt.finish(id, api.TaskDone, fmt.Sprintf("snapshot %d is sound: size and SHA-256 are those recorded", snapshot))
		}
	})
}

// found remembers what a fault says of a stored snapshot: that it is damaged or gone.
func (a *actor) found(e *snapshots.Error) {
	if e.Snapshot == nil {
		return
	}
	v := api.Verification{At: time.Now(), Detail: a.rt.redact(e.Error())}
	switch e.Kind {
	case snapshots.Missing:
		v.State = api.VerifyGone
	case snapshots.Corrupt:
		v.State = api.VerifyFailed
	default: // it says nothing of the snapshot
		return
	}
	a.check(*e.Snapshot, v)
}

// check remembers the result of a verification.
func (a *actor) check(id uint64, v api.Verification) {
	a.checksMu.Lock()
	defer a.checksMu.Unlock()
	a.checks[id] = v
}

// setCurrent moves the pointer of the store.
func (a *actor) setCurrent(id api.CommandID, snapshot uint64) {
	if a.move != nil {
		a.verifies = append(a.verifies, command{id, api.SetCurrent{Dataset: a.cfg().Name, SnapshotID: snapshot}})
		return
	}
	a.transfer("set current", id, func(t *transferJob) func(*actor) {
		err := a.rt.snaps.SetCurrent(t.ctx, a.cfg().Name, snapshot)
		return func(a *actor) {
			if err != nil {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "snapshot", f.Message, hintField(f.Hint)...)
				a.rt.finish(id, api.TaskFailed, f.Message)
				return
			}
			text := fmt.Sprintf("snapshot %d is current: new replicas load it, and readers that follow, until the next one is written", snapshot)
			a.emit(api.Info, "snapshot", text)
			a.rt.finish(id, api.TaskDone, text)
		}
	})
}
