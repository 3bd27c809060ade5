package ui

import (
	"slices"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// EventFinder is a View that shows events and goes to one of them.
type EventFinder interface {
	View
	// FindEvent goes to the event with that Seq.
	FindEvent(seq uint64)
}

// The palette looks for events from eventLetters on, and offers eventChoices of them.
const (
	eventLetters = 3
	eventsShown  = 5
)

// eventChoices are the newest events that a text is in.
func (a *App) eventChoices(c *Ctx, text string) []choice {
	at := slices.IndexFunc(a.views, func(v View) bool { _, ok := v.(EventFinder); return ok })
	if at < 0 || utf8.RuneCountInString(text) < eventLetters {
		return nil
	}
	v := a.views[at].(EventFinder)
	var out []choice
	for i := len(c.State.Events) - 1; i >= 0 && len(out) < eventsShown; i-- {
		e := &c.State.Events[i]
		if !ContainsFold(e.Message, text) {
			continue
		}
		out = append(out, choice{text: Clean(e.Message), note: Clock(c.Now, e.At) + " event " + Clean(e.Dataset), run: func(c *Ctx) tea.Cmd {
			cmd := a.open(v.ID(), "")
			v.FindEvent(e.Seq)
			return cmd
		}})
	}
	return out
}
