package views

import (
	"fmt"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// config is the screen of the spicepod file: what runs, what is wrong, what changed.
type config struct {
	page pager
	// problem is the one that n went to last, -1 for none; starts are the lines where the problems begin in the last drawing.
	problem int
	starts  []int
	// before is how changes were applied before they were applied by hand.
	before api.ReloadMode
}

func newConfig() *config { return &config{problem: -1} }

// ID implements ui.View.
func (v *config) ID() string { return configID }

// Crumbs implements ui.View.
func (v *config) Crumbs(*ui.Ctx) []string { return []string{"config"} }

// Enter implements ui.View.
func (v *config) Enter(*ui.Ctx) tea.Cmd { return nil }

// Update implements ui.View.
func (v *config) Update(*ui.Ctx, tea.Msg) tea.Cmd { return nil }

// Move implements ui.View.
func (v *config) Move(_ *ui.Ctx, key string) bool { return v.page.move(key) }

// Targets implements ui.View.
func (v *config) Targets(*ui.Ctx) []string { return nil }

// Wheel implements ui.Mouser.
func (v *config) Wheel(_ *ui.Ctx, delta int) { v.page.top = max(v.page.top+delta, 0) }

// Click implements ui.Mouser.
func (v *config) Click(*ui.Ctx, int, int) tea.Cmd { return nil }

// Copy implements ui.Copier.
func (v *config) Copy(c *ui.Ctx) (text, what string) {
	cfg := &c.State.Config
	if len(cfg.Problems) == 0 {
		return cfg.Path, "the path of the file"
	}
	var b strings.Builder
	for i := range cfg.Problems {
		p := &cfg.Problems[i]
		fmt.Fprintf(&b, "%s: %s: %s\n", where(cfg, p), p.Severity, p.Message)
	}
	return b.String(), "the problems"
}

// Draw implements ui.View.
func (v *config) Draw(c *ui.Ctx, w, h int) []string {
	cfg := &c.State.Config
	title := ui.Clean(filepath.Base(cfg.Path))
	heading, second := "Last apply", v.changes
	if cfg.Pending != nil {
		heading, second = "Plan (disk -> running)", v.plan
	}
	if w < 100 {
		lines := append(v.status(c, w-4), second(c, w-4)...)
		return c.Panel(title, v.page.draw(lines, h-2), w, h, false)
	}
	side := w * 2 / 5
	return ui.Beside(h, []int{w - side, side},
		c.Panel(title, v.page.draw(v.status(c, w-side-4), h-2), w-side, h, false),
		c.Panel(heading, second(c, side-4), side, h, false))
}

// status says what runs and what is wrong with the file.
func (v *config) status(c *ui.Ctx, w int) []string {
	t, g, cfg := c.Theme, c.Glyphs, &c.State.Config
	var out []string
	add := func(label, text string) {
		if text != "" {
			out = append(out, " "+t.Dim.On(ui.Pad(label, 10))+" "+text)
		}
	}
	switch {
	case cfg.Broken:
		for _, l := range indented(fmt.Sprintf("%s not applied: %s on disk since %s, g%d keeps running", g.Failed,
			ui.Plural(errorCount(cfg), "error"), ui.Clock(c.Now, cfg.BrokenSince), cfg.Generation), 1, w) {
			out = append(out, t.Bad.Bold().On(l))
		}
	case cfg.Pending != nil:
		for _, l := range indented(pendingWords(c, cfg), 1, w) {
			out = append(out, t.Warn.Bold().On(l))
		}
	default:
		out = append(out, " "+t.Good.On(fmt.Sprintf("%s g%d runs, the file on disk is the same", g.OK, cfg.Generation)))
	}
	out = append(out, "")
	add("file", ui.Clean(cfg.Path))
	add("spicepod", ui.Clean(cfg.Name))
	if !cfg.AppliedAt.IsZero() {
		add("applied", ui.Clock(c.Now, cfg.AppliedAt)+", "+ui.Age(c.Now, cfg.AppliedAt)+" ago")
	}
	if words := reloadWords[cfg.Reload]; words != "" {
		add("changes", ui.Cut(words, max(w-12, 4)))
	}
	if s := &c.State.Store; s.Location != "" {
		glyph, style, words := storeState(c)
		add("snapshots", ui.Clean(s.Location)+" "+style.On(glyph))
		if words != "" {
			for _, l := range indented(words, 12, w) {
				out = append(out, style.On(l))
			}
		}
		add("on failure", ui.Clean(s.OnFailure))
	}
	v.starts = v.starts[:0]
	for i := range cfg.Problems {
		out = append(out, "")
		v.starts = append(v.starts, len(out))
		out = append(out, problemLines(c, cfg, &cfg.Problems[i], w)...)
	}
	return out
}

// storeState says how the snapshot store is: what is wrong with it, otherwise what the first dataset
// had trouble with.
func storeState(c *ui.Ctx) (glyph string, s ui.Style, words string) {
	t, g, store := c.Theme, c.Glyphs, &c.State.Store
	switch {
	case store.Err != "":
		return g.Failed, t.Bad, store.Err
	case !store.Enabled:
		return g.Off + " off", t.Dim, ""
	}
	for _, d := range c.State.Datasets {
		if d.Snapshots.LastErr != "" {
			return g.Warn, t.Warn, d.Name + ": " + d.Snapshots.LastErr
		}
	}
	return g.OK, t.Good, ""
}

// problemLines are a problem with its place, its excerpt and what to do.
func problemLines(c *ui.Ctx, cfg *api.ConfigStatus, p *api.Problem, w int) []string {
	t := c.Theme
	glyph, s := c.Glyphs.Failed, t.Bad
	if p.Severity != "error" {
		glyph, s = c.Glyphs.Warn, t.Warn
	}
	place := where(cfg, p)
	if p.Path != "" {
		place += "  " + ui.Clean(p.Path)
	}
	if p.Dataset != "" {
		place += "  (" + ui.Clean(p.Dataset) + ")"
	}
	out := []string{" " + s.Bold().On(glyph+" "+place)}
	for _, l := range indented(p.Message, 3, w) {
		out = append(out, s.On(l))
	}
	for _, l := range strings.Split(strings.TrimRight(p.Excerpt, "\n"), "\n") {
		if strings.TrimSpace(l) != "" {
			out = append(out, "   "+t.Dim.On(c.Glyphs.Vertical+" ")+ui.Cut(ui.Clean(strings.ReplaceAll(l, "\t", "    ")), w-5))
		}
	}
	if p.Hint != "" {
		for _, l := range indented("hint: "+p.Hint, 3, w) {
			out = append(out, t.Accent.On(l))
		}
	}
	return out
}

// changes tell what the last applied version changed and what waits for a restart.
func (v *config) changes(c *ui.Ctx, w int) []string {
	t, cfg := c.Theme, &c.State.Config
	out := []string{""}
	if len(cfg.Changes) == 0 {
		out = append(out, " "+t.Dim.On("nothing changed since the start"))
	}
	for _, ch := range cfg.Changes {
		s := ui.Style("")
		switch {
		case strings.HasPrefix(ch, "+"):
			s = t.Good
		case strings.HasPrefix(ch, "-"):
			s = t.Bad
		}
		for _, l := range indented(ch, 1, w) {
			out = append(out, s.On(l))
		}
	}
	if len(cfg.NeedsRestart) > 0 {
		out = append(out, "", " "+t.Warn.Bold().On(c.Glyphs.Warn+" takes effect after a restart of pitwall"))
		for _, r := range cfg.NeedsRestart {
			out = append(out, indented(r, 3, w)...)
		}
	}
	return out
}
