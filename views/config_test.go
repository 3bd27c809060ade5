package views_test

import (
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// What waits is in the head line of every screen; a applies what drops nothing, A the rest after the name was typed.
func TestPlanIsAppliedByKey(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(pending)
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{})
	s.Wait("lake.sales_eu", "~ pending")
	s.Press("5")
	s.Wait("Plan (disk -> running)", "- lake.sales_us", "DROPS local data", "5m (live)", "g42 runs")
	s.Press("a")
	s.Wait("apply config asked for")
	s.Press("A")
	s.Awake()
	s.Wait("type lake.sales_us to go on", "any more; the file stays")
	s.Press("tab", "enter") // without the name nothing happens
	s.Type("lake.sales_us")
	s.Press("enter")
	s.Gone("to go on")
	s.Press("W")
	s.Until("three commands", func(string) bool { return len(c.Commands()) == 3 })
	got := c.Commands()
	if got[0] != (api.ApplyConfig{}) || got[1] != (api.ApplyConfig{Drops: true}) || got[2] != (api.SetReload{Mode: api.ReloadHand}) {
		t.Errorf("%+v", got)
	}
}

// A question about a version is not answered for a later one.
func TestPlanThatChangesWhileItIsAsked(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(pending)
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{})
	s.Press("5")
	s.Wait("DROPS")
	s.Press("A")
	s.Awake()
	c.Change(func(s *api.State) {
		p := *s.Config.Pending
		p.Since = p.Since.Add(time.Second)
		s.Config.Pending = &p
	})
	s.Wait("changed meanwhile")
	s.Press("esc")
	s.Gone("changed meanwhile")
	if got := c.Commands(); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// A broken file: n goes from problem to problem, u asks before it writes the version that runs over it.
func TestBrokenFileIsReverted(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	c.Change(broken)
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{})
	s.Press("5")
	s.Wait("not applied", "n next error")
	s.Press("n")
	s.Wait("problem 1 of ")
	s.Press("a")
	s.Wait("the file on disk has errors")
	s.Press("u")
	s.Awake()
	s.Wait(".rejected")
	s.Press("y")
	s.Wait("revert config asked for")
	if got := c.Commands(); len(got) != 1 || got[0] != (api.RevertConfig{}) {
		t.Errorf("%v", got)
	}
}
