package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Moves are the keys that move about on every screen; no action may have one of them.
var Moves = []string{"up", "down", "k", "j", "g", "G", "home", "end", "pgup", "pgdown", "ctrl+u", "ctrl+d", "ctrl+b", "ctrl+f"}

// whileTyping are the keys that do the same while text is typed into a screen.
var whileTyping = []string{"ctrl+c", "ctrl+z", "ctrl+s", "ctrl+k"}

// key gives a key to whom it belongs: the dialog in front, the prompt, the screen, the actions.
func (a *App) key(c *Ctx, k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "ctrl+c" {
		if a.asksToQuit() {
			return a.leave() // the second time
		}
		a.prompt = nil
		return a.quit(c)
	}
	if len(a.dialogs) > 0 {
		return a.dialogKey(c, k)
	}
	if a.prompt != nil {
		return a.promptKey(c, k)
	}
	v := a.top().view
	if t, ok := v.(Typist); ok && t.Typing() && !slices.Contains(whileTyping, k.String()) {
		return t.Type(c, k)
	}
	if v.Move(c, k.String()) {
		return nil
	}
	acts := a.actions()
	for i := range acts {
		if acts[i].has(k.String()) {
			return a.run(c, &acts[i])
		}
	}
	return nil
}

// smallKey is key in a window too small to show what a key would do: it can be left only.
func (a *App) smallKey(c *Ctx, key string) tea.Cmd {
	switch key {
	case "q", "ctrl+c":
		if a.asksToQuit() {
			return a.leave()
		}
		return a.quit(c)
	case "esc":
		if a.asksToQuit() {
			a.dialogs = slices.DeleteFunc(a.dialogs, quits)
		}
	}
	return nil
}

// asksToQuit tells whether the question before quitting is open.
func (a *App) asksToQuit() bool { return slices.ContainsFunc(a.dialogs, quits) }

func quits(f *front) bool {
	d, ok := f.Dialog.(*Confirm)
	return ok && d.Heading == "Quit"
}

// actions returns the actions of the screen and those of all screens. A screen without a search may use its keys.
func (a *App) actions() []Action {
	own, globals := a.top().view.Actions(), a.globals()
	all := make([]Action, 0, len(own)+len(globals))
	a.eachAction(own, globals, func(x *Action) { all = append(all, *x) })
	return all
}

// eachAction goes through what actions returns, without keeping it.
func (a *App) eachAction(own, globals []Action, each func(*Action)) {
	with := func(x *Action) {
		if keys, ok := a.keys[x.ID]; ok {
			x.Keys = keys
		}
		each(x)
	}
	for i := range own {
		with(&own[i])
	}
	_, searches := a.top().view.(Searcher)
	for i := range globals {
		g := &globals[i]
		if searches || !strings.HasPrefix(g.ID, "search.") || !slices.ContainsFunc(own, func(o Action) bool { return o.has(g.Keys[0]) }) {
			with(g)
		}
	}
}

// run does an action, or says why not, or asks first.
func (a *App) run(c *Ctx, x *Action) tea.Cmd { return a.runOn(c, x, a.top().view.Targets(c)) }

// runOn is run on targets that are not those of the screen.
func (a *App) runOn(c *Ctx, x *Action, targets []string) tea.Cmd {
	if why := x.off(c, targets); why != "" {
		a.toast(api.Warn, x.Title+": "+why)
		return nil
	}
	effect := ""
	if x.Effect != nil {
		effect = x.Effect(c, targets)
	}
	if effect == "" {
		return x.Run(c, targets)
	}
	verb := x.Verb
	if verb == "" {
		verb = capital(x.Title)
	}
	d := &Confirm{Heading: verb, Verb: verb, Keep: x.Keep}
	if len(targets) > 0 {
		d.Heading += " " + c.Glyphs.Dot + " " + Names(targets)
	}
	d.Now = func(c *Ctx) (effect, off string) {
		if off = x.off(c, targets); off != "" {
			return "", off
		}
		return x.Effect(c, targets), ""
	}
	if x.Kind == Danger && len(targets) > 0 {
		d.Name = targets[0]
	}
	run := x.Run
	d.Run = func(c *Ctx) tea.Cmd { return run(c, targets) }
	return a.show(d)
}

// capital writes the first letter big.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// paste gives pasted text to what is being typed in.
func (a *App) paste(c *Ctx, text string) {
	if n := len(a.dialogs); n > 0 {
		if d, ok := a.dialogs[n-1].Dialog.(Texter); ok && !a.dialogs[n-1].guarded(c.Wall) {
			d.Paste(text)
		}
		return
	}
	if a.prompt != nil {
		a.prompt.edit.Insert(text)
		a.prompt.apply(c)
		return
	}
	if t, ok := a.top().view.(Typist); ok && t.Typing() {
		t.Paste(c, text)
	}
}
