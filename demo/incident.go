package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// Step is a key of a drill and what the screen shows when it has done its work; the next key comes then.
type Step struct{ Key, Sees string }

// Incident is something that goes wrong at night, as a scenario and as a drill: the keys that show its cause, and
// those that end it. The README has the list, and a test presses the keys.
type Incident struct {
	// Name is that of the scenario, About what happened and how it is made.
	Name, About string
	// Dataset is the one in question.
	Dataset string
	// Begun tells whether it has happened.
	Begun func(*api.State) bool
	// Home is what the home screen says of it before a key is pressed, where its state does not.
	Home string
	// Cause are the keys that show the cause from the home screen on, Shows what is to be read then.
	Cause []Step
	Shows []string
	// Outside says what people do elsewhere before Remedy, "" nothing; Mend does it.
	Outside string
	Mend    func(*Workspace) error
	// Edit is what is typed into the editor when Remedy opens it: in File, which is the spicepod when empty, Old
	// is replaced by New.
	Edit Edit
	// Remedy are the keys that end it.
	Remedy []Step
	// Holds says what is the case afterwards; After tells whether it is.
	Holds string
	After func(*api.Dataset, *api.State) bool

	// prepare makes what the incident begins with; run goes on with it until ctx ends and may be nil.
	prepare func(*Workspace) error
	run     func(context.Context, *Workspace) error
}

// Edit is a change of a text file.
type Edit struct{ File, Old, New string }

// Incidents are all of them, in the order of the README.
func Incidents() []Incident {
	return []Incident{
		newestSnapshotCorrupt(), allSnapshotsCorrupt(), storeUnreachable(), credentialsExpired(), sourceSlow(), sourceSchemaChanged(),
		refreshRetrying(), cronTypo(), diskFull(), localFileCorrupt(), twoWriters(), retentionTooMuch(), datasetStale(), csvBadRows(), clockSkew(), changeStream(),
	}
}

// incidentNamed returns an incident, or nil.
func incidentNamed(name string) *Incident {
	for _, i := range Incidents() {
		if i.Name == name {
			return &i
		}
	}
	return nil
}

// Line is a drill in one line of Markdown.
func (i *Incident) Line() string {
	keys := func(steps []Step) string {
		out := make([]string, len(steps))
		for n, s := range steps {
			out[n] = "`" + s.Key + "`"
		}
		return strings.Join(out, " ")
	}
	remedy := keys(i.Remedy)
	if i.Edit.Old != "" {
		file := i.Edit.File
		if file == "" {
			file = "the spicepod"
		}
		remedy += fmt.Sprintf("; in the editor, in %s: `%s` → `%s`", file, inline(i.Edit.Old), inline(i.Edit.New))
	}
	if i.Outside != "" {
		remedy = i.Outside + ", then " + remedy
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", i.Name, i.About, keys(i.Cause), remedy, i.Holds)
}

// inline is a text of several lines in one.
func inline(text string) string {
	lines := strings.Split(text, "\n")
	for n := range lines {
		lines[n] = strings.TrimSpace(lines[n])
	}
	return strings.Join(lines, "; ")
}

// enact prepares an incident. It begins anew each time: what was mended in the folder would be no incident.
func (w *Workspace) enact(i *Incident) error {
	w.incident = i
	pod, err := scenarioFiles.ReadFile("scenarios/" + i.Name + ".yml")
	if err != nil {
		return err
	}
	if err := w.write(map[string][]byte{"spicepod.yml": pod}); err != nil {
		return err
	}
	if err := i.prepare(w); err != nil {
		return errors.Join(fmt.Errorf("prepare %s: %w", i.Name, err), w.lake.close())
	}
	return nil
}

// happen goes on with an incident, and serves what it needs.
func (w *Workspace) happen(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if w.lake != nil {
		g.Go(func() error { return w.lake.serve(ctx) })
	}
	if w.incident.run != nil {
		g.Go(func() error { return w.incident.run(ctx, w) })
	}
	g.Go(func() error { <-ctx.Done(); return ctx.Err() })
	return g.Wait()
}

// earlierLimit bounds what happened before the incident.
const earlierLimit = 2 * time.Minute

// earlier has a pitwall run on the folder before the incident, until act is done.
func (w *Workspace) earlier(act func(context.Context, *runtime.Runtime) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), earlierLimit)
	defer cancel()
	s, err := launch.Open(ctx, launch.Options{Pod: w.Pod, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	running, end := context.WithCancel(ctx)
	defer end()
	var g errgroup.Group
	g.Go(func() error { return s.Run(running) })
	if w.lake != nil {
		lake, shut := context.WithCancel(ctx)
		g.Go(func() error { defer shut(); <-running.Done(); return nil })
		if err := w.lake.during(lake, &g); err != nil {
			return err
		}
	}
	err = act(ctx, s.Runtime)
	end()
	return errors.Join(err, g.Wait())
}

// until waits until the State is as it should be.
func until(ctx context.Context, r *runtime.Runtime, ok func(*api.State) bool) error {
	cur, next := r.Watch(ctx)
	for !ok(cur) {
		var open bool
		if cur, open = <-next; !open {
			return fmt.Errorf("the earlier run ended too soon: %w", context.Cause(ctx))
		}
	}
	return nil
}

// loaded waits until a dataset has data.
func loaded(ctx context.Context, r *runtime.Runtime, dataset string) error {
	return until(ctx, r, func(s *api.State) bool {
		d := s.Dataset(dataset)
		return d != nil && d.Status == api.Ready && d.HasData
	})
}

// done carries out a command and waits for its end.
func done(ctx context.Context, r *runtime.Runtime, c api.Command) error {
	id, err := r.Do(ctx, c)
	if err != nil {
		return err
	}
	var end api.Task
	err = until(ctx, r, func(s *api.State) bool {
		for _, t := range s.Tasks {
			if t.ID == id {
				end = t
			}
		}
		return end.State == api.TaskDone || end.State == api.TaskFailed || end.State == api.TaskCancelled
	})
	if err == nil && end.State != api.TaskDone {
		err = fmt.Errorf("%s %s: %s", end.Verb, end.Dataset, end.Detail)
	}
	return err
}

// put replaces a file of the folder, as a careful writer does: readers see the old or the new.
func (w *Workspace) put(name, content string) error {
	path := filepath.Join(w.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// Change carries out an Edit in the folder.
func (w *Workspace) Change(e Edit) error {
	if e.File == "" {
		e.File = "spicepod.yml"
	}
	b, err := os.ReadFile(filepath.Join(w.Dir, e.File))
	if err != nil {
		return err
	}
	if !strings.Contains(string(b), e.Old) {
		return fmt.Errorf("%s does not have %q", e.File, e.Old)
	}
	return w.put(e.File, strings.ReplaceAll(string(b), e.Old, e.New))
}

// orders are n orders as CSV.
func orders(n int) string {
	var b strings.Builder
	b.WriteString("id,city,amount\n")
	cities := []string{"Lyon", "Porto", "Graz", "Turku"}
	for i := range n {
		fmt.Fprintf(&b, "%d,%s,%d.50\n", i+1, cities[i%len(cities)], 10+i%90)
	}
	return b.String()
}
