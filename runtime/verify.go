package runtime

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// beginVerify reads a stored snapshot and checks it: its bytes, and that the engine opens it and finds the
// recorded rows.
func (a *actor) beginVerify(id api.CommandID, snapshot uint64) {
	if a.move != nil { // one after the other, behind what runs
		a.steers = append(a.steers, command{id, api.VerifySnapshot{Dataset: a.cfg().Name, SnapshotID: snapshot}})
		return
	}
	a.transfer("verify", id, func(t *transferJob) func(*actor) {
		text, err := a.verify(t, snapshot)
		return func(a *actor) {
			if err != nil {
				f := a.explain(err)
				a.emit(api.ErrorLevel, "snapshot", f.Message, hintField(f.Hint)...)
				a.rt.finish(id, api.TaskFailed, f.Message)
				return
			}
			a.rt.finish(id, api.TaskDone, text)
		}
	})
}

func (a *actor) verify(t *transferJob, id uint64) (string, error) {
	name := a.cfg().Name
	t.at("check", 0, 0, id)
	if sets, err := a.inSets(t.ctx); err != nil {
		return "", err
	} else if sets {
		return a.verifySet(t, id)
	}
	text := fmt.Sprintf("snapshot %d is sound: size and SHA-256 are those recorded, %s opens it and finds its rows", id, a.opener.Name())
	_, err := a.rt.snaps.Bootstrap(t.ctx, snapshots.BootstrapRequest{Dataset: name, Engine: a.opener.Name(), ID: &id, Dir: filepath.Dir(a.file),
		Install: func(ctx context.Context, file string, s snapshots.Snapshot) error {
			t.at("open", s.Bytes, s.Bytes, id)
			_, err := a.inspect(ctx, file, s)
			if err != nil && ctx.Err() == nil {
				err = refused("open", err)
			}
			return err
		},
		Progress: func(_ snapshots.Snapshot, phase string, done, total int64) { t.at(phase, done, total, id) },
	})
	if snapshots.KindOf(err) == snapshots.WrongEngine {
		text = fmt.Sprintf("size and SHA-256 of snapshot %d are those recorded; it is of another engine and was not opened", id)
		err = a.rt.snaps.Verify(t.ctx, name, id, func(done, total int64) { t.at("verify", done, total, id) })
	}
	if e := (*snapshots.Error)(nil); errors.As(err, &e) {
		a.found(e)
	} else if err == nil {
		a.check(id, api.Verification{State: api.VerifiedSum, At: time.Now()})
	}
	if !a.rt.o.ReadOnly {
		a.note(t.ctx, id)
	}
	return text, err
}

// note keeps in the store what is known of a snapshot.
func (a *actor) note(ctx context.Context, id uint64) {
	v := a.verified(id)
	if v.State == api.Unverified || ctx.Err() != nil {
		return
	}
	err := a.rt.snaps.Note(ctx, a.cfg().Name, id, snapshots.Check{At: v.At, Result: string(v.State), Detail: v.Detail})
	if err != nil {
		a.emit(api.Warn, "snapshot", "only this process knows the result: "+err.Error())
	}
}

// inspect opens a downloaded snapshot and compares what it holds with its record.
func (a *actor) inspect(ctx context.Context, file string, s snapshots.Snapshot) (engines.Info, error) {
	info, _, err := a.opener.Check(ctx, file, a.cfg().Name)
	if err == nil && s.Rows >= 0 && info.Rows != s.Rows {
		err = &engines.Error{Op: "check", Dataset: a.cfg().Name, Kind: engines.Corrupt,
			Err: fmt.Errorf("it holds %d rows, recorded are %d", info.Rows, s.Rows)}
	}
	return info, err
}

// refused says what a fault of the engine means for the choice of a snapshot.
func refused(op string, err error) error {
	kind := snapshots.LocalFailed // for a reason that no other snapshot cures
	switch {
	case errors.As(err, new(*settingError)):
		kind = snapshots.WrongSchema
	case engines.KindOf(err) == engines.Corrupt, engines.KindOf(err) == engines.NotFound:
		kind = snapshots.Corrupt
	case engines.KindOf(err) == engines.DiskFull:
		kind = snapshots.DiskFull
	}
	return &snapshots.Error{Op: op, Kind: kind, Err: err}
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

// verified returns what is known of a snapshot.
func (a *actor) verified(id uint64) api.Verification {
	a.checksMu.Lock()
	defer a.checksMu.Unlock()
	return a.checks[id]
}
