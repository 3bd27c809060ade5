package ui

import (
	tea "charm.land/bubbletea/v2"
)

// prompt is the line in which a filter or a search is typed; it applies with every key.
type prompt struct {
	label string
	edit  Edit
	old   string
	set   func(string) error
	err   error
	hint  string
	view  View
}

func (a *App) ask(label, hint, old string, set func(string) error) tea.Cmd {
	a.prompt = &prompt{label: label, hint: hint, old: old, set: set, view: a.top().view}
	a.prompt.edit.Set(old)
	return nil
}

func (p *prompt) apply(c *Ctx) tea.Cmd {
	if p.err = p.set(p.edit.Text()); p.err == nil {
		return p.view.Update(c, StateMsg{})
	}
	return nil
}

func (a *App) promptKey(c *Ctx, k tea.KeyPressMsg) tea.Cmd {
	p := a.prompt
	switch k.String() {
	case "esc":
		p.edit.Set(p.old)
		a.prompt = nil
		return p.apply(c)
	case "enter":
		if p.err != nil { // what is typed does not apply; the last that did is not what was asked for
			return nil
		}
		a.prompt = nil
		return nil
	case "up", "down", "pgup", "pgdown":
		p.view.Move(c, k.String())
		return nil
	case "backspace":
		if p.edit.Text() == "" {
			a.prompt = nil
			return nil
		}
	}
	if p.edit.Key(k) {
		return p.apply(c)
	}
	return nil
}

func (p *prompt) draw(c *Ctx) string {
	t := c.Theme
	left := " " + t.Accent.Bold().On(p.label)
	right := t.Dim.On(p.hint + " ")
	if p.err != nil {
		right = t.Bad.On(Cut(c.Glyphs.Failed+" "+p.err.Error()+"; esc gives up", c.W*2/3) + " ")
	} else if Width(right) > c.W/2 {
		right = ""
	}
	left += p.edit.Draw(c.W - Width(left) - Width(right) - 1)
	return Sides(left, right, c.W)
}
