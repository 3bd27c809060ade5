package views

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// refreshTable is the table of finished refreshes.
func refreshTable() ui.Table[*api.Refresh] {
	return ui.Table[*api.Refresh]{
		Key:   func(r *api.Refresh) string { return fmt.Sprint(r.ID, ".", r.Attempt) },
		Stamp: func(r *api.Refresh) uint64 { return r.ID },
		Columns: []ui.Column[*api.Refresh]{
			{Title: "STARTED", Width: 14, Flex: 16, Compare: func(a, b *api.Refresh) int { return b.StartedAt.Compare(a.StartedAt) }, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Clock(c.Now, r.StartedAt)}
			}},
			{Title: "OUTCOME", Width: 12, Compare: func(a, b *api.Refresh) int { return cmp.Compare(a.Outcome, b.Outcome) }, Cell: outcomeCell},
			{Title: "MODE", Width: 6, Prio: 4, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell { return ui.Cell{Text: ui.Clean(r.Mode)} }},
			{Title: "TRIGGER", Width: 12, Prio: 3, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell { return ui.Cell{Text: ui.Clean(r.Trigger)} }},
			{Title: "TRY", Width: 3, Right: true, Prio: 5, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell { return ui.Cell{Text: fmt.Sprint(r.Attempt)} }},
			{Title: "TOOK", Width: 7, Right: true, Compare: func(a, b *api.Refresh) int { return cmp.Compare(b.Duration, a.Duration) }, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Duration(r.Duration)}
			}},
			{Title: "READ", Width: 6, Right: true, Prio: 2, Compare: func(a, b *api.Refresh) int { return cmp.Compare(b.RowsRead, a.RowsRead) }, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Count(r.RowsRead)}
			}},
			{Title: "WRITTEN", Width: 7, Right: true, Prio: 2, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Count(r.RowsWritten)}
			}},
			{Title: "ROWS", Width: 6, Right: true, Prio: 1, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Count(r.RowsAfter)}
			}},
			{Title: "SOURCE", Width: 8, Right: true, Prio: 6, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Bytes(r.BytesRead)}
			}},
			{Title: "ERROR", Width: 10, Flex: 200, Prio: 2, Cell: func(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
				return ui.Cell{Text: ui.Clean(r.Err), Style: c.Theme.Bad}
			}},
		},
	}
}

func outcomeCell(c *ui.Ctx, r *api.Refresh, _ int) ui.Cell {
	g, t := c.Glyphs, c.Theme
	switch r.Outcome {
	case api.Succeeded:
		return ui.Cell{Text: g.OK + " " + string(r.Outcome), Style: t.Good}
	case api.Failed:
		return ui.Cell{Text: g.Failed + " " + string(r.Outcome), Style: t.Bad}
	}
	return ui.Cell{Text: g.Dot + " " + ui.Clean(string(r.Outcome)), Style: t.Dim}
}

// drawRefreshes is the tab of refreshes: the sparkline, the table, the selected one's error.
func (v *dataset) drawRefreshes(c *ui.Ctx, d *api.Dataset, w, h int) []string {
	if len(d.Refreshes) == 0 {
		return c.Panel("Refreshes", []string{"", " no refresh has finished since pitwall started; r starts one"}, w, h, false)
	}
	body := []string{" " + durations(c, d, w-4), ""}
	if h >= chartFrom {
		body = v.charts(c, d, w-2)
	}
	v.refreshesAt = len(body) + 2
	var foot []string
	if r, ok := v.refreshes.Selected(); ok && r.Err != "" && h > 10 {
		for _, l := range indented(r.Err, 1, w-3) {
			foot = append(foot, c.Theme.Bad.On(l))
		}
		if r.Hint != "" {
			for _, l := range indented("hint: "+r.Hint, 1, w-3) {
				foot = append(foot, c.Theme.Accent.On(l))
			}
		}
		foot = foot[:min(len(foot), 4)]
	} else if ok && h > 10 {
		for _, l := range refreshDetail(r) {
			foot = append(foot, indented(l, 1, w-3)...)
		}
		foot = foot[:min(len(foot), 4)]
	}
	room := h - 2 - len(body) - len(foot)
	rows := v.refreshes.Draw(c, w-2, room)
	for len(rows) < room {
		rows = append(rows, "")
	}
	return c.Panel("Refreshes, newest first", append(append(body, rows...), foot...), w, h, false)
}

// From chartFrom lines on the tab draws charts of chartHeight lines in place of the sparkline.
const (
	chartFrom   = 26
	chartHeight = 6
)

// charts are how long the refreshes took, how many rows there were after each, and how fast each read its source, oldest
// first.
func (v *dataset) charts(c *ui.Ctx, d *api.Dataset, w int) []string {
	took, rows, rate := ui.Series{Zero: true}, ui.Series{Label: countLabel}, ui.Series{Zero: true, Label: rateLabel}
	took.Label = func(s float64) string { return ui.Duration(time.Duration(s * float64(time.Second))) }
	for i := range slices.Backward(d.Refreshes) {
		r := &d.Refreshes[i]
		took.Values, took.Bad = append(took.Values, r.Duration.Seconds()), append(took.Bad, r.Outcome == api.Failed)
		if r.Outcome == api.Succeeded || r.Outcome == api.Skipped {
			rows.Values = append(rows.Values, float64(r.RowsAfter))
		}
		if r.Outcome == api.Succeeded {
			rate.Values = append(rate.Values, perSecond(r.BytesRead, r.Duration))
		}
	}
	return sideBySide(c, w, chartHeight, graph{"How long, " + c.Glyphs.Failed + " is a failure", took}, graph{"Rows after it", rows}, graph{"Read a second", rate})
}

// graph is a series with its title.
type graph struct {
	title  string
	series ui.Series
}

// chartWidth is what a chart needs.
const chartWidth = 36

// sideBySide draws as many of the charts as there is room for, and an empty line below them.
func sideBySide(c *ui.Ctx, w, h int, all ...graph) []string {
	all = all[:min(len(all), max(w/chartWidth, 1))]
	var blocks [][]string
	var widths []int
	for i, x := range all {
		wide := w / len(all)
		if i == len(all)-1 {
			wide = w - wide*i
		}
		out := []string{" " + c.Theme.Title.On(ui.Cut(x.title, wide-2))}
		for _, l := range c.Chart(x.series, wide-2, h) {
			out = append(out, " "+l)
		}
		for i := range out {
			out[i] = ui.Pad(out[i], wide)
		}
		blocks, widths = append(blocks, out), append(widths, wide)
	}
	return append(ui.Beside(h+1, widths, blocks...), "")
}

// perSecond is a rate, NaN when the time is too short to tell.
func perSecond(bytes int64, took time.Duration) float64 {
	if took <= 0 {
		return math.NaN()
	}
	return float64(bytes) / took.Seconds()
}

func rateLabel(v float64) string { return bytesLabel(v) + "/s" }

// refreshDetail is what the columns have no room for.
func refreshDetail(r *api.Refresh) []string {
	var out []string
	if r.Plan != "" {
		out = append(out, "read "+r.Plan)
	}
	if r.Evicted > 0 || r.Dropped > 0 {
		out = append(out, fmt.Sprintf("%s rows went by retention, %s by on_conflict", ui.Thousands(r.Evicted), ui.Thousands(r.Dropped)))
	}
	if r.SQL != "" {
		out = append(out, r.SQL)
	}
	return out
}
