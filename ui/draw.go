package ui

import (
	"math"
	"strings"
	"time"
)

// Bar draws a thin progress bar of w cells; a negative fraction (unknown) is an empty one.
func (c *Ctx) Bar(fraction float64, w int) string {
	if w <= 0 {
		return ""
	}
	if math.IsNaN(fraction) || fraction < 0 {
		fraction = 0
	}
	n := int(math.Round(min(fraction, 1) * float64(w)))
	return c.Theme.Info.On(strings.Repeat(c.Glyphs.BarDone, n)) + c.Theme.Dim.On(strings.Repeat(c.Glyphs.BarRest, w-n))
}

// Spark draws durations, oldest first, as a sparkline; a negative one is a failure.
func (c *Ctx) Spark(ds []time.Duration, w int) string {
	if len(ds) > w {
		ds = ds[len(ds)-max(w, 0):]
	}
	var top time.Duration = 1
	for _, d := range ds {
		top = max(top, d)
	}
	var b strings.Builder
	for _, d := range ds {
		if d < 0 {
			b.WriteString(c.Theme.Bad.On(c.Glyphs.Failed))
			continue
		}
		i := int(float64(d) / float64(top) * float64(len(c.Glyphs.Spark)-1))
		b.WriteString(c.Theme.Info.On(c.Glyphs.Spark[min(max(i, 0), len(c.Glyphs.Spark)-1)]))
	}
	return b.String()
}

// Spinner is the sign of something that goes on; it turns ten times a second.
func (c *Ctx) Spinner() string {
	s := c.Glyphs.Spinner
	return s[int(c.Wall.UnixMilli()/100&math.MaxInt32)%len(s)]
}

// Panel frames lines with a border and a title in w×h cells. With exact the lines are known to be
// w-2 cells wide.
func (c *Ctx) Panel(title string, lines []string, w, h int, exact bool) []string {
	return c.PanelBeside(title, lines, w, h, exact, nil)
}

// PanelBeside is a Panel with a block of lines at its right, as Beside puts it there, but without writing the lines of
// the panel twice: large frames are mostly that.
func (c *Ctx) PanelBeside(title string, lines []string, w, h int, exact bool, right []string) []string {
	if w < 4 || h < 2 {
		return nil
	}
	g, t := c.Glyphs, c.Theme
	out := make([]string, 0, h)
	beside := func() string {
		if len(out) < len(right) {
			return right[len(out)]
		}
		return ""
	}
	title = Cut(title, w-4)
	if title != "" {
		title = " " + title + " "
	}
	fill := w - 2 - Width(title)
	out = append(out, t.Border.On(g.TopLeft)+t.Title.On(title)+t.Border.On(strings.Repeat(g.Horizontal, max(fill, 0))+g.TopRight)+beside())
	side, blank := t.Border.On(g.Vertical), Spaces(w-2)
	for i := range h - 2 {
		l := blank
		if i < len(lines) {
			if l = lines[i]; !exact {
				l = Pad(l, w-2)
			}
		}
		out = append(out, side+l+side+beside())
	}
	return append(out, t.Border.On(g.BotLeft+strings.Repeat(g.Horizontal, w-2)+g.BotRight)+beside())
}

// Beside puts blocks of lines side by side; each block's lines are as wide as ws says, those of a
// Panel are.
func Beside(h int, ws []int, blocks ...[]string) []string {
	out := make([]string, h)
	for y := range out {
		var b strings.Builder
		n := 0
		for _, block := range blocks {
			if y < len(block) {
				n += len(block[y])
			}
		}
		b.Grow(n)
		for i, block := range blocks {
			if y < len(block) {
				b.WriteString(block[y])
			} else {
				b.WriteString(Spaces(ws[i]))
			}
		}
		out[y] = b.String()
	}
	return out
}

// window cuts lines to the h that start at top.
func window(lines []string, top, h int) []string {
	top = min(max(top, 0), len(lines))
	return lines[top:min(top+max(h, 0), len(lines))]
}
