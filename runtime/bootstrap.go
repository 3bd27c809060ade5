package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
	"pitwall/snapshots"
)

// bootJob asks for a bootstrap from a chosen snapshot.
type bootJob struct {
	snapshot uint64
	hold     bool
	id       api.CommandID
}

// beginBootstrap loads a chosen snapshot, after a running refresh was cancelled. Readers keep the old
// data until the swap.
func (a *actor) beginBootstrap(b bootJob) {
	if why := a.bootstraps(); why != "" {
		a.rt.finish(b.id, api.TaskFailed, why)
		return
	}
	if a.boot != nil {
		a.rt.finish(a.boot.id, api.TaskCancelled, "another bootstrap takes its place")
		a.boot = nil
	}
	if a.run != nil || a.move != nil || a.eng == nil || a.stream.busy() {
		a.boot = &b
		a.endStream(errForBoot)
		if a.run != nil {
			a.run.cancel(errForBoot)
		}
		a.openNow()
		return
	}
	wasDue, at := a.dueFor, a.dueAt
	a.disarm()
	if a.pending != nil {
		a.rt.finish(a.pending.id, api.TaskCancelled, "a bootstrap takes its place")
		a.pending, wasDue = nil, dueNothing
	}
	a.st.Retry = nil
	eng := a.eng
	a.transfer("bootstrap", b.id, func(t *transferJob) func(*actor) {
		keep := func() {}
		if file, ok := eng.(engines.FileEngine); ok {
			var discard func()
			keep, discard = a.keepUndo(t.ctx, file, t)
			defer discard()
		}
		boot, err := a.bootstrap(t.ctx, eng, &b.snapshot, t)
		if err == nil {
			keep()
		}
		var info engines.Info
		if err == nil {
			info, err = eng.Info(t.ctx)
		}
		var cp *engines.Checkpoint
		if err == nil {
			cp, err = eng.Checkpoint(t.ctx)
		}
		return func(a *actor) {
			a.bootstrapDone(b, boot, info, cp, err)
			if b.hold && err == nil {
				if !a.st.Held {
					a.hold(true)
				}
				return
			}
			switch {
			case a.streams():
				a.beginStream()
			case a.dueFor != dueNothing || a.st.Held || a.next != nil:
			case wasDue != dueNothing:
				a.arm(dueInterval, max(0, time.Until(at)))
			default: // it interrupted a refresh, which had no next one planned yet
				a.armInterval(time.Now())
			}
		}
	})
}

func (a *actor) bootstrapDone(b bootJob, boot *api.Bootstrap, info engines.Info, cp *engines.Checkpoint, err error) {
	if err != nil {
		f := a.explain(err)
		if f.Canceled {
			a.rt.finish(b.id, api.TaskCancelled, "the dataset was stopped")
			return
		}
		a.st.Snapshots.Failures++
		a.st.Snapshots.LastErr = f.Message
		a.emit(api.ErrorLevel, "bootstrap", f.Message+"; the old data goes on serving", hintField(f.Hint)...)
		a.rt.finish(b.id, api.TaskFailed, f.Message)
		return
	}
	a.replaced(info, cp)
	a.st.Snapshots.Booted = boot
	a.loaded = &boot.ID
	a.findUndo()
	a.rt.finish(b.id, api.TaskDone, fmt.Sprintf("loaded snapshot %d, %d rows in %s", boot.ID, boot.Rows, boot.Duration.Round(time.Millisecond)))
}

// replaced records that other data took the place of what was there.
func (a *actor) replaced(info engines.Info, cp *engines.Checkpoint) {
	a.st.RowsDelta = info.Rows - a.st.Rows
	a.took(info)
	a.ready, a.st.Err, a.st.Hint, a.st.FailingSince, a.attempt = true, "", "", time.Time{}, 0
	a.st.Snapshots.LastErr = ""
	if cp != nil {
		a.changedAt, a.st.LastRefresh = cp.UpdatedAt, cp.UpdatedAt
	}
	// What is known of the source is as old as the snapshot: what came later has to be read again.
	a.known = ownStateOf(cp)
	if a.streams() {
		a.openedStream(true)
		return
	}
	if !a.follows() && outdated(cp, a.fingerprint(a.refreshSQL()), a.refreshSQL()) {
		a.acceptSchema, a.stale = true, true
	}
}

// bootRetries bounds the re-tries of faults that time may cure, where the behaviour is not retry.
const bootRetries = 3

// bootstrap loads a snapshot into the engine: the chosen one, or what the configured behaviour gives.
func (a *actor) bootstrap(ctx context.Context, eng engines.Engine, id *uint64, t *transferJob) (*api.Bootstrap, error) {
	file, ok := eng.(engines.FileEngine)
	if !ok {
		return nil, &settingError{string(a.cfg().Acceleration.Engine) + " can't be loaded from a snapshot", ""}
	}
	began := time.Now()
	behaviour := snapshots.OnFailure(a.rt.o.Config.Snapshots.BootstrapOnFailureBehavior)
	var rows int64
	var rejected []string
	b, err := a.loadStored(ctx, file, &rows, snapshots.BootstrapRequest{
		Dataset: a.cfg().Name, Engine: a.opener.Name(), ID: id, OnFailure: behaviour, Dir: filepath.Dir(a.file),
		Install: func(ctx context.Context, tmp string, s snapshots.Snapshot) error {
			t.at("open", s.Bytes, s.Bytes, s.ID)
			info, err := a.install(ctx, file, tmp, s)
			rows = info.Rows
			return err
		},
		Wait: func(ctx context.Context, n int, cause error) error {
			if (id != nil || behaviour != snapshots.Retry) && n > bootRetries {
				return cause
			}
			wait := a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Backoff(n, r) })
			a.emit(api.Warn, "bootstrap", fmt.Sprintf("%v; retrying in %s", cause, wait.Round(100*time.Millisecond)))
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
				return nil
			}
		},
		Progress: func(s snapshots.Snapshot, phase string, done, total int64) { t.at(phase, done, total, s.ID) },
	})
	for _, r := range b.Rejected {
		a.bootFailed(r)
		rejected = append(rejected, a.rt.redact(r.Error()))
		a.found(r)
		if r.Snapshot != nil && a.creates() == "" { // so that the next one is written, also of the same rows
			a.note(ctx, *r.Snapshot)
		}
		if err == nil {
			a.emit(api.Warn, "bootstrap", r.Error()+"; trying the next older one", hintField(r.Hint)...)
		}
	}
	if err != nil {
		if len(b.Rejected) == 0 { // otherwise it is the last of them
			a.bootFailed(err)
		}
		return nil, err
	}
	took := time.Since(began)
	a.boots.Add(1)
	a.bootTime.Add(int64(took))
	a.resetExpiry(time.Now())
	a.noteLoaded(context.WithoutCancel(ctx), eng, b.Snapshot.ID)
	a.emit(api.Info, "bootstrap", fmt.Sprintf("loaded snapshot %d, %d rows in %s", b.Snapshot.ID, rows, took.Round(time.Millisecond)),
		api.Field{Key: "sha256", Value: b.Snapshot.Checksum}, api.Field{Key: "bytes", Value: fmt.Sprint(b.Snapshot.Bytes)})
	a.check(b.Snapshot.ID, api.Verification{State: api.VerifiedSum, At: time.Now()})
	return &api.Bootstrap{ID: b.Snapshot.ID, Checksum: b.Snapshot.Checksum, Bytes: b.Snapshot.Bytes, Rows: rows,
		At: time.Now(), Duration: took, Rejected: slices.Clip(rejected)}, nil
}

// bootFailed counts a snapshot that could not be loaded, by the kind of the fault.
func (a *actor) bootFailed(err error) {
	kind := snapshots.KindOf(err)
	if errors.Is(err, snapshots.ErrNone) || errors.Is(err, context.Canceled) || kind == snapshots.Canceled {
		return
	}
	if kind == "" {
		kind = snapshots.LocalFailed
	}
	a.checksMu.Lock()
	defer a.checksMu.Unlock()
	if a.bootFaults == nil {
		a.bootFaults = map[string]int64{}
	}
	a.bootFaults[strings.ReplaceAll(string(kind), " ", "_")]++
}

// install makes a verified download the local data.
func (a *actor) install(ctx context.Context, file engines.FileEngine, tmp string, s snapshots.Snapshot) (engines.Info, error) {
	info, err := a.inspect(ctx, tmp, s)
	if err == nil && a.cfg().TimeColumn != "" {
		err = timeAxis{a.cfg().TimeColumn, a.cfg().TimeFormat}.check(info.Schema, "time_column")
	}
	if err == nil {
		err = a.fits(ctx, file, info)
	}
	if err != nil {
		if ctx.Err() != nil {
			return info, ctx.Err()
		}
		return info, refused("open", err)
	}
	if info, err = file.Adopt(ctx, tmp); err != nil {
		return info, localFault("install", err)
	}
	return info, nil
}
