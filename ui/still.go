package ui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// Still is the console without a terminal and without time of its own: it draws what a person would
// see at this moment. Pictures, benchmarks and tests of pure drawing use it. Its Cmds are run when
// they are returned; nothing ticks. The time is that of the machine, or of a synctest bubble.
type Still struct{ app *App }

// NewStill returns the console over a runtime, w×h cells large.
func NewStill(c api.Console, vs []View, o Options, w, h int) *Still {
	o.ensureDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	first, _ := c.Watch(ctx)
	cancel() // the State is enough
	s := &Still{newApp(context.Background(), c, first, nil, vs, o)}
	s.app.still = true
	s.Resize(w, h)
	s.run(s.app.guard(s.app.enter(s.app.now())))
	return s
}

// Resize changes the size of the window.
func (s *Still) Resize(w, h int) { s.send(tea.WindowSizeMsg{Width: w, Height: h}) }

// State gives the console a newer State.
func (s *Still) State(st *api.State) { s.send(frameMsg{st, s.app.feed}) }

// Press presses keys by name.
func (s *Still) Press(keys ...string) {
	for _, k := range keys {
		s.send(keyOf(k))
	}
}

// Wake ends the grace period of the dialog in front.
func (s *Still) Wake() {
	for _, d := range s.app.dialogs {
		d.opened = d.opened.Add(-graceCap)
	}
	s.app.dirty = true
}

// Frame returns the window with its colours.
func (s *Still) Frame() string {
	s.app.dirty = true
	return s.app.View().Content
}

// Err is the crash of the console, nil while it is well.
func (s *Still) Err() error {
	if s.app.crash != nil {
		return &CrashError{What: s.app.crash.What + "\n" + s.app.crashReport}
	}
	return nil
}

func (s *Still) send(msg tea.Msg) {
	_, cmd := s.app.Update(msg)
	s.run(cmd)
}

func (s *Still) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil, tea.QuitMsg, tea.SuspendMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			s.run(c)
		}
	default:
		s.send(msg)
	}
}

var keyCodes = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"backspace": tea.KeyBackspace, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "delete": tea.KeyDelete,
}

// keyOf makes the message of a key.
func keyOf(name string) tea.KeyPressMsg {
	var mod tea.KeyMod
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		mod, name = tea.ModCtrl, rest
	}
	if rest, ok := strings.CutPrefix(name, "alt+"); ok {
		mod, name = mod|tea.ModAlt, rest
	}
	if rest, ok := strings.CutPrefix(name, "shift+"); ok {
		mod, name = mod|tea.ModShift, rest
	}
	if c, ok := keyCodes[name]; ok {
		return tea.KeyPressMsg{Code: c, Mod: mod}
	}
	if name == "space" {
		name = " "
	}
	k := tea.KeyPressMsg{Code: []rune(name + " ")[0], Mod: mod}
	if mod == 0 {
		k.Text = name
	}
	return k
}

// StillAction is an action of the screen and why it can't be used now.
type StillAction struct {
	Action
	Off string
}

// Actions returns the actions of the screen in front, those of all screens last.
func (s *Still) Actions() []StillAction {
	c := s.app.now()
	targets := s.app.top().view.Targets(c)
	var out []StillAction
	for _, x := range s.app.actions() {
		out = append(out, StillAction{x, x.off(c, targets)})
	}
	return out
}
