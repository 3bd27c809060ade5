package views_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

var update = flag.Bool("update", false, "write the golden frames")

// pending has a version wait that would drop local data.
func pending(s *api.State) {
	s.Config.Pending = &api.Plan{Since: s.At.Add(-2 * time.Second), Changes: []api.PlanChange{
		{Op: "-", Dataset: "stg.archive"},
		{Op: "-", Dataset: "lake.sales_us", Drops: "nothing answers from /var/lib/pitwall/lake.sales_us.duckdb any more; the file stays"},
		{Op: "~", Dataset: "lake.sales_eu", Field: "acceleration.refresh_check_interval", Old: "10m", New: "5m", Effect: "live"},
		{Op: "+", Dataset: "ref.fx2"}}}
}

// broken makes the file on disk one that cannot be applied.
func broken(s *api.State) {
	s.Config.Broken, s.Config.BrokenSince = true, s.At.Add(-20*time.Second)
	s.Config.NeedsRestart = []string{"snapshots.location s3://a → s3://b"}
	s.Config.Problems = []api.Problem{
		{Severity: "error", File: s.Config.Path, Line: 18, Column: 21, Path: "datasets[1].acceleration.engine", Message: `unknown engine "ducdb"`,
			Hint: "did you mean duckdb?", Excerpt: "  17 |   name: lake.sales_eu\n  18 |   acceleration: { engine: ducdb }\n     |                           ^"},
		{Severity: "warning", File: s.Config.Path, Line: 3, Message: "views are not run by pitwall"}}
}

func partitioned(s *api.State) { uitest.Partitioned(s, 3, 5) }

// compactionFails is a dataset that is not partitioned, that nobody has read, and whose files pile up.
func compactionFails(s *api.State) {
	uitest.Partitioned(s, 1, 1)
	d := s.Datasets[0]
	all := d.Layout.Total
	d.Layout = &api.Layout{Total: all, Partitions: []api.Partition{all}}
	d.Reads = &api.Reads{}
	d.Compaction = &api.Compaction{Running: true, Err: "write part-7.vortex: no space left on device"}
}

// stream puts a dataset in front that follows a stream, in a phase of it.
func stream(phase api.StreamPhase) func(*api.State) {
	return func(s *api.State) { uitest.Streamed(s, phase) }
}

// screens are the pictures: where to go, and what is different from the sample.
var screens = []struct {
	name  string
	keys  []string
	state func(*api.State)
}{
	{name: "datasets"},
	{name: "datasets-error", keys: []string{"down", "down"}},
	{name: "datasets-broken-config", state: broken},
	{name: "datasets-empty", state: func(s *api.State) { s.Datasets = nil }},
	{name: "dataset", keys: []string{"enter"}},
	{name: "dataset-refreshes", keys: []string{"enter", "tab", "down", "down", "down", "down", "down"}},
	{name: "dataset-config", keys: []string{"y"}},
	{name: "snapshots", keys: []string{"2"}},
	{name: "picker", keys: []string{"b"}},
	{name: "events", keys: []string{"4", "/", "checksum", "enter"}},
	{name: "config", keys: []string{"5"}, state: broken},
	{name: "config-pending", keys: []string{"5"}, state: pending},
	{name: "doctor", keys: []string{"6"}},
	{name: "doctor-problem", keys: []string{"6", "down"}},
	{name: "pulse", keys: []string{"3"}},
	{name: "tree", keys: []string{"7", "down", "right"}},
	{name: "tree-partitions", keys: []string{"7", "right", "down", "right"}, state: partitioned},
	{name: "dataset-cayenne", keys: []string{"enter"}, state: partitioned},
	{name: "dataset-files", keys: []string{"enter", "shift+tab", "down"}, state: partitioned},
	{name: "dataset-files-failing", keys: []string{"enter", "shift+tab"}, state: compactionFails},
	{name: "datasets-stream", state: stream(api.StreamFollowing)},
	{name: "datasets-stream-stopped", state: stream(api.StreamStopped)},
	{name: "dataset-stream", keys: []string{"enter"}, state: stream(api.StreamFollowing)},
	{name: "stream-following", keys: []string{"enter", "tab"}, state: stream(api.StreamFollowing)},
	{name: "stream-loading", keys: []string{"enter", "tab"}, state: stream(api.StreamLoading)},
	{name: "stream-stopped", keys: []string{"enter", "tab"}, state: stream(api.StreamStopped)},
	{name: "stream-paused", keys: []string{"enter", "tab"}, state: stream(api.StreamPaused)},
	{name: "stream-retrying", keys: []string{"enter", "tab"}, state: stream(api.StreamRetrying)},
	{name: "stream-skip", keys: []string{"S"}, state: stream(api.StreamStopped)},
	{name: "stream-rebootstrap", keys: []string{"R"}, state: stream(api.StreamFollowing)},
	{name: "stream-why", keys: []string{"w"}, state: stream(api.StreamStopped)},
	{name: "sql", keys: []string{"8"}},
	{name: "why", keys: []string{"w"}},
	{name: "palette", keys: []string{":", "r", "e", "f"}},
	{name: "confirm", keys: []string{"r"}},
	{name: "help", keys: []string{"?"}},
	{name: "menu-read-only", keys: []string{"m"}, state: func(s *api.State) { s.ReadOnly = true }},
}

// draw draws a screen at a fixed time.
func draw(t *testing.T, keys []string, state func(*api.State), w, h int, o ui.Options) (frame string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := uitest.Sample(time.Now())
		if state != nil {
			state(s)
		}
		c := uitest.New(s)
		c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, false)
		c.SetFindings(uitest.Findings(), nil, false)
		o.StateDir, o.Version, o.LogFile = "/state", "test", "/state/pitwall.log"
		st := ui.NewStill(c, views.All(), o, w, h)
		for _, k := range keys {
			if len(k) > 1 && k == "checksum" {
				for _, r := range k {
					st.Press(string(r))
				}
				continue
			}
			st.Press(k)
		}
		st.Wake()
		frame = st.Frame()
		if err := st.Err(); err != nil {
			t.Fatal(err)
		}
	})
	return frame
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), go test ./views -update writes it:\n%s", path, d)
	}
}

// trimmed is a frame without colours and without the spaces at the ends of lines.
func trimmed(frame string) string {
	lines := strings.Split(ansi.Strip(frame), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// One file holds a screen at one size; every theme says the same words, which is checked here and not
// kept four times.
func TestGoldenFrames(t *testing.T) {
	sizes := [][2]int{{80, 24}, {100, 30}, {120, 32}, {140, 45}, {200, 60}}
	for _, sc := range screens {
		for _, z := range sizes {
			dark := draw(t, sc.keys, sc.state, z[0], z[1], ui.Options{Theme: "dark"})
			fits(t, dark, z[0], z[1])
			golden(t, fmt.Sprintf("%s-%dx%d", sc.name, z[0], z[1]), trimmed(dark))
			for name, o := range map[string]ui.Options{"mono": {NoColor: true}, "light": {Theme: "light"}} {
				if d := cmp.Diff(trimmed(dark), trimmed(draw(t, sc.keys, sc.state, z[0], z[1], o))); d != "" {
					t.Errorf("%s says something else in %s:\n%s", sc.name, name, d)
				}
			}
		}
	}
}

// Every screen is kept with its colours in every theme, and has no sign in ASCII that ASCII has not.
func TestGoldenColours(t *testing.T) {
	for _, sc := range screens {
		for name, o := range map[string]ui.Options{"dark": {Theme: "dark"}, "light": {Theme: "light"}, "mono": {NoColor: true}} {
			got := draw(t, sc.keys, sc.state, 100, 30, o)
			if name == "mono" && strings.Contains(got, "38;2") {
				t.Errorf("%s: mono has colours", sc.name)
			}
			golden(t, "colours/"+sc.name+"-"+name, strings.ReplaceAll(got, "\x1b", "^")+"\n")
		}
		for _, z := range [][2]int{{80, 24}, {140, 45}} {
			ascii := trimmed(draw(t, sc.keys, sc.state, z[0], z[1], ui.Options{NoColor: true, ASCII: true}))
			for _, r := range ascii {
				if r > 126 {
					t.Errorf("%s at %d×%d: ASCII has %q", sc.name, z[0], z[1], r)
				}
			}
			if sc.name == "datasets" {
				golden(t, fmt.Sprintf("ascii-%dx%d", z[0], z[1]), ascii)
			}
		}
	}
}

// fits checks that nothing is larger than the window.
func fits(t interface {
	Helper()
	Fatalf(string, ...any)
}, frame string, w, h int) {
	t.Helper()
	if frame == "" {
		return
	}
	lines := strings.Split(frame, "\n")
	if len(lines) > h {
		t.Fatalf("%d lines in a window of %d×%d", len(lines), w, h)
	}
	for i, l := range lines {
		if n := ansi.StringWidth(l); n > w {
			t.Fatalf("line %d is %d cells wide in a window of %d×%d: %q", i, n, w, h, l)
		}
	}
}
