package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/snapshots"
	"pitwall/snapshots/metadata"
)

// byPartition tells whether a dataset is stored partition by partition: every partition has snapshots, a current one
// and a lease of its own, and what belongs together is one set (spec acceleration-snapshots section 7).
func byPartition(cfg *config.Dataset) bool { return cfg.Acceleration.SnapshotsBy == config.ByPartition }

// stored lists the snapshots of a dataset, newest first: its sets, where it is stored by partition and has any.
func (r *Runtime) stored(ctx context.Context, cfg *config.Dataset) ([]snapshots.Snapshot, error) {
	if byPartition(cfg) {
		if sets, err := r.snaps.Sets(ctx, cfg.Name, string(cfg.Acceleration.Engine)); err != nil || len(sets) > 0 {
			return sets, err
		}
	}
	return r.snaps.List(ctx, cfg.Name)
}

// storedOf is stored of an actor's dataset; a may be nil.
func (r *Runtime) storedOf(ctx context.Context, dataset string, a *actor) ([]snapshots.Snapshot, error) {
	if a == nil {
		return r.snaps.List(ctx, dataset)
	}
	return r.stored(ctx, a.cfg())
}

// inSets tells whether the snapshots that are listed are sets.
func (a *actor) inSets(ctx context.Context) bool {
	if !byPartition(a.cfg()) {
		return false
	}
	sets, err := a.rt.snaps.Sets(ctx, a.cfg().Name, a.opener.Name())
	return err == nil && len(sets) > 0
}

// createSet stores the partitions that changed.
func (a *actor) createSet(t *transferJob, cfg *config.Dataset, file engines.FileEngine, q snapshotRequest, changed time.Time, tmp string) (snapshots.Snapshot, error) {
	eng, ok := file.(engines.PartitionedEngine)
	if !ok {
		return snapshots.Snapshot{}, &settingError{string(cfg.Acceleration.Engine) + " has no partitions", "use engine: cayenne, or snapshots_by: dataset"}
	}
	p, err := eng.Pin(t.ctx)
	if err != nil {
		return snapshots.Snapshot{}, localFault("copy", err)
	}
	defer p.Release()
	cp, err := json.Marshal(p.Checkpoint())
	if err != nil {
		return snapshots.Snapshot{}, err
	}
	r := snapshots.SetRequest{Checkpoint: cp, CreateRequest: snapshots.CreateRequest{
		Dataset: cfg.Name, Engine: a.opener.Name(), Extension: a.opener.Extension(), LastUpdated: changed, Force: q.force,
		Incremental: cfg.Acceleration.SnapshotsUpload == config.UploadIncremental && !q.full, FullEvery: int(cfg.Acceleration.SnapshotsFullEvery),
		Lease: a.lease(), Leased: a.leased,
		Progress: func(phase string, done, total int64) { t.at(phase, done, total, 0) },
	}}
	for i, x := range p.Partitions() {
		r.Parts = append(r.Parts, snapshots.Part{Path: x.Path, Version: x.Version, Rows: x.Rows, Bytes: x.Bytes,
			Export: func(ctx context.Context) (snapshots.Copy, error) {
				at := fmt.Sprintf("%s.%d.tmp", tmp, i)
				e, err := p.Export(ctx, x.Path, at)
				if err != nil {
					return snapshots.Copy{}, localFault("copy", err)
				}
				return snapshots.Copy{Path: at, Rows: e.Rows, Schema: e.Schema}, nil
			}})
	}
	if len(r.Parts) == 0 {
		return snapshots.Snapshot{}, &snapshots.Error{Op: "create snapshot of", Dataset: cfg.Name, Kind: snapshots.Unchanged, Err: errors.New("there are no rows, and so no partitions")}
	}
	done, err := a.rt.snaps.CreateSet(t.ctx, r)
	if err == nil {
		a.emit(api.Info, "snapshot", fmt.Sprintf("set %d: %d of %d partitions changed and were stored", done.Set.ID, done.Written, done.Set.Partitions))
	}
	return done.Set, err
}

// loadStored loads a snapshot: a set where there are any, else one of the whole dataset.
func (a *actor) loadStored(ctx context.Context, file engines.FileEngine, rows *int64, r snapshots.BootstrapRequest) (snapshots.Bootstrapped, error) {
	eng, ok := file.(engines.PartitionedEngine)
	if !ok || !byPartition(a.cfg()) {
		return a.rt.snaps.Bootstrap(ctx, r)
	}
	b, err := a.rt.snaps.BootstrapSet(ctx, snapshots.LoadRequest{BootstrapRequest: r, Damaged: a.damagedPart(ctx),
		InstallSet: func(ctx context.Context, files []string, _ snapshots.Snapshot, checkpoint []byte) error {
			info, err := a.installSet(ctx, eng, files, checkpoint)
			*rows = info.Rows
			return err
		}})
	if errors.Is(err, snapshots.ErrNone) {
		return a.rt.snaps.Bootstrap(ctx, r)
	}
	return b, err
}

// installSet makes verified downloads of all partitions the local data.
func (a *actor) installSet(ctx context.Context, eng engines.PartitionedEngine, files []string, checkpoint []byte) (engines.Info, error) {
	var cp engines.Checkpoint
	if err := json.Unmarshal(checkpoint, &cp); err != nil {
		return engines.Info{}, &snapshots.Error{Op: "open", Kind: snapshots.Corrupt, Err: fmt.Errorf("the checkpoint of the set: %w", err)}
	}
	info, _, err := a.opener.Check(ctx, files[0], a.cfg().Name)
	if err == nil && a.cfg().TimeColumn != "" {
		err = timeAxis{a.cfg().TimeColumn, a.cfg().TimeFormat}.check(info.Schema, "time_column")
	}
	if err == nil {
		err = a.fits(ctx, eng, info)
	}
	if err == nil {
		info, err = eng.AdoptPartitions(ctx, files, cp)
	}
	if err != nil && ctx.Err() != nil {
		return info, ctx.Err()
	}
	if err != nil {
		return info, refused("open", err)
	}
	return info, nil
}

// damagedPart notes in the store that a snapshot of a partition can't be loaded, so that the next set has another one.
func (a *actor) damagedPart(ctx context.Context) func(key string, id uint64, err error) {
	return func(key string, id uint64, err error) {
		if a.rt.o.ReadOnly || ctx.Err() != nil {
			return
		}
		c := snapshots.Check{At: time.Now(), Result: string(api.VerifyFailed), Detail: a.rt.redact(err.Error())}
		if snapshots.KindOf(err) == snapshots.Missing {
			c.Result = string(api.VerifyGone)
		}
		if err := a.rt.snaps.Note(ctx, key, id, c); err != nil {
			a.emit(api.Warn, "snapshot", "only this process knows the result: "+err.Error())
		}
	}
}

// verifySet reads the snapshots of a set.
func (a *actor) verifySet(t *transferJob, id uint64) (string, error) {
	err := a.rt.snaps.VerifySet(t.ctx, a.cfg().Name, id, a.damagedPart(t.ctx), func(done, total int64) { t.at("verify", done, total, id) })
	if e := (*snapshots.Error)(nil); errors.As(err, &e) {
		a.found(e)
	} else if err == nil {
		a.check(id, api.Verification{State: api.VerifiedSum, At: time.Now()})
	}
	if !a.rt.o.ReadOnly {
		a.note(t.ctx, id)
	}
	return fmt.Sprintf("set %d is sound: size and SHA-256 of the snapshots of its partitions are those recorded", id), err
}

// collectSets removes older snapshots of every partition; those that a set names stay. It returns what was done, and
// whether anything was.
func (a *actor) collectSets(ctx context.Context, rule config.Retain, dry bool) (text string, any bool, err error) {
	used, err := a.rt.snaps.SetPaths(ctx, a.cfg().Name)
	if err != nil {
		return "", false, err
	}
	var kept, removed, deleted int
	for path, inUse := range used {
		c := collection(metadata.PartitionKey(a.cfg().Name, path), rule, dry)
		c.InUse = inUse
		done, err := a.rt.snaps.Collect(ctx, c)
		if err != nil {
			return "", false, err
		}
		kept, removed, deleted = kept+len(done.Kept), removed+len(done.Removed), deleted+done.Deleted
	}
	text = fmt.Sprintf("of %d partitions: %d kept, %d removed; %d objects deleted", len(used), kept, removed, deleted)
	if dry {
		text = "dry run: " + text
	}
	return text, removed+deleted > 0, nil
}
