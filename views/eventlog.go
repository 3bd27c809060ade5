package views

import (
	"strings"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// eventLog is a list of events that follows the newest, can be filtered and searched, and draws only
// what is in the window. It takes from a State only what it has not seen.
type eventLog struct {
	dataset string // only its events; empty for all
	level   api.Level
	filter  ui.Filter
	query   ui.Filter // what is searched for

	items   []logItem
	hits    int
	seen    uint64 // Seq of the newest event taken
	at      int    // selected item
	follow  bool
	wrap    bool
	unread  int
	height  int
	started bool
	// lines are the item of each line of the last drawing, for the mouse
	lines []int
}

// logItem is an event and whether the search finds it.
type logItem struct {
	ev  *api.Event
	hit bool
}

// eventRow is an event as a filter sees it.
type eventRow struct{ *api.Event }

var eventFields = []string{"dataset", "level", "kind"}

// FilterText implements ui.Row.
func (r eventRow) FilterText() string { return r.Dataset + " " + r.Kind + " " + text(r.Event) }

// FilterField implements ui.Row.
func (r eventRow) FilterField(name string) (string, bool) {
	switch name {
	case "dataset":
		return r.Dataset, true
	case "level":
		return r.Level.String(), true
	case "kind":
		return r.Kind, true
	}
	return "", false
}

// text is message and fields in one line.
func text(e *api.Event) string {
	if len(e.Fields) == 0 {
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for _, f := range e.Fields {
		b.WriteByte(' ')
		b.WriteString(f.Key)
		b.WriteByte('=')
		b.WriteString(f.Value)
	}
	return b.String()
}

// again takes all events anew, after what is shown was changed.
func (l *eventLog) again(evs []api.Event) {
	var keep uint64
	if l.at < len(l.items) && l.at >= 0 {
		keep = l.items[l.at].ev.Seq
	}
	l.items, l.hits, l.seen, l.unread = nil, 0, 0, 0
	follow := l.follow
	l.follow = true
	l.take(evs)
	l.follow = follow
	if !follow {
		l.at = 0
		for i := range l.items {
			if l.items[i].ev.Seq <= keep {
				l.at = i
			}
		}
	}
}

// take takes the events that are newer than those it has, and gives up those the State has not any
// more.
func (l *eventLog) take(evs []api.Event) {
	if !l.started {
		l.started, l.follow = true, true
	}
	if len(evs) == 0 {
		l.items, l.hits, l.at, l.unread = nil, 0, 0, 0
		return
	}
	drop := 0
	for drop < len(l.items) && l.items[drop].ev.Seq < evs[0].Seq {
		if l.items[drop].hit {
			l.hits--
		}
		drop++
	}
	l.items = l.items[drop:]
	l.at = max(l.at-drop, 0)
	from := 0
	if l.seen >= evs[0].Seq {
		from = min(int(l.seen-evs[0].Seq)+1, len(evs))
	}
	for i := from; i < len(evs); i++ {
		if !l.shows(&evs[i]) {
			continue
		}
		e := new(api.Event) // a copy: a pointer into evs would keep all of that State's events alive
		*e = evs[i]
		hit := !l.query.Empty() && l.query.Match(eventRow{e})
		if hit {
			l.hits++
		}
		l.items = append(l.items, logItem{e, hit})
		if !l.follow {
			l.unread++
		}
	}
	l.seen = evs[len(evs)-1].Seq
	if l.follow {
		l.bottom()
	}
}

func (l *eventLog) shows(e *api.Event) bool {
	return e.Level >= l.level && (l.dataset == "" || e.Dataset == l.dataset) && (l.filter.Empty() || l.filter.Match(eventRow{e}))
}

func (l *eventLog) bottom() { l.at, l.unread = max(len(l.items)-1, 0), 0 }

// move moves the selection; going up stops following, the end starts it again.
func (l *eventLog) move(key string) bool {
	page := max(l.height-1, 1)
	switch key {
	case "up", "k":
		l.by(-1)
	case "down", "j":
		l.by(1)
	case "pgup", "ctrl+b":
		l.by(-page)
	case "pgdown", "ctrl+f":
		l.by(page)
	case "ctrl+u":
		l.by(-page / 2)
	case "ctrl+d":
		l.by(page / 2)
	case "home", "g":
		l.by(-len(l.items))
	case "end", "G":
		l.setFollow(true)
	default:
		return false
	}
	return true
}

func (l *eventLog) by(n int) {
	at := min(max(l.at+n, 0), max(len(l.items)-1, 0))
	if n < 0 {
		l.follow = false
	}
	l.at = at
	if at == len(l.items)-1 && n > 0 {
		l.unread = 0
	}
}

// find selects the event with a Seq; false when it is not shown.
func (l *eventLog) find(seq uint64) bool {
	for i := range l.items {
		if l.items[i].ev.Seq == seq {
			l.setFollow(false)
			l.at = i
			return true
		}
	}
	return false
}

func (l *eventLog) setFollow(on bool) {
	if l.follow = on; on {
		l.bottom()
	}
}

// next goes to the next or previous item that the search finds, around the end.
func (l *eventLog) next(dir int) bool {
	n := len(l.items)
	for i := 1; i <= n; i++ {
		if j := ((l.at+dir*i)%n + n) % n; l.items[j].hit {
			l.at, l.follow = j, false
			return true
		}
	}
	return false
}

// place is the number of the selected item among those found.
func (l *eventLog) place() int {
	n := 0
	for i := 0; i <= l.at && i < len(l.items); i++ {
		if l.items[i].hit {
			n++
		}
	}
	return n
}

// selected returns the selected event, or nil.
func (l *eventLog) selected() *api.Event {
	if l.at < 0 || l.at >= len(l.items) {
		return nil
	}
	return l.items[l.at].ev
}
