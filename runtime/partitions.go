package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/engines/schemajson"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// byPartition tells whether a dataset is stored partition by partition: every partition has snapshots, a current one
// and a lease of its own, and what belongs together is one set (spec acceleration-snapshots section 7).
func byPartition(cfg *config.Dataset) bool { return cfg.Acceleration.SnapshotsBy == config.ByPartition }

// stored lists the snapshots of a dataset, newest first: sets of partitions, where the newest one is such.
func (r *Runtime) stored(ctx context.Context, cfg *config.Dataset) ([]snapshots.Snapshot, error) {
	list, _, err := r.snaps.Stored(ctx, cfg.Name)
	return list, err
}

// storedOf is stored of an actor's dataset; a may be nil.
func (r *Runtime) storedOf(ctx context.Context, dataset string, a *actor) ([]snapshots.Snapshot, error) {
	if a == nil {
		return r.snaps.List(ctx, dataset)
	}
	return r.stored(ctx, a.cfg())
}

// inSets tells whether the snapshots that are listed are sets.
func (a *actor) inSets(ctx context.Context) (bool, error) {
	_, sets, err := a.rt.snaps.Stored(ctx, a.cfg().Name)
	return sets, err
}

// createSet stores the partitions that changed.
func (a *actor) createSet(t *transferJob, cfg *config.Dataset, file engines.FileEngine, q snapshotRequest, tmp string) (snapshots.Snapshot, error) {
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
		Dataset: cfg.Name, Engine: a.opener.Name(), Extension: a.opener.Extension(), LastUpdated: p.Checkpoint().UpdatedAt, Force: q.force,
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
	done, err := a.rt.snaps.CreateSet(t.ctx, r)
	if err == nil {
		a.emit(api.Info, "snapshot", fmt.Sprintf("set %d: %d of %d partitions changed and were stored", done.Set.ID, done.Written, done.Set.Partitions))
	}
	return done.Set, err
}

// loadStored loads a snapshot of the kind that the newest one is of; to fall back on older ones is to try the other
// kind, too.
func (a *actor) loadStored(ctx context.Context, file engines.FileEngine, rows *int64, r snapshots.BootstrapRequest) (snapshots.Bootstrapped, error) {
	eng, ok := file.(engines.PartitionedEngine)
	if !ok {
		return a.rt.snaps.Bootstrap(ctx, r)
	}
	whole := func() (snapshots.Bootstrapped, error) { return a.rt.snaps.Bootstrap(ctx, r) }
	set := func() (snapshots.Bootstrapped, error) {
		return a.rt.snaps.BootstrapSet(ctx, snapshots.LoadRequest{BootstrapRequest: r, Damaged: a.damagedPart(ctx),
			InstallSet: func(ctx context.Context, files []string, _ snapshots.Snapshot, checkpoint []byte) error {
				info, err := a.installSet(ctx, eng, files, checkpoint)
				*rows = info.Rows
				return err
			}})
	}
	sets, err := a.inSets(ctx)
	for n := 1; err != nil; n++ { // not knowing is no reason to load the older kind
		if k := snapshots.KindOf(err); k != snapshots.Unavailable && k != snapshots.Denied || r.Wait(ctx, n, err) != nil {
			return snapshots.Bootstrapped{}, err
		}
		sets, err = a.inSets(ctx)
	}
	first, other := whole, set
	if sets {
		first, other = set, whole
	}
	b, err := first()
	switch k := snapshots.KindOf(err); {
	case err == nil, ctx.Err() != nil, r.ID != nil, r.OnFailure != snapshots.Fallback, k == snapshots.LocalFailed, k == snapshots.DiskFull:
		return b, err
	}
	c, errOther := other()
	if errors.Is(errOther, snapshots.ErrNone) {
		return b, err
	}
	c.Rejected = append(b.Rejected, c.Rejected...)
	return c, errOther
}

// installSet makes verified downloads of all partitions the local data.
func (a *actor) installSet(ctx context.Context, eng engines.PartitionedEngine, files []string, checkpoint []byte) (engines.Info, error) {
	var cp engines.Checkpoint
	if err := json.Unmarshal(checkpoint, &cp); err != nil {
		return engines.Info{}, &snapshots.Error{Op: "open", Kind: snapshots.Corrupt, Err: fmt.Errorf("the checkpoint of the set: %w", err)}
	}
	if len(files) == 0 {
		return a.installNothing(ctx, eng, cp)
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

// installNothing makes a dataset without rows the local data: a set without partitions.
func (a *actor) installNothing(ctx context.Context, eng engines.Engine, cp engines.Checkpoint) (engines.Info, error) {
	schema, err := schemajson.Unmarshal([]byte(cp.SchemaJSON))
	if err != nil {
		return engines.Info{}, &snapshots.Error{Op: "open", Kind: snapshots.Corrupt, Err: fmt.Errorf("the schema of the set: %w", err)}
	}
	rows, err := array.NewRecordReader(schema, nil)
	if err != nil {
		return engines.Info{}, err
	}
	defer rows.Release()
	_, err = eng.Write(ctx, engines.Write{Mode: engines.Replace, Rows: rows, RefreshSQL: cp.RefreshSQL, At: cp.UpdatedAt, State: cp.State})
	if err != nil {
		return engines.Info{}, localFault("install", err)
	}
	return engines.Info{Schema: schema}, nil
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
	keys, abandoned, err := a.rt.snaps.StoredPartitions(ctx, a.cfg().Name)
	if err != nil {
		return "", false, err
	}
	var kept, removed, deleted int
	for i, key := range append(keys, abandoned...) {
		c := collection(key, rule, dry)
		c.Abandoned = i >= len(keys)
		done, err := a.rt.snaps.Collect(ctx, c)
		if err != nil {
			return "", false, err
		}
		kept, removed, deleted = kept+len(done.Kept), removed+len(done.Removed), deleted+done.Deleted
	}
	text = fmt.Sprintf("of %d partitions: %d kept, %d removed; %d objects deleted", len(keys), kept, removed, deleted)
	if dry {
		text = "dry run: " + text
	}
	return text, removed+deleted > 0, nil
}
