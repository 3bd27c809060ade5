package views_test

import (
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

var phases = []api.StreamPhase{api.StreamConnecting, api.StreamLoading, api.StreamFollowing, api.StreamRetrying, api.StreamPaused, api.StreamStopped}

// The tab of a stream fits in every window, in every phase, also with a record that is long and full of signs, and
// shows all partitions to who scrolls.
func TestStreamFits(t *testing.T) {
	for _, phase := range phases {
		for _, z := range [][2]int{{20, 5}, {39, 10}, {40, 10}, {80, 24}, {139, 40}, {140, 45}, {250, 70}} {
			many := func(s *api.State) {
				uitest.Streamed(s, phase)
				x := s.Datasets[0].Stream
				for i := range 90 {
					x.Partitions = append(x.Partitions, api.StreamPartition{ID: int32(10 + i), Next: int64(i), End: int64(i) + 1<<60})
				}
				if x.Last != nil {
					x.Last.Value = strings.Repeat("{\"a\":\"\x1b[31m\u202e漢字 \t", 80)
				}
			}
			fits(t, draw(t, []string{"enter"}, many, z[0], z[1], ui.Options{Theme: "dark"}), z[0], z[1])
			s := uitest.Sample(time.Now())
			many(s)
			st := ui.NewStill(uitest.New(s), views.All(), ui.Options{Theme: "dark", StateDir: t.TempDir()}, z[0], z[1])
			st.Press("enter", "tab")
			fits(t, st.Frame(), z[0], z[1])
			st.Press("end")
			frame := st.Frame()
			fits(t, frame, z[0], z[1])
			if z[0] == 140 && !strings.Contains(trimmed(frame), "│ 99 ") {
				t.Errorf("%s: the last partition is not there:\n%s", phase, trimmed(frame))
			}
		}
	}
}

// Each phase is told in words and by a sign of its own, in the tab, on the overview and on the home screen.
func TestStreamPhasesAreTold(t *testing.T) {
	signs := map[string]api.StreamPhase{}
	for _, phase := range phases {
		state := stream(phase)
		word := strings.Fields(map[api.StreamPhase]string{api.StreamStopped: "stopped at a record"}[phase] + " " + string(phase))[0]
		tab := trimmed(draw(t, []string{"enter", "tab"}, state, 80, 24, ui.Options{NoColor: true}))
		_, after, _ := strings.Cut(tab, "┌ Stream")
		line := strings.TrimPrefix(strings.Split(after, "\n")[1], "│ ")
		sign, _, _ := strings.Cut(line, " ")
		if other, ok := signs[sign]; ok || !strings.Contains(line, word) {
			t.Errorf("%s: %q, the sign is that of %q", phase, line, other)
		}
		signs[sign] = phase
		if over := draw(t, []string{"enter"}, state, 120, 40, ui.Options{NoColor: true}); !strings.Contains(over, word) {
			t.Errorf("%s is not on the overview", phase)
		}
	}
}

// What the keys of a stream do is asked for, with what it does; what makes no sense says why.
func TestStreamKeys(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(func(s *api.State) { uitest.Streamed(s, api.StreamStopped) })
	s := uitest.Start(t, c, views.All(), 100, 32, ui.Options{Version: "test"})
	s.Wait("shop.orders", "r retries, S skips")
	s.Press("enter")
	s.Wait("Overview")
	s.Press("tab")
	s.Wait("stopped at a record", "r retry", "S skip record")
	s.Press("S")
	s.Wait("shop.public.orders, partition 1, offset 469,882", "dead-letters.jsonl")
	s.Awake()
	s.Press("esc")
	s.Gone("Leave it stopped")
	taken(t, c)
	s.Press("S")
	s.Awake()
	s.Press("y")
	s.Wait("skip record shop.orders asked for")
	s.Press("R")
	s.Wait("Replaces the 1,204,118 rows of shop.orders", "type shop.orders to go on")
	s.Awake()
	s.Type("shop.orders")
	s.Press("tab", "enter")
	s.Gone("to go on:")
	s.Press("r")
	s.Wait("3 tasks")
	s.Press("H")
	s.Wait("4 tasks")
	taken(t, c, api.SkipRecord{Dataset: "shop.orders"}, api.Rebootstrap{Dataset: "shop.orders"}, api.RefreshNow{Dataset: "shop.orders"}, api.Hold{Dataset: "shop.orders", On: true})
	c.Dataset("shop.orders", func(d *api.Dataset) {
		d.Status, d.Err, d.Hint = api.Ready, "", ""
		x := *d.Stream
		x.Phase, x.Stopped, x.Err, x.Hint, x.Behind = api.StreamFollowing, nil, "", "", 0
		d.Stream = &x
	})
	s.Wait("following, 0 behind")
	s.Press("S")
	s.Wait("no record stopped a stream")
	c.Dataset("shop.orders", func(d *api.Dataset) { d.Stream = nil })
	s.Wait("it follows no stream")
	s.Press("tab")
	s.Wait("Snapshots", "Refreshes")
}
