package views_test

import (
	"testing"
	"time"

	"pitwall/runtime/api"
)

// Anything can be asked for by its name: a screen of a dataset, an action on several by a pattern, with the questions
// the keys would ask, and what was asked before.
func TestPalette(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press(":")
	s.Wait("Do or go to", "refresh")
	s.Type("snap lake.sales_e")
	s.Wait("snapshots lake.sales_eu")
	s.Press("enter")
	s.Wait("▸ lake.sales_eu ▸ snapshots")
	s.Press("ctrl+k")
	s.Type("refresh ref.*")
	s.Wait("2 datasets: ref.fx, ref.users")
	s.Press("enter")
	s.Gone("Do or go to")
	s.Until("the commands", func(string) bool { return len(c.Commands()) == 2 })
	taken(t, c, api.RefreshNow{Dataset: "ref.fx"}, api.RefreshNow{Dataset: "ref.users"})
	s.Press(":")
	s.Wait("again", "refresh ref.*")
	s.Press("ctrl+p", "ctrl+p")
	s.Wait(": snapshots lake.sales_eu")
	s.Press("esc")
	s.Gone("Do or go to")
	s.Press(":")
	s.Type("ds /fx")
	s.Press("enter")
	s.Wait("Datasets 1/7")
	s.Press("esc")
	s.Wait("Datasets 7")
	s.Press(":")
	s.Type("theme light")
	s.Press("enter")
	s.Gone("Do or go to")
	s.Press(":")
	s.Type("qqqq")
	s.Wait("nothing is called like that")
	s.Press("enter", "esc")
	s.Gone("Do or go to")
}

// Back and forward go through the screens that were seen, with their datasets.
func TestHistory(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Press("enter")
	s.Wait("datasets ▸ lake.sales_eu")
	s.Press("4")
	s.Wait("▸ events")
	s.Press("(")
	s.Wait("datasets ▸ lake.sales_eu")
	s.Press(")")
	s.Wait("▸ events")
	s.Press("-")
	s.Wait("datasets ▸ lake.sales_eu")
	s.Press("-")
	s.Wait("▸ events")
	s.Press(")")
	s.Wait("there is no later screen")
}

// An action whose name is of two words takes datasets from any screen.
func TestPaletteTwoWords(t *testing.T) {
	c, s := start(t, 120, 32)
	c.Dataset("ref.fx", func(d *api.Dataset) { d.Run, d.Snapshots.Run, d.Snapshots.Undo = nil, nil, time.Now() })
	s.Press("5", ":")
	s.Type("undo boot")
	s.Wait("a dataset, or several by a pattern")
	s.Press("enter")
	s.Wait(": undo bootstrap ", "undo bootstrap ref.fx")
	s.Type("ref.fx")
	s.Press("enter")
	s.Gone("Do or go to")
	s.Awake()
	s.Press("y")
	s.Until("the command", func(string) bool { return len(c.Commands()) == 1 })
	taken(t, c, api.UndoBootstrap{Dataset: "ref.fx"})
	s.Press(":")
	s.Type("undo ref.f")
	s.Wait("undo ref.fx")
}
