package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/snapshots"
)

// snapshotRequest asks for a snapshot.
type snapshotRequest struct {
	trigger string
	force   bool
	full    bool // not incremental
	id      api.CommandID
}

// beginSnapshot writes a snapshot. Behind a running transfer it waits; of several that wait, one is
// enough, because it will hold what is there when it begins.
func (a *actor) beginSnapshot(q snapshotRequest) {
	if why := a.creates(); why != "" {
		a.rt.finish(q.id, api.TaskFailed, why)
		if q.trigger == beforeRecreation { // the spicepod was changed while it waited
			a.outgrow()
		}
		return
	}
	if a.move != nil {
		if w := a.wantSnapshot; w != nil {
			q.force, q.full = q.force || w.force, q.full || w.full
			if w.trigger == beforeRecreation {
				q.trigger = w.trigger
			}
			a.rt.finish(w.id, api.TaskCancelled, "another snapshot takes its place")
		}
		a.wantSnapshot = &q
		return
	}
	file, ok := a.eng.(engines.FileEngine)
	if !ok || !a.ready {
		a.rt.finish(q.id, api.TaskFailed, "the dataset has no data yet")
		return
	}
	cfg, changed, rows := a.cfg(), a.changedAt, a.st.Rows
	a.transfer("snapshot", q.id, func(t *transferJob) func(*actor) {
		s, err := a.createSnapshot(t, cfg, file, q, changed, rows)
		took := time.Since(t.started)
		if err == nil {
			a.retained(t)
		}
		return func(a *actor) { a.snapshotDone(q, s, err, t.started, took) }
	})
}

func (a *actor) createSnapshot(t *transferJob, cfg *config.Dataset, file engines.FileEngine, q snapshotRequest, changed time.Time, rows int64) (snapshots.Snapshot, error) {
	tmp := filepath.Join(filepath.Dir(a.file), fmt.Sprintf(".%s.%d.export.tmp", fileName(cfg.Name), t.started.UnixNano()))
	if byPartition(cfg) {
		return a.createSet(t, cfg, file, q, tmp)
	}
	defer os.Remove(tmp)
	var content *contentOf // nil when the policy does not ask
	if cfg.Acceleration.SnapshotsCreationPolicy == config.PolicyOnChange {
		content = &contentOf{eng: file, seen: &a.content, changed: changed}
	}
	every := int(cfg.Acceleration.SnapshotsFullEvery)
	if q.full {
		every = 1
	}
	return a.rt.snaps.Create(t.ctx, snapshots.CreateRequest{
		Dataset: cfg.Name, Engine: a.opener.Name(), Extension: a.opener.Extension(), LastUpdated: changed, Force: q.force, Rows: rows,
		Content:     content.now,
		Incremental: cfg.Acceleration.SnapshotsUpload == config.UploadIncremental, FullEvery: every,
		Lease: a.lease(), Leased: a.leased,
		Export: func(ctx context.Context) (snapshots.Copy, error) {
			// What full refreshes leave is often the same; of what grows, the number of rows tells.
			known, err := content.before(ctx, cfg.Acceleration.RefreshMode == config.RefreshFull)
			if err != nil {
				return snapshots.Copy{}, err
			}
			e, err := file.Export(ctx, tmp, cfg.Acceleration.SnapshotsCompaction)
			if err != nil {
				return snapshots.Copy{}, localFault("copy", err)
			}
			return snapshots.Copy{Path: tmp, Rows: e.Rows, Schema: e.Schema, Content: content.after(ctx, known, e.Rows)}, nil
		},
		Progress: func(phase string, done, total int64) { t.at(phase, done, total, 0) },
	})
}

func (a *actor) snapshotDone(q snapshotRequest, s snapshots.Snapshot, err error, started time.Time, took time.Duration) {
	if snapshots.KindOf(err) == snapshots.Standby {
		f := a.explain(err)
		a.stands(f.Message + "; " + f.Hint)
		a.rt.finish(q.id, api.TaskFailed, f.Message+"; "+f.Hint)
		if q.trigger == beforeRecreation { // the writer's snapshots are what others load
			a.outgrow()
		}
		return
	}
	a.stands("")
	at := api.SnapshotAttempt{Trigger: q.trigger, At: started, Duration: took}
	switch {
	case err == nil:
		at.Outcome, at.ID, at.Bytes, at.Checksum = api.Succeeded, s.ID, s.Stored, s.Checksum
		a.st.Snapshots.LastErr = ""
		what := "snapshot"
		if s.Incremental {
			what = "incremental snapshot"
		}
		text := fmt.Sprintf("%s %d written, %d bytes in %s", what, s.ID, s.Stored, took.Round(time.Millisecond))
		if s.Partitions > 0 {
			text += fmt.Sprintf(", of %d partitions", s.Partitions)
		}
		sum := "sha256"
		if s.Incremental || s.Partitions > 0 {
			sum = "checksum"
		}
		a.emit(api.Info, "snapshot", text, api.Field{Key: sum, Value: s.Checksum}, api.Field{Key: "uri", Value: s.URI},
			api.Field{Key: "rows", Value: fmt.Sprint(s.Rows)}, api.Field{Key: "trigger", Value: q.trigger})
		a.rt.finish(q.id, api.TaskDone, text)
	case snapshots.KindOf(err) == snapshots.Unchanged:
		at.Outcome = api.Skipped
		a.emit(api.Info, "snapshot", "snapshot skipped: "+err.Error(), api.Field{Key: "trigger", Value: q.trigger})
		a.rt.finish(q.id, api.TaskDone, "skipped: nothing changed")
	default:
		f := a.explain(err)
		at.Outcome, at.Err, at.Hint = api.Failed, f.Message, f.Hint
		if f.Canceled {
			at.Outcome, at.Err = api.Cancelled, ""
			a.rt.finish(q.id, api.TaskCancelled, "the dataset was stopped")
			break
		}
		a.st.Snapshots.Failures++
		a.st.Snapshots.LastErr = f.Message
		a.emit(api.ErrorLevel, "snapshot", f.Message, hintField(f.Hint)...)
		a.rt.finish(q.id, api.TaskFailed, f.Message)
	}
	if q.trigger == beforeRecreation {
		if at.Outcome == api.Succeeded || at.Outcome == api.Skipped {
			a.outgrow()
		} else if a.dueFor == dueNothing {
			a.armInterval(time.Now())
		}
	}
	a.st.Snapshots.Attempts = a.attempts.add(at)
	switch t := &a.st.Snapshots.Totals; at.Outcome {
	case api.Succeeded:
		t.Attempts++
		t.Written = &at
	case api.Skipped:
		t.Attempts++
		t.Skipped++
	case api.Failed:
		t.Attempts++
		t.Failed++
	}
}

// armSnapshots starts the timer of the time_interval trigger: the first snapshot comes at once, or
// one interval after a bootstrap (spec acceleration-snapshots 4.4).
func (a *actor) armSnapshots(booted bool) {
	a.snapTimer.Stop()
	c := a.cfg().Acceleration
	if c.SnapshotsTrigger != config.TriggerTimeInterval || a.creates() != "" || c.SnapshotsInterval <= 0 {
		return
	}
	if booted {
		a.snapTimer.Reset(c.SnapshotsInterval)
		return
	}
	a.snapTimer.Reset(0)
}

// waitForData is how soon the interval trigger looks again while the dataset has no data.
const waitForData = time.Second

func (a *actor) snapshotDue() {
	if a.creates() != "" {
		return
	}
	if !a.ready {
		a.snapTimer.Reset(waitForData)
		return
	}
	c := a.cfg().Acceleration
	a.snapTimer.Reset(c.SnapshotsInterval)
	a.beginSnapshot(snapshotRequest{trigger: "time_interval", force: c.SnapshotsCreationPolicy == config.PolicyAlways})
}
