package ui

import (
	tea "charm.land/bubbletea/v2"
)

// menuDialog lists what can be done with the selection; enter or the key does it.
type menuDialog struct{ at, top int }

// Title implements Dialog.
func (d *menuDialog) Title(c *Ctx) string {
	if ts := c.app.top().view.Targets(c); len(ts) > 0 {
		return "Actions " + c.Glyphs.Dot + " " + Names(ts)
	}
	return "Actions"
}

// Careful implements Dialog.
func (d *menuDialog) Careful() bool { return false }

// Update implements Dialog.
func (d *menuDialog) Update(*Ctx, tea.Msg) tea.Cmd { return nil }

// entries are the actions of the screen first; esc and m itself are no use here.
func (d *menuDialog) entries(c *Ctx) []Action {
	var out []Action
	for _, x := range c.app.actions() {
		if x.ID != "menu" && x.ID != "back" && x.ID != "leave" {
			out = append(out, x)
		}
	}
	return out
}

// Key implements Dialog.
func (d *menuDialog) Key(c *Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	acts := d.entries(c)
	key := k.String()
	if scrollKey(key, &d.at, 10, len(acts)-1) && key != "space" {
		return false, nil
	}
	switch key {
	case "esc", "m", "backspace":
		return true, nil
	case "enter":
		if d.at < len(acts) {
			return true, c.app.run(c, &acts[d.at])
		}
	}
	for i := range acts {
		if acts[i].has(key) {
			return true, c.app.run(c, &acts[i])
		}
	}
	return false, nil
}

// Draw implements Dialog.
func (d *menuDialog) Draw(c *Ctx, w, h int) []string {
	acts := d.entries(c)
	t := c.Theme
	targets := c.app.top().view.Targets(c)
	d.at = min(d.at, max(len(acts)-1, 0))
	page := max(h-1, 1)
	d.top = min(max(d.top, d.at-page+1), d.at)
	var out []string
	for i := d.top; i < len(acts) && len(out) < page; i++ {
		x := &acts[i]
		cursor := " "
		if i == d.at {
			cursor = t.Accent.On(c.Glyphs.Cursor)
		}
		line := cursor + " " + t.Accent.Bold().On(Pad(KeyName(x.Keys[0]), 10)) + Pad(x.Title, 26)
		if why := x.off(c, targets); why != "" {
			line = cursor + " " + t.Dim.On(Pad(KeyName(x.Keys[0]), 10)+Pad(x.Title, 26)) + t.Warn.On(why)
		} else if x.Kind == Danger {
			line += t.Bad.On("replaces data, asks first")
		}
		if line = Pad(line, w); i == d.at {
			line = t.tint(line)
		}
		out = append(out, line)
	}
	return append(out, t.Dim.On("enter or the key does it "+c.Glyphs.Dot+" esc closes"))
}
