package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	// of is the press whose outcome this is, nil for an answer to a key.
	of *request
}

func (a *App) toast(l api.Level, text string) { a.toastOf(nil, l, text) }

// toastOf shows the outcome of a press in place of what was known of it before.
func (a *App) toastOf(p *request, l api.Level, text string) {
	d := toastShort
	if l >= api.Warn {
		d = toastLong
	}
	if p != nil {
		a.toasts = slices.DeleteFunc(a.toasts, func(t toastLine) bool { return t.of == p })
	}
	a.toasts = append(a.toasts, toastLine{l, Clean(text), a.ctxv.Wall.Add(d), p})
	if n := len(a.toasts) - 20; n > 0 {
		a.toasts = a.toasts[n:]
	}
}

// newestToast returns the toast to draw and how many more are waiting behind it. A failed outcome
// comes before the good ones after it; only the answer to a key comes before that, and failed tells
// then that something failed behind it.
func (a *App) newestToast(now time.Time) (t toastLine, more int, failed bool) {
	var bad *toastLine
	n := 0
	for i := len(a.toasts) - 1; i >= 0; i-- {
		x := &a.toasts[i]
		if !x.until.After(now) {
			continue
		}
		if n++; n == 1 {
			t = *x
		}
		if bad == nil && x.level >= api.ErrorLevel {
			bad = x
		}
	}
	if bad != nil && t.of != nil {
		t = *bad
	}
	return t, max(n-1, 0), bad != nil && t.level < api.ErrorLevel
}

// issuedMsg is what the runtime said to commands.
type issuedMsg struct {
	ids  []api.CommandID
	errs []error
	cmds []api.Command
	from *feed // of the runtime they were sent to
}

// do sends commands.
func (a *App) do(cs []api.Command) tea.Cmd {
	ctx, console, from := a.ctx, a.console, a.feed
	return func() tea.Msg {
		m := issuedMsg{cmds: cs, from: from}
		for _, cmd := range cs {
			id, err := console.Do(ctx, cmd)
			m.ids, m.errs = append(m.ids, id), append(m.errs, err)
		}
		return m
	}
}

// request is what one press of a key asked for: one command or several, and what came of them.
type request struct {
	verb     string
	datasets []string
	// unit is what the commands work on when it is not a dataset each.
	unit                           string
	total, open, failed, cancelled int
	// first is the first failure, one sentence.
	first string
}

func requestOf(cmds []api.Command) *request {
	p := &request{total: len(cmds)}
	var verbs []string
	for _, cmd := range cmds {
		if !slices.Contains(verbs, cmd.Verb()) {
			verbs = append(verbs, cmd.Verb())
		}
		if !slices.Contains(p.datasets, cmd.Target()) {
			p.datasets = append(p.datasets, cmd.Target())
		}
	}
	p.verb = strings.Join(verbs, "/")
	if len(p.datasets) < p.total {
		p.unit = "command"
		if _, ok := cmds[0].(api.VerifySnapshot); ok && len(verbs) == 1 {
			p.unit = "snapshot"
		}
	}
	return p
}

// asked says what n commands of the press ask for.
func (p *request) asked(n int) string {
	switch {
	case p.total == 1:
		return strings.TrimSpace(p.verb + " " + p.datasets[0])
	case p.unit == "":
		return p.verb + " of " + Plural(n, "dataset")
	}
	return p.verb + " of " + Plural(n, p.unit) + " of " + Names(p.datasets)
}

// fail counts a command that failed.
func (p *request) fail(dataset, why string) {
	p.failed++
	if p.first != "" {
		return
	}
	if p.first = why; len(p.datasets) > 1 && !strings.Contains(why, dataset) {
		p.first = strings.TrimSuffix(dataset+": "+why, ": ")
	}
}

// outcome is the worst that came of several commands, in a sentence.
func (p *request) outcome() (api.Level, string) {
	what, good := p.verb+" "+Names(p.datasets), "done"
	if p.unit == "snapshot" {
		good = "sound"
	}
	switch {
	case p.failed > 0:
		s := fmt.Sprintf("%s: %d of %d failed", what, p.failed, p.total)
		if p.first != "" {
			s += ": " + p.first
		}
		return api.ErrorLevel, s
	case p.cancelled > 0:
		return api.Warn, fmt.Sprintf("%s: %d of %d cancelled", what, p.cancelled, p.total)
	}
	return api.Info, fmt.Sprintf("%s: %d of %d %s", what, p.total, p.total, good)
}

// issued remembers the commands whose outcome is to be told, and tells refusals at once.
func (a *App) issued(m issuedMsg) {
	if len(m.cmds) == 0 {
		return
	}
	p, refused := requestOf(m.cmds), 0
	for i, cmd := range m.cmds {
		if err := m.errs[i]; err != nil {
			if api.ReasonOf(err) == "" && context.Cause(a.ctx) != nil {
				p.total--
				continue
			}
			p.fail(cmd.Target(), err.Error())
			refused++
			continue
		}
		if p.open++; m.from == a.feed { // another runtime has tasks of its own by that id
			a.following[m.ids[i]] = p
		}
	}
	if p.open > 0 {
		a.toast(api.Info, p.asked(p.open)+" asked for")
	}
	switch {
	case refused > 0 && len(m.cmds) == 1:
		a.toast(api.ErrorLevel, p.asked(1)+": "+p.first)
	case refused > 0:
		a.tell(p)
	}
	a.outcomes()
}

// outcomes tells what came of the commands that were followed: of several of one press the failures at
// once and the sum at the end.
func (a *App) outcomes() {
	if len(a.following) == 0 {
		return
	}
	var news []*request
	for i := range a.live.Tasks {
		t := &a.live.Tasks[i]
		p := a.following[t.ID]
		if t.State == api.TaskRunning || p == nil {
			continue
		}
		delete(a.following, t.ID)
		p.open--
		if p.total == 1 {
			a.single(p, t)
			continue
		}
		switch t.State {
		case api.TaskFailed:
			p.fail(t.Dataset, t.Detail)
		case api.TaskCancelled:
			p.cancelled++
		}
		if (p.open == 0 || t.State == api.TaskFailed) && !slices.Contains(news, p) {
			news = append(news, p)
		}
	}
	for _, p := range news {
		a.tell(p)
	}
}

// restarted gives up the commands of a process that is gone: their ids are those of other commands now.
func (a *App) restarted() {
	told := map[*request]bool{}
	for _, p := range a.following {
		if told[p] {
			continue
		}
		told[p] = true
		a.toastOf(p, api.Warn, p.asked(p.open)+": the runtime was started anew; what came of it is in its log")
	}
	clear(a.following)
}

// tell shows what is known of a press of several commands.
func (a *App) tell(p *request) {
	level, text := p.outcome()
	a.toastOf(p, level, text)
}

// single shows the outcome of a press of one command.
func (a *App) single(p *request, t *api.Task) {
	level, word := api.Info, strings.TrimSpace(t.Verb+" "+t.Dataset)
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
	a.toastOf(p, level, word)
}
