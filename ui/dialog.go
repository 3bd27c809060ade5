package ui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// Dialog is a box in front of the screen that gets all keys.
type Dialog interface {
	Title(c *Ctx) string
	// Key handles a key; done closes the dialog.
	Key(c *Ctx, k tea.KeyPressMsg) (done bool, cmd tea.Cmd)
	// Update gets the messages that are no keys.
	Update(c *Ctx, msg tea.Msg) tea.Cmd
	// Draw returns the contents in at most w×h cells.
	Draw(c *Ctx, w, h int) []string
	// Careful dialogs swallow keys that were typed before the dialog could be seen.
	Careful() bool
}

// Texter is a Dialog that takes pasted text.
type Texter interface{ Paste(s string) }

// The grace period of careful dialogs: it ends when no key came for graceQuiet, at the latest after
// graceCap.
const (
	graceQuiet = 425 * time.Millisecond
	graceCap   = 1500 * time.Millisecond
)

// front is a dialog and since when it is open.
type front struct {
	Dialog
	opened, lastKey time.Time
}

// guarded tells whether keys are still swallowed.
func (f *front) guarded(now time.Time) bool {
	return f.Careful() && now.Sub(f.lastKey) < graceQuiet && now.Sub(f.opened) < graceCap
}

// graceMsg makes the screen show that a dialog is awake now.
type graceMsg struct{}

// show puts a dialog in front.
func (a *App) show(d Dialog) tea.Cmd {
	now := a.ctxv.Wall
	a.dialogs = append(a.dialogs, &front{d, now, now})
	if !d.Careful() {
		return nil
	}
	return a.after(graceQuiet+time.Millisecond, graceMsg{})
}

// Guarded tells a dialog that is being drawn whether it swallows keys still.
func (c *Ctx) Guarded() bool {
	n := len(c.app.dialogs)
	return n > 0 && c.app.dialogs[n-1].guarded(c.Wall)
}

// dialogKey gives a key to the front dialog.
func (a *App) dialogKey(c *Ctx, k tea.KeyPressMsg) tea.Cmd {
	f := a.dialogs[len(a.dialogs)-1]
	if f.guarded(c.Wall) && k.String() != "esc" {
		f.lastKey = c.Wall
		return a.after(graceQuiet+time.Millisecond, graceMsg{})
	}
	done, cmd := f.Key(c, k)
	if done { // Key may have opened another one, which stays, or closed all
		a.dialogs = slices.DeleteFunc(a.dialogs, func(o *front) bool { return o == f })
	}
	if p := a.passed; p != nil {
		a.passed = nil
		return tea.Batch(cmd, a.key(c, *p))
	}
	return cmd
}

// Pass has the key that closes a dialog act on the screen behind it, before any key that comes later.
func (c *Ctx) Pass(k tea.KeyPressMsg) { c.app.passed = &k }

// overlay draws the front dialog over the lines of the screen.
func (a *App) overlay(c *Ctx, lines []string) []string {
	w, h := c.W, len(lines)
	f := a.dialogs[len(a.dialogs)-1]
	bw, bh := min(w, 92), h
	if w > 30 {
		bw = min(w-4, 92)
	}
	if bw < 8 || h < 3 {
		return lines
	}
	body := f.Draw(c, bw-4, bh-2)
	if len(body) > bh-2 {
		body = body[:bh-2]
	}
	g, t := c.Glyphs, c.Theme
	title := " " + Cut(f.Title(c), bw-6) + " "
	box := make([]string, 0, len(body)+2)
	box = append(box, t.Accent.On(g.DialogTL+g.Horizontal)+t.Title.On(title)+
		t.Accent.On(strings.Repeat(g.Horizontal, max(bw-3-Width(title), 0))+g.DialogTR))
	side := t.Accent.On(g.Vertical)
	for _, l := range body {
		box = append(box, side+" "+Pad(l, bw-4)+" "+side)
	}
	box = append(box, t.Accent.On(g.DialogBL+strings.Repeat(g.Horizontal, bw-2)+g.DialogR))
	x, y := (w-bw)/2, max((h-len(box))/2, 0)
	for i, l := range box {
		if y+i < h {
			lines[y+i] = splice(lines[y+i], l, x, bw, w)
		}
	}
	return lines
}

// splice replaces the cells x to x+bw of a line of w cells.
func splice(under, over string, x, bw, w int) string {
	under = Pad(under, w)
	left := Pad(ansi.Truncate(under, x, ""), x)
	right := ansi.TruncateLeft(under, x+bw, "")
	if n := w - x - bw - Width(right); n != 0 {
		right = PadLeft(right, w-x-bw)
	}
	return left + reset + over + reset + right
}
