package views_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/settings"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// Who comes back finds the screens, the filter, the order and what was typed; a damaged session begins anew and says so.
func TestSessionIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	begin := func(o ui.Options) *uitest.Screen {
		o.StateDir = dir
		s := uitest.Start(t, uitest.New(uitest.Sample(time.Now())), views.All(), 120, 32, o)
		s.Wait("● live")
		return s
	}
	s := begin(ui.Options{})
	s.Wait("lake.sales_eu")
	s.Press("/")
	s.Type("fx")
	s.Press("enter", ">")
	s.Wait("Datasets 1/7", "sort name")
	s.Press("8")
	s.Type("select 42")
	s.Press("enter", "esc", "1", ":")
	s.Type("theme light")
	s.Press("enter", "enter")
	s.Wait("datasets ▸ ref.fx")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = begin(ui.Options{})
	s.Wait("datasets ▸ ref.fx")
	s.Press("backspace")
	s.Wait("Datasets 1/7", "/fx", "sort name")
	s.Press(":")
	s.Wait("theme light")
	s.Press("esc")
	s.Press("8")
	s.Wait("select 42")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s = begin(ui.Options{NoSession: true})
	s.Wait("Datasets 7")
	_ = s.Stop()
	files, _ := filepath.Glob(filepath.Join(dir, "sessions", "*.json"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	if err := os.WriteFile(files[0], []byte(`{"stack": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = begin(ui.Options{})
	s.Wait("Datasets 7", "the last session could not be read")
	if _, err := os.Stat(files[0] + ".damaged"); err != nil {
		t.Error(err)
	}
}

// The file of a person changes keys, columns and looks, also while the console runs; what is wrong in it is said.
func TestSettings(t *testing.T) {
	first, err := settings.Parse([]byte("keys: {dataset.refresh: [f5]}\ncolumns: {datasets: [state, rows]}\nmouse: false\n"))
	if err != nil {
		t.Fatal(err)
	}
	updates := make(chan settings.Update)
	c := uitest.New(uitest.Sample(time.Now()))
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{Settings: first, Updates: updates})
	s.Wait("lake.sales_eu", "f5 refresh")
	s.Gone("ENGINE")
	next := func(text string) {
		t.Helper()
		u := settings.Update{}
		u.Settings, u.Err = settings.Parse([]byte(text))
		updates <- u
	}
	next("columns: {datasets: [engine]}\n")
	s.Wait("settings taken", "ENGINE", "r refresh")
	s.Gone("SNAPSHOT")
	for text, want := range map[string]string{
		"theme: pink\n":                   "theme is auto, dark, light or mono",
		"keyz: {}\n":                      "keyz",
		"keys: {dataset.refres: [x]}\n":   "there is no action dataset.refres",
		"keys: {dataset.refresh: [s]}\n":  "dataset.refresh and dataset.snapshot both have \"s\"",
		"columns: {datasets: [colour]}\n": "there is no column \"colour\"",
		"keys: {dataset.refresh: [j]}\n":  "a key that moves about",
		"columns: {pulses: [a]}\n":        "there is no screen pulses",
	} {
		next(text)
		s.Press("t") // the tasks dialog and back, so that the toast that is waited for is the newest
		s.Press("esc")
		s.Wait(want)
	}
	next("ascii: true\n")
	s.Wait("+ Datasets 7 --")
}

// A program of the person's own has a key; read-only refuses one that changes something, and its key must be free.
func TestOwnCommands(t *testing.T) {
	mine, err := settings.Parse([]byte("commands: {note: {key: ctrl+l, run: 'echo $PITWALL_DATASET', confirm: true, changes: true}}"))
	if err != nil {
		t.Fatal(err)
	}
	updates := make(chan settings.Update)
	c := uitest.New(uitest.Sample(time.Now()))
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{Settings: mine, Updates: updates})
	s.Wait("lake.sales_eu")
	s.Press("ctrl+l")
	s.Wait("Note · lake.sales_eu", "Runs in a shell: echo $PITWALL_DATASET")
	s.Press("esc")
	s.Gone("Runs in a shell")
	c.Change(func(st *api.State) { st.ReadOnly = true })
	s.Wait("  RO  ")
	s.Press("ctrl+l")
	s.Wait("note: read-only")
	taken, err := settings.Parse([]byte("commands: {note: {key: r, run: x}}"))
	if err != nil {
		t.Fatal(err)
	}
	updates <- settings.Update{Settings: taken}
	s.Wait("both have \"r\"")
	if taken, err = settings.Parse([]byte("commands: {note: {key: j, run: x}}")); err != nil {
		t.Fatal(err)
	}
	updates <- settings.Update{Settings: taken}
	s.Wait("commands: note has j, which moves about")
}
