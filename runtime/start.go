package runtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/schedule"
	"pitwall/runtime/shape"
	"pitwall/runtime/source"
	"pitwall/snapshots"
)

// opened is the message of a finished open.
type opened struct {
	eng        engines.Engine
	src        source.Source
	streamer   source.Streamer
	info       engines.Info
	checkpoint *engines.Checkpoint
	booted     *api.Bootstrap
	store      storeLook
	move       *transferJob
	damage     *api.Damage // of the local file
	err        error
}

// open opens the source and the engine beside the actor: first the local file; one that is damaged is
// set aside; one that is not there is loaded from a snapshot where that is configured.
func (a *actor) open() {
	if a.move != nil { // what the store holds is verified or changed: at most one transfer runs
		a.wantOpen = true
		return
	}
	a.st.Err, a.st.Hint = "", ""
	a.opening = true
	cfg := a.cfg()
	if src, err := a.connect(cfg); err == nil && cfg.Unsupported == "" && !a.follows() && !a.streams() { // queries may go there meanwhile
		a.src = src
	}
	move := &transferJob{kind: "bootstrap", started: time.Now(), ctx: a.ctx}
	if a.usesSnapshots() == "" {
		a.move = move
	}
	a.job(func() any {
		m := opened{move: move}
		m.err = a.openJob(cfg, move, &m)
		return m
	})
}

// openNow opens what could not be opened before, because somebody asks for it.
func (a *actor) openNow() {
	if a.eng == nil && !a.opening {
		a.disarm()
		a.open()
	}
}

func (a *actor) openJob(cfg *config.Dataset, move *transferJob, m *opened) (err error) {
	if cfg.Unsupported != "" {
		return &settingError{cfg.Unsupported, "the other datasets run; remove this one, or change it to what pitwall has"}
	}
	if a.opener == nil {
		return &settingError{fmt.Sprintf("there is no engine %s", cfg.Acceleration.Engine), "use duckdb, sqlite, postgres or arrow"}
	}
	if a.streams() {
		if m.streamer, err = a.connectStream(cfg); err != nil {
			return err
		}
	} else if !a.follows() {
		if m.src, err = a.connect(cfg); err != nil {
			return err
		}
	}
	if a.file != "" {
		if err := os.MkdirAll(filepath.Dir(a.file), 0o755); err != nil {
			return &engines.Error{Op: "open", Dataset: cfg.Name, Path: a.file, Kind: engines.Denied, Err: err}
		}
		a.removeLeftovers()
		a.readExpiry()
	}
	o := engines.Options{Dataset: cfg.Name, Path: a.file, Params: map[string]string{}, Keys: keysOf(cfg.Acceleration), Partitions: partitionsOf(cfg.Acceleration), Evaluate: shape.Evaluate}
	for k, v := range cfg.Acceleration.Params {
		o.Params[k] = v.Reveal()
	}
	a.recreate(o, move)
	m.eng, err = a.opener.Open(a.ctx, o)
	if engines.KindOf(err) == engines.Corrupt && a.file != "" {
		if m.eng, m.damage, err = a.quarantine(o, err); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := a.load(m, move); err != nil {
		return errors.Join(err, m.eng.Close())
	}
	return nil
}

// load learns what the engine holds, after a bootstrap where it holds nothing.
func (a *actor) load(m *opened, move *transferJob) (err error) {
	if m.info, err = m.eng.Info(a.ctx); err != nil {
		return err
	}
	if m.info.Schema == nil && a.bootstraps() == "" && !createsAnew(a.cfg().Acceleration) {
		boot, err := a.bootstrap(a.ctx, m.eng, nil, move)
		switch {
		case errors.Is(err, snapshots.ErrNone):
		case errors.Is(err, context.Canceled):
			return err
		case err != nil:
			f := a.explain(err)
			a.emit(api.Warn, "bootstrap", "no snapshot could be loaded, starting empty: "+f.Message, hintField(f.Hint)...)
		}
		m.booted = boot
		if m.info, err = m.eng.Info(a.ctx); err != nil {
			return err
		}
	}
	m.store = a.look(a.ctx)
	m.checkpoint, err = m.eng.Checkpoint(a.ctx)
	return err
}

func hintField(hint string) []api.Field {
	if hint == "" {
		return nil
	}
	return []api.Field{{Key: "hint", Value: hint}}
}

// quarantine sets a damaged database file aside, kept under another name, and opens anew.
func (a *actor) quarantine(o engines.Options, cause error) (engines.Engine, *api.Damage, error) {
	aside := a.file + ".corrupt-" + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Rename(a.file, aside); err != nil {
		return nil, nil, errors.Join(cause, err)
	}
	for _, s := range sidecars {
		if err := os.Rename(a.file+s, aside+s); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, errors.Join(cause, err)
		}
	}
	a.emit(api.Warn, "runtime", "the local file is damaged and was set aside: "+cause.Error(), api.Field{Key: "kept_as", Value: aside})
	eng, err := a.opener.Open(a.ctx, o)
	return eng, &api.Damage{At: time.Now(), KeptAs: aside}, err
}

// sidecars are the suffixes of files that belong to a database file.
var sidecars = []string{".wal", "-wal", "-shm", "-journal"}

// removeLeftovers removes the unfinished copies of a killed process.
func (a *actor) removeLeftovers() {
	_ = os.RemoveAll(a.peekDir())
	dir := filepath.Dir(a.file)
	entries, _ := os.ReadDir(dir) // a folder that can't be read has nothing to remove
	own := regexp.MustCompile(`^\.(` + regexp.QuoteMeta(fileName(a.cfg().Name)) + `|` + regexp.QuoteMeta(a.cfg().Name) + `)\.[0-9]+\.(export|download)\.tmp`)
	for _, e := range entries {
		if own.MatchString(e.Name()) {
			_ = os.RemoveAll(filepath.Join(dir, e.Name())) // a file, or the folder of a set
		}
	}
}

// opened takes over a finished open, or plans the next try.
func (a *actor) opened(m opened) {
	a.opening = false
	if a.move == m.move {
		a.move = nil
	}
	defer a.moveFree()
	if m.damage != nil {
		a.st.Damage = m.damage
		a.damageTimer.Reset(api.DamageShown)
	}
	if m.err != nil {
		f := a.explain(m.err)
		if f.Canceled {
			return
		}
		a.fail(f)
		a.attempt++
		a.st.Failures++
		if f.Retry {
			wait := a.rt.random(func(r *rand.Rand) time.Duration { return schedule.Backoff(a.attempt, r) })
			a.arm(dueOpen, wait)
			a.st.Retry = &api.Retry{Attempt: a.attempt, At: a.dueAt}
		}
		a.emit(api.ErrorLevel, "runtime", "can't be opened: "+f.Message, hintField(f.Hint)...)
		a.failCommands(f.Message)
		return
	}
	a.attempt, a.st.Retry = 0, nil
	a.eng, a.src, a.stream.source = m.eng, m.src, m.streamer
	a.watchFiles()
	a.inStore(m.store)
	a.took(m.info)
	a.findUndo()
	a.st.Snapshots.Booted = m.booted
	a.known = ownStateOf(m.checkpoint)
	if m.booted != nil {
		a.loaded = &m.booted.ID
	} else if m.info.Schema != nil {
		a.loaded = a.knownLoaded(m.checkpoint)
	}
	if m.info.Schema != nil && !a.follows() && outdated(m.checkpoint, a.fingerprint(a.refreshSQL()), a.refreshSQL()) {
		a.acceptSchema, a.stale = true, true
		a.emit(api.Info, "refresh", "the local data was loaded with other settings; it is loaded anew and answers until then")
	}
	a.armCron()
	a.armDrill(drillFirst)
	if m.info.Schema != nil {
		a.armRetention(0)
	} else {
		a.armRetention(a.cfg().Acceleration.RetentionCheckInterval)
	}
	start := schedule.Start{
		Append:   a.cfg().Acceleration.RefreshMode == config.RefreshAppend || a.follows(),
		Always:   a.stale || a.cfg().Acceleration.RefreshOnStartup == config.StartupAlways,
		Interval: a.cfg().Acceleration.RefreshCheckInterval,
	}
	if m.info.Schema != nil {
		if m.checkpoint != nil {
			start.Checkpoint = m.checkpoint.UpdatedAt
			a.changedAt = m.checkpoint.UpdatedAt
			a.st.LastRefresh = m.checkpoint.UpdatedAt
		}
		// After a bootstrap an append dataset is behind its source by an unknown amount.
		a.ready = !(start.Append && m.booted != nil && !a.follows())
	}
	if a.streams() {
		a.openedStream(m.info.Schema != nil)
	}
	a.armSnapshots(a.loaded != nil)
	if a.ready && a.loaded == nil && a.cfg().Acceleration.SnapshotsTrigger == config.TriggerRefreshComplete && a.creates() == "" {
		// The process may have been killed between a refresh and its snapshot; what is in the store
		// already is skipped.
		a.wantSnapshot = &snapshotRequest{trigger: "refresh_complete"}
	}
	if a.next != nil || a.boot != nil {
		a.proceed()
		return
	}
	if a.streams() {
		a.beginStream()
		return
	}
	wait, ok := schedule.First(start, time.Now())
	if a.st.Held {
		return
	}
	if a.watching && (!ok || wait > 0) {
		a.armInterval(start.Checkpoint)
		a.sourceChanged(byWatcher) // perhaps they did while nobody watched; otherwise nothing is loaded
		return
	}
	if !ok {
		return
	}
	if a.cfg().Acceleration.RefreshJitterEnabled {
		wait = a.rt.random(func(r *rand.Rand) time.Duration {
			return schedule.Delay(wait, a.cfg().Acceleration.RefreshJitterMax, r)
		})
	}
	if wait == 0 {
		q := request{trigger: "start"}
		if a.stale {
			q = request{trigger: "reload"}
		}
		a.begin(q)
		return
	}
	a.emit(api.Info, "refresh", fmt.Sprintf("waiting %s until the next refresh", wait.Round(time.Second)))
	a.arm(dueInterval, wait)
}

// failCommands ends what waited for the engine.
func (a *actor) failCommands(why string) {
	if a.next != nil {
		a.rt.finish(a.next.id, api.TaskFailed, why)
		a.next = nil
	}
	if a.boot != nil {
		a.rt.finish(a.boot.id, api.TaskFailed, why)
		a.boot = nil
	}
}

// took records what the engine holds.
func (a *actor) took(i engines.Info) {
	a.armCompaction()
	a.st.Rows, a.st.Bytes = i.Rows, i.Bytes
	a.lookAtFiles()
	a.st.Schema = nil
	if i.Schema == nil {
		return
	}
	for _, f := range i.Schema.Fields() {
		a.st.Schema = append(a.st.Schema, api.Column{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable})
	}
}

// fail shows a fault.
func (a *actor) fail(f fault) {
	a.st.Err, a.st.Hint = f.Message, f.Hint
	if a.st.FailingSince.IsZero() {
		a.st.FailingSince = time.Now()
	}
}
