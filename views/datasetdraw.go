package views

import (
	"fmt"
	"slices"
	"strings"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// Draw implements ui.View.
func (v *dataset) Draw(c *ui.Ctx, w, h int) []string {
	d := c.Dataset(v.name)
	out := []string{v.tabs(c, d, w)}
	h--
	if d == nil {
		return append(out, c.Panel("", []string{"", " " + ui.Clean(v.name) + " is not in the spicepod any more; esc goes back"}, w, h, false)...)
	}
	switch v.tab {
	case tabRefreshes:
		return append(out, v.drawRefreshes(c, d, w, h)...)
	case tabSnapshots:
		return append(out, v.snaps.Draw(c, w, h)...)
	case tabConfig:
		lines := strings.Split(strings.TrimRight(d.Config, "\n"), "\n")
		for i, l := range lines {
			lines[i] = " " + yamlLine(c, ui.Cut(ui.Clean(strings.ReplaceAll(l, "\t", "    ")), w-4))
		}
		return append(out, c.Panel("Effective configuration, secrets masked", v.page.draw(lines, h-2), w, h, false)...)
	case tabStream:
		return append(out, v.drawStream(c, d, w, h)...)
	case tabFiles:
		return append(out, v.files.draw(c, d, w, h)...)
	case tabData:
		return append(out, v.drawData(c, w, h)...)
	case tabEvents:
		return append(out, c.Panel(v.log.title(c), v.log.draw(c, w-2, h-2), w, h, false)...)
	}
	return append(out, v.overview(c, d, w, h)...)
}

// yamlLine colours the key of a line of YAML.
func yamlLine(c *ui.Ctx, l string) string {
	if i := strings.Index(l, ":"); i > 0 && !strings.ContainsAny(l[:i], "#'\"") {
		return c.Theme.Accent.On(l[:i]) + l[i:]
	}
	return l
}

// tabs is the line of tabs.
func (v *dataset) tabs(c *ui.Ctx, d *api.Dataset, w int) string {
	s := " "
	for _, i := range v.tabsOf(d) {
		n := tabNames[i]
		if i == v.tab {
			s += ui.Style("1;4").On(n) + "  "
		} else {
			s += c.Theme.Dim.On(n) + "  "
		}
	}
	right := ""
	if w >= ui.Width(s)+23 {
		right = c.Theme.Accent.Bold().On("[") + " prev  " + c.Theme.Accent.Bold().On("]") + " next dataset "
	}
	return ui.Sides(s, right, w)
}

// overview is refresh, snapshots and the newest events at one glance.
func (v *dataset) overview(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	if w < 100 || h < 16 {
		return c.Panel(ui.Clean(d.Name), v.page.draw(slices.Concat(summary(c, d, w-4, 200), fileLines(c, d, w-4), rules(c, d, w-4)), h-2), w, h, false)
	}
	top := max(h*3/5, 12)
	if h < 24 {
		top = h
	}
	left, title := w/2, "Refresh"
	if d.Stream != nil {
		title = "Stream"
	}
	out := ui.Beside(top, []int{left, w - left},
		c.Panel(title, refreshLines(c, d, left-4), left, top, false),
		c.Panel("Snapshots", v.snapshotPanel(c, d, w-left-4), w-left, top, false))
	if rest := h - top; rest >= 4 {
		title := "Refresh duration"
		if n := len(d.Refreshes); n > 0 {
			title += fmt.Sprintf(", last %d", n)
		}
		drawn := chart
		if d.Stream != nil {
			title, drawn = "Lag", lagChart
		}
		out = append(out, ui.Beside(rest, []int{left, w - left},
			c.Panel(title, drawn(c, d, left-4, rest-2), left, rest, false),
			c.Panel("Events", v.newest(c, w-left-2, rest-2), w-left, rest, false))...)
	}
	return out
}

// refreshLines say how the data gets here.
func refreshLines(c *ui.Ctx, d *api.Dataset, w int) []string {
	out := append(stateLines(c, d, w), placeLines(c, d, w)...)
	out = append(out, fileLines(c, d, w)...)
	out = append(out, rules(c, d, w)...)
	if n := len(d.Schema); n > 0 {
		names := make([]string, 0, n)
		for _, col := range d.Schema {
			names = append(names, ui.Clean(col.Name)+" "+ui.Clean(col.Type))
		}
		out = append(out, " "+c.Theme.Dim.On(ui.Pad("columns", 10))+" "+fmt.Sprintf("%d: %s", n, strings.Join(names, ", ")))
	}
	return out
}

// snapshotPanel is what is known of the snapshots without reading the store.
func (v *dataset) snapshotPanel(c *ui.Ctx, d *api.Dataset, w int) []string {
	out := snapshotLines(c, d, w)
	t, g := c.Theme, c.Glyphs
	if r := d.Snapshots.Run; r != nil {
		line := " " + c.Spinner() + " " + r.Kind + " " + ui.Clean(r.Phase)
		if r.Total > 0 {
			line += " " + c.Bar(float64(r.Done)/float64(r.Total), 16) + " " + ui.Bytes(r.Done) + "/" + ui.Bytes(r.Total)
		}
		out = append(out, line)
	}
	if len(d.Snapshots.Attempts) > 0 {
		out = append(out, "", " "+t.Title.On("attempts"))
	}
	for i := range d.Snapshots.Attempts {
		a := &d.Snapshots.Attempts[i]
		glyph, s, text := g.OK, t.Good, fmt.Sprintf("#%d %s %s", a.ID, ui.Bytes(a.Bytes), ui.Duration(a.Duration))
		switch a.Outcome {
		case api.Failed:
			glyph, s, text = g.Failed, t.Bad, ui.Clean(a.Err)
		case api.Skipped, api.Cancelled, api.Superseded:
			glyph, s, text = g.Dot, t.Dim, string(a.Outcome)+" "+ui.Clean(a.Err)
		}
		out = append(out, ui.Cut(fmt.Sprintf(" %s %-4s %-16s %s", s.On(glyph), ui.Age(c.Now, a.At), a.Trigger, text), w))
	}
	return out
}

// newest is the end of the log of the dataset.
func (v *dataset) newest(c *ui.Ctx, w, h int) []string {
	l := eventLog{dataset: v.name, items: v.log.items, follow: true, at: len(v.log.items)}
	items := l.items
	l.items = items[max(len(items)-h, 0):]
	l.at = len(l.items) - 1
	return l.draw(c, w, h)
}

// chart draws the refresh durations as columns of blocks, oldest on the left.
func chart(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	ds, sorted := history(d)
	if len(sorted) == 0 || h < 2 {
		return []string{"", " " + c.Theme.Dim.On("no finished refresh yet")}
	}
	top := sorted[len(sorted)-1]
	const label = 8
	ds = ds[max(len(ds)-(w-label-2), 0):]
	blocks := c.Glyphs.Spark
	out := make([]string, h)
	for y := range out {
		var b strings.Builder
		for _, x := range ds {
			if x < 0 {
				if y == h-1 {
					b.WriteString(c.Theme.Bad.On(c.Glyphs.Failed))
				} else {
					b.WriteByte(' ')
				}
				continue
			}
			eighths := int(float64(x) / float64(max(top, 1)) * float64(h*len(blocks)))
			switch n := eighths - (h-1-y)*len(blocks); {
			case n >= len(blocks):
				b.WriteString(blocks[len(blocks)-1])
			case n > 0:
				b.WriteString(blocks[n-1])
			case y == h-1:
				b.WriteString(blocks[0])
			default:
				b.WriteByte(' ')
			}
		}
		mark := ""
		switch y {
		case 0:
			mark = ui.Duration(top)
		case h - 1:
			mark = "0s"
		}
		out[y] = " " + c.Theme.Dim.On(ui.PadLeft(mark, label-1)+c.Glyphs.Vertical) + c.Theme.Info.On(b.String())
	}
	return out
}
