package runtime

import (
	"fmt"
	"time"

	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// beginVerify reads a stored snapshot and checks its bytes.
func (a *actor) beginVerify(id api.CommandID, snapshot uint64) {
	if a.move != nil {
		a.rt.finish(id, api.TaskFailed, "a "+a.move.kind+" is running")
		return
	}
	a.transfer("verify", id, func(t *transferJob) func(*actor) {
		err := a.rt.snaps.Verify(t.ctx, a.cfg().Name, snapshot, func(done, total int64) { t.at("verify", done, total, snapshot) })
		v := api.Verification{State: api.VerifiedSum, At: time.Now()}
		if err != nil {
			v = api.Verification{State: api.VerifyFailed, At: time.Now(), Detail: err.Error()}
			switch snapshots.KindOf(err) {
			case snapshots.Missing:
				v.State = api.VerifyGone
			case snapshots.Corrupt:
			default:
				v.State = api.Unverified
			}
		}
		a.check(snapshot, v)
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

// check remembers the result of a verification.
func (a *actor) check(id uint64, v api.Verification) {
	a.checksMu.Lock()
	defer a.checksMu.Unlock()
	a.checks[id] = v
}
