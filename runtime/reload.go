package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pitwall/config"
	"pitwall/config/watch"
	"pitwall/runtime/api"
)

// apply brings the runtime to a new version of the spicepod. A broken version changes nothing but the
// ConfigStatus: what ran goes on.
func (r *Runtime) apply(ctx context.Context, v watch.Version) {
	if v.Redactor != nil {
		r.redactor.Store(v.Redactor)
	}
	if v.Config == nil {
		r.broken(v)
		return
	}
	r.mu.Lock()
	old := r.cfg
	r.cfg = v.Config
	r.mu.Unlock()
	change := config.Diff(old, v.Config)
	var lines, restart []string
	for _, f := range change.Top {
		lines = append(lines, f.String())
	}
	for _, f := range change.NeedsRestart() {
		restart = append(restart, f.String())
	}
	files := dataFiles(v.Config, r.o.DataDir)
	for _, d := range change.Removed {
		lines = append(lines, "- "+d.Name)
		r.remove(d.Name)
	}
	for _, c := range change.Changed {
		for _, f := range c.Fields {
			lines = append(lines, fmt.Sprintf("~ %s %s", c.Name, f.String()))
		}
		r.change(ctx, c, files[c.Name])
	}
	var added []*actor
	for _, d := range change.Added {
		lines = append(lines, "+ "+d.Name)
		added = append(added, r.newActor(ctx, d, files[d.Name]))
	}
	r.register(added)
	r.order(v.Config)
	for _, a := range added {
		a.start()
	}
	var generation int
	r.bus.change(func(s *api.State) {
		c := configStatus(v.Config, s.Config.Generation)
		if !change.Empty() {
			c.Generation++
		} else {
			c.AppliedAt = s.Config.AppliedAt
		}
		c.Reload = s.Config.Reload
		c.Changes, c.NeedsRestart = lines, append(slices.Clip(s.Config.NeedsRestart), restart...)
		if change.Empty() {
			c.Changes = s.Config.Changes
		}
		generation = c.Generation
		s.Config = c
	})
	r.emit(api.Info, "", "config", fmt.Sprintf("applied version %d of the spicepod: %s", generation, summary(lines)))
	for _, l := range restart {
		r.emit(api.Warn, "", "config", l+" needs a restart of pitwall")
	}
	for _, p := range v.Config.Warnings {
		if !slices.ContainsFunc(old.Warnings, func(o config.Problem) bool { return o.Path == p.Path && o.Message == p.Message }) {
			r.emit(api.Warn, "", "config", p.String())
		}
	}
}

func summary(lines []string) string {
	switch n := len(lines); {
	case n == 0:
		return "nothing changed"
	case n <= 4:
		return fmt.Sprint(lines)
	default:
		return fmt.Sprintf("%v and %d more changes", lines[:4], n-4)
	}
}

// broken records that the file on disk can't be applied.
func (r *Runtime) broken(v watch.Version) {
	problems := apiProblems(v.Problems)
	r.bus.change(func(s *api.State) {
		s.Config.Problems, s.Config.Pending = problems, nil
		if !s.Config.Broken {
			s.Config.Broken, s.Config.BrokenSince = true, time.Now()
		}
	})
	for _, p := range v.Problems {
		if p.Severity == config.SeverityError {
			r.emit(api.ErrorLevel, "", "config", "the spicepod was not applied, the last good version goes on: "+p.String(), hintField(p.Hint)...)
		}
	}
}

// remove stops a dataset. Its local file is left where it is.
func (r *Runtime) remove(name string) {
	r.mu.Lock()
	a := r.actors[name]
	delete(r.actors, name)
	r.mu.Unlock()
	if a == nil {
		return
	}
	a.leaves.Store(true)
	a.cancel()
	<-a.done
	r.bus.list(func(ds []*api.Dataset) []*api.Dataset {
		return slices.DeleteFunc(ds, func(d *api.Dataset) bool { return d.Name == name })
	})
	a.emit(api.Info, "config", "the dataset was removed; its local data was left in place", api.Field{Key: "file", Value: a.file})
}

// change applies the changed fields of one dataset at the least cost: settings are handed to the
// running actor; what needs another store or source restarts only this dataset.
func (r *Runtime) change(ctx context.Context, c config.DatasetChange, file string) {
	r.mu.Lock()
	a := r.actors[c.Name]
	r.mu.Unlock()
	if a == nil {
		return
	}
	if c.Effect() < config.EffectRestart && file == a.file {
		select {
		case a.inbox <- reconfigure{cfg: c.New, reload: c.Effect() >= config.EffectRefresh}:
		case <-a.done:
		}
		return
	}
	next := r.newActor(ctx, c.New, file)
	a.leaves.Store(next.creates() != "")
	a.cancel()
	<-a.done
	next.acceptSchema, next.stale = true, true
	r.register([]*actor{next})
	next.start()
}

// register makes actors known, in the State too, before they start.
func (r *Runtime) register(list []*actor) {
	r.mu.Lock()
	for _, a := range list {
		r.actors[a.cfg().Name] = a
	}
	r.mu.Unlock()
	r.bus.list(func(ds []*api.Dataset) []*api.Dataset {
		for _, a := range list {
			d := a.snapshotState()
			r.bus.mark(d)
			if i := slices.IndexFunc(ds, func(o *api.Dataset) bool { return o.Name == d.Name }); i >= 0 {
				ds[i] = d
			} else {
				ds = append(ds, d)
			}
		}
		return ds
	})
}

// order puts the datasets of the State into the order of the file.
func (r *Runtime) order(c *config.Config) {
	at := map[string]int{}
	for i, d := range c.Datasets {
		at[d.Name] = i
	}
	r.bus.list(func(ds []*api.Dataset) []*api.Dataset {
		slices.SortStableFunc(ds, func(a, b *api.Dataset) int { return at[a.Name] - at[b.Name] })
		return ds
	})
}

// reconfigure takes over settings while the dataset runs.
func (a *actor) reconfigure(m reconfigure) {
	old := a.cfg().Acceleration
	a.conf.Store(m.cfg)
	a.describe()
	next := m.cfg.Acceleration
	if old.RefreshSQL != next.RefreshSQL {
		a.patch("")
	}
	if old.RefreshCron != next.RefreshCron {
		a.armCron()
	}
	if old.RetentionCheckEnabled != next.RetentionCheckEnabled || old.RetentionCheckInterval != next.RetentionCheckInterval ||
		old.RetentionPeriod != next.RetentionPeriod || old.RetentionSQL != next.RetentionSQL {
		a.armRetention(0)
	}
	if a.streams() {
		a.reconfigureStream(m.reload)
		if m.reload {
			return
		}
	} else if m.reload {
		a.acceptSchema, a.stale = true, true
		a.begin(request{trigger: "reload"})
		return
	}
	if old.RefreshCheckInterval != next.RefreshCheckInterval && a.run == nil && a.eng != nil && (a.dueFor == dueInterval || a.dueFor == dueNothing) {
		a.disarm()
		from := a.st.LastRefresh
		if from.IsZero() {
			from = time.Now()
		}
		a.armInterval(from)
	}
	if old.SnapshotsTrigger != next.SnapshotsTrigger || old.SnapshotsInterval != next.SnapshotsInterval || old.Snapshots != next.Snapshots {
		a.armSnapshots(true)
	}
	if old.Snapshots != next.Snapshots {
		if a.leaves.Store(a.creates() != ""); a.leaves.Load() {
			a.stands("")
			a.shared.Store(false) // it writes none any more
			a.jobs.Go(a.release)
		}
	}
	if old.SnapshotsVerify != next.SnapshotsVerify || old.Snapshots != next.Snapshots {
		a.armDrill(drillFirst)
	}
}
