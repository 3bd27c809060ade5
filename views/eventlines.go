package views

import (
	"fmt"
	"strings"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// draw draws the window around the selected event in at most h lines of w cells.
func (l *eventLog) draw(c *ui.Ctx, w, h int) []string {
	l.height = h
	l.lines = l.lines[:0]
	if h <= 0 || w <= 0 {
		return nil
	}
	if len(l.items) == 0 {
		return []string{"", " " + c.Theme.Dim.On("no events"+l.why())}
	}
	// The selected event is the last line when following, otherwise a third from the end, so that the
	// lines around a found place are seen.
	below := 0
	if !l.follow {
		below = min(h/3, len(l.items)-1-l.at)
	}
	var out []string
	var items []int
	for i := l.at + below; i >= 0 && len(out) < h; i-- {
		part := l.format(c, i, w)
		for j := len(part) - 1; j >= 0; j-- {
			out, items = append(out, part[j]), append(items, i)
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
		items[i], items[j] = items[j], items[i]
	}
	for i := l.at + below + 1; i < len(l.items) && len(out) < h; i++ {
		for _, s := range l.format(c, i, w) {
			out, items = append(out, s), append(items, i)
		}
	}
	if n := len(out) - h; n > 0 {
		out, items = out[n:], items[n:]
	}
	l.lines = items
	return out
}

// click selects the event of a line.
func (l *eventLog) click(y int) {
	if y >= 0 && y < len(l.lines) {
		l.at, l.follow = l.lines[y], false
	}
}

// why says what hides events.
func (l *eventLog) why() string {
	switch {
	case !l.filter.Empty():
		return " match &" + ui.Clean(l.filter.Text) + "; esc shows all"
	case l.level > api.Debug:
		return " of level " + l.level.String() + " or above; L shows others"
	}
	return " yet"
}

// format writes an event in one line, or in several when wrapping.
func (l *eventLog) format(c *ui.Ctx, i, w int) []string {
	e, t := l.items[i].ev, c.Theme
	style := levelStyle(c, e.Level)
	stamp := e.At.Local().Format("15:04:05.000")
	if w < 70 {
		stamp = stamp[:8]
	}
	head := t.Dim.On(stamp) + " " + style.On(ui.Pad(e.Level.String(), 5)) + " "
	if l.dataset == "" && w >= 60 {
		head += ui.Pad(ui.Clean(e.Dataset), min(w/6, 24)) + " "
	}
	if w >= 90 {
		head += t.Dim.On(ui.Pad(ui.Clean(e.Kind), 9)) + " "
	}
	cursor := "  "
	if i == l.at {
		cursor = t.Accent.On(c.Glyphs.Cursor) + " "
	}
	head = cursor + head
	hw := ui.Width(head)
	body := ui.Clean(e.Message)
	if len(e.Fields) > 0 {
		body = ui.Clean(text(e))
	}
	room := max(w-hw, 4)
	parts := []string{ui.Cut(body, room)}
	if l.wrap {
		parts = ui.Wrap(body, room)
	}
	for j, p := range parts {
		p = l.mark(c, p)
		if j == 0 {
			parts[j] = ui.Pad(head+p, w)
		} else {
			parts[j] = ui.Pad(ui.Spaces(hw)+p, w)
		}
		if i == l.at {
			parts[j] = c.Tint(parts[j])
		}
	}
	return parts
}

// mark shows what the search found in a line.
func (l *eventLog) mark(c *ui.Ctx, s string) string {
	q := strings.ToLower(l.query.Text)
	if q == "" || strings.ContainsAny(q, " ~:!") {
		return s
	}
	at := strings.Index(strings.ToLower(s), q)
	if at < 0 || at+len(q) > len(s) || len(strings.ToLower(s)) != len(s) {
		return s
	}
	return s[:at] + c.Theme.Match.On(s[at:at+len(q)]) + s[at+len(q):]
}

func levelStyle(c *ui.Ctx, l api.Level) ui.Style {
	switch l {
	case api.ErrorLevel:
		return c.Theme.Bad.Bold()
	case api.Warn:
		return c.Theme.Warn
	case api.Debug:
		return c.Theme.Dim
	}
	return c.Theme.Info
}

// title is what a panel of the log says about itself.
func (l *eventLog) title(c *ui.Ctx) string {
	s := "Events"
	if l.dataset != "" {
		s += " " + c.Glyphs.Dot + " " + ui.Clean(l.dataset)
	}
	if l.follow {
		s += "  " + c.Glyphs.Arrow + " following"
	} else if l.unread > 0 {
		s += fmt.Sprintf("  %s %d new, f follows", c.Glyphs.Down, l.unread)
	}
	if l.level > api.Debug {
		s += "  level " + l.level.String() + "+"
	}
	if l.query.Text != "" {
		s += fmt.Sprintf("  /%s (%d/%d)", ui.Clean(l.query.Text), l.place(), l.hits)
	}
	if l.filter.Text != "" {
		s += "  &" + ui.Clean(l.filter.Text)
	}
	return s
}
