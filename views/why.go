package views

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api/why"
	"pitwall/ui"
)

// whyDialog answers why a dataset is as it is, from the State of the moment.
type whyDialog struct {
	dataset string
	page    pager
}

// Title implements ui.Dialog.
func (d *whyDialog) Title(c *ui.Ctx) string { return "Why " + c.Glyphs.Dot + " " + ui.Clean(d.dataset) }

// Careful implements ui.Dialog.
func (d *whyDialog) Careful() bool { return false }

// Update implements ui.Dialog.
func (d *whyDialog) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Key implements ui.Dialog.
func (d *whyDialog) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch key := k.String(); key {
	case "esc", "w", "q", "enter", "backspace":
		return true, nil
	case "c":
		return false, c.Clipboard(d.text(c), "the answer")
	default:
		if !d.page.move(key) { // a key of the screen: what was read is acted on
			c.Pass(k)
			return true, nil
		}
	}
	return false, nil
}

// text is all of it as plain text.
func (d *whyDialog) text(c *ui.Ctx) string {
	var b strings.Builder
	for _, p := range why.Explain(c.State, d.dataset, c.Now) {
		fmt.Fprintf(&b, "%s\n", p.Question)
		last := ""
		for _, s := range p.Answer {
			fmt.Fprintf(&b, "  %s\n", s.Text)
			if at := s.Place(); at != "" && at != last {
				fmt.Fprintf(&b, "    %s\n", at)
				last = at
			}
		}
	}
	return b.String()
}

// Draw implements ui.Dialog.
func (d *whyDialog) Draw(c *ui.Ctx, w, h int) []string {
	t := c.Theme
	parts := why.Explain(c.State, d.dataset, c.Now)
	if parts == nil {
		return []string{"This dataset is not in the spicepod any more.", "", t.Dim.On("esc closes")}
	}
	var lines []string
	for i, p := range parts {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, t.Title.On(p.Question))
		last := "" // a place is said once
		for _, s := range p.Answer {
			lines = append(lines, indented(s.Text, 2, w)...)
			if at := s.Place(); at != "" && at != last {
				last = at
				lines = append(lines, "    "+t.Dim.On(ui.Cut(ui.Clean(at), w-4)))
			}
		}
	}
	out := d.page.draw(lines, h-2)
	hint := "esc closes " + c.Glyphs.Dot + " c copies " + c.Glyphs.Dot + " other keys act as on the screen"
	if len(lines) > h-2 {
		hint = "up/down scroll " + c.Glyphs.Dot + " " + hint
	}
	return append(out, "", t.Dim.On(hint))
}
