package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
)

//go:embed scenarios/*.yml
var scenarioFiles embed.FS

// Options of Prepare.
type Options struct {
	// Dir is the folder of the demo; Fresh empties it first.
	Dir   string
	Fresh bool
	// Seed makes the generated data.
	Seed uint64
	// Scenario is the name of one of Scenarios; empty is the tour of everything.
	Scenario string
	// Pace has what a scenario lets come after a minute or more come so many times sooner; 0 is 1.
	Pace float64
}

// Default returns what the flags say when none is given.
func Default() Options { return Options{Dir: ".demo", Seed: 1} }

// Add declares the options as flags.
func (o *Options) Add(fs *pflag.FlagSet) {
	d := Default()
	fs.StringVar(&o.Dir, "dir", d.Dir, "folder of the demo")
	fs.BoolVar(&o.Fresh, "fresh", false, "empty the folder first")
	fs.Uint64Var(&o.Seed, "seed", d.Seed, "seed of the generated data")
	fs.StringVar(&o.Scenario, "scenario", "", "one scenario instead of the tour; see --list")
}

// scenario is a spicepod with the data for it.
type scenario struct {
	name, about string
	// fill writes the data; grow changes it until ctx ends and may be nil.
	fill func(dir string, r *rand.Rand, now time.Time) error
	grow func(ctx context.Context, dir string, r *rand.Rand) error
}

func scenarios() []scenario {
	return []scenario{
		{"product-categories", "a small table, loaded anew every 8 hours", fillCategories, nil},
		{"social-posts", "the posts of the last day, the source behind them", fillPosts, nil},
		{"application-logs", "logs that grow, one asset of them, with retention", fillLogs, growLogs},
	}
}

// List writes the names of the scenarios and what they are.
func List(w io.Writer) error {
	for _, s := range scenarios() {
		if _, err := fmt.Fprintf(w, "%-24s %s\n", s.name, s.about); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w, "\nIncidents, to find the cause of and to end; they begin anew each time:"); err != nil {
		return err
	}
	for _, i := range Incidents() {
		if _, err := fmt.Fprintf(w, "%-24s %s\n", i.Name, i.About); err != nil {
			return err
		}
	}
	return nil
}

// find returns a scenario and its spicepod.
func find(name string) (*scenario, []byte, error) {
	for _, s := range scenarios() {
		if s.name == name {
			pod, err := scenarioFiles.ReadFile("scenarios/" + name + ".yml")
			return &s, pod, err
		}
	}
	return nil, nil, fmt.Errorf("there is no scenario %q; pitwall demo --list shows them", name)
}

func fillCategories(dir string, _ *rand.Rand, _ time.Time) error {
	var b bytes.Buffer
	b.WriteString("code,name,parent\n")
	for i := range 500 {
		parent := ""
		if i >= 20 {
			parent = fmt.Sprintf("C%03d", i%20)
		}
		fmt.Fprintf(&b, "C%03d,Category %d,%s\n", i, i, parent)
	}
	return writeNew(filepath.Join(dir, "data", "categories.csv"), b.Bytes())
}

// fillPosts makes posts of the last 30 days.
func fillPosts(dir string, r *rand.Rand, now time.Time) error {
	var b bytes.Buffer
	const posts = 30_000
	for i := range posts {
		created := now.Add(-time.Duration(posts-i) * (30 * 24 * time.Hour / posts))
		fmt.Fprintf(&b, `{"id":%d,"author":"u%04d","likes":%d,"updated_at":%q,"text":"post number %d"}`+"\n",
			i+1, r.IntN(2_000), r.IntN(500), created.UTC().Format(time.RFC3339), i+1)
	}
	return writeNew(filepath.Join(dir, "data", "posts.ndjson"), b.Bytes())
}

// fillLogs makes a folder of log files for each of the last three days.
func fillLogs(dir string, r *rand.Rand, now time.Time) error {
	for day := range 3 {
		if err := writeLogs(dir, r, now.Add(-24*time.Hour*time.Duration(day+1)), 24*time.Hour, 20_000); err != nil {
			return err
		}
	}
	return nil
}

// growEvery is how often a new log file appears.
const growEvery = 5 * time.Second

func growLogs(ctx context.Context, dir string, r *rand.Rand) error {
	tick := time.NewTicker(growEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if err := writeLogs(dir, r, now.Add(-growEvery), growEvery, 50); err != nil {
				return err
			}
		}
	}
}

// writeLogs writes n rows from a time on, one file for each day they fall on.
func writeLogs(dir string, r *rand.Rand, from time.Time, span time.Duration, n int) error {
	days := map[string]*bytes.Buffer{}
	assets, levels := []string{"asset_id", "pump_7", "door_2", "belt_1"}, []string{"info", "info", "info", "warn", "error"}
	for i := range n {
		at := from.Add(span / time.Duration(n) * time.Duration(i)).UTC()
		day := at.Format(time.DateOnly)
		b := days[day]
		if b == nil {
			b = bytes.NewBufferString("logged_at,asset,level,message\n")
			days[day] = b
		}
		fmt.Fprintf(b, "%s,%s,%s,event %d\n", at.Format("2006-01-02 15:04:05.000"), assets[r.IntN(len(assets))], levels[r.IntN(len(levels))], r.IntN(1_000))
	}
	for day, b := range days {
		folder := filepath.Join(dir, "data", "logs", "day="+day)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := writeNew(filepath.Join(folder, from.UTC().Format("20060102T150405.000")+".csv"), b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
