// Package demo makes the workspace of `pitwall demo`: a folder with a spicepod, generated data and a
// snapshot store, in which everything is real. Workspace.Run starts no goroutine that it does not wait
// for.
package demo

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"pitwall/demo/trips"
)

//go:embed spicepod.yml
var files embed.FS

// Rows is the number of trips of the demo, in files of perFile rows.
const (
	Rows    = 2_000_000
	perFile = 250_000
)

// Workspace is a prepared folder.
type Workspace struct {
	// Dir is the folder, Pod its spicepod.
	Dir, Pod string
	seed     uint64
	scenario *scenario      // nil for the tour
	incident *Incident      // nil for what is none
	lake     *lake          // nil when the incident needs none
	broker   *kfake.Cluster // of the stream of changes, closed by Run; nil where there is none
	pace     float64        // how many times sooner what is scripted comes
	space    func()         // ends a full disk
	// onRead is called before the n-th read of a source; it may be nil.
	onRead func(n int64) error
	// generated is closed by Run when the trips are all there.
	generated chan struct{}
}

// marker is the file that tells a demo folder from any other: only such a one is ever emptied.
const marker = ".pitwall-demo"

// Again says what becomes of the folder the next time.
func (w *Workspace) Again() string {
	if w.incident != nil {
		return "it begins anew next time"
	}
	return "used again next time; --fresh starts over"
}

// Prepare makes the folder, or reuses it; with fresh it is emptied before, and so it is for an incident. The trips come later, by
// Run. A folder that is not empty and not a demo's is refused.
func Prepare(o Options) (*Workspace, error) {
	if o.Scenario != "" && o.Dir == ".demo" {
		o.Dir += "-" + o.Scenario // each scenario has its own folder unless told otherwise
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("demo folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty and was not made by pitwall demo; give another --dir", dir)
	}
	incident := incidentNamed(o.Scenario)
	if o.Fresh || incident != nil {
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("empty the demo folder: %w", err)
			}
		}
	}
	w := &Workspace{Dir: dir, Pod: filepath.Join(dir, "spicepod.yml"), seed: o.Seed, pace: cmp.Or(o.Pace, 1), generated: make(chan struct{})}
	if err := os.MkdirAll(filepath.Join(dir, "data", "trips"), 0o755); err != nil {
		return nil, err
	}
	if incident != nil {
		return w, w.enact(incident)
	}
	if o.Scenario != "" {
		return w, w.stage(o.Scenario)
	}
	pod, err := files.ReadFile("spicepod.yml")
	if err != nil {
		return nil, err
	}
	return w, w.write(map[string][]byte{"spicepod.yml": pod, "data/zones.csv": zones(), "data/fares.csv": fares(),
		"data/events.ndjson": event(rand.New(rand.NewPCG(o.Seed, 1)), time.Now(), 1)})
}

// stage writes what a scenario begins with.
func (w *Workspace) stage(name string) error {
	s, pod, err := find(name)
	if err != nil {
		return err
	}
	w.scenario = s
	if err := w.write(map[string][]byte{"spicepod.yml": pod}); err != nil {
		return err
	}
	return s.fill(w.Dir, rand.New(rand.NewPCG(w.seed, 2)), time.Now())
}

// write writes files that are not there yet.
func (w *Workspace) write(all map[string][]byte) error {
	all[marker] = []byte("made by pitwall demo\n")
	for name, content := range all {
		if err := writeNew(filepath.Join(w.Dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

// writeNew writes a file that is not there yet; what a user edited stays.
func writeNew(name string, content []byte) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if err := os.WriteFile(name+".tmp", content, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}

// Run generates the trips, telling progress the rows done of total, and then lets the event stream
// grow until ctx ends.
func (w *Workspace) Run(ctx context.Context, progress func(done, total int64, err error)) error {
	if w.incident != nil {
		close(w.generated)
		progress(1, 1, nil)
		if err := w.happen(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	if w.scenario != nil {
		close(w.generated)
		if progress(1, 1, nil); w.scenario.grow == nil {
			return nil
		}
		if err := w.scenario.grow(ctx, w.Dir, rand.New(rand.NewPCG(w.seed, uint64(time.Now().UnixNano())))); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := trips.Write(ctx, filepath.Join(w.Dir, "data", "trips"), Rows, perFile, w.seed,
			func(n int) { progress(int64(n), Rows, nil) })
		if err != nil {
			progress(0, Rows, err)
			return err
		}
		close(w.generated)
		return nil
	})
	g.Go(func() error { return w.grow(ctx) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// eventsEvery is the pace of the event stream; maxEvents the size in bytes at which it starts over.
const (
	eventsEvery = 250 * time.Millisecond
	maxEvents   = 32 << 20
)

// grow appends events to the stream until ctx ends.
func (w *Workspace) grow(ctx context.Context) error {
	name := filepath.Join(w.Dir, "data", "events.ndjson")
	if st, err := os.Stat(name); err == nil && st.Size() > maxEvents {
		if err := os.Truncate(name, 0); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	r := rand.New(rand.NewPCG(w.seed, uint64(time.Now().UnixNano())))
	tick := time.NewTicker(eventsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if _, err := f.Write(event(r, now, 1+r.IntN(8))); err != nil {
				return err
			}
		}
	}
}

// event makes n lines of the event stream.
func event(r *rand.Rand, now time.Time, n int) []byte {
	var b bytes.Buffer
	kinds := []string{"pickup", "dropoff", "meter_off", "driver_online", "driver_offline"}
	for i := range n {
		fmt.Fprintf(&b, `{"at_ms":%d,"kind":%q,"zone_id":%d,"driver":"d%05d","battery":%.1f}`+"\n",
			now.UnixMilli()+int64(i), kinds[r.IntN(len(kinds))], 1+r.IntN(trips.Zones), r.IntN(5_000), 20+80*r.Float64())
	}
	return b.Bytes()
}

func zones() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"zone_id", "borough", "zone", "airport"})
	boroughs := []string{"Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"}
	for i := range trips.Zones {
		_ = w.Write([]string{fmt.Sprint(i + 1), boroughs[i%len(boroughs)], fmt.Sprintf("Zone %03d", i+1), fmt.Sprint(i%88 == 0)})
	}
	w.Flush()
	return b.Bytes()
}

// fares has a row that lost its last field: the dataset fails and tells the line.
func fares() []byte {
	var b bytes.Buffer
	b.WriteString("rate_code_id,name,base,per_mile\n")
	for i := range 40 {
		if i == 27 {
			fmt.Fprintf(&b, "%d,Rate %d,3.00\n", i+1, i+1)
			continue
		}
		fmt.Fprintf(&b, "%d,Rate %d,3.00,2.%02d\n", i+1, i+1, i)
	}
	return b.Bytes()
}
