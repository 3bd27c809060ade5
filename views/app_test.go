package views_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// start runs the console over the sample and waits for its first frame.
func start(t *testing.T, w, h int) (*uitest.Console, *uitest.Screen) {
	t.Helper()
	now := time.Now()
	c := uitest.New(uitest.Sample(now))
	c.SetSnapshots("lake.sales_eu", uitest.Snapshots(now), nil, false)
	s := uitest.Start(t, c, views.All(), w, h, ui.Options{Version: "test"})
	s.Wait("lake.sales_eu", "? help")
	return c, s
}

// taken checks the commands that the runtime got.
func taken(t *testing.T, c *uitest.Console, want ...api.Command) {
	t.Helper()
	got := c.Commands()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("commands (-want +got):\n%s", d)
	}
}

func TestRefreshAsksBeforeItTerminatesOne(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("r")
	s.Wait("Terminates the refresh of lake.sales_eu at 63%", "[ Cancel ]")
	s.Awake()
	s.Press("enter") // Cancel has the focus
	s.Gone("Terminates")
	taken(t, c)
	s.Press("r")
	s.Awake()
	s.Press("tab", "enter")
	s.Wait("refresh lake.sales_eu asked for", "1 task: refresh lake.sales_eu 63%")
	taken(t, c, api.RefreshNow{Dataset: "lake.sales_eu"})
	c.End(1, api.TaskDone, "18.2M rows in 41s")
	s.Wait("refresh lake.sales_eu done: 18.2M rows in 41s")
	s.Gone("1 task")
}

func TestKeysTypedTooEarlyDoNotCount(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Type("ry") // y would say yes
	s.Wait("Terminates", "reading time")
	s.Awake()
	taken(t, c)
	s.Press("esc")
	s.Gone("Terminates")
}

func TestRefreshWithoutARunningOneStartsAtOnce(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("down", "r")
	s.Wait("refresh lake.sales_us asked for")
	taken(t, c, api.RefreshNow{Dataset: "lake.sales_us"})
	c.End(1, api.TaskFailed, "the source is not there")
	s.Wait("✗ refresh lake.sales_us failed: the source is not there")
}

func TestCancel(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("x")
	s.Wait("Cancels the refresh of lake.sales_eu at 63%", "Let it run")
	s.Awake()
	s.Press("right", "enter")
	s.Wait("cancel lake.sales_eu asked for")
	s.Press("down", "x") // lake.sales_us runs none
	s.Wait("cancel: no refresh is running")
	taken(t, c, api.CancelRefresh{Dataset: "lake.sales_eu"})
}

func TestSnapshotAndHold(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("s")
	s.Wait("snapshot lake.sales_eu asked for")
	s.Press("H")
	s.Wait("hold lake.sales_eu asked for")
	s.Press("G", "up", "up", "s") // ref.users is in arrow
	s.Wait("snapshot: arrow has no snapshots")
	s.Press("H")
	s.Wait("resume ref.users asked for")
	taken(t, c, api.SnapshotNow{Dataset: "lake.sales_eu"}, api.Hold{Dataset: "lake.sales_eu", On: true}, api.Hold{Dataset: "ref.users"})
}

func TestMarkedDatasetsAreRefreshedTogether(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("down", "space", "space")
	s.Wait("2 marked")
	s.Press("r")
	s.Wait("refresh of 2 datasets asked for")
	taken(t, c, api.RefreshNow{Dataset: "lake.sales_us"}, api.RefreshNow{Dataset: "lake.sales_ap"})
	s.Press("b")
	s.Wait("one dataset at a time")
	s.Press("esc")
	s.Gone("marked")
}

func TestBootstrapFromAnOlderSnapshot(t *testing.T) {
	c, s := start(t, 120, 32)
	answer := c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, true)
	s.Press("b")
	s.Wait("Bootstrap lake.sales_eu from a snapshot", "reading the snapshot store")
	answer()
	s.Wait("checksum mismatch, cannot be used", "▌ ✓ #40", "Replaces 18,204,118 local rows with 18,193,914", "Terminates the refresh at 63%",
		"the old data until the swap", "-10,204 rows")
	s.Awake()
	s.Press("up")
	s.Wait("choose another")
	s.Press("down", "ctrl+t")
	s.Wait("[x] hold scheduled refreshes")
	s.Press("tab", "enter")
	s.Wait("type the name first")
	taken(t, c)
	s.Type("lake.sales_eu")
	s.Gone("type the name first")
	s.Press("enter")
	s.Wait("bootstrap lake.sales_eu asked for")
	taken(t, c, api.BootstrapFrom{Dataset: "lake.sales_eu", SnapshotID: 40, Hold: true})
}

func TestBootstrapWithAStoreThatIsDown(t *testing.T) {
	c, s := start(t, 120, 32)
	c.SetSnapshots("lake.sales_eu", nil, fmt.Errorf("list s3://bucket: connection refused"), false)
	s.Press("b")
	s.Wait("connection refused", "esc cancels")
	s.Press("esc")
	s.Gone("connection refused")
}

func TestSnapshotsScreen(t *testing.T) {
	c, s := start(t, 140, 32)
	s.Press("2")
	s.Wait("✗ mismatch", "in use (boot)", "current, newest", "s3://bucket/spice/snapshots/")
	s.Press("down", "v")
	s.Wait("verify lake.sales_eu asked for")
	taken(t, c, api.VerifySnapshot{Dataset: "lake.sales_eu", SnapshotID: 40})
	s.Press("C")
	s.Wait("Replicas that start load snapshot #40")
	s.Awake()
	s.Press("y")
	s.Wait("set current lake.sales_eu asked for")
	taken(t, c, api.VerifySnapshot{Dataset: "lake.sales_eu", SnapshotID: 40}, api.SetCurrent{Dataset: "lake.sales_eu", SnapshotID: 40})
	s.Press("b")
	s.Wait("▌ ✓ #40")
	s.Press("esc")
	s.Gone("✓ #40")
	s.Press("c")
	s.Wait("copied the checksum (64 bytes)")
	s.Press("V")
	s.Wait("verify of 4 snapshots of lake.sales_eu asked for")
	s.Press("esc")
	s.Wait("┌ Datasets 7")
}

func TestFilterAndFaults(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Press("/")
	s.Type("state:error")
	s.Wait("Datasets 1/7", "lake.sales_ap")
	s.Gone("ref.fx")
	s.Press("enter", "esc")
	s.Wait("Datasets 7", "ref.fx")
	s.Press("/")
	s.Type("~[")
	s.Wait("is no regular expression")
	s.Type("e]u engine:duckdb")
	s.Wait("Datasets 1/7")
	s.Press("esc")
	s.Wait("Datasets 7")
	s.Press("F")
	s.Wait("Datasets 2/7", "faults only")
	s.Press("esc")
	s.Gone("faults only")
}

func TestSortKeepsTheSelectedDataset(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("down", "down", "down") // ref.fx
	s.Wait("▌ ref.fx")
	s.Press(">")
	s.Wait("sort name↑", "▌ ref.fx")
	s.Press("o")
	s.Wait("sort name↓", "▌ ref.fx")
	s.Press(">", ">")
	s.Wait("sort state↑", "▌ ref.fx")
	c.Dataset("ref.fx", func(d *api.Dataset) { d.Status, d.Err = api.Error, "the disk is full" })
	s.Wait("▌ ref.fx", "the disk is full")
	s.Press("o")
	s.Wait("sort state↓", "▌ ref.fx")
}

func TestHelpMenuAndReadOnly(t *testing.T) {
	c, s := start(t, 120, 40)
	c.Change(func(st *api.State) { st.ReadOnly = true })
	s.Wait("  RO  ")
	s.Press("r")
	s.Wait("refresh: read-only: start without --read-only")
	s.Press("?")
	s.Wait("This screen", "not now: read-only")
	s.Press("G")
	s.Wait("Moving about")
	s.Press("g")
	s.Press("/")
	s.Type("clipboard")
	s.Wait("/clipboard")
	s.Press("esc")
	s.Gone("/clipboard")
	s.Press("/")
	s.Type("osc 52")
	s.Gone("This screen")
	s.Wait("Copy what is selected")
	s.Press("enter", "esc")
	s.Wait("This screen")
	s.Press("esc")
	s.Gone("This screen")
	s.Press("m")
	s.Wait("Actions · lake.sales_eu", "read-only")
	s.Press("5") // the keys work in the menu
	s.Wait("g42 runs, the file on disk is the same")
	taken(t, c)
}

func TestBrokenConfigIsToldUntilItIsMended(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Wait("spicepod.yml ✓ g42")
	c.Change(func(st *api.State) {
		st.Config.Broken, st.Config.BrokenSince = true, time.Now()
		st.Config.Problems = []api.Problem{{Severity: "error", File: "/srv/pod/spicepod.yml", Line: 18, Column: 21, Message: `unknown engine "ducdb"`,
			Hint: "did you mean duckdb?", Excerpt: "18 | engine: ducdb"}}
	})
	s.Wait("✗ line 18", `spicepod.yml:18:21 unknown engine "ducdb"`, "hint: did you mean duckdb?", "g42 keeps running")
	s.Press("5")
	s.Wait("not applied", "18 | engine: ducdb", "~ lake.sales_eu")
	c.Change(func(st *api.State) { st.Config.Broken, st.Config.Problems, st.Config.Generation = false, nil, 43 })
	s.Wait("✓ g43")
	s.Press("1")
	s.Gone("ducdb")
}

func TestEventsSearchFilterLevel(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("4")
	s.Wait("▶ following", "refresh done rows=1036")
	s.Press("/")
	s.Type("checksum")
	s.Press("enter")
	s.Wait("/checksum (4/4)", "refresh done") // the lines around stay
	s.Press("n")
	s.Wait("(1/4)")
	s.Press("N")
	s.Wait("(4/4)")
	c.Event(api.Event{Level: api.Info, Dataset: "ref.fx", Kind: "refresh", Message: "one more"})
	s.Wait("1 new, f follows")
	s.Press("f")
	s.Wait("one more", "following")
	s.Press("&")
	s.Type("kind:bootstrap dataset:ref.users")
	s.Press("enter")
	s.Gone("refresh done")
	s.Wait("falling back")
	s.Press("esc", "esc")
	s.Wait("refresh done")
	s.Press("L", "L", "L")
	s.Wait("level ERROR+")
	s.Gone("WARN")
	s.Press("enter")
	s.Wait("want             9f3c")
	s.Press("esc")
	s.Gone("want             9f3c")
}

func TestDatasetTabs(t *testing.T) {
	_, s := start(t, 120, 40)
	s.Press("enter")
	s.Wait("datasets ▸ lake.sales_eu", "Refresh duration", "p50")
	s.Press("tab")
	s.Wait("Refreshes, newest first", "✗ failed")
	s.Press("tab")
	s.Wait("in use (boot)")
	s.Press("tab")
	s.Wait("refresh_check_interval: 10m")
	s.Press("tab")
	s.Wait("▶ following")
	s.Press("]")
	s.Wait("datasets ▸ lake.sales_us")
	s.Press("esc")
	s.Wait("▌ lake.sales_us")
	s.Press("l")
	s.Wait("Events · lake.sales_us")
	s.Press("backspace", "y")
	s.Wait("Effective configuration")
}

func TestPauseStopsTheScreenOnly(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("p")
	s.Wait("▒ paused")
	c.Dataset("lake.sales_us", func(d *api.Dataset) { d.Status, d.Err = api.Error, "gone wrong" })
	c.Event(api.Event{Message: "unseen"})
	s.Press("down") // proves that a frame was drawn since
	s.Wait("▌ lake.sales_us")
	if strings.Contains(s.Text(), "gone wrong") {
		t.Fatalf("a paused screen changed:\n%s", s.Text())
	}
	s.Press("p")
	s.Wait("● live", "gone wrong")
}

func TestQuitAsksWhileTasksRun(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Press("down", "r")
	s.Wait("1 task")
	s.Press("q")
	s.Wait("1 task is running", "abandoned")
	s.Awake()
	s.Press("enter")
	s.Gone("abandoned")
	s.Press("ctrl+c")
	s.Wait("abandoned")
	s.Press("ctrl+c")
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
}

func TestQuit(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Press("q")
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
}

func TestRuntimeThatWentAway(t *testing.T) {
	c, s := start(t, 120, 32)
	c.Close()
	s.Wait("✗ stopped")
}

func TestTasksDrawerAndDump(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("t")
	s.Wait("No tasks yet")
	s.Press("esc", "down", "r")
	s.Wait("1 task")
	c.End(1, api.TaskFailed, "no such file")
	s.Press("t")
	s.Wait("refresh   lake.sales_us", "failed", "no such file")
	s.Press("enter")
	s.Wait("datasets ▸ lake.sales_us")
	s.Press("ctrl+s")
	s.Wait("screen written to")
}

func TestNoDatasets(t *testing.T) {
	c, s := start(t, 80, 24)
	c.Change(func(st *api.State) { st.Datasets = nil })
	s.Wait("There are no datasets yet", "Add one to /srv/pod/spicepod.yml")
	s.Press("r")
	s.Wait("no dataset is selected")
	s.Press("enter", "2", "b")
	c.Change(func(st *api.State) { st.Datasets = uitest.Sample(time.Now()).Datasets })
	s.Wait("live")
}

// z gives the table the whole window, and takes it back.
func TestZoom(t *testing.T) {
	_, s := start(t, 160, 40)
	s.Wait("schedule   every 10m")
	s.Press("z")
	s.Gone("schedule   every 10m")
	s.Press("z")
	s.Wait("schedule   every 10m")
}

func TestResizeStorm(t *testing.T) {
	_, s := start(t, 100, 30)
	for _, x := range [][2]string{{"1", "live"}, {"enter", "datasets ▸ lake.sales_eu"}, {"2", "▸ snapshots"}, {"4", "following"}, {"5", "the file on disk"},
		{"?", "Keys ·"}, {"esc", "live"}, {"m", "Actions"}, {"esc", "live"}, {"1", "Datasets 7"}, {"b", "Bootstrap lake"}} {
		s.Press(x[0]) // keys do nothing in a window that is too small
		s.Wait(x[1])
		for _, z := range [][2]int{{0, 0}, {1, 1}, {20, 5}, {80, 24}, {39, 10}, {40, 10}, {250, 70}, {0, 20}, {2000, 12}, {100, 30}, {3, 200}} {
			s.Resize(z[0], z[1])
		}
		s.Resize(20, 5)
		s.Wait("terminal too")
		s.Resize(100, 30)
		s.Gone("terminal too")
	}
	s.Wait("live", "Bootstrap")
	s.Resize(20, 5)
	s.Wait("terminal too")
}

// Snapshot ids begin at 0; the one that is selected is the one that is picked.
func TestBootstrapFromTheSnapshotOfIDZero(t *testing.T) {
	c, s := start(t, 120, 32)
	list := uitest.Snapshots(time.Now())[1:3]
	list[1].ID = 0
	c.SetSnapshots("lake.sales_eu", list, nil, false)
	s.Press("2")
	s.Wait("▌ 40 ")
	s.Press("down")
	s.Wait("▌ 0 ")
	s.Press("b")
	s.Wait("▌ · #0")
	s.Awake()
	s.Type("lake.sales_eu")
	s.Press("tab", "enter")
	s.Wait("bootstrap lake.sales_eu asked for")
	taken(t, c, api.BootstrapFrom{Dataset: "lake.sales_eu", SnapshotID: 0})
}

// A snapshot that is written while the picker is open must not change what is picked.
func TestPickerKeepsItsChoiceWhenTheListGrows(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("b")
	s.Wait("▌ ✓ #40")
	s.Awake()
	s.Type("lake.sales_eu")
	list := uitest.Snapshots(time.Now())
	newer := list[0]
	newer.ID = 42
	c.SetSnapshots("lake.sales_eu", append([]api.Snapshot{newer}, list...), nil, false)
	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Snapshots.Kept++ })
	s.Wait("#42", "▌ ✓ #40")
	c.SetSnapshots("lake.sales_eu", list[2:], nil, false) // retention took it
	c.Dataset("lake.sales_eu", func(d *api.Dataset) { d.Snapshots.Kept = 2 })
	s.Gone("#40")
	s.Wait("▌ · #39")
	s.Press("tab", "enter")
	s.Wait("type the name first")
	taken(t, c)
}
