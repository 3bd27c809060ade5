package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui/settings"
)

// Columner is a View whose columns can be chosen. The error names the columns there are.
type Columner interface {
	SetColumns(names []string) error
}

// settingsMsg is a new version of the settings.
type settingsMsg struct {
	u  settings.Update
	ok bool
}

// settings returns the Cmd that waits for the next version of the settings.
func (a *App) settings() tea.Cmd {
	ch, ctx := a.opts.Updates, a.ctx
	if ch == nil {
		return nil
	}
	return func() tea.Msg {
		select {
		case u, ok := <-ch:
			return settingsMsg{u, ok}
		case <-ctx.Done():
			return nil
		}
	}
}

// settle takes a new version of the settings; a broken one changes nothing and says so.
func (a *App) settle(c *Ctx, m settingsMsg) tea.Cmd {
	if !m.ok {
		return nil
	}
	if m.u.Err != nil {
		a.toast(api.ErrorLevel, "settings not taken: "+m.u.Err.Error())
		return a.settings()
	}
	if a.apply(m.u.Settings) {
		a.toast(api.Info, "settings taken")
	}
	return tea.Batch(a.settings(), a.showState(c))
}

// apply sets up the console; false when something of it makes no sense, which a toast says.
func (a *App) apply(s *settings.Settings) bool {
	a.opts.Settings = s
	well := true
	warn := func(format string, args ...any) {
		well = false
		a.toast(api.Warn, "settings: "+fmt.Sprintf(format, args...))
	}
	if t := themeNamed(s.Theme); t != nil && !a.opts.NoColor && a.opts.Theme == "" && a.chosen == "" {
		a.ctxv.Theme = t
	}
	if s.ASCII || a.opts.ASCII {
		a.ctxv.Glyphs = ASCII()
	} else {
		a.ctxv.Glyphs = Unicode()
	}
	a.mouse = s.Mouse == nil || *s.Mouse
	a.keys, a.clash = nil, false
	known := a.actionIDs()
	keys := map[string][]string{}
	for id, ks := range s.Keys {
		switch {
		case !slices.Contains(known, id):
			warn("keys: there is no action %s; the README lists them", id)
		case len(ks) == 0:
			warn("keys: %s has no key", id)
		case slices.ContainsFunc(ks, func(k string) bool { return slices.Contains(Moves, k) }):
			warn("keys: %s has a key that moves about", id)
		default:
			keys[id] = ks
		}
	}
	a.keys = keys
	for name, x := range s.Commands {
		if x.Key == "ctrl+c" || slices.Contains(Moves, x.Key) {
			warn("commands: %s has %s, which moves about or quits: it is never started by it", name, x.Key)
		}
	}
	for _, v := range a.views {
		cols, set := s.Columns[v.ID()]
		cv, ok := v.(Columner)
		switch {
		case set && !ok:
			warn("columns: %s has none to choose", v.ID())
		case ok:
			if err := cv.SetColumns(cols); err != nil {
				warn("columns: %s: %v", v.ID(), err)
			}
		}
	}
	for id := range s.Columns {
		if !slices.ContainsFunc(a.views, func(v View) bool { return v.ID() == id }) {
			warn("columns: there is no screen %s", id)
		}
	}
	if both := a.conflict(); both != "" {
		warn("keys: %s", both)
		a.keys, a.clash = nil, true
	}
	return well
}

// auto tells whether the terminal's background decides the theme: nobody named one.
func (a *App) auto() bool {
	mine := ""
	if a.opts.Settings != nil && a.opts.Theme == "" {
		mine = a.opts.Settings.Theme
	}
	return !a.opts.NoColor && a.chosen == "" && a.opts.Theme != "dark" && a.opts.Theme != "light" && themeNamed(mine) == nil
}

// actionIDs are the names of the actions of all screens.
func (a *App) actionIDs() []string {
	var out []string
	for _, v := range a.views {
		for _, x := range v.Actions() {
			out = append(out, x.ID)
		}
	}
	for _, x := range a.globals() {
		out = append(out, x.ID)
	}
	return out
}

// conflict names two actions of one screen that have the same key.
func (a *App) conflict() string {
	for _, v := range a.views {
		owner := map[string]string{}
		for _, x := range append(v.Actions(), a.globals()...) {
			keys := x.Keys
			if ks, ok := a.keys[x.ID]; ok {
				keys = ks
			}
			for _, k := range keys {
				own := func(id string) bool { return a.keys[id] != nil || strings.HasPrefix(id, "command.") }
				if o := owner[k]; o != "" && o != x.ID && (own(o) || own(x.ID)) {
					return fmt.Sprintf("%s and %s both have %q on the screen %s: none of keys and commands is taken", o, x.ID, strings.TrimSpace(KeyName(k)), v.ID())
				}
				owner[k] = x.ID
			}
		}
	}
	return ""
}
