package ui

import (
	"context"
	"encoding/json"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// View is one screen. It is a plain struct that only the program's own goroutine calls. Draw is a
// pure function of the view, the Ctx and the size; nothing here does I/O, a Cmd does.
type View interface {
	// ID names the view for Ctx.Open.
	ID() string
	// Crumbs are the breadcrumbs of the screen.
	Crumbs(c *Ctx) []string
	// Enter is called when the view comes to the front or its subject changes.
	Enter(c *Ctx) tea.Cmd
	// Update gets every message that is no key, also while another view is in front: StateMsg and
	// those of the view's own Cmds.
	Update(c *Ctx, msg tea.Msg) tea.Cmd
	// Move handles the keys that move about; it tells whether the key was one.
	Move(c *Ctx, key string) bool
	// Draw returns at most h lines of at most w cells.
	Draw(c *Ctx, w, h int) []string
	// Actions are what the screen can do.
	Actions() []Action
	// Targets are the datasets an action works on: the marked ones, otherwise the selected one.
	Targets(c *Ctx) []string
}

// Filterer is a View whose rows can be filtered.
type Filterer interface {
	Filter() string
	// SetFilter sets the filter; the error says what is wrong with it and leaves the old one.
	SetFilter(s string) error
}

// Searcher is a View that finds text and keeps the lines around it.
type Searcher interface {
	Search() string
	SetSearch(s string) error
	// Next goes to the next (1) or previous (-1) place.
	Next(dir int)
}

// Typist is a View into which text is typed. While it is typing all keys are its own, but for those that leave the
// console or the screen: ctrl+c, ctrl+z, ctrl+s and ctrl+k.
type Typist interface {
	Typing() bool
	Type(c *Ctx, k tea.KeyPressMsg) tea.Cmd
	Paste(c *Ctx, text string)
}

// Saver is a View whose state outlives the console: see the session file.
type Saver interface {
	Save() (json.RawMessage, error)
	Restore(json.RawMessage) error
}

// Worker is a View in which something spins.
type Worker interface{ Busy() bool }

// Copier is a View with something to copy: the text and what it is called.
type Copier interface {
	Copy(c *Ctx) (text, what string)
}

// Mouser is a View that knows the mouse, with coordinates relative to where Draw began.
type Mouser interface {
	Click(c *Ctx, x, y int) tea.Cmd
	Wheel(c *Ctx, delta int)
}

// Unwinder is a View in which esc gives something up (marks, a zoom) before it leaves the screen.
type Unwinder interface {
	Unwind(c *Ctx) bool
}

// StateMsg tells the views that Ctx.State is another one than before.
type StateMsg struct{}

// Ctx is what views, actions and dialogs draw from and act through. It is valid during the call.
type Ctx struct {
	// State is what is shown; it stands still while paused. Live is the newest.
	State, Live *api.State
	// Now is the time where the State comes from: that of another machine, or of a recording. Ages are counted
	// from it. Wall is the time here, for what the console does itself.
	Now, Wall time.Time
	// W and H are the size of the whole window.
	W, H   int
	Theme  *Theme
	Glyphs *Glyphs
	// Subject is the dataset that screens of one dataset show and that was selected last.
	Subject string
	// FaultsOnly hides what is well.
	FaultsOnly bool
	Paused     bool
	// Zoomed gives the main pane of a screen the whole window.
	Zoomed  bool
	Options Options

	app *App
}

// Dataset returns the dataset of that name as it is shown, or nil.
func (c *Ctx) Dataset(name string) *api.Dataset { return c.State.Dataset(name) }

// Console returns the runtime, for use within Cmds only.
func (c *Ctx) Console() api.Console { return c.app.console }

// Context ends when the console does, or another runtime is gone to; Cmds that wait use it.
func (c *Ctx) Context() context.Context { return c.app.watching }

// Open shows a view for a dataset and remembers where it came from. With an empty subject the
// dataset selected last stays the subject.
func (c *Ctx) Open(view, subject string) tea.Cmd { return c.app.open(view, subject) }

// Select makes a dataset the subject of later screens without leaving this one.
func (c *Ctx) Select(dataset string) {
	c.Subject = dataset
	c.app.top().subject = dataset
}

// Back goes to the screen before this one.
func (c *Ctx) Back() tea.Cmd { return c.app.back() }

// Show puts a dialog in front.
func (c *Ctx) Show(d Dialog) tea.Cmd { return c.app.show(d) }

// Toast shows a sentence for some seconds.
func (c *Ctx) Toast(l api.Level, text string) { c.app.toast(l, text) }

// Do sends commands to the runtime; their outcome is told by a toast.
func (c *Ctx) Do(cmds ...api.Command) tea.Cmd { return c.app.do(cmds) }

// Clipboard copies text through the terminal (OSC 52) and says so.
func (c *Ctx) Clipboard(text, what string) tea.Cmd { return c.app.clipboard(text, what) }
