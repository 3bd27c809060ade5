package views_test

import (
	"errors"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/ui/uitest"
)

// The checklist takes its time; the console does not wait for it.
func TestDoctor(t *testing.T) {
	c, s := start(t, 120, 32)
	answer := c.SetFindings(uitest.Findings(), nil, true)
	s.Press("6")
	s.Wait("going through the checklist")
	s.Press("m")
	s.Wait("check again", "it is under way")
	s.Press("esc", "1")
	s.Wait("lake.sales_us", "enter open ")
	answer()
	s.Press("6")
	s.Wait("2 ✗ 2 ▲", "✗ problem", "the object of snapshot 7 is gone", "remedy: pitwall snapshots list")
	if text := s.Text(); strings.Index(text, "snapshot 7 is gone") > strings.Index(text, "key that is good") || strings.Index(text, "conditional writes") > strings.Index(text, "not applicable") {
		t.Errorf("the worst is not first:\n%s", text)
	}
	// The selected line's dataset can be acted on.
	s.Press("down", "s")
	s.Wait("snapshot lake.sales_eu asked for")
	taken(t, c, api.SnapshotNow{Dataset: "lake.sales_eu"})
	s.Press("/")
	s.Type("state:warning")
	s.Press("enter")
	s.Wait("put-bucket-versioning")
	s.Gone("conditional writes")
	s.Press("esc")
	s.Wait("conditional writes")
	s.Press("home", "enter")
	s.Wait("lake.sales_ap ")
	s.Press("6")
	s.Wait("pitwall ▸ doctor")

	c.SetFindings(nil, errors.New("the runtime is stopping"), false)
	s.Press("a")
	s.Wait("the runtime is stopping", "snapshot 7 is gone")
	c.SetFindings([]api.Finding{{Check: "store", State: api.FindingOK, Title: "t", Found: "all is \x1b[2Jwell"}}, nil, false)
	s.Press("a")
	s.Wait("0 ✗ 0 ▲", "well")
	s.Gone("the runtime is stopping")
}
