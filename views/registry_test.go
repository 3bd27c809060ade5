package views_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// Every action of every screen, in every tab, is described, has keys that nothing else on that screen
// has, and is off in read-only with a reason when it changes something.
func TestRegistry(t *testing.T) {
	now := time.Now()
	for name, keys := range map[string][]string{"datasets": nil, "overview": {"enter"}, "refreshes": {"enter", "tab"}, "tab snapshots": {"enter", "tab", "tab"},
		"tab stream": {"enter", "tab"}, "tab config": {"y"}, "tab events": {"l"}, "snapshots": {"2"}, "events": {"4"}, "config": {"5"}, "doctor": {"6"}, "sql": {"8", "esc"}, "pulse": {"3"}, "tree": {"7"}} {
		s := uitest.Sample(now)
		s.ReadOnly = true
		if name == "tab stream" {
			uitest.Streamed(s, api.StreamStopped)
		}
		c := uitest.New(s)
		c.SetSnapshots("lake.sales_eu", uitest.Snapshots(now), nil, false)
		c.SetFindings(uitest.Findings(), nil, false)
		st := ui.NewStill(c, views.All(), ui.Options{Theme: "dark", StateDir: t.TempDir()}, 120, 40)
		st.Press(keys...)
		owner, ids := map[string]string{}, map[string]bool{}
		for _, x := range st.Actions() {
			a := x.Action
			if a.ID == "" || a.Title == "" || len(a.Keys) == 0 || a.Run == nil {
				t.Errorf("%s: %q lacks its id, title, keys or run", name, a.ID)
			}
			if len(a.Help) < 10 || !strings.HasSuffix(a.Help, ".") {
				t.Errorf("%s: the help of %s is no sentence: %q", name, a.ID, a.Help)
			}
			if ids[a.ID] {
				t.Errorf("%s: two actions are %s", name, a.ID)
			}
			ids[a.ID] = true
			for _, k := range a.Keys {
				if o, ok := owner[k]; ok {
					t.Errorf("%s: %s and %s both have %q", name, o, a.ID, k)
				}
				owner[k] = a.ID
				if slices.Contains(ui.Moves, k) {
					t.Errorf("%s: %s has %q, which moves about", name, a.ID, k)
				}
			}
			if a.Kind >= ui.Mutate && !strings.HasPrefix(x.Off, "read-only") {
				t.Errorf("%s: %s is on in read-only (%q)", name, a.ID, x.Off)
			}
			if a.Kind == ui.Danger && a.Effect == nil && !a.Asks {
				t.Errorf("%s: %s is dangerous and does not ask", name, a.ID)
			}
		}
		// Pressing them all sends nothing.
		for _, x := range st.Actions() {
			if x.Kind >= ui.Mutate {
				st.Press(x.Keys[0])
			}
		}
		if got := c.Commands(); len(got) > 0 {
			t.Errorf("%s: read-only sent %v", name, got)
		}
	}
}
