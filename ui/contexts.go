package ui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Here is the name of the context that the console was opened on.
const Here = "here"

// Dial opens the console of a context by its name, and returns what keeps it up until its context ends.
type Dial func(ctx context.Context, name string) (c api.Console, run func(context.Context) error, err error)

// dialledMsg is a context that answered, or did not.
type dialledMsg struct {
	name   string
	c      api.Console
	run    func(context.Context) error
	err    error
	cancel context.CancelFunc
	ctx    context.Context
	n      int // which choice it was
}

// contexts are the choices of runtimes to look at.
func (a *App) contexts() []choice {
	var out []choice
	if a.at != "" {
		out = append(out, choice{text: "context " + Here, note: "what this console was opened on", run: func(*Ctx) tea.Cmd { return a.switchTo(Here) }})
	}
	if s := a.opts.Settings; s != nil && a.opts.Dial != nil && a.opts.Views != nil {
		for _, name := range slices.Sorted(maps.Keys(s.Contexts)) {
			off := ""
			if name == a.at {
				off = "this is it"
			}
			out = append(out, choice{text: "context " + name, note: s.Contexts[name].URL, off: off, run: func(*Ctx) tea.Cmd { return a.switchTo(name) }})
		}
	}
	if len(out) == 0 {
		out = append(out, choice{text: "context", off: "config.yml names no contexts: contexts: {prod: {url: http://host:8090}}"})
	}
	return out
}

// switchTo goes to another runtime, when that answers; until then this one stays.
func (a *App) switchTo(name string) tea.Cmd {
	a.choices++
	if name == Here {
		if a.home0 == nil {
			return nil
		}
		return a.moveTo(dialledMsg{name: "", c: a.home0})
	}
	ctx, cancel := context.WithCancel(a.ctx)
	dial, n := a.opts.Dial, a.choices
	a.toast(api.Info, "context "+name+": connecting")
	return func() tea.Msg {
		m := dialledMsg{name: name, ctx: ctx, cancel: cancel, n: n}
		if m.c, m.run, m.err = dial(ctx, name); m.err != nil {
			cancel()
		}
		return m
	}
}

// dialled takes a context that answered, unless another one was chosen after it.
func (a *App) dialled(m dialledMsg) tea.Cmd {
	if m.err != nil {
		a.toast(api.ErrorLevel, fmt.Sprintf("context %s: %v", m.name, m.err))
		return nil
	}
	if m.n != a.choices {
		m.cancel()
		return nil
	}
	return a.moveTo(m)
}

// moveTo shows another runtime: its own session, and nothing of the one before.
func (a *App) moveTo(m dialledMsg) tea.Cmd {
	kept := a.saved()
	a.hangup()
	if a.home0 == nil {
		a.home0 = a.console
	}
	ctx, cancel := context.WithCancel(a.ctx)
	a.hangup = cancel
	if m.cancel != nil {
		a.hangup = func() { cancel(); m.cancel() }
	}
	first, ch := m.c.Watch(ctx)
	a.console, a.at, a.live, a.watching = m.c, m.name, first, ctx
	a.feed = newFeed(ch, a.blurred)
	a.following, a.closedAt, a.dialogs, a.prompt, a.ahead = map[api.CommandID]*request{}, time.Time{}, nil, nil, nil
	c := a.now()
	c.State, c.Live, c.Paused, c.Subject = first, first, false, ""
	c.FaultsOnly, c.Zoomed, a.said = false, false, nil // a session of its own begins with these, or brings its own
	a.views = a.opts.Views()                           // those of before have lists of the other runtime
	a.stack = []entry{{view: a.views[0]}}
	if a.opts.Settings != nil {
		a.apply(a.opts.Settings)
	}
	a.restore()
	cmds := []tea.Cmd{kept, a.feed.next(ctx), a.enter(c)}
	if m.run != nil {
		run, end := m.run, m.ctx
		cmds = append(cmds, func() tea.Msg { _ = run(end); return nil })
	}
	return tea.Batch(cmds...)
}
