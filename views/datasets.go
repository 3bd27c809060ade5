package views

import (
	"encoding/json"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// deltaFor is how long a change of the row count is shown.
const deltaFor = 2 * time.Second

// The narrowest and the widest column of names while others want the room.
const (
	nameMin = 12
	nameMax = 28
)

// datasets is the home screen.
type datasets struct {
	table  ui.Table[*api.Dataset]
	filter ui.Filter
	faults bool
	// prev are the datasets of the last State by place, to find what changed.
	prev    []*api.Dataset
	changed map[string]delta
	// count and generation tell when the names may be others
	count, generation int
	// y is the first line of the table in the last drawing, for the mouse
	y int
}

// delta is a change of the row count.
type delta struct {
	up bool
	at time.Time
}

func newDatasets() *datasets {
	v := &datasets{changed: map[string]delta{}}
	v.table = ui.Table[*api.Dataset]{
		Columns: v.datasetColumns(),
		Key:     func(d *api.Dataset) string { return d.Name },
		Stamp:   func(d *api.Dataset) uint64 { return d.Rev },
		Keep: func(d *api.Dataset) bool {
			return (!v.faults || ui.Faulty(d)) && (v.filter.Empty() || v.filter.Match(datasetRow{d}))
		},
	}
	return v
}

// ID implements ui.View.
func (v *datasets) ID() string { return datasetsID }

// Crumbs implements ui.View.
func (v *datasets) Crumbs(*ui.Ctx) []string { return []string{"datasets"} }

// Enter implements ui.View.
func (v *datasets) Enter(c *ui.Ctx) tea.Cmd {
	if c.Subject != "" {
		v.table.Select(c.Subject)
	}
	v.sync(c)
	return nil
}

// Update implements ui.View.
func (v *datasets) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.StateMsg:
		v.sync(c)
	case wroteMsg:
		wrote(c, msg)
	}
	return nil
}

// sync takes the rows of the State and notes which row counts changed.
func (v *datasets) sync(c *ui.Ctx) {
	now := c.State.Datasets
	for i, d := range now {
		if i >= len(v.prev) || v.prev[i] == d || v.prev[i].Name != d.Name || v.prev[i].Rows == d.Rows {
			continue
		}
		v.changed[d.Name] = delta{d.Rows > v.prev[i].Rows, c.Now}
	}
	for name, x := range v.changed {
		if c.Now.Sub(x.at) > deltaFor {
			delete(v.changed, name)
		}
	}
	v.prev = now
	v.faults = c.FaultsOnly
	if len(now) != v.count || c.State.Config.Generation != v.generation {
		v.count, v.generation = len(now), c.State.Config.Generation
		wide := nameMin
		for _, d := range now {
			wide = max(wide, ui.Width(d.Name))
		}
		v.table.Widen(0, min(wide, nameMax))
	}
	v.table.SetRows(now)
	v.selected(c)
}

// selected makes the selected dataset the subject of other screens.
func (v *datasets) selected(c *ui.Ctx) {
	if d, ok := v.table.Selected(); ok && d.Name != c.Subject {
		c.Select(d.Name)
	}
}

// rank orders the columns that go when there is no room for all: beside the panel, which tells it, the
// engine is the first, and the size stays longer than the failures.
func (v *datasets) rank(panel bool) {
	for i := range v.table.Columns {
		col := &v.table.Columns[i]
		switch {
		case col.Title == "ENGINE" && panel:
			v.table.Rank(i, 8)
		case col.Title == "ENGINE":
			v.table.Rank(i, 4)
		case col.Title == "SIZE" && panel:
			v.table.Rank(i, 5)
		case col.Title == "SIZE":
			v.table.Rank(i, 7)
		}
	}
}

func (v *datasets) deltaCell(c *ui.Ctx, d *api.Dataset, _ int) ui.Cell {
	x, ok := v.changed[d.Name]
	switch {
	case !ok || c.Now.Sub(x.at) > deltaFor:
		return ui.Cell{}
	case x.up:
		return ui.Cell{Text: c.Glyphs.Up, Style: c.Theme.Good}
	}
	return ui.Cell{Text: c.Glyphs.Down, Style: c.Theme.Warn}
}

// Move implements ui.View.
func (v *datasets) Move(c *ui.Ctx, key string) bool {
	if !v.table.Move(key) {
		return false
	}
	v.selected(c)
	return true
}

// Filter implements ui.Filterer.
func (v *datasets) Filter() string { return v.filter.Text }

// SetFilter implements ui.Filterer.
func (v *datasets) SetFilter(s string) error {
	f, err := ui.ParseFilter(s, datasetFields...)
	if err == nil {
		v.filter = f
	}
	return err
}

// SetColumns implements ui.Columner.
func (v *datasets) SetColumns(names []string) error { return v.table.Choose(names) }

// saved is what of the screen outlives the console.
type saved struct {
	Filter string `json:"filter,omitempty"`
	Sort   string `json:"sort,omitempty"`
	Desc   bool   `json:"desc,omitempty"`
}

// Save implements ui.Saver.
func (v *datasets) Save() (json.RawMessage, error) {
	title, desc := v.table.Sorted()
	return json.Marshal(saved{v.filter.Text, title, desc})
}

// Restore implements ui.Saver.
func (v *datasets) Restore(raw json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	v.table.SortBy(s.Sort, s.Desc)
	return v.SetFilter(s.Filter)
}

// Sort implements ui.Sorter.
func (v *datasets) Sort(step int) { v.table.Sort(step) }

// Copy implements ui.Copier.
func (v *datasets) Copy(*ui.Ctx) (text, what string) {
	d, ok := v.table.Selected()
	if !ok {
		return "", ""
	}
	if d.Err != "" {
		return d.Name + ": " + d.Err, "the error of " + d.Name
	}
	return d.Name, "the name"
}

// Click implements ui.Mouser.
func (v *datasets) Click(c *ui.Ctx, _, y int) tea.Cmd {
	v.table.Click(y - v.y)
	v.selected(c)
	return nil
}

// Wheel implements ui.Mouser.
func (v *datasets) Wheel(c *ui.Ctx, delta int) {
	v.table.Wheel(delta)
	v.selected(c)
}

// Unwind implements ui.Unwinder.
func (v *datasets) Unwind(c *ui.Ctx) bool {
	if v.table.Unmark() {
		return true
	}
	if c.FaultsOnly {
		c.FaultsOnly = false
		return true
	}
	return false
}

// Targets implements ui.View.
func (v *datasets) Targets(*ui.Ctx) []string {
	if m := v.table.Marked(); len(m) > 0 {
		return m
	}
	if d, ok := v.table.Selected(); ok {
		return []string{d.Name}
	}
	return nil
}

// Actions implements ui.View.
func (v *datasets) Actions() []ui.Action {
	acts := []ui.Action{
		{ID: "dataset.open", Title: "open", Help: "Open the selected dataset.", Keys: []string{"enter"}, Bar: 1, Off: needsOne,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd {
				if d, ok := v.table.Selected(); ok {
					return c.Open(datasetID, d.Name)
				}
				return nil
			}},
		{ID: "dataset.mark", Title: "mark", Help: "Mark the dataset and go to the next; r s x H then work on all marked. esc takes the marks away.", Keys: []string{"space"}, Bar: 9, Off: needsOne,
			Run: func(*ui.Ctx, []string) tea.Cmd { v.table.Mark(); return nil }},
	}
	return append(acts, datasetActions()...)
}

// title is the heading of the table: how many are shown, and why not all.
func (v *datasets) title(c *ui.Ctx) string {
	shown, total := v.table.Len()
	s := fmt.Sprintf("Datasets %d", total)
	if shown != total {
		s = fmt.Sprintf("Datasets %d/%d", shown, total)
	}
	sep := " " + c.Glyphs.Horizontal + c.Glyphs.Horizontal + " "
	if n := len(v.table.Marked()); n > 0 {
		s += sep + fmt.Sprintf("%d marked", n)
	}
	if v.filter.Text != "" {
		s += sep + "/" + ui.Clean(v.filter.Text)
	}
	if v.faults {
		s += sep + "faults only"
	}
	if o := v.table.Order(c.Glyphs); o != "" {
		s += sep + o
	}
	return s
}
