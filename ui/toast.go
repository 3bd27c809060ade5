package ui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// How long a toast stays.
const (
	toastShort = 6 * time.Second
	toastLong  = 12 * time.Second // warnings and errors
)

// toastLine is a sentence that is shown for a while.
type toastLine struct {
	level api.Level
	text  string
	until time.Time
}

func (a *App) toast(l api.Level, text string) {
	d := toastShort
	if l >= api.Warn {
		d = toastLong
	}
	a.toasts = append(a.toasts, toastLine{l, Clean(text), a.ctxv.Now.Add(d)})
	if n := len(a.toasts) - 20; n > 0 {
		a.toasts = a.toasts[n:]
	}
}

// newestToast returns the toast to draw and how many more are waiting behind it.
func (a *App) newestToast(now time.Time) (t toastLine, more int) {
	for i := len(a.toasts) - 1; i >= 0; i-- {
		if a.toasts[i].until.After(now) {
			if t.text == "" {
				t = a.toasts[i]
			} else {
				more++
			}
		}
	}
	return t, more
}

// issuedMsg is what the runtime said to commands.
type issuedMsg struct {
	ids  []api.CommandID
	errs []error
	cmds []api.Command
}

// do sends commands.
func (a *App) do(cs []api.Command) tea.Cmd {
	ctx, console := a.ctx, a.console
	return func() tea.Msg {
		m := issuedMsg{cmds: cs}
		for _, cmd := range cs {
			id, err := console.Do(ctx, cmd)
			m.ids, m.errs = append(m.ids, id), append(m.errs, err)
		}
		return m
	}
}

// issued remembers the commands whose outcome is to be told, and tells refusals at once.
func (a *App) issued(m issuedMsg) {
	sent := 0
	for i, cmd := range m.cmds {
		if err := m.errs[i]; err != nil {
			text := cmd.Verb() + " " + cmd.Target() + ": " + err.Error()
			if api.ReasonOf(err) == "" && context.Cause(a.ctx) != nil {
				continue
			}
			a.toast(api.ErrorLevel, text)
			continue
		}
		a.following[m.ids[i]] = true
		sent++
	}
	if sent > 1 {
		a.toast(api.Info, fmt.Sprintf("%s of %s asked for", m.cmds[0].Verb(), Plural(sent, "dataset")))
	} else if sent == 1 {
		a.toast(api.Info, fmt.Sprintf("%s %s asked for", m.cmds[0].Verb(), m.cmds[0].Target()))
	}
	a.outcomes()
}

// outcomes tells what came of the commands that were followed.
func (a *App) outcomes() {
	if len(a.following) == 0 {
		return
	}
	for _, t := range a.live.Tasks {
		if t.State == api.TaskRunning || !a.following[t.ID] {
			continue
		}
		delete(a.following, t.ID)
		level, word := api.Info, t.Verb+" "+t.Dataset
		switch t.State {
		case api.TaskFailed:
			level, word = api.ErrorLevel, word+" failed"
		case api.TaskCancelled:
			level, word = api.Warn, word+" cancelled"
		case api.TaskDone:
			word += " done"
		}
		if t.Detail != "" {
			word += ": " + t.Detail
		}
		a.toast(level, word)
	}
}
