package views_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// w answers on any dataset, and keeps answering while things change.
func TestWhy(t *testing.T) {
	c, s := start(t, 120, 40)
	s.Press("down", "down")
	s.Wait("▌ lake.sales_ap")
	s.Press("w")
	s.Wait("Why · lake.sales_ap", "Is it ready?", "Yes, with old data", "What happens next?")
	c.Dataset("lake.sales_ap", func(d *api.Dataset) { d.Held, d.Retry = true, nil })
	s.Wait("until somebody resumes them (H)")
	s.Press("w")
	s.Gone("Is it ready?")
	s.Press("enter")
	s.Wait("datasets ▸ lake.sales_ap")
	s.Press("w")
	s.Wait("Why · lake.sales_ap", "other keys act")
	s.Press("H") // a key of the screen closes the answer and acts
	s.Gone("Is it ready?")
	s.Wait("resume lake.sales_ap asked for")
	taken(t, c, api.Hold{Dataset: "lake.sales_ap"})
}

// Two writers of one name are a fault, also while nothing fails.
func TestSharedWriterIsAFault(t *testing.T) {
	c, s := start(t, 120, 40)
	c.Dataset("lake.sales_us", func(d *api.Dataset) { d.Snapshots.Shared = true })
	s.Press("F")
	s.Wait("Datasets 3/7") // the change is shown; before it, down goes to the fault after it
	s.Press("down")
	s.Wait("another process with the same identity writes them, too", "SPICE_INSTANCE_ID")
}

// I writes what happened, for people and for programs.
func TestIncidentIsWritten(t *testing.T) {
	c := uitest.New(uitest.Sample(time.Now()))
	dir := t.TempDir()
	s := uitest.Start(t, c, views.All(), 120, 32, ui.Options{StateDir: dir})
	s.Wait("lake.sales_eu", "? help")
	s.Press("I")
	s.Wait("incident written to")
	for _, ext := range []string{"md", "json"} {
		found, _ := filepath.Glob(filepath.Join(dir, "incidents", "lake.sales_eu-*."+ext))
		if len(found) != 1 {
			t.Fatal(ext, found)
		}
		text, err := os.ReadFile(found[0])
		if err != nil || !strings.Contains(string(text), "lake.sales_eu") || !strings.Contains(string(text), "Is it ready?") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
