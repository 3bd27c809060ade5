package uitest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// Patience is how long Wait waits.
const Patience = 30 * time.Second

// escTime is longer than a terminal's input waits for the rest of an escape sequence.
const escTime = 80 * time.Millisecond

// Screen is a console that runs on an emulated terminal.
type Screen struct {
	// Patience is how long Wait waits; Start sets the constant of that name.
	Patience time.Duration

	tb     testing.TB
	mu     sync.Mutex // guards the emulator: reading a cell while it is written is a race
	em     *vt.Emulator
	w, h   int
	sizes  chan tea.WindowSizeMsg
	cancel context.CancelFunc
	done   chan struct{} // closed when the console has ended
	err    error
	once   sync.Once
}

// Start runs the console over a runtime until the test ends or the console does.
func Start(tb testing.TB, c api.Console, vs []ui.View, w, h int, o ui.Options) *Screen {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Screen{Patience: Patience, tb: tb, em: vt.NewEmulator(w, h), w: w, h: h, sizes: make(chan tea.WindowSizeMsg), cancel: cancel, done: make(chan struct{})}
	o.Terminal = &ui.Terminal{In: s.em, Out: screenWriter{s}, Env: []string{"TERM=xterm-256color", "COLORTERM=truecolor"},
		Profile: colorprofile.TrueColor, Width: w, Height: h, Sizes: s.sizes}
	if o.StateDir == "" {
		o.StateDir = tb.TempDir()
	}
	if o.Theme == "" {
		o.Theme = "dark"
	}
	go func() {
		defer close(s.done)
		s.err = ui.Run(ctx, c, vs, o)
	}()
	tb.Cleanup(func() { _ = s.Stop() })
	return s
}

// Stop ends the console and returns what Run returned.
func (s *Screen) Stop() error {
	s.cancel()
	return s.End()
}

// End waits until the console has ended by itself and returns what Run returned.
func (s *Screen) End() error {
	s.tb.Helper()
	select {
	case <-s.done:
	case <-time.After(s.Patience):
		s.tb.Fatalf("the console did not end:\n%s", s.Text())
	}
	s.once.Do(func() { // not Emulator.Close, which races with its Read
		if in, ok := s.em.InputPipe().(io.Closer); ok {
			_ = in.Close()
		}
	})
	return s.err
}

// Text is the screen as a person reads it.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for y := range s.h {
		var l strings.Builder
		for x := 0; x < s.w; x++ {
			c := s.em.CellAt(x, y)
			if c == nil || c.Content == "" {
				l.WriteByte(' ')
				continue
			}
			l.WriteString(c.Content)
			x += max(0, c.Width-1)
		}
		b.WriteString(strings.TrimRight(l.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// Frame is the screen with its colours.
func (s *Screen) Frame() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.em.Render()
}

// Until waits until the screen is as it should be.
func (s *Screen) Until(what string, ok func(text string) bool) {
	s.tb.Helper()
	for end := time.Now().Add(s.Patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok(s.Text()) {
			return
		}
	}
	s.tb.Fatalf("the screen never showed %s:\n%s", what, s.Text())
}

// Wait waits until the screen shows all of the texts.
func (s *Screen) Wait(wants ...string) {
	s.tb.Helper()
	for _, w := range wants {
		s.Until(w, func(t string) bool { return strings.Contains(t, w) })
	}
}

// Gone waits until the screen does not show a text any more.
func (s *Screen) Gone(text string) {
	s.tb.Helper()
	s.Until("no "+text, func(t string) bool { return !strings.Contains(t, text) })
}

// Type types text.
func (s *Screen) Type(text string) { s.em.SendText(text) }

var codes = map[string]uv.KeyPressEvent{
	"enter": {Code: uv.KeyEnter}, "esc": {Code: uv.KeyEscape}, "tab": {Code: uv.KeyTab}, "up": {Code: uv.KeyUp}, "down": {Code: uv.KeyDown},
	"left": {Code: uv.KeyLeft}, "right": {Code: uv.KeyRight}, "backspace": {Code: uv.KeyBackspace}, "space": {Code: uv.KeySpace, Text: " "},
	"pgup": {Code: uv.KeyPgUp}, "pgdown": {Code: uv.KeyPgDown}, "home": {Code: uv.KeyHome}, "end": {Code: uv.KeyEnd},
	"shift+tab": {Code: uv.KeyTab, Mod: uv.ModShift},
}

// Press presses keys by name: "r", "enter", "ctrl+c".
func (s *Screen) Press(keys ...string) {
	s.tb.Helper()
	for _, k := range keys {
		if e, ok := codes[k]; ok {
			s.em.SendKey(e)
			if k == "esc" { // bytes that follow within escTime would make it alt+key
				time.Sleep(escTime)
			}
			continue
		}
		if c, ok := strings.CutPrefix(k, "ctrl+"); ok {
			s.em.SendKey(uv.KeyPressEvent{Code: rune(c[0]), Mod: uv.ModCtrl})
			continue
		}
		s.em.SendText(k)
	}
}

// Awake waits until the dialog in front takes keys.
func (s *Screen) Awake() { s.tb.Helper(); s.Wait("esc cancels") }

// Resize changes the size of the terminal.
func (s *Screen) Resize(w, h int) {
	s.tb.Helper()
	s.mu.Lock()
	s.w, s.h = w, h
	if w > 0 && h > 0 {
		s.em.Resize(w, h)
	}
	s.mu.Unlock()
	select {
	case s.sizes <- tea.WindowSizeMsg{Width: w, Height: h}:
	case <-s.done:
	}
}

// screenWriter does what a terminal driver does: a line feed returns the carriage too.
type screenWriter struct{ s *Screen }

// Write implements io.Writer.
func (o screenWriter) Write(p []byte) (int, error) {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	_, err := o.s.em.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), err
}

// Click presses and lets go the left button of the mouse.
func (s *Screen) Click(x, y int) {
	s.em.SendMouse(uv.MouseClickEvent{X: x, Y: y, Button: uv.MouseLeft})
	s.em.SendMouse(uv.MouseReleaseEvent{X: x, Y: y, Button: uv.MouseLeft})
}

// Wheel turns the wheel of the mouse by one notch.
func (s *Screen) Wheel(down bool) {
	b := uv.MouseWheelUp
	if down {
		b = uv.MouseWheelDown
	}
	s.em.SendMouse(uv.MouseWheelEvent{X: 5, Y: 5, Button: b})
}

// Paste pastes text.
func (s *Screen) Paste(text string) { s.em.Paste(text) }
