package ui

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
)

// composeEvery is the shortest time between two compositions that no key asked for.
const composeEvery = 16 * time.Millisecond

// App is the only tea.Model. All of it belongs to the program's goroutine, except the feed and the
// counter of Cmds.
type App struct {
	ctx      context.Context
	console  api.Console
	opts     Options
	views    []View
	stack    []entry
	ahead    []entry   // what forward goes to, the next one last
	said     []string  // lines of the palette, the newest last
	chosen   string    // the theme that was chosen in the palette
	kept     time.Time // when the session was written last
	ctxv     Ctx
	live     *api.State
	feed     *feed
	watching context.Context // of the feed
	at       string          // the context that is shown; "" is what the console was opened on
	choices  int             // how often a context was chosen: the last one counts
	home0    api.Console     // what it was opened on, once another context was
	hangup   func()          // ends what waits for the runtime that is shown
	cmds     cmds
	pace     pace
	size     func() (w, h int, err error) // of the terminal in cells; nil when nobody can be asked

	dialogs   []*front
	passed    *tea.KeyPressMsg // acts when its dialog is closed
	prompt    *prompt
	toasts    []toastLine
	following map[api.CommandID]*request
	pausedAt  time.Time
	closedAt  time.Time // when the runtime went away
	blurred   bool
	mouse     bool
	quitting  bool
	unsaved   bool                // the session could not be written, which is told once
	keys      map[string][]string // of actions, in place of their own
	clash     bool                // the keys of the settings are two things at once, so none of them counts
	still     bool                // nothing waits and nothing ticks, see Still

	content     string
	dirty       bool
	pending     bool // a composeMsg is on its way
	composed    time.Time
	crash       *CrashError
	crashReport string
}

// entry is a screen in the history.
type entry struct {
	view    View
	subject string
}

type (
	composeMsg struct{}
	tickMsg    struct{}
)

// newApp makes the model over a subscription that was opened already.
func newApp(ctx context.Context, console api.Console, first *api.State, ch <-chan *api.State, vs []View, o Options) *App {
	a := &App{ctx: ctx, console: console, opts: o, views: vs, live: first, following: map[api.CommandID]*request{}, mouse: true, dirty: true}
	a.feed = newFeed(ch, false)
	a.watching, a.hangup = context.WithCancel(ctx)
	a.ctxv = Ctx{State: first, Live: first, Wall: time.Now(), Theme: Dark(), Glyphs: Unicode(), Options: o, app: a}
	switch {
	case o.NoColor:
		a.ctxv.Theme = Mono()
	case o.Theme == "light":
		a.ctxv.Theme = Light()
	}
	if o.ASCII {
		a.ctxv.Glyphs = ASCII()
	}
	a.stack = []entry{{view: vs[0]}}
	a.now()
	if o.Settings != nil {
		a.apply(o.Settings)
	}
	a.kept = a.ctxv.Wall
	return a
}

func (a *App) top() *entry { return &a.stack[len(a.stack)-1] }

// Init implements tea.Model.
func (a *App) Init() tea.Cmd {
	cmds := []tea.Cmd{a.settings(), a.feed.next(a.watching), a.after(time.Second, tickMsg{}), a.enter(a.now())}
	if !a.opts.NoColor && a.opts.Theme != "dark" && a.opts.Theme != "light" {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return a.guard(tea.Batch(cmds...))
}

// now brings the Ctx up to date.
func (a *App) now() *Ctx {
	a.ctxv.Wall = time.Now()
	a.ctxv.Now = a.ctxv.Wall
	if clock, ok := a.console.(api.Clock); ok {
		a.ctxv.Now = clock.Now()
	}
	return &a.ctxv
}

// Update implements tea.Model. A panic becomes a crash report and the end of the program.
func (a *App) Update(msg tea.Msg) (m tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			m, cmd = a, a.crashed(fmt.Sprint(r), string(debug.Stack()))
		}
	}()
	a.pace.woken(time.Now())
	return a, a.guard(a.update(a.now(), msg))
}

func (a *App) update(c *Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case nil:
		return nil
	case composeMsg:
		a.pending, a.dirty = false, true
		return nil
	case tea.MouseWheelMsg:
		if c.small() {
			return nil
		}
		a.wheel(c, msg)
		return a.stale(c)
	}
	a.dirty = true
	if a.crashReport != "" {
		return a.leave()
	}
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		c.W, c.H = max(msg.Width, 0), max(msg.Height, 0)
		return nil
	case tea.KeyPressMsg:
		if c.small() {
			return a.smallKey(c, msg.String())
		}
		if msg.String() == "alt+esc" { // esc pressed twice fast
			esc := tea.KeyPressMsg{Code: tea.KeyEscape}
			return tea.Batch(a.key(c, esc), a.key(c, esc))
		}
		return a.key(c, msg)
	case tea.PasteMsg:
		if !c.small() {
			a.paste(c, msg.Content)
		}
		return nil
	case tea.MouseClickMsg:
		if c.small() {
			return nil
		}
		return a.click(c, msg)
	case tea.BackgroundColorMsg:
		if a.auto() && !msg.IsDark() {
			c.Theme = Light()
		}
		return nil
	case tea.FocusMsg:
		a.blurred = false
		a.feed.blurred.Store(false)
		return nil
	case tea.BlurMsg:
		a.blurred = true
		a.feed.blurred.Store(true)
		return nil
	case frameMsg:
		return a.frame(c, msg)
	case tickMsg:
		cmds := []tea.Cmd{a.after(a.tickEvery(), tickMsg{}), a.measure(c)}
		if c.Wall.Sub(a.kept) >= sessionEvery && !a.still {
			a.kept = c.Wall
			cmds = append(cmds, a.saved())
		}
		return tea.Batch(cmds...)
	case savedMsg:
		if msg.err != nil && !a.unsaved {
			a.unsaved = true
			a.toast(api.Warn, "the session can't be kept: "+msg.err.Error())
		}
		return nil
	case ranMsg:
		a.ran(msg)
		return nil
	case dialledMsg:
		return a.dialled(msg)
	case settingsMsg:
		return a.settle(c, msg)
	case issuedMsg:
		a.issued(msg)
		return nil
	case editedMsg:
		a.edited(msg)
		return nil
	case crashMsg:
		return a.crashed(msg.what, msg.stack)
	case dumpedMsg:
		a.dumped(c, msg)
		return nil
	}
	var cmds []tea.Cmd
	for _, d := range a.dialogs {
		cmds = append(cmds, d.Update(c, msg))
	}
	for _, v := range a.views {
		cmds = append(cmds, v.Update(c, msg))
	}
	return tea.Batch(cmds...)
}

// stale composes soon: at once when the last time is long enough ago.
func (a *App) stale(c *Ctx) tea.Cmd {
	if c.Wall.Sub(a.composed) >= composeEvery {
		a.dirty = true
		return nil
	}
	if a.pending {
		return nil
	}
	a.pending = true
	return a.after(composeEvery, composeMsg{})
}

// frame takes a newer State.
func (a *App) frame(c *Ctx, m frameMsg) tea.Cmd {
	if m.from != a.feed { // that of the context before
		return nil
	}
	if m.state == nil {
		a.closedAt = c.Wall
		return nil
	}
	if was := a.live.Process; was != "" && was != m.state.Process {
		a.restarted()
	}
	a.live, c.Live = m.state, m.state
	var next tea.Cmd
	if !a.still {
		next = a.feed.next(a.watching)
	}
	a.outcomes()
	if c.Paused {
		return next
	}
	return tea.Batch(next, a.showState(c))
}

// showState makes the newest State the one that is drawn.
func (a *App) showState(c *Ctx) tea.Cmd {
	c.State = a.live
	cmds := []tea.Cmd{a.top().view.Update(c, StateMsg{})}
	for _, d := range a.dialogs {
		cmds = append(cmds, d.Update(c, StateMsg{}))
	}
	return tea.Batch(cmds...)
}

// measure asks for the terminal's size again when it is not the one that is drawn. Bubble Tea starts
// to listen for SIGWINCH beside the first frame, so that a terminal resized in that moment would keep
// a screen of the wrong size until the next resize.
func (a *App) measure(c *Ctx) tea.Cmd {
	if a.size == nil {
		return nil
	}
	if w, h, err := a.size(); err != nil || w == c.W && h == c.H {
		return nil
	}
	return tea.RequestWindowSize
}

// tickEvery is how often the clock on the screen moves: faster while a spinner turns.
func (a *App) tickEvery() time.Duration {
	switch {
	case a.blurred:
		return 2 * time.Second
	case a.busy():
		return 100 * time.Millisecond
	}
	return time.Second
}

// busy tells whether something on the screen spins.
func (a *App) busy() bool {
	if len(a.dialogs) > 0 || len(a.following) > 0 {
		return true
	}
	if w, ok := a.top().view.(Worker); ok && w.Busy() {
		return true
	}
	for _, t := range a.live.Tasks {
		if t.State == api.TaskRunning {
			return true
		}
	}
	return false
}

// View implements tea.Model: the composed screen, from the cache unless something changed.
func (a *App) View() tea.View {
	if a.dirty {
		a.dirty = false
		a.compose()
	}
	v := tea.NewView(a.content)
	v.AltScreen, v.ReportFocus = true, true
	v.WindowTitle = "pitwall"
	if a.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

func (a *App) compose() {
	defer func() {
		if r := recover(); r != nil && a.crash == nil {
			// View can't return a Cmd; the next message, the tick at the latest, ends the program.
			_ = a.crashed(fmt.Sprint(r), string(debug.Stack()))
			a.content = "pitwall broke and ends"
		}
	}()
	c := a.now()
	a.content = a.Frame(c)
	a.composed = c.Wall
}
