package views

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// events is the screen of all events.
type events struct {
	log  eventLog
	last []api.Event
}

func newEvents() *events { return &events{} }

// ID implements ui.View.
func (v *events) ID() string { return eventsID }

// Crumbs implements ui.View.
func (v *events) Crumbs(*ui.Ctx) []string { return []string{"events"} }

// Enter implements ui.View.
func (v *events) Enter(c *ui.Ctx) tea.Cmd {
	v.last = c.State.Events
	v.log.take(v.last)
	return nil
}

// Update implements ui.View.
func (v *events) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(ui.StateMsg); ok {
		v.last = c.State.Events
		v.log.take(v.last)
	}
	return nil
}

// Move implements ui.View.
func (v *events) Move(_ *ui.Ctx, key string) bool { return v.log.move(key) }

// Targets implements ui.View.
func (v *events) Targets(*ui.Ctx) []string {
	if e := v.log.selected(); e != nil && e.Dataset != "" {
		return []string{e.Dataset}
	}
	return nil
}

// Filter implements ui.Filterer.
func (v *events) Filter() string { return v.log.filter.Text }

// SetFilter implements ui.Filterer.
func (v *events) SetFilter(s string) error { return v.log.setFilter(s, v.last) }

// Search implements ui.Searcher.
func (v *events) Search() string { return v.log.query.Text }

// SetSearch implements ui.Searcher.
func (v *events) SetSearch(s string) error { return v.log.setSearch(s) }

// Next implements ui.Searcher.
func (v *events) Next(dir int) { v.log.next(dir) }

// FindEvent implements ui.EventFinder.
func (v *events) FindEvent(seq uint64) {
	if !v.log.find(seq) { // it is filtered out
		_ = v.log.setFilter("", v.last) // no filter is always understood
		v.log.level = 0
		v.log.again(v.last)
		v.log.find(seq)
	}
}

// Copy implements ui.Copier.
func (v *events) Copy(*ui.Ctx) (text, what string) { return v.log.copy() }

// Click implements ui.Mouser.
func (v *events) Click(_ *ui.Ctx, _, y int) tea.Cmd { v.log.click(y - 1); return nil }

// Wheel implements ui.Mouser.
func (v *events) Wheel(_ *ui.Ctx, delta int) { v.log.by(delta) }

// Actions implements ui.View.
func (v *events) Actions() []ui.Action {
	return append(v.log.actions(func() []api.Event { return v.last }),
		ui.Action{ID: "events.dataset", Title: "open dataset", Help: "Open the dataset of the selected event.", Keys: []string{"d"}, Bar: 5,
			Off: func(c *ui.Ctx, ts []string) string {
				switch {
				case len(ts) == 0:
					return "the event is of no dataset"
				case c.Dataset(ts[0]) == nil:
					return ts[0] + " is not there any more"
				}
				return ""
			},
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return c.Open(datasetID, ts[0]) }})
}

// Draw implements ui.View.
func (v *events) Draw(c *ui.Ctx, w, h int) []string {
	return c.Panel(v.log.title(c), v.log.draw(c, w-2, h-2), w, h, false)
}

func (l *eventLog) setFilter(s string, evs []api.Event) error {
	f, err := ui.ParseFilter(s, eventFields...)
	if err == nil {
		l.filter = f
		l.again(evs)
	}
	return err
}

// setSearch searches and goes to the newest place that is found.
func (l *eventLog) setSearch(s string) error {
	f, err := ui.ParseFilter(s, eventFields...)
	if err != nil {
		return err
	}
	l.query, l.hits = f, 0
	for i := range l.items {
		if l.items[i].hit = !f.Empty() && f.Match(eventRow{l.items[i].ev}); l.items[i].hit {
			l.hits++
		}
	}
	if l.hits > 0 && l.at < len(l.items) && !l.items[l.at].hit {
		l.next(-1)
	}
	return nil
}

func (l *eventLog) copy() (string, string) {
	e := l.selected()
	if e == nil {
		return "", ""
	}
	return fmt.Sprintf("%s %s %s %s %s", e.At.Format(time.RFC3339Nano), e.Level, e.Dataset, e.Kind, text(e)), "the event"
}

// actions are what can be done with a log.
func (l *eventLog) actions(all func() []api.Event) []ui.Action {
	return []ui.Action{
		{ID: "events.detail", Title: "detail", Help: "Show the event with all its fields.", Keys: []string{"enter"}, Bar: 1,
			Off: func(*ui.Ctx, []string) string {
				if l.selected() == nil {
					return "no event is selected"
				}
				return ""
			},
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return c.Show(&eventDialog{ev: *l.selected()}) }},
		{ID: "events.command", Title: "copy command", Help: "Copy the command line, or the request, that asks for the same as the command behind the event.", Keys: []string{"C"}, Bar: 7,
			Off: func(c *ui.Ctx, _ []string) string {
				switch e := l.selected(); {
				case e == nil:
					return "no event is selected"
				case e.Command == 0:
					return "no command is behind the event"
				case c.Task(e.Command) == nil:
					return "the command is not listed any more"
				}
				return ""
			},
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return c.CopyTwin(c.Task(l.selected().Command)) }},
		{ID: "events.follow", Title: "follow", Help: "Follow the newest event, or stop.", Keys: []string{"f"}, Bar: 2,
			Run: func(*ui.Ctx, []string) tea.Cmd { l.setFollow(!l.follow); return nil }},
		{ID: "events.filter", Title: "filter", Help: "Show only events that match: text, dataset:, level:, kind:, ~regex, !not. / searches and keeps the others.", Keys: []string{"&"}, Bar: 3,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return c.AskFilter("&") }},
		{ID: "events.level", Title: "level", Help: "Show only events of a level or above: debug, info, warn, error, and round again.", Keys: []string{"L"}, Bar: 4,
			Run: func(*ui.Ctx, []string) tea.Cmd {
				l.level = (l.level + 1) % (api.ErrorLevel + 1)
				l.again(all())
				return nil
			}},
		{ID: "events.wrap", Title: "wrap", Help: "Wrap long lines, or cut them.", Keys: []string{"W"}, Bar: 6,
			Run: func(*ui.Ctx, []string) tea.Cmd { l.wrap = !l.wrap; return nil }},
	}
}

// eventDialog shows an event with its fields.
type eventDialog struct{ ev api.Event }

// Title implements ui.Dialog.
func (d *eventDialog) Title(*ui.Ctx) string { return fmt.Sprintf("Event %d", d.ev.Seq) }

// Careful implements ui.Dialog.
func (d *eventDialog) Careful() bool { return false }

// Update implements ui.Dialog.
func (d *eventDialog) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Key implements ui.Dialog.
func (d *eventDialog) Key(c *ui.Ctx, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "c":
		return false, c.Clipboard(text(&d.ev), "the event")
	case "C":
		if k := c.Task(d.ev.Command); k != nil {
			return false, c.CopyTwin(k)
		}
		c.Toast(api.Warn, "copy command: no command is behind the event, or it is not listed any more")
	case "esc", "enter", "q", "backspace":
		return true, nil
	}
	return false, nil
}

// Draw implements ui.Dialog.
func (d *eventDialog) Draw(c *ui.Ctx, w, h int) []string {
	t, e := c.Theme, &d.ev
	out := []string{
		t.Dim.On("at      ") + e.At.Local().Format("2006-01-02 15:04:05.000 MST") + t.Dim.On("  "+ui.Age(c.Now, e.At)+" ago"),
		t.Dim.On("level   ") + levelStyle(c, e.Level).On(e.Level.String()) + t.Dim.On("   kind ") + ui.Clean(e.Kind),
	}
	if e.Dataset != "" {
		out = append(out, t.Dim.On("dataset ")+ui.Clean(e.Dataset))
	}
	if e.Command != 0 {
		out = append(out, t.Dim.On("command ")+fmt.Sprint(e.Command))
		if k := c.Task(e.Command); k != nil {
			at, _ := c.Live.Endpoint()
			for _, l := range ui.Wrap("$ "+ui.Clean(k.Twin.Line(at)), max(w-8, 8)) {
				out = append(out, "        "+t.Info.On(l))
			}
		}
	}
	out = append(append(out, ""), ui.Wrap(ui.Clean(e.Message), w)...)
	if len(e.Fields) > 0 {
		out = append(out, "")
	}
	for _, f := range e.Fields {
		key := ui.Pad(ui.Clean(f.Key), min(16, w/3)) + " "
		for i, l := range ui.Wrap(ui.Clean(f.Value), max(w-ui.Width(key), 4)) {
			if i > 0 {
				key = ui.Spaces(ui.Width(key))
			}
			out = append(out, t.Dim.On(key)+l)
		}
	}
	out = out[:min(len(out), max(h-2, 1))]
	return append(out, "", t.Dim.On("c copies "+c.Glyphs.Dot+" esc closes"))
}
