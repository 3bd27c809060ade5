package views

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// The tabs of the dataset screen.
const (
	tabOverview = iota
	tabStream   // in place of the refreshes, of datasets that follow one
	tabRefreshes
	tabSnapshots
	tabConfig
	tabEvents
	tabData
	tabFiles // of engines that have them
	tabCount
)

var tabNames = [tabCount]string{"Overview", "Stream", "Refreshes", "Snapshots", "Config", "Events", "Data", "Files"}

// dataset is the screen of one dataset, with tabs.
type dataset struct {
	tab         int
	name        string
	snaps       *snapshots
	log         eventLog
	refreshes   ui.Table[*api.Refresh]
	page        pager
	last        []api.Event
	data        result
	files       *partitions
	refreshesAt int    // the line of the table in the tab of refreshes, for the mouse
	dataOf      string // the dataset whose rows data has
}

func newDataset() *dataset {
	v := &dataset{snaps: newSnapshots(), files: newPartitions()}
	v.refreshes = refreshTable()
	return v
}

// ID implements ui.View.
func (v *dataset) ID() string { return datasetID }

// Crumbs implements ui.View.
func (v *dataset) Crumbs(c *ui.Ctx) []string {
	if v.tab == tabOverview {
		return []string{"datasets", c.Subject}
	}
	return []string{"datasets", c.Subject, strings.ToLower(tabNames[v.tab])}
}

// Enter implements ui.View.
func (v *dataset) Enter(c *ui.Ctx) tea.Cmd {
	v.tab = tabOverview
	return v.sync(c)
}

// Update implements ui.View.
func (v *dataset) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.StateMsg:
		return v.sync(c)
	case tabMsg:
		return v.show(c, msg.tab)
	}
	if m, ok := msg.(queryMsg); ok && m.q == v.data.q && !m.q.view().done {
		return m.q.wait()
	}
	return v.snaps.Update(c, msg)
}

// dataRows is how many rows the tab of data shows.
const dataRows = 200

// look queries the first rows of the dataset, unless they are there.
func (v *dataset) look(c *ui.Ctx) tea.Cmd {
	if v.dataOf == v.name || c.Live.Link.Kind == api.LinkRecording && !c.Live.Link.Rows {
		return nil
	}
	if v.data.q != nil {
		v.data.q.cancel()
	}
	q, cmd := startQuery(c, fmt.Sprintf("SELECT * FROM %s LIMIT %d", quotedName(v.name), dataRows), 0)
	v.data.show(q)
	v.dataOf = v.name
	return cmd
}

// drawData is the tab of data.
func (v *dataset) drawData(c *ui.Ctx, w, h int) []string {
	if v.data.q == nil || v.dataOf != v.name {
		return c.Panel("Data", []string{"", " the recording has no rows"}, w, h, false)
	}
	body := append([]string{" " + ui.Cut(v.data.summary(c), w-4)}, v.data.draw(c, w-2, h-3)...)
	return c.Panel(fmt.Sprintf("Data %s the first %d rows", c.Glyphs.Dot, dataRows), body, w, h, false)
}

// Busy implements ui.Worker.
func (v *dataset) Busy() bool {
	return v.tab == tabData && v.data.q != nil && !v.data.q.view().done
}

// sync takes what the tab in front shows.
func (v *dataset) sync(c *ui.Ctx) tea.Cmd {
	if v.name != c.Subject {
		v.name = c.Subject
		v.page = pager{}
		v.log = eventLog{dataset: c.Subject, wrap: v.log.wrap, level: v.log.level}
	}
	v.last = c.State.Events
	v.log.take(v.last)
	if d := c.Dataset(v.name); d != nil && v.tab == tabRefreshes {
		rows := make([]*api.Refresh, len(d.Refreshes))
		for i := range rows {
			rows[i] = &d.Refreshes[i]
		}
		v.refreshes.SetRows(rows)
	}
	switch v.tab {
	case tabFiles:
		if d := c.Dataset(v.name); d != nil {
			v.files.take(d.Layout)
		}
	case tabSnapshots:
		return v.snaps.sync(c)
	case tabData:
		return v.look(c)
	}
	return nil
}

// tabsOf are the tabs there are: that of files is one where the engine tells of them, that of the stream is in place of
// the refreshes where one is followed; and the one that is open stays.
func (v *dataset) tabsOf(d *api.Dataset) []int {
	var out []int
	for tab := range tabCount {
		there := true
		switch tab {
		case tabStream:
			there = d != nil && d.Stream != nil
		case tabRefreshes:
			there = d == nil || d.Stream == nil || len(d.Refreshes) > 0
		case tabFiles:
			there = d != nil && d.Layout != nil
		}
		if there || tab == v.tab {
			out = append(out, tab)
		}
	}
	return out
}

// by goes that many tabs to the right.
func (v *dataset) by(c *ui.Ctx, step int) tea.Cmd {
	tabs := v.tabsOf(c.Dataset(v.name))
	return v.show(c, tabs[(slices.Index(tabs, v.tab)+step+len(tabs))%len(tabs)])
}

func (v *dataset) show(c *ui.Ctx, tab int) tea.Cmd {
	v.tab = tab
	v.dataOf = "" // who comes back sees the rows of that moment
	v.page.top = 0
	return v.sync(c)
}

// Move implements ui.View.
func (v *dataset) Move(_ *ui.Ctx, key string) bool {
	switch v.tab {
	case tabRefreshes:
		return v.refreshes.Move(key)
	case tabSnapshots:
		return v.snaps.table.Move(key)
	case tabEvents:
		return v.log.move(key)
	case tabFiles:
		return v.files.table.Move(key)
	case tabData:
		return key != "right" && key != "left" && v.data.Move(key)
	}
	return v.page.move(key)
}

// Targets implements ui.View.
func (v *dataset) Targets(c *ui.Ctx) []string {
	if c.Subject == "" {
		return nil
	}
	return []string{c.Subject}
}

// Filter implements ui.Filterer.
func (v *dataset) Filter() string {
	switch v.tab {
	case tabEvents:
		return v.log.filter.Text
	case tabSnapshots:
		return v.snaps.Filter()
	case tabFiles:
		return v.files.filter.Text
	}
	return ""
}

// SetFilter implements ui.Filterer.
func (v *dataset) SetFilter(s string) error {
	switch v.tab {
	case tabEvents:
		return v.log.setFilter(s, v.last)
	case tabSnapshots:
		return v.snaps.SetFilter(s)
	case tabFiles:
		return v.files.setFilter(s)
	}
	return nil
}

// Copy implements ui.Copier.
func (v *dataset) Copy(c *ui.Ctx) (text, what string) {
	d := c.Dataset(v.name)
	switch {
	case d == nil:
		return "", ""
	case v.tab == tabEvents:
		return v.log.copy()
	case v.tab == tabData:
		return v.data.value()
	case v.tab == tabSnapshots:
		return v.snaps.Copy(c)
	case v.tab == tabFiles && d.Layout != nil:
		return v.files.copy()
	case v.tab == tabStream && d.Stream != nil && recordOf(d.Stream) != nil:
		r := recordOf(d.Stream)
		return r.Key + "\t" + r.Value, "the record at " + placeOf(d.Stream, r)
	case v.tab == tabConfig:
		return d.Config, "the configuration of " + d.Name
	case d.Err != "":
		return d.Name + ": " + d.Err, "the error of " + d.Name
	}
	return d.Name, "the name"
}

// Sort implements ui.Sorter.
func (v *dataset) Sort(step int) {
	switch v.tab {
	case tabRefreshes:
		v.refreshes.Sort(step)
	case tabSnapshots:
		v.snaps.table.Sort(step)
	case tabFiles:
		v.files.sort(step)
	}
}

// Wheel implements ui.Mouser.
func (v *dataset) Wheel(_ *ui.Ctx, delta int) {
	switch v.tab {
	case tabRefreshes:
		v.refreshes.Wheel(delta)
	case tabSnapshots:
		v.snaps.table.Wheel(delta)
	case tabEvents:
		v.log.by(delta)
	case tabFiles:
		v.files.table.Wheel(delta)
	case tabData:
		v.data.Wheel(delta)
	default:
		v.page.top = max(v.page.top+delta, 0)
	}
}

// Click implements ui.Mouser: a tab, or a row.
func (v *dataset) Click(c *ui.Ctx, x, y int) tea.Cmd {
	if y == 0 {
		at := 1
		for _, i := range v.tabsOf(c.Dataset(v.name)) {
			n := tabNames[i]
			if x >= at && x < at+len(n) {
				return v.show(c, i)
			}
			at += len(n) + 2
		}
		return nil
	}
	switch v.tab {
	case tabRefreshes:
		v.refreshes.Click(y - v.refreshesAt) // behind the sparkline, or the charts
	case tabSnapshots:
		v.snaps.table.Click(y - 2)
	case tabEvents:
		v.log.click(y - 2)
	case tabFiles:
		v.files.table.Click(y - v.files.at)
	case tabData:
		v.data.Click(y - 3)
	}
	return nil
}

// Actions implements ui.View.
func (v *dataset) Actions() []ui.Action {
	tab := func(step int) func(*ui.Ctx, []string) tea.Cmd {
		return func(c *ui.Ctx, _ []string) tea.Cmd { return v.by(c, step) }
	}
	step := func(by int) func(*ui.Ctx, []string) tea.Cmd {
		return func(c *ui.Ctx, _ []string) tea.Cmd {
			ds := c.State.Datasets
			for i, d := range ds {
				if d.Name == v.name {
					c.Select(ds[(i+by+len(ds))%len(ds)].Name)
					return v.sync(c)
				}
			}
			return nil
		}
	}
	acts := []ui.Action{
		{ID: "tab.next", Title: "next tab", Help: "Overview, Refreshes or Stream, Snapshots, Config, Events, Data; Files where the engine keeps many.", Keys: []string{"tab", "right"}, Bar: 1, Run: tab(1)},
		{ID: "tab.previous", Title: "previous tab", Help: "The tab to the left.", Keys: []string{"shift+tab", "left"}, Run: tab(-1)},
		{ID: "dataset.next", Title: "next dataset", Help: "The dataset after this one in the file.", Keys: []string{"]"}, Run: step(1)},
		{ID: "dataset.previous", Title: "previous dataset", Help: "The dataset before this one.", Keys: []string{"["}, Run: step(-1)},
	}
	switch v.tab {
	case tabEvents:
		acts = append(acts, v.log.actions(func() []api.Event { return v.last })...)
	case tabSnapshots:
		return append(acts, tabbed(v.snaps.Actions(), v)...)
	}
	own := datasetActions()
	if v.tab == tabStream {
		own = streamed(own)
	}
	return append(acts, tabbed(own, v)...)
}

// tabbed makes l and y go to the tab instead of to another screen.
func tabbed(acts []ui.Action, v *dataset) []ui.Action {
	for i := range acts {
		tab := -1
		switch acts[i].ID {
		case "dataset.events":
			tab = tabEvents
		case "dataset.config":
			tab = tabConfig
		default:
			continue
		}
		acts[i].Run = func(c *ui.Ctx, _ []string) tea.Cmd { return v.show(c, tab) }
	}
	return acts
}
