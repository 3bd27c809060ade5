package ui

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pitwall/runtime/api"
)

// The smallest window the console draws in.
const (
	minWidth  = 40
	minHeight = 10
)

// Frame draws the whole window: the head, the screen, the tasks and the keys, and a dialog in front.
func (a *App) Frame(c *Ctx) string {
	if c.W <= 0 || c.H <= 0 {
		return ""
	}
	if c.small() {
		text := fmt.Sprintf("terminal too small (%d×%d), need %d×%d", c.W, c.H, minWidth, minHeight)
		if a.asksToQuit() {
			text = "tasks run: q quits, esc stays; " + text
		}
		lines := Wrap(text, c.W)
		return a.plain(strings.Join(lines[:min(len(lines), c.H)], "\n"))
	}
	lines := make([]string, 0, c.H)
	lines = append(lines, a.head(c))
	body := a.top().view.Draw(c, c.W, c.H-3)
	lines = append(lines, body[:min(len(body), c.H-3)]...)
	for len(lines) < c.H-2 {
		lines = append(lines, "")
	}
	if a.prompt != nil {
		lines = append(lines, a.prompt.draw(c))
	} else {
		lines = append(lines, a.status(c))
	}
	lines = append(lines, a.bar(c))
	if len(a.dialogs) > 0 {
		lines = a.overlay(c, lines)
	}
	return a.plain(strings.Join(lines, "\n"))
}

// small tells whether the window is too small to show anything, so that no key may do anything.
func (c *Ctx) small() bool { return c.W < minWidth || c.H < minHeight }

// plain replaces the signs of sentences that ASCII has not.
func (a *App) plain(frame string) string {
	if a.ctxv.Glyphs.Ellipsis == Unicode().Ellipsis {
		return frame
	}
	return strings.NewReplacer("…", "~", "×", "x", "→", ">").Replace(frame)
}

// head is the first line: breadcrumbs on the left; link, config, faults and clock on the right.
func (a *App) head(c *Ctx) string {
	t, g := c.Theme, c.Glyphs
	left := " " + t.Title.On("pitwall")
	for _, crumb := range a.top().view.Crumbs(c) {
		left += t.Dim.On(" "+g.Crumb+" ") + Clean(crumb)
	}
	var parts []string
	if n := c.Live.Link.Name; n != "" {
		parts = append(parts, t.Accent.On(Cut(Clean(n), max(c.W/5, 8))))
	}
	parts = append(parts, a.link(c))
	if s := configBadge(c); s != "" {
		parts = append(parts, s)
	}
	bad, warn := 0, 0
	for _, d := range c.State.Datasets {
		switch {
		case d.Status == api.Error:
			bad++
		case Faulty(d):
			warn++
		}
	}
	if bad > 0 {
		parts = append(parts, t.Bad.On(fmt.Sprintf("%s%d", g.Failed, bad)))
	}
	if warn > 0 {
		parts = append(parts, t.Warn.On(fmt.Sprintf("%s%d", g.Warn, warn)))
	}
	if c.Live.ReadOnly {
		parts = append(parts, t.Warn.Bold().On("RO"))
	}
	if c.W >= 100 {
		parts = append(parts, t.Dim.On(c.Now.Local().Format("15:04 MST")))
	}
	return Sides(left, " "+strings.Join(parts, "  ")+" ", c.W)
}

// link says how fresh the screen is.
func (a *App) link(c *Ctx) string {
	t, g := c.Theme, c.Glyphs
	switch {
	case !a.closedAt.IsZero():
		return t.Bad.On(g.Failed + " stopped " + Age(c.Wall, a.closedAt))
	case c.Paused:
		return t.Warn.On(g.Stale + " paused " + Age(c.Wall, a.pausedAt))
	case c.Live.ShuttingDown:
		return t.Warn.On(g.Stale + " stopping")
	}
	switch l := &c.Live.Link; {
	case l.Kind == api.LinkRecording:
		return a.playback(c)
	case !l.DownSince.IsZero():
		text := g.Failed + " offline " + Age(c.Now, l.DownSince) + ", retry " + Until(c.Now, l.RetryAt)
		if room := c.W - linkRoom; l.Err != "" && room > 0 {
			text += ": " + Cut(Clean(l.Err), room)
		}
		return t.Bad.On(text)
	case l.Kind != "" && c.Now.Sub(c.Live.At) > linkStale:
		return t.Warn.On(g.Stale + " stale " + Age(c.Now, c.Live.At))
	}
	if age := c.Now.Sub(c.Live.At); age > staleAfter && reading(c.Live) {
		return t.Warn.On(g.Stale + " stale " + Age(c.Now, c.Live.At))
	}
	return t.Good.On(g.Ready + " live")
}

// linkRoom is what the rest of the head line needs at most.
const linkRoom = 120

// linkStale is how old a State of another runtime may be; it tells every 3 s that it is there.
const linkStale = 7 * time.Second

// playback says where a recording is.
func (a *App) playback(c *Ctx) string {
	p, ok := a.console.(api.Player)
	if !ok {
		return c.Theme.Warn.On(c.Glyphs.Stale + " recorded")
	}
	b := p.Playback()
	text := b.At.Local().Format("15:04:05")
	if c.W >= 100 {
		text += " of " + Duration(b.Last.Sub(b.First).Truncate(time.Second))
	}
	switch {
	case !b.At.Before(b.Last):
		text += " end"
	case b.Held:
		text += " held"
	case b.Speed != 1:
		text += fmt.Sprintf(" at %gx", b.Speed)
	}
	return c.Theme.Info.On(c.Glyphs.Arrow + " " + text)
}

// staleAfter is how old the newest State may be while a refresh reads, which tells its progress every
// second.
const staleAfter = 30 * time.Second

func reading(s *api.State) bool {
	for _, d := range s.Datasets {
		if d.Run != nil && d.Run.Phase == api.PhaseReading {
			return true
		}
	}
	return false
}

// configBadge says which version of the spicepod runs and whether the file on disk is another.
func configBadge(c *Ctx) string {
	t, g, cfg := c.Theme, c.Glyphs, &c.State.Config
	name := ""
	if c.W >= 100 {
		name = Cut(Clean(filepath.Base(cfg.Path)), 24) + " "
	}
	if cfg.Path == "" && cfg.Generation == 0 {
		return ""
	}
	if cfg.Broken {
		where := "not applied"
		if p := FirstError(cfg); p != nil && p.Line > 0 {
			where = fmt.Sprintf("line %d", p.Line)
		}
		return t.Bad.Bold().On(name + g.Failed + " " + where)
	}
	if cfg.Pending != nil {
		return t.Warn.Bold().On(name + "~ pending")
	}
	badge := fmt.Sprintf("%s%s g%d", name, g.OK, cfg.Generation)
	if len(cfg.NeedsRestart) > 0 {
		return t.Warn.On(badge + " " + g.Warn + " restart")
	}
	return t.Good.On(badge)
}

// FirstError returns the first error of the spicepod file, or nil.
func FirstError(cfg *api.ConfigStatus) *api.Problem {
	for i := range cfg.Problems {
		if cfg.Problems[i].Severity == "error" {
			return &cfg.Problems[i]
		}
	}
	return nil
}

// status is the line above the keys: what runs, and the newest toast.
func (a *App) status(c *Ctx) string {
	t := c.Theme
	left, right := " "+a.running(c), ""
	if toast, more, failed := a.newestToast(c.Wall); toast.text != "" {
		g, s := c.Glyphs.OK, t.Good
		switch {
		case toast.level >= api.ErrorLevel:
			g, s = c.Glyphs.Failed, t.Bad
		case toast.level == api.Warn:
			g, s = c.Glyphs.Warn, t.Warn
		}
		text := toast.text
		if more > 0 {
			text += fmt.Sprintf(" (+%d)", more)
		}
		behind := ""
		if failed { // it must not be lost behind the answer to a key
			behind = t.Bad.On(c.Glyphs.Failed) + " "
		}
		right = s.On(Cut(g+" "+text, c.W-2-Width(behind)-min(Width(left)+1, c.W/3))+" ") + behind
	}
	return Sides(left, right, c.W)
}

// running names what goes on: the commands, otherwise the refreshes and transfers of the runtime.
func (a *App) running(c *Ctx) string {
	var parts []string
	for i := range c.State.Tasks {
		if t := &c.State.Tasks[i]; t.State == api.TaskRunning {
			parts = append(parts, strings.TrimSpace(t.Verb+" "+Clean(t.Dataset))+" "+Progress(c, t))
		}
	}
	if n := len(parts); n > 0 {
		return c.Theme.Info.On(c.Spinner()) + " " + Plural(n, "task") + ": " + strings.Join(parts[:min(n, 4)], " "+c.Glyphs.Dot+" ")
	}
	refreshes, transfers := 0, 0
	for _, d := range c.State.Datasets {
		if d.Run != nil {
			refreshes++
		}
		if d.Snapshots.Run != nil {
			transfers++
		}
	}
	if refreshes > 0 {
		parts = append(parts, Plural(refreshes, "refresh")+" running")
		if refreshes > 1 {
			parts[0] = fmt.Sprintf("%d refreshes running", refreshes)
		}
	}
	if transfers > 0 {
		parts = append(parts, Plural(transfers, "snapshot transfer"))
	}
	return c.Theme.Dim.On(strings.Join(parts, " "+c.Glyphs.Dot+" "))
}

// Progress says how far a running task is: its own units, or those of the dataset it works on.
func Progress(c *Ctx, t *api.Task) string {
	if t.Total > 0 {
		return fmt.Sprintf("%d/%d", t.Done, t.Total)
	}
	if d := c.Dataset(t.Dataset); d != nil {
		switch {
		case t.Verb == "refresh" && d.Run != nil && d.Run.Fraction >= 0:
			return Percent(d.Run.Fraction)
		case t.Verb == "refresh" && d.Run != nil:
			return Count(d.Run.Rows) + " rows"
		case t.Verb != "refresh" && d.Snapshots.Run != nil && d.Snapshots.Run.Total > 0:
			return Bytes(d.Snapshots.Run.Done) + "/" + Bytes(d.Snapshots.Run.Total)
		case t.Verb != "refresh" && d.Snapshots.Run != nil:
			return d.Snapshots.Run.Phase
		}
	}
	return Duration(c.Now.Sub(t.Started).Truncate(time.Second))
}

// bar is the key bar: the actions that can be used now, as many as fit.
func (a *App) bar(c *Ctx) string {
	t := c.Theme
	item := func(x *Action) string { return t.Accent.Bold().On(KeyName(x.Keys[0])) + " " + x.Title }
	right := ""
	targets := a.top().view.Targets(c)
	var shown [31][]string // by their place
	var ends [31]string
	a.eachAction(a.top().view.Actions(), a.globals(), func(x *Action) {
		if x.Bar < 1 || x.Bar >= len(shown) || x.off(c, targets) != "" {
			return
		}
		if x.ID == "quit" || x.ID == "help" || x.ID == "palette" {
			ends[x.Bar] += "  " + item(x)
			return
		}
		shown[x.Bar] = append(shown[x.Bar], item(x))
	})
	for _, e := range ends {
		right += e
	}
	var left strings.Builder
	left.Grow(c.W * 2)
	left.WriteByte(' ')
	used, room := 1, c.W-Width(right)-2
	for _, it := range slices.Concat(shown[:]...) {
		if used += Width(it) + 2; used > room {
			break
		}
		left.WriteString(it)
		left.WriteString("  ")
	}
	return Sides(left.String(), right+" ", c.W)
}
