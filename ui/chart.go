package ui

import (
	"math"
	"strings"
)

// Series is what a chart draws: values from the oldest to the newest; NaN is a gap.
type Series struct {
	Values []float64
	// Bad marks values that are failures, by their place; may be nil.
	Bad []bool
	// Label writes a value for the axis.
	Label func(float64) string
	// Zero begins the axis at 0, otherwise at the smallest value.
	Zero bool
}

// widest is how many cells a value takes at most.
const widest = 3

// Chart draws a series as columns in w×h cells, with an axis on the left: the newest value stands at the right, and as
// many are drawn as fit. Failures have a sign of their own, so that nothing is told by colour alone.
func (c *Ctx) Chart(s Series, w, h int) []string {
	if w < 8 || h < 1 {
		return nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 0) {
		return []string{c.Theme.Dim.On(Cut("nothing to draw yet", w))}
	}
	if s.Zero || low == high {
		low = min(low, 0)
	}
	if high == low {
		high = low + 1
	}
	axis := max(Width(s.Label(high)), Width(s.Label(low)))
	values, bad := s.Values, s.Bad
	if room := w - axis - 1; len(values) > room {
		values = values[len(values)-room:]
		if bad != nil {
			bad = bad[len(bad)-room:]
		}
	}
	wide := max((w-axis-1)/max(len(values), 1), 1) // cells of a value, where there is room
	steps := len(c.Glyphs.Spark)
	out := make([]string, h)
	for y := range h {
		label := ""
		switch y {
		case 0:
			label = s.Label(high)
		case h - 1:
			label = s.Label(low)
		}
		var b strings.Builder
		b.WriteString(c.Theme.Dim.On(PadLeft(label, axis) + c.Glyphs.Vertical))
		for i, v := range values {
			b.WriteString(strings.Repeat(c.column(v, (v-low)/(high-low), bad != nil && bad[i], h-1-y, h, steps), min(wide, widest)))
		}
		out[y] = b.String()
	}
	return out
}

// column is the cell of a value in the row that is level rows above the bottom of h.
func (c *Ctx) column(v, fraction float64, bad bool, level, h, steps int) string {
	switch {
	case math.IsNaN(v):
		return " "
	case bad && level == 0:
		return c.Theme.Bad.On(c.Glyphs.Failed)
	}
	full := int(math.Round(fraction * float64(h*steps)))
	if level == 0 {
		full = max(full, 1) // also the smallest value can be seen
	}
	n := min(full-level*steps, steps)
	if n <= 0 {
		return " "
	}
	return c.Theme.Info.On(c.Glyphs.Spark[n-1])
}
