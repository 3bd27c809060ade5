package views_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// Why the other side does not answer stands on the first screen, and in the head line where there is room.
func TestTheLinkSaysWhyItIsBroken(t *testing.T) {
	now := time.Now()
	s := uitest.Sample(now)
	s.Link = api.Link{Kind: api.LinkPitwall, Name: "prod", DownSince: now.Add(-3 * time.Second), RetryAt: now.Add(2 * time.Second), Err: "connection refused"}
	for width, want := range map[int]int{80: 1, 200: 2} {
		st := ui.NewStill(uitest.New(s), views.All(), ui.Options{Theme: "mono", StateDir: t.TempDir()}, width, 40)
		if n := strings.Count(st.Frame(), "connection refused"); n != want {
			t.Errorf("%d columns: %d times:\n%s", width, n, st.Frame())
		}
	}
}

// In a recording the picker says what loading a snapshot would have done, and does nothing.
func TestThePickerOfARecording(t *testing.T) {
	now := time.Now()
	state := uitest.Sample(now)
	state.Link = api.Link{Kind: api.LinkRecording, Name: "recording x"}
	c := uitest.New(state)
	c.SetSnapshots("lake.sales_eu", uitest.Snapshots(now), nil, false)
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{Version: "test"})
	s.Wait("Datasets")
	s.Press("b")
	s.Wait("Bootstrap lake.sales_eu", "not now: this is a recording", "Replaces 18,204,118")
	s.Awake()
	s.Type("lake.sales_eu")
	s.Press("tab", "enter", "esc")
	s.Gone("Bootstrap lake.sales_eu")
	if got := c.Commands(); len(got) > 0 {
		t.Errorf("it did %v", got)
	}
}

// Where no snapshot can be loaded the picker does not ask for another one.
func TestThePickerWithoutASoundSnapshot(t *testing.T) {
	c, s := start(t, 120, 32)
	all := uitest.Snapshots(time.Now())
	for i := range all {
		all[i].Verified.State = api.VerifyFailed
	}
	c.SetSnapshots("lake.sales_eu", all, nil, false)
	s.Press("b")
	s.Wait("none of them can be used")
}

// The help names the actions as the key map of config.yml does, and finds them by that name.
func TestHelpNamesTheActions(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Press("?", "/")
	s.Type("dataset.bootstrap")
	s.Wait("(dataset.bootstrap)")
	s.Gone("(dataset.refresh)")
}

// The palette finds events by their text, and goes to them, also when a filter hides them.
func TestThePaletteFindsEvents(t *testing.T) {
	c, s := start(t, 120, 32)
	c.Event(api.Event{Level: api.Info, Dataset: "ref.fx", Kind: "refresh", Message: "the walrus sleeps"})
	for range 50 {
		c.Event(api.Event{Level: api.Warn, Dataset: "ref.fx", Kind: "refresh", Message: "it snores"})
	}
	s.Press("4", "L", "L", "L") // warnings and above
	s.Wait("▸ events")
	s.Press(":")
	s.Type("walrus")
	s.Wait("event ref.fx")
	s.Press("enter")
	s.Gone("Do or go to")
	s.Until("the event, selected", func(text string) bool {
		for l := range strings.Lines(text) {
			if strings.Contains(l, "▌") && strings.Contains(l, "the walrus sleeps") {
				return true
			}
		}
		return false
	})
}

// How fast sources are read and snapshots are written is drawn beside the other charts.
func TestTransferRates(t *testing.T) {
	c, s := start(t, 160, 48)
	c.Dataset("lake.sales_eu", func(d *api.Dataset) {
		d.Refreshes = []api.Refresh{{ID: 9, Outcome: api.Succeeded, StartedAt: time.Now(), Duration: 2 * time.Second, BytesRead: 6 << 20}}
		d.Snapshots.Attempts = []api.SnapshotAttempt{{ID: 3, Outcome: api.Succeeded, Bytes: 8 << 20, Duration: 2 * time.Second, At: time.Now()}}
	})
	all := append(uitest.Snapshots(time.Now()), uitest.Snapshots(time.Now())...)
	for i := range all {
		all[i].ID = uint64(100 + i)
	}
	c.SetSnapshots("lake.sales_eu", all, nil, false)
	s.Press("enter", "tab")
	s.Wait("Read a second", "3.0 MiB/s")
	s.Press("2")
	s.Wait("Written a second", "4.0 MiB/s")
}

// A frame of data allocates little: 330 of 1,000 datasets change, sorted.
func TestAFrameAllocatesLittle(t *testing.T) {
	const frames, most = 100, 105_000 // bytes a frame; the benchmark has less than 100 kB
	states := []*api.State{many(1000)}
	for i := range 8 {
		states = append(states, touched(states[i], 330, i))
	}
	st := ui.NewStill(uitest.New(states[0]), views.All(), ui.Options{Theme: "dark", StateDir: t.TempDir()}, 160, 48)
	st.Press(">", ">")
	_ = st.Frame()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range frames {
		st.State(states[i%len(states)])
		_ = st.Frame()
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / frames; per > most {
		t.Errorf("%d bytes a frame", per)
	}
}
