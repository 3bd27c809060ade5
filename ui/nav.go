package ui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// historyMax is how many screens back goes back.
const historyMax = 50

// open puts a view in front.
func (a *App) open(id, subject string) tea.Cmd {
	c := &a.ctxv
	for _, v := range a.views {
		if v.ID() != id {
			continue
		}
		if subject == "" {
			subject = c.Subject
		}
		if a.top().view == v && a.top().subject == subject {
			return nil
		}
		a.top().subject = c.Subject
		a.stack, a.ahead = append(a.stack, entry{v, subject}), nil
		if n := len(a.stack) - historyMax; n > 0 {
			a.stack = append(a.stack[:1], a.stack[1+n:]...)
		}
		return a.enter(c)
	}
	a.toast(api.ErrorLevel, "there is no screen "+id)
	return nil
}

// home goes to a view of the number keys; the first one ends the history.
func (a *App) home(id string) tea.Cmd {
	if a.views[0].ID() != id {
		return a.open(id, "")
	}
	a.stack, a.ahead = a.stack[:1], nil
	a.stack[0].subject = a.ctxv.Subject
	return a.enter(&a.ctxv)
}

func (a *App) back() tea.Cmd {
	if len(a.stack) == 1 {
		return nil
	}
	a.top().subject = a.ctxv.Subject
	a.ahead = append(a.ahead, *a.top())
	a.stack = a.stack[:len(a.stack)-1]
	return a.enter(&a.ctxv)
}

// forward goes to the screen that back left.
func (a *App) forward() tea.Cmd {
	n := len(a.ahead)
	if n == 0 {
		return nil
	}
	a.top().subject = a.ctxv.Subject
	a.stack, a.ahead = append(a.stack, a.ahead[n-1]), a.ahead[:n-1]
	return a.enter(&a.ctxv)
}

// last goes to the screen before this one, or back to where it came from.
func (a *App) last() tea.Cmd {
	if len(a.ahead) > 0 {
		return a.forward()
	}
	return a.back()
}

// enter makes the top of the history the screen.
func (a *App) enter(c *Ctx) tea.Cmd {
	a.prompt = nil
	if s := a.top().subject; s != "" && len(a.stack) > 1 { // home keeps what was selected last
		c.Subject = s
	}
	return tea.Batch(a.top().view.Enter(c), a.top().view.Update(c, StateMsg{}))
}

// unwind is esc: it gives up the filter, the search, the marks, and leaves the screen at last.
func (a *App) unwind(c *Ctx) tea.Cmd {
	v := a.top().view
	if s, ok := v.(Searcher); ok && s.Search() != "" {
		_ = s.SetSearch("")
		return a.refreshView(c)
	}
	if f, ok := v.(Filterer); ok && f.Filter() != "" {
		_ = f.SetFilter("")
		return a.refreshView(c)
	}
	if u, ok := v.(Unwinder); ok && u.Unwind(c) {
		return a.refreshView(c)
	}
	return a.back()
}

// refreshView lets the view take its rows again, with another filter or order.
func (a *App) refreshView(c *Ctx) tea.Cmd { return a.top().view.Update(c, StateMsg{}) }

// quit ends the program, after asking when commands run.
func (a *App) quit(*Ctx) tea.Cmd {
	if a.runningTasks() == 0 || !a.closedAt.IsZero() {
		return a.leave()
	}
	return a.show(&Confirm{
		Heading: "Quit", Verb: "Quit",
		Now: func(*Ctx) (effect, off string) {
			const stops = " Quitting stops the runtime: what is being written is abandoned safely, the data stays as it was."
			switch n := a.runningTasks(); n {
			case 0:
				return "No task is running any more." + stops, ""
			case 1:
				return "1 task is running." + stops, ""
			default:
				return fmt.Sprintf("%d tasks are running.", n) + stops, ""
			}
		},
		Run: func(*Ctx) tea.Cmd { return a.leave() },
	})
}

func (a *App) runningTasks() int {
	s := a.live
	if a.home0 != nil { // quitting ends that one, not what is shown
		ctx, cancel := context.WithCancel(a.ctx)
		cancel()
		s, _ = a.home0.Watch(ctx)
	}
	n := 0
	if s.Link.Kind != "" { // the runtime of another process goes on
		return n
	}
	for i := range s.Tasks {
		if s.Tasks[i].State == api.TaskRunning {
			n++
		}
	}
	return n
}

func (a *App) leave() tea.Cmd {
	a.quitting = true
	return tea.Quit
}

// wheel scrolls the screen.
func (a *App) wheel(c *Ctx, m tea.MouseWheelMsg) {
	delta := 3
	if m.Button == tea.MouseWheelUp {
		delta = -3
	}
	if len(a.dialogs) > 0 {
		return
	}
	if v, ok := a.top().view.(Mouser); ok {
		v.Wheel(c, delta)
	}
}

// click gives a click to the screen.
func (a *App) click(c *Ctx, m tea.MouseClickMsg) tea.Cmd {
	if len(a.dialogs) > 0 || m.Button != tea.MouseLeft || m.Y < 1 || m.Y >= c.H-2 {
		return nil
	}
	if v, ok := a.top().view.(Mouser); ok {
		return v.Click(c, m.X, m.Y-1)
	}
	return nil
}
