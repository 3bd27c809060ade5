package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"pitwall/config"
	"pitwall/config/secrets"
	"pitwall/config/watch"
	"pitwall/runtime/api"
)

// reload decides which versions of the spicepod are applied. It belongs to the goroutine of Run.
type reload struct {
	rt   *Runtime
	mode api.ReloadMode
	// waits is a valid version that was not applied, or only in part; nil when there is none.
	waits *watch.Version
	// whole is the last version that was applied as a whole.
	whole *config.Config
}

// arrived takes a version from the disk.
func (l *reload) arrived(ctx context.Context, v watch.Version) {
	l.waits = nil
	if v.Config == nil {
		v.Redactor = l.both(v)
		l.rt.apply(ctx, v)
		return
	}
	change := config.Diff(l.rt.config(), v.Config)
	plan := l.rt.plan(change, v)
	switch {
	case change.Empty(), l.mode == api.ReloadAll, l.mode == api.ReloadSafe && len(plan.Drops()) == 0:
		l.rt.apply(ctx, v)
		l.whole = v.Config
		return
	}
	l.hold(v, plan)
	text, hint := "the spicepod changed and waits to be applied by hand", "apply it on the config screen (a), or with pitwall config apply"
	if drops := plan.Drops(); len(drops) > 0 {
		text = "the spicepod changed and waits: it would drop the local data of " + strings.Join(drops, ", ")
		hint = "apply it on the config screen (A, or a for the rest), or with pitwall config apply --drops"
	}
	l.rt.emit(api.Warn, "", "config", text, hintField(hint)...)
}

// both masks the secrets of a version beside those of what runs, which goes on.
func (l *reload) both(v watch.Version) *secrets.Redactor { return l.rt.redactor.Load().And(v.Redactor) }

// hold makes known what waits.
func (l *reload) hold(v watch.Version, plan *api.Plan) {
	l.rt.redactor.Store(l.both(v))
	l.waits = &v
	l.rt.bus.change(func(s *api.State) {
		s.Config.Pending, s.Config.Broken, s.Config.BrokenSince = plan, false, time.Time{}
		s.Config.Problems = apiProblems(v.Config.Warnings)
	})
}

// obey carries out a command and returns what came of it.
func (l *reload) obey(ctx context.Context, c api.Command) (string, error) {
	if why := api.Refusal(l.rt.now(), c); why != "" { // it was queued, and the world went on
		return "", errors.New(why)
	}
	switch c := c.(type) {
	case api.SetReload:
		l.mode = c.Mode
		l.rt.bus.change(func(s *api.State) { s.Config.Reload = c.Mode })
		if l.waits != nil {
			l.arrived(ctx, *l.waits)
		}
		return "changes of the spicepod: " + string(c.Mode), nil
	case api.ApplyConfig:
		return l.apply(ctx, c.Drops)
	case api.RevertConfig:
		return revert(l.whole)
	}
	return "", fmt.Errorf("%T is not about the spicepod", c)
}

// apply applies what waits.
func (l *reload) apply(ctx context.Context, drops bool) (string, error) {
	if l.waits == nil {
		return "", errors.New("nothing waits")
	}
	v, r := *l.waits, l.rt
	dropped := r.plan(config.Diff(r.config(), v.Config), v).Drops()
	if drops || len(dropped) == 0 {
		l.waits = nil
		r.apply(ctx, v)
		l.whole = v.Config
		return "applied", nil
	}
	part := withoutDrops(r.config(), v.Config, dropped)
	if more := r.plan(config.Diff(r.config(), part), v).Drops(); len(more) > 0 {
		return "", fmt.Errorf("the other changes drop local data as well without these (%s); apply all of them", strings.Join(more, ", "))
	}
	r.apply(ctx, watch.Version{Config: part, Redactor: l.both(v)})
	l.hold(v, r.plan(config.Diff(part, v.Config), v))
	return "applied what drops no local data; the rest waits: " + strings.Join(dropped, ", "), nil
}

// withoutDrops is a new version in which the datasets that would lose their data are as they were.
func withoutDrops(old, now *config.Config, dropped []string) *config.Config {
	part := *now
	part.Datasets, part.Lines = nil, map[string]map[string]int{}
	add := func(from *config.Config, d *config.Dataset) {
		part.Datasets = append(part.Datasets, d)
		part.Lines[d.Name] = from.Lines[d.Name]
	}
	for _, d := range now.Datasets {
		if slices.Contains(dropped, d.Name) {
			add(old, old.Dataset(d.Name))
		} else {
			add(now, d)
		}
	}
	for _, name := range dropped {
		if now.Dataset(name) == nil {
			add(old, old.Dataset(name))
		}
	}
	return &part
}

// plan tells what a version would change.
func (r *Runtime) plan(change config.Change, v watch.Version) *api.Plan {
	p := &api.Plan{Since: v.At}
	field := func(dataset, drops string, f config.FieldChange) {
		p.Changes = append(p.Changes, api.PlanChange{Op: "~", Dataset: dataset, Field: f.Path, Old: f.Old, New: f.New, Effect: f.Effect.String(), Drops: drops})
	}
	for _, f := range change.Top {
		field("", "", f)
	}
	for _, d := range change.Removed {
		p.Changes = append(p.Changes, api.PlanChange{Op: "-", Dataset: d.Name, Drops: r.removalDrops(d)})
	}
	files := dataFiles(v.Config, r.o.DataDir)
	for _, c := range change.Changed {
		drops := r.changeDrops(c, files[c.Name])
		for _, f := range c.Fields {
			field(c.Name, drops, f)
			drops = "" // it is told once
		}
	}
	for _, d := range change.Added {
		p.Changes = append(p.Changes, api.PlanChange{Op: "+", Dataset: d.Name})
	}
	return p
}

// held returns the actor of a dataset that has local data.
func (r *Runtime) held(name string) *actor {
	r.mu.Lock()
	a := r.actors[name]
	r.mu.Unlock()
	d := r.now().Dataset(name)
	if a == nil || d == nil || !d.HasData || d.Engine == "" {
		return nil
	}
	return a
}

// removalDrops says which data goes with a dataset.
func (r *Runtime) removalDrops(d *config.Dataset) string {
	switch a := r.held(d.Name); {
	case a == nil:
		return ""
	case d.Acceleration.Engine == config.EnginePostgres:
		return "nothing answers from its table any more, which stays at the server"
	case a.file != "":
		return "nothing answers from " + a.file + " any more; the file stays"
	}
	return "its data is in memory and is gone"
}

// changeDrops says which data goes with a change of a dataset; file is its database file afterwards.
func (r *Runtime) changeDrops(c config.DatasetChange, file string) string {
	a, was, will := r.held(c.Name), c.Old.Acceleration, c.New.Acceleration
	switch {
	case a == nil || c.Effect() < config.EffectRestart && file == a.file:
		return ""
	case !will.Enabled:
		return "it is not accelerated any more"
	case was.Engine != will.Engine:
		return fmt.Sprintf("what %s has is given up, %s loads it anew", was.Engine, will.Engine)
	case file != a.file:
		return "its database is another one then, and is loaded anew"
	case was.Engine == config.EnginePostgres || a.file != "":
		return "" // it answers from there until the new rows are in
	}
	return "its data is in memory and is loaded anew"
}

// revert writes a version over the files on disk; what is there is kept beside each.
func revert(c *config.Config) (string, error) {
	var kept []string
	texts := c.Texts()
	for i, name := range c.Files {
		now, err := os.ReadFile(name)
		if err == nil && string(now) == string(texts[i]) {
			continue
		}
		mode := fs.FileMode(0o644)
		if info, err := os.Stat(name); err == nil {
			mode = info.Mode().Perm()
		}
		if err == nil {
			aside, err := setAside(name, now, mode)
			if err != nil {
				return "", fmt.Errorf("the spicepod was not reverted: what is on disk can't be kept: %w", err)
			}
			kept = append(kept, filepath.Base(aside))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("the spicepod was not reverted: %w", err)
		}
		target := name
		if real, err := filepath.EvalSymlinks(name); err == nil {
			target = real
		}
		if err := renameio.WriteFile(target, texts[i], mode); err != nil {
			return "", fmt.Errorf("the spicepod was not reverted: %w", err)
		}
	}
	if len(kept) == 0 {
		return "wrote the version that runs", nil
	}
	return "wrote the version that runs; what was there is in " + strings.Join(kept, ", "), nil
}

// setAside keeps a text beside a file: as FILE.rejected, or with a number behind it where another one is kept already.
func setAside(name string, text []byte, mode fs.FileMode) (string, error) {
	for n := 1; ; n++ {
		aside := name + ".rejected"
		if n > 1 {
			aside += fmt.Sprintf(".%d", n)
		}
		old, err := os.ReadFile(aside)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return aside, renameio.WriteFile(aside, text, mode)
		case err != nil:
			return "", err
		case string(old) == string(text):
			return aside, nil
		}
	}
}

// config is the version that runs.
func (r *Runtime) config() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

// now is the State with all that happened until now.
func (r *Runtime) now() *api.State {
	r.bus.publish()
	return r.State()
}
