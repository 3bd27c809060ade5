package ui

import (
	tea "charm.land/bubbletea/v2"
)

// Confirm asks before something happens: Cancel has the focus, keys typed too early do not count, and
// with Name set that name has to be typed.
type Confirm struct {
	Heading string
	// Effect says what will happen, in whole sentences.
	Effect string
	// Verb is the label of the button that does it, Keep that of the one that does not ("Cancel").
	Verb, Keep string
	// Name has to be typed before the button works; empty asks for none.
	Name string
	Run  func(c *Ctx) tea.Cmd

	buttons Buttons
	typed   Edit
}

// Title implements Dialog.
func (d *Confirm) Title(*Ctx) string { return d.Heading }

// Careful implements Dialog.
func (d *Confirm) Careful() bool { return true }

// Update implements Dialog.
func (d *Confirm) Update(*Ctx, tea.Msg) tea.Cmd { return nil }

// Paste implements Texter.
func (d *Confirm) Paste(s string) {
	if d.Name != "" {
		d.typed.Insert(s)
	}
}

// Key implements Dialog.
func (d *Confirm) Key(c *Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	if d.Name == "" && k.String() == "y" {
		return true, d.Run(c)
	}
	if d.Name == "" && (k.String() == "n" || k.String() == "q") {
		return true, nil
	}
	switch d.buttons.Key(k.String(), d.ready()) {
	case Cancelled:
		return true, nil
	case Chosen:
		return true, d.Run(c)
	case Unused:
		if d.Name != "" {
			d.typed.Key(k)
		}
	}
	return false, nil
}

func (d *Confirm) ready() bool { return d.Name == "" || d.typed.Text() == Clean(d.Name) }

// Draw implements Dialog.
func (d *Confirm) Draw(c *Ctx, w, h int) []string {
	out := Wrap(d.Effect, w)
	out = append(out, "")
	if d.Name != "" {
		out = append(out, TypeName(c, d.Name, &d.typed, w), "")
	}
	return append(out, d.buttons.Draw(c, d.Keep, d.Verb, d.ready(), d.Name != "", w)...)
}

// TypeName draws the line in which the name of a dataset is typed.
func TypeName(c *Ctx, name string, e *Edit, w int) string {
	label := "type " + c.Theme.Accent.Bold().On(Clean(name)) + " to go on: "
	return label + e.Draw(w-Width(label))
}

// Pressed is what a key did to Buttons.
type Pressed int

// What a key can do to Buttons.
const (
	Unused Pressed = iota
	Moved
	Cancelled
	Chosen
)

// Buttons are Cancel, which has the focus, and the button that acts.
type Buttons struct{ act bool }

// Focus tells whether the acting button has the focus.
func (b *Buttons) Focus() bool { return b.act }

// Key handles a key; with ready false the acting button does nothing.
func (b *Buttons) Key(key string, ready bool) Pressed {
	switch key {
	case "esc":
		return Cancelled
	case "tab", "shift+tab":
		b.act = !b.act
		return Moved
	case "left":
		b.act = false
		return Moved
	case "right":
		b.act = true
		return Moved
	case "enter":
		switch {
		case !b.act:
			return Cancelled
		case ready:
			return Chosen
		}
		return Moved
	}
	return Unused
}

// Draw returns the two lines with the buttons and the keys.
func (b *Buttons) Draw(c *Ctx, keep, verb string, ready, typing bool, w int) []string {
	t := c.Theme
	if keep == "" {
		keep = "Cancel"
	}
	cancel, act := "  "+keep+"  ", "  "+verb+"  "
	focus := func(label string) string { return Style("1;7").On("[" + label[1:len(label)-1] + "]") }
	if b.act {
		act = focus(act)
		if !ready {
			act = t.Dim.On("  "+verb+"  ") + t.Warn.On(" type the name first")
		}
	} else {
		cancel = focus(cancel)
		if !ready {
			act = t.Dim.On(act)
		}
	}
	keys := "tab moves " + c.Glyphs.Dot + " enter chooses " + c.Glyphs.Dot + " esc cancels"
	if !typing {
		keys += " " + c.Glyphs.Dot + " y yes"
	}
	if c.Guarded() {
		keys = "reading time" + c.Glyphs.Ellipsis
	}
	return []string{Cut(cancel+"   "+act, w), t.Dim.On(Cut(keys, w))}
}
