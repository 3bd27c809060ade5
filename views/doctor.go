package views

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// doctor is the screen of the production checklist: what is not well comes first. It is gone through when the
// screen comes to the front, and when somebody asks for it.
type doctor struct {
	table  ui.Table[*api.Finding]
	filter ui.Filter
	list   []api.Finding
	err    string
	// at is when the list was made; zero before the first answer.
	at time.Time
	// ask is the question that is waited for; nil when none is.
	ask *int
}

// The column of the datasets is as wide as the longest name, up to maxDataset cells.
const (
	datasetColumn = 2
	maxDataset    = 28
)

// doctorMsg is the answer of the runtime.
type doctorMsg struct {
	ask  *int
	list []api.Finding
	err  error
}

// severity orders findings.
var severity = []api.FindingState{api.FindingProblem, api.FindingWarning, api.FindingOK, api.FindingNone}

func newDoctor() *doctor {
	v := &doctor{}
	dim := func(c *ui.Ctx, f *api.Finding) ui.Style {
		if f.State == api.FindingNone {
			return c.Theme.Dim
		}
		return ""
	}
	v.table = ui.Table[*api.Finding]{
		Columns: []ui.Column[*api.Finding]{
			{Title: "STATE", Width: 16, Compare: func(a, b *api.Finding) int { return cmp.Compare(rank(a), rank(b)) },
				Cell: func(c *ui.Ctx, f *api.Finding, _ int) ui.Cell {
					glyph, s := findingSign(c, f.State)
					return ui.Cell{Text: glyph + " " + ui.Clean(string(f.State)), Style: s}
				}},
			{Title: "CHECK", Width: 18, Compare: func(a, b *api.Finding) int { return cmp.Compare(a.Check, b.Check) },
				Cell: func(c *ui.Ctx, f *api.Finding, _ int) ui.Cell {
					return ui.Cell{Text: ui.Clean(f.Check), Style: dim(c, f)}
				}},
			{Title: "DATASET", Width: 7, Prio: 1, Compare: func(a, b *api.Finding) int { return cmp.Compare(a.Dataset, b.Dataset) },
				Cell: func(c *ui.Ctx, f *api.Finding, _ int) ui.Cell {
					if f.Dataset == "" {
						return ui.Cell{Text: "-", Style: c.Theme.Dim}
					}
					return ui.Cell{Text: ui.Clean(f.Dataset), Style: dim(c, f)}
				}},
			{Title: "FOUND", Width: 20, Flex: 400, Prio: 2, Cell: func(c *ui.Ctx, f *api.Finding, _ int) ui.Cell {
				return ui.Cell{Text: ui.Clean(f.Found), Style: dim(c, f)}
			}},
		},
		Key:   func(f *api.Finding) string { return f.Check + "\x00" + f.Dataset + "\x00" + string(f.State) },
		Stamp: func(*api.Finding) uint64 { return uint64(v.at.UnixNano()) },
		Keep:  func(f *api.Finding) bool { return v.filter.Match(findingRow{f}) },
	}
	return v
}

func rank(f *api.Finding) int { return slices.Index(severity, f.State) }

// findingSign is the sign of a state and how it looks.
func findingSign(c *ui.Ctx, s api.FindingState) (glyph string, _ ui.Style) {
	switch s {
	case api.FindingProblem:
		return c.Glyphs.Failed, c.Theme.Bad
	case api.FindingWarning:
		return c.Glyphs.Warn, c.Theme.Warn
	case api.FindingOK:
		return c.Glyphs.OK, c.Theme.Good
	}
	return c.Glyphs.Dot, c.Theme.Dim
}

// findingRow is a finding as a filter sees it.
type findingRow struct{ *api.Finding }

// FilterText implements ui.Row.
func (r findingRow) FilterText() string { return r.Check + " " + r.Dataset + " " + r.Found }

// FilterField implements ui.Row.
func (r findingRow) FilterField(name string) (string, bool) {
	switch name {
	case "state":
		return string(r.State), true
	case "dataset":
		return r.Dataset, true
	}
	return "", false
}

// ID implements ui.View.
func (v *doctor) ID() string { return doctorID }

// Crumbs implements ui.View.
func (v *doctor) Crumbs(*ui.Ctx) []string { return []string{"doctor"} }

// Enter implements ui.View.
func (v *doctor) Enter(c *ui.Ctx) tea.Cmd { return v.check(c) }

// check asks the runtime, unless an answer is on its way.
func (v *doctor) check(c *ui.Ctx) tea.Cmd {
	if v.ask != nil {
		return nil
	}
	v.ask = new(int)
	ask, ctx, console := v.ask, c.Context(), c.Console()
	return func() tea.Msg {
		list, err := console.Doctor(ctx)
		return doctorMsg{ask, list, err}
	}
}

// Update implements ui.View.
func (v *doctor) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	m, ok := msg.(doctorMsg)
	if !ok || m.ask != v.ask {
		return nil
	}
	v.ask, v.err = nil, ""
	if m.err != nil {
		v.err = m.err.Error()
		return nil
	}
	v.list, v.at = slices.Clone(m.list), c.Now
	slices.SortStableFunc(v.list, func(a, b api.Finding) int { return cmp.Compare(rank(&a), rank(&b)) })
	v.sync()
	return nil
}

func (v *doctor) sync() {
	rows, widest := make([]*api.Finding, len(v.list)), len("DATASET")
	for i := range rows {
		rows[i] = &v.list[i]
		widest = max(widest, ui.Width(ui.Clean(v.list[i].Dataset)))
	}
	v.table.Widen(datasetColumn, min(widest, maxDataset))
	v.table.SetRows(rows)
}

// Move implements ui.View.
func (v *doctor) Move(_ *ui.Ctx, key string) bool { return v.table.Move(key) }

// Targets implements ui.View.
func (v *doctor) Targets(*ui.Ctx) []string {
	if f, ok := v.table.Selected(); ok && f.Dataset != "" {
		return []string{f.Dataset}
	}
	return nil
}

// Filter implements ui.Filterer.
func (v *doctor) Filter() string { return v.filter.Text }

// SetFilter implements ui.Filterer.
func (v *doctor) SetFilter(s string) error {
	f, err := ui.ParseFilter(s, "state", "dataset")
	if err == nil {
		v.filter = f
		v.sync()
	}
	return err
}

// Sort implements ui.Sorter.
func (v *doctor) Sort(step int) { v.table.Sort(step); v.sync() }

// Click implements ui.Mouser.
func (v *doctor) Click(_ *ui.Ctx, _, y int) tea.Cmd { v.table.Click(y - 1); return nil }

// Wheel implements ui.Mouser.
func (v *doctor) Wheel(_ *ui.Ctx, delta int) { v.table.Wheel(delta) }

// Copy implements ui.Copier.
func (v *doctor) Copy(*ui.Ctx) (text, what string) {
	f, ok := v.table.Selected()
	if !ok {
		return "", ""
	}
	if f.Remedy != "" {
		return f.Remedy, "the remedy"
	}
	return f.Found, "what was found"
}

// Actions implements ui.View.
func (v *doctor) Actions() []ui.Action {
	return append([]ui.Action{
		{ID: "doctor.dataset", Title: "open dataset", Help: "Open the dataset of the selected line.", Keys: []string{"enter"}, Bar: 1,
			Off: func(c *ui.Ctx, ts []string) string {
				switch {
				case len(ts) == 0:
					return "the line is of no single dataset"
				case c.Dataset(ts[0]) == nil:
					return ts[0] + " is not there any more"
				}
				return ""
			},
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return c.Open(datasetID, ts[0]) }},
		{ID: "doctor.again", Title: "check again", Help: "Go through the checklist again; it asks the store.", Kind: ui.Read, Keys: []string{"a"}, Bar: 9,
			Off: func(*ui.Ctx, []string) string {
				if v.ask != nil {
					return "it is under way"
				}
				return ""
			},
			Run: func(c *ui.Ctx, _ []string) tea.Cmd { return v.check(c) }},
	}, datasetActions()...)
}

// Draw implements ui.View.
func (v *doctor) Draw(c *ui.Ctx, w, h int) []string {
	t, g := c.Theme, c.Glyphs
	title := "Doctor"
	if !v.at.IsZero() {
		n := map[api.FindingState]int{}
		for i := range v.list {
			n[v.list[i].State]++
		}
		title += fmt.Sprintf(" %s %d %s %d %s", g.Dot, n[api.FindingProblem], g.Failed, n[api.FindingWarning], g.Warn)
		if c.W >= 60 {
			title += fmt.Sprintf(" %s %s ago", g.Dot, ui.Age(c.Now, v.at))
		}
	}
	if v.filter.Text != "" {
		title += " " + g.Horizontal + " /" + ui.Clean(v.filter.Text)
	}
	if o := v.table.Order(g); o != "" {
		title += " " + g.Horizontal + " " + o
	}
	var note []string
	switch {
	case v.err != "":
		for _, l := range indented(g.Failed+" "+v.err, 1, w-2) {
			note = append(note, t.Bad.On(l))
		}
	case v.ask != nil:
		note = append(note, " "+t.Info.On(c.Spinner())+" going through the checklist"+g.Ellipsis)
	}
	return c.Panel(title, append(note, v.body(c, w-2, max(h-2-len(note), 0))...), w, h, false)
}

// body is the table and, below it, the selected line in full.
func (v *doctor) body(c *ui.Ctx, w, h int) []string {
	f, ok := v.table.Selected()
	if !ok {
		if len(v.list) > 0 {
			return []string{"", " no line matches /" + ui.Clean(v.filter.Text) + "; esc shows all"}
		}
		return nil
	}
	var foot []string
	if h > 8 {
		_, s := findingSign(c, f.State)
		foot = append(foot, " "+c.Theme.Dim.On(ui.Cut(ui.Clean(f.Title), w-2)))
		for _, l := range indented(f.Found, 1, w) {
			foot = append(foot, s.On(l))
		}
		if f.Remedy != "" {
			for _, l := range indented("remedy: "+f.Remedy, 1, w) {
				foot = append(foot, c.Theme.Accent.On(l))
			}
		}
		foot = foot[:min(len(foot), h/2)]
	}
	out := v.table.Draw(c, w, h-len(foot))
	for len(out) < h-len(foot) {
		out = append(out, "")
	}
	return append(out, foot...)
}
