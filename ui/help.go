package ui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// helpDialog lists all keys of a screen; typing after / searches it.
type helpDialog struct {
	scroll    int
	page, max int
	searching bool
	query     Edit
}

// Title implements Dialog.
func (d *helpDialog) Title(c *Ctx) string {
	cr := c.app.top().view.Crumbs(c)
	return "Keys " + c.Glyphs.Dot + " " + Clean(strings.Join(cr, " "+c.Glyphs.Crumb+" "))
}

// Careful implements Dialog.
func (d *helpDialog) Careful() bool { return false }

// Update implements Dialog.
func (d *helpDialog) Update(*Ctx, tea.Msg) tea.Cmd { return nil }

// Key implements Dialog.
func (d *helpDialog) Key(_ *Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	key := k.String()
	if d.searching {
		switch key {
		case "enter":
			d.searching = false
			return false, nil
		case "esc":
			d.searching = false
			d.query.Set("")
			return false, nil
		}
		if d.query.Key(k) {
			d.scroll = 0
			return false, nil
		}
	}
	if scrollKey(key, &d.scroll, d.page, d.max) {
		return false, nil
	}
	switch key {
	case "/":
		d.searching = true
	case "esc":
		if d.query.Text() == "" {
			return true, nil
		}
		d.query.Set("")
	case "?", "q", "enter", "backspace":
		return true, nil
	}
	return false, nil
}

// scrollKey moves a scroll offset.
func scrollKey(key string, at *int, page, last int) bool {
	switch key {
	case "up", "k":
		*at--
	case "down", "j":
		*at++
	case "pgup", "ctrl+u", "ctrl+b":
		*at -= page
	case "pgdown", "ctrl+d", "ctrl+f", "space":
		*at += page
	case "home", "g":
		*at = 0
	case "end", "G":
		*at = last
	default:
		return false
	}
	*at = min(max(*at, 0), max(last, 0))
	return true
}

// Draw implements Dialog.
func (d *helpDialog) Draw(c *Ctx, w, h int) []string {
	t := c.Theme
	var body []string
	section := func(title string, acts []Action) {
		var part []string
		for i := range acts {
			x := &acts[i]
			why := x.off(c, c.app.top().view.Targets(c))
			if !d.match(x.Title, x.Help, x.ID, strings.Join(x.Keys, " "), why) {
				continue
			}
			part = append(part, keyLine(c, x, why, w)...)
		}
		if len(part) > 0 {
			body = append(body, t.Title.On(title))
			body = append(body, part...)
			body = append(body, "")
		}
	}
	section("This screen", c.app.top().view.Actions())
	section("Everywhere", c.app.globals())
	if d.match("move up down arrows j k page pgup pgdn home end g G ctrl+u ctrl+d") {
		body = append(body, t.Title.On("Moving about"),
			"  arrows, j k   one row       pgup pgdn, ctrl+b ctrl+f   a page",
			"  g G           first, last   ctrl+u ctrl+d              half a page", "")
	}
	if d.query.Text() == "" {
		body = append(body, t.Dim.On("in ( ) the name for keys: in config.yml"), "", t.Dim.On("pitwall "+c.Options.Version))
		if c.Options.LogFile != "" {
			body = append(body, t.Dim.On("log          "+c.Options.LogFile))
		}
		body = append(body, t.Dim.On("screen dumps "+c.Options.StateDir))
	} else if len(body) == 0 {
		body = append(body, "nothing found for "+d.query.Text())
	}
	foot := t.Dim.On("/ search " + c.Glyphs.Dot + " j k scroll " + c.Glyphs.Dot + " esc closes")
	if d.searching {
		foot = t.Accent.On("/") + d.query.Draw(w-2)
	} else if d.query.Text() != "" {
		foot = t.Accent.On("/"+d.query.Text()) + t.Dim.On("  esc shows all")
	}
	d.page = max(h-2, 1)
	d.max = max(len(body)-d.page, 0)
	d.scroll = min(d.scroll, d.max)
	out := append([]string(nil), window(body, d.scroll, d.page)...)
	if d.max > 0 && !d.searching {
		foot = Sides(foot, t.Dim.On(Percent(float64(d.scroll)/float64(d.max))), w)
	}
	return append(out, foot)
}

func (d *helpDialog) match(texts ...string) bool {
	q := strings.ToLower(d.query.Text())
	for _, s := range texts {
		if ContainsFold(s, q) {
			return true
		}
	}
	return q == ""
}

// keyLine is one action of the help: its keys, its title, what it does, and why it can't now.
func keyLine(c *Ctx, x *Action, why string, w int) []string {
	t := c.Theme
	names := make([]string, len(x.Keys))
	for i, k := range x.Keys {
		names[i] = KeyName(k)
	}
	const keyW, titleW = 10, 24
	keys, title := Pad(strings.Join(names, " "), keyW), Pad(x.Title, titleW)
	text := Wrap(x.Help+" ("+x.ID+")", max(w-keyW-titleW-4, 10))
	if w < 60 {
		text = nil
	}
	head := "  " + t.Accent.Bold().On(keys) + " " + title + " "
	if why != "" {
		head = "  " + t.Dim.On(keys+" "+title) + " "
	}
	var out []string
	for i, l := range text {
		if i > 0 {
			head = Spaces(keyW + titleW + 4)
		}
		out = append(out, head+t.Dim.On(l))
	}
	if len(out) == 0 {
		out = []string{head}
	}
	if why != "" {
		for _, l := range Wrap("not now: "+why, max(w-keyW-titleW-4, 10)) {
			out = append(out, Spaces(keyW+titleW+4)+t.Warn.On(l))
		}
	}
	return out
}
