package views

import (
	"fmt"
	"path/filepath"
	"slices"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// Widths at which the home screen changes.
const (
	wideWindow = 140 // table and side panel
	listWindow = 80  // below it, or below listHeight, a bare list
	listHeight = 20
	sideMin    = 41 // the narrowest side panel
)

// Draw implements ui.View.
func (v *datasets) Draw(c *ui.Ctx, w, h int) []string {
	top := banner(c, w)
	if len(top) > h/3 {
		top = top[:h/3]
	}
	h -= len(top)
	v.y = len(top) + 1
	v.rank(w >= wideWindow && h+3 >= listHeight && !c.Zoomed)
	switch {
	case len(c.State.Datasets) == 0:
		return append(top, empty(c, w, h)...)
	case w < listWindow || h+3 < listHeight:
		v.y = len(top)
		strip := v.strip(c, w, 1)
		return append(append(top, v.rows(c, w, h-len(strip))...), strip...)
	case w >= wideWindow && !c.Zoomed:
		// The table has the room it needs for all columns before the panel has more than it needs.
		side := max(min(w*3/10, 64, w-2-v.table.Wide()), sideMin)
		detail := slices.Repeat([]string{ui.Spaces(side)}, h)
		if d, ok := v.table.Selected(); ok {
			detail = c.Panel(ui.Clean(d.Name), summary(c, d, side-4, h-2), side, h, false)
		}
		return append(top, c.PanelBeside(v.title(c), v.rows(c, w-side-2, h-2), w-side, h, true, detail)...)
	case h >= 37 && !c.Zoomed:
		const below = 14
		out := append(top, c.Panel(v.title(c), v.rows(c, w-2, h-below-2), w, h-below, true)...)
		if d, ok := v.table.Selected(); ok {
			out = append(out, c.Panel(ui.Clean(d.Name), summary(c, d, w-4, below-2), w, below, false)...)
		}
		return out
	}
	strip := v.strip(c, w, 2)
	h -= len(strip)
	return append(append(top, c.Panel(v.title(c), v.rows(c, w-2, h-2), w, h, true)...), strip...)
}

// rows draws the table, or why it is empty.
func (v *datasets) rows(c *ui.Ctx, w, h int) []string {
	if shown, _ := v.table.Len(); shown == 0 {
		why := "no dataset matches /" + ui.Clean(v.filter.Text)
		if v.filter.Empty() {
			why = "nothing is wrong: no dataset needs you"
		}
		out := []string{ui.Pad("", w), ui.Pad("  "+why+"; esc shows all", w)}
		return out[:min(len(out), max(h, 0))]
	}
	return v.table.Draw(c, w, h)
}

// strip says what is wrong with the selected dataset where there is no panel for it.
func (v *datasets) strip(c *ui.Ctx, w, lines int) []string {
	d, ok := v.table.Selected()
	if !ok {
		return nil
	}
	msg, hint := problem(c, d)
	if msg == "" {
		return nil
	}
	glyph, style := gravity(c, d)
	out := []string{ui.Cut(" "+style.On(glyph+" "+ui.Clean(msg)), w)}
	if hint != "" {
		out = append(out, ui.Cut("   "+c.Theme.Accent.On("hint: ")+ui.Clean(hint), w))
	}
	return out[:min(lines, len(out))]
}

// problem is the error of a dataset and what to do, the refresh's before the snapshots', and signs of trouble last.
func problem(c *ui.Ctx, d *api.Dataset) (msg, hint string) {
	switch {
	case d.Err != "" && d.Stream != nil && d.Stream.Stopped != nil:
		return d.Err, "r retries, S skips the record, R re-bootstraps (enter, tab shows all of it): " + d.Hint
	case d.Err != "":
		return d.Err, d.Hint
	case d.Snapshots.LastErr != "":
		for i := range d.Snapshots.Attempts {
			if a := &d.Snapshots.Attempts[i]; a.Outcome == api.Failed {
				hint = a.Hint
				break
			}
		}
		return "snapshot: " + d.Snapshots.LastErr, hint
	case d.Snapshots.Shared:
		return "snapshot: another process with the same identity writes them, too",
			"give each replica a SPICE_INSTANCE_ID of its own, or have this one write none: snapshots: bootstrap_only"
	case ui.BadNewest(d):
		v := d.Snapshots.Newest.Verified
		msg = "snapshot: the newest is no good: "
		if d.Snapshots.Newest.Pinned {
			msg = "snapshot: the pinned one is no good: "
		}
		if v.State == api.VerifyGone {
			msg += "it is missing"
		} else {
			msg += "its checksum or size is not the one recorded"
		}
		if v.Detail != "" {
			msg += ": " + v.Detail
		}
		if d.Snapshots.Newest.Pinned {
			return msg, "2 shows the others; P there pins another one, or unpins it"
		}
		if m := d.Snapshots.Mode; m == "enabled" || m == "create_only" {
			return msg, "s writes a new one; 2 shows the others"
		}
		return msg, "2 shows the others"
	}
	signs := api.Signs(d)
	if len(signs) == 0 {
		return "", ""
	}
	s := signs[0]
	if !s.At.IsZero() {
		s.Text += ", " + ui.Age(c.Now, s.At) + " ago"
	}
	return s.Text, s.Hint
}

// gravity is how what problem says is marked: an error, or a sign of one.
func gravity(c *ui.Ctx, d *api.Dataset) (glyph string, style ui.Style) {
	if d.Err == "" && d.Snapshots.LastErr == "" && !d.Snapshots.Shared && !ui.BadNewest(d) {
		return c.Glyphs.Warn, c.Theme.Warn
	}
	return c.Glyphs.Failed, c.Theme.Bad
}

// banner says what is wrong with the file on disk or the snapshot store, above everything else.
func banner(c *ui.Ctx, w int) []string {
	t, cfg := c.Theme, &c.State.Config
	var out []string
	if l := &c.Live.Link; !l.DownSince.IsZero() && l.Err != "" {
		out = append(out, ui.Cut(" "+t.Bad.Bold().On(c.Glyphs.Failed+" "+ui.Clean(l.Name)+" does not answer:")+" "+ui.Clean(l.Err), w))
	}
	if cfg.Broken {
		p := ui.FirstError(cfg)
		if p == nil {
			p = &api.Problem{Message: "the file is not valid"}
		}
		more := ""
		if n := errorCount(cfg); n > 1 {
			more = fmt.Sprintf(" (+%d more)", n-1)
		}
		out = append(out, ui.Cut(" "+t.Bad.Bold().On(c.Glyphs.Failed+" "+where(cfg, p))+" "+ui.Clean(p.Message)+more, w))
		keeps := fmt.Sprintf("g%d keeps running since the file broke %s ago; 5 shows it", cfg.Generation, ui.Age(c.Now, cfg.BrokenSince))
		if p.Hint != "" {
			keeps = t.Accent.On("hint: ") + ui.Clean(p.Hint) + t.Dim.On(" "+c.Glyphs.Dot+" "+keeps)
		} else {
			keeps = t.Dim.On(keeps)
		}
		out = append(out, ui.Cut("   "+keeps, w))
	}
	if s := &c.State.Store; s.Err != "" {
		out = append(out, ui.Cut(" "+t.Bad.Bold().On(c.Glyphs.Failed+" snapshot store")+" "+ui.Clean(s.Location)+": "+ui.Clean(s.Err), w))
	}
	return out
}

// where writes file:line:column of a problem.
func where(cfg *api.ConfigStatus, p *api.Problem) string {
	file := p.File
	if file == "" {
		file = cfg.Path
	}
	s := ui.Clean(filepath.Base(file))
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			s += fmt.Sprintf(":%d", p.Column)
		}
	}
	return s
}

func errorCount(cfg *api.ConfigStatus) int {
	n := 0
	for i := range cfg.Problems {
		if cfg.Problems[i].Severity == "error" {
			n++
		}
	}
	return n
}

// empty is the home screen of a spicepod without datasets.
func empty(c *ui.Ctx, w, h int) []string {
	path := c.State.Config.Path
	if path == "" {
		path = "spicepod.yml"
	}
	t := c.Theme
	lines := []string{
		"", "  " + t.Title.On("There are no datasets yet."), "",
		"  Add one to " + t.Accent.On(ui.Clean(path)) + " and save; it shows up here within a second:", "",
		t.Dim.On("    datasets:"),
		t.Dim.On("      - from: file:trips.parquet"),
		t.Dim.On("        name: trips"),
		t.Dim.On("        acceleration:"),
		t.Dim.On("          engine: duckdb"),
		t.Dim.On("          refresh_check_interval: 10m"), "",
		"  5 shows the file and what is wrong with it, ? all keys.",
	}
	return c.Panel("Datasets 0", lines, w, h, false)
}
