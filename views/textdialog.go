package views

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/ui"
)

// textDialog shows a text that does not fit elsewhere.
type textDialog struct {
	title, text string
	page        pager
}

// Title implements ui.Dialog.
func (d *textDialog) Title(*ui.Ctx) string { return ui.Clean(d.title) }

// Careful implements ui.Dialog.
func (d *textDialog) Careful() bool { return false }

// Update implements ui.Dialog.
func (d *textDialog) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Key implements ui.Dialog.
func (d *textDialog) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch key := k.String(); key {
	case "esc", "enter", "q", "backspace":
		return true, nil
	case "c":
		return false, c.Clipboard(d.text, d.title)
	default:
		d.page.move(key)
	}
	return false, nil
}

// Draw implements ui.Dialog.
func (d *textDialog) Draw(c *ui.Ctx, w, h int) []string {
	var lines []string
	for _, l := range strings.Split(d.text, "\n") {
		lines = append(lines, ui.Wrap(ui.Clean(l), w)...)
	}
	return append(d.page.draw(lines, h-2), "", c.Theme.Dim.On("esc closes "+c.Glyphs.Dot+" c copies"))
}
