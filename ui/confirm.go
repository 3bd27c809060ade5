package ui

import (
	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Confirm asks before something happens: Cancel has the focus, keys typed too early do not count, and
// with Name set that name has to be typed.
type Confirm struct {
	Heading string
	// Now says what would happen now, in whole sentences, or why it can't any more. It is asked again
	// whenever the dialog is drawn, because the world goes on behind it.
	Now func(c *Ctx) (effect, off string)
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
		return true, d.run(c)
	}
	if d.Name == "" && (k.String() == "n" || k.String() == "q") {
		return true, nil
	}
	_, off := d.Now(c)
	switch d.buttons.Key(k.String(), d.ready() || off != "") {
	case Cancelled:
		return true, nil
	case Chosen:
		return true, d.run(c)
	case Unused:
		if d.Name != "" {
			d.typed.Key(k)
		}
	}
	return false, nil
}

// run does it, or says why it can't be done any more.
func (d *Confirm) run(c *Ctx) tea.Cmd {
	if _, off := d.Now(c); off != "" {
		c.Toast(api.Warn, d.Verb+": "+off)
		return nil
	}
	return d.Run(c)
}

func (d *Confirm) ready() bool { return d.Name == "" || d.typed.Text() == Clean(d.Name) }

// Draw implements Dialog.
func (d *Confirm) Draw(c *Ctx, w, h int) []string {
	effect, off := d.Now(c)
	blocked := ""
	var out []string
	switch {
	case off != "":
		blocked = "not possible any more"
		for _, l := range Wrap(c.Glyphs.Warn+" "+blocked+": "+Clean(off), w) {
			out = append(out, c.Theme.Warn.On(l))
		}
	case effect == "":
		out = Wrap("What this would have ended is over; nothing is lost by going on.", w)
	default:
		out = Wrap(effect, w)
	}
	if blocked == "" && !d.ready() {
		blocked = NameFirst
	}
	out = append(out, "")
	if d.Name != "" {
		out = append(out, TypeName(c, d.Name, &d.typed, w), "")
	}
	return append(out, d.buttons.Draw(c, d.Keep, d.Verb, blocked, d.Name != "", w)...)
}

// NameFirst is why a button does nothing until the name is typed.
const NameFirst = "type the name first"

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

// Draw returns the two lines with the buttons and the keys; blocked is why the acting one does
// nothing now, "" when it works.
func (b *Buttons) Draw(c *Ctx, keep, verb, blocked string, typing bool, w int) []string {
	t := c.Theme
	if keep == "" {
		keep = "Cancel"
	}
	cancel, act := "  "+keep+"  ", "  "+verb+"  "
	focus := func(label string) string { return Style("1;7").On("[" + label[1:len(label)-1] + "]") }
	if b.act {
		act = focus(act)
		if blocked != "" {
			act = t.Dim.On("  "+verb+"  ") + t.Warn.On(" "+blocked)
		}
	} else {
		cancel = focus(cancel)
		if blocked != "" {
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
