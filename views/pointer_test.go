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

func TestMouse(t *testing.T) {
	_, s := start(t, 120, 32)
	s.Click(5, 4)
	s.Wait("▌ lake.sales_us")
	s.Wheel(true)
	s.Wait("▌ ref.users")
	s.Wheel(false)
	s.Wait("▌ lake.sales_us")
	s.Press("enter")
	s.Wait("datasets ▸ lake.sales_us")
	s.Click(14, 1)
	s.Wait("Refreshes, newest first")
	third := 0
	for i, l := range strings.Split(s.Text(), "\n") {
		if strings.Contains(l, "STARTED") {
			third = i + 3
		}
	}
	s.Click(5, third)
	s.Until("the third refresh selected", func(text string) bool {
		return strings.Contains(strings.Split(text, "\n")[third], "▌")
	})
	s.Press("M")
	s.Wait("the mouse selects text")
	s.Press("M")
	s.Wait("the mouse works here")
}

func TestPasteIntoTheFilterAndTheName(t *testing.T) {
	c, s := start(t, 120, 32)
	s.Press("/")
	s.Paste("ref.fx\n")
	s.Wait("Datasets 1/7")
	s.Press("esc")
	s.Wait("Datasets 7")
	s.Press("g", "b")
	s.Wait("▌ ✓ #40")
	s.Awake()
	s.Paste("lake.sales_eu")
	s.Press("tab", "enter")
	s.Wait("bootstrap lake.sales_eu asked for")
	taken(t, c, api.BootstrapFrom{Dataset: "lake.sales_eu", SnapshotID: 40})
}

// Names from a file must not reach the terminal as what they are not.
func TestEvilNames(t *testing.T) {
	st := uitest.Sample(time.Now())
	names := []string{"日本語の名前", "e\u0301\u0301le\u0300ve", "👩‍👩‍👧", "\x1b[2J\x1b]0;pwned\x07", "a\nb", strings.Repeat("very_", 60)}
	for i, n := range names {
		d := *st.Datasets[i]
		d.Name = n
		st.Datasets[i] = &d
	}
	s := uitest.Start(t, uitest.New(st), views.All(), 100, 30, ui.Options{})
	s.Wait("日本語の名前", "?[2J?]0;pwned?", "a b", "very_very", "? help")
	for _, l := range strings.Split(s.Text(), "\n")[2:12] {
		if !strings.HasPrefix(l, "│") || !strings.HasSuffix(l, "│") {
			t.Errorf("the frame is broken: %q", l)
		}
	}
	s.Press("down", "down", "down", "enter")
	s.Wait("▸ ?[2J?]0;pwned?")
}
