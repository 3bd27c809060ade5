package views

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// snapshots is the screen of the stored snapshots of a dataset; the dataset screen has it as a tab.
type snapshots struct {
	list   snapList
	table  ui.Table[*api.Snapshot]
	filter ui.Filter
	// drawn is what roles are found by
	data *api.Dataset
}

func newSnapshots() *snapshots {
	v := &snapshots{}
	v.table = ui.Table[*api.Snapshot]{
		Columns: v.columns(),
		Key:     func(s *api.Snapshot) string { return fmt.Sprint(s.ID) },
		Stamp: func(s *api.Snapshot) uint64 {
			st := uint64(s.Verified.At.UnixNano())
			if v.data != nil {
				st += v.data.Rev
			}
			return st*31 + uint64(len(s.Verified.Detail))
		},
		Keep: func(s *api.Snapshot) bool { return v.filter.Match(snapRow{s, v}) },
	}
	return v
}

// snapRow is a snapshot as a filter sees it.
type snapRow struct {
	*api.Snapshot
	v *snapshots
}

// FilterText implements ui.Row.
func (r snapRow) FilterText() string {
	return fmt.Sprint(r.ID, " ", r.Checksum, " ", r.Engine, " ", r.Verified.State, " ", r.v.trigger(r.Snapshot))
}

// FilterField implements ui.Row.
func (r snapRow) FilterField(name string) (string, bool) {
	switch name {
	case "verify":
		return string(r.Verified.State), true
	case "engine":
		return r.Engine, true
	}
	return "", false
}

// ID implements ui.View.
func (v *snapshots) ID() string { return snapshotsID }

// Crumbs implements ui.View.
func (v *snapshots) Crumbs(c *ui.Ctx) []string { return []string{"datasets", c.Subject, "snapshots"} }

// Enter implements ui.View.
func (v *snapshots) Enter(c *ui.Ctx) tea.Cmd { return v.sync(c) }

// Update implements ui.View.
func (v *snapshots) Update(c *ui.Ctx, msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case ui.StateMsg:
		return v.sync(c)
	case snapsMsg:
		if v.list.take(msg) {
			return v.sync(c)
		}
	}
	return nil
}

func (v *snapshots) sync(c *ui.Ctx) tea.Cmd {
	cmd := v.list.want(c, c.Subject)
	v.data = c.Dataset(c.Subject)
	rows := make([]*api.Snapshot, len(v.list.list))
	for i := range rows {
		rows[i] = &v.list.list[i]
	}
	v.table.SetRows(rows)
	return cmd
}

// Move implements ui.View.
func (v *snapshots) Move(_ *ui.Ctx, key string) bool { return v.table.Move(key) }

// Targets implements ui.View.
func (v *snapshots) Targets(c *ui.Ctx) []string {
	if c.Subject == "" {
		return nil
	}
	return []string{c.Subject}
}

// Filter implements ui.Filterer.
func (v *snapshots) Filter() string { return v.filter.Text }

// SetFilter implements ui.Filterer.
func (v *snapshots) SetFilter(s string) error {
	f, err := ui.ParseFilter(s, "verify", "engine")
	if err == nil {
		v.filter = f
	}
	return err
}

// Sort implements ui.Sorter.
func (v *snapshots) Sort(step int) { v.table.Sort(step) }

// Click implements ui.Mouser.
func (v *snapshots) Click(_ *ui.Ctx, _, y int) tea.Cmd { v.table.Click(y - 1); return nil }

// Wheel implements ui.Mouser.
func (v *snapshots) Wheel(_ *ui.Ctx, delta int) { v.table.Wheel(delta) }

// Copy implements ui.Copier.
func (v *snapshots) Copy(*ui.Ctx) (text, what string) {
	if s, ok := v.table.Selected(); ok {
		return s.Checksum, "the checksum"
	}
	return "", ""
}

// Actions implements ui.View.
func (v *snapshots) Actions() []ui.Action {
	none := func(*ui.Ctx, []string) string {
		if _, ok := v.table.Selected(); !ok {
			return "no snapshot is selected"
		}
		return ""
	}
	verify := func(c *ui.Ctx, ids []uint64) tea.Cmd {
		cmds := make([]api.Command, len(ids))
		for i, id := range ids {
			cmds[i] = api.VerifySnapshot{Dataset: v.list.dataset, SnapshotID: id}
		}
		return c.Do(cmds...)
	}
	off := func(c *ui.Ctx, ts []string) string {
		if why := none(c, ts); why != "" {
			return why
		}
		return api.Refusal(c.Live, api.VerifySnapshot{Dataset: v.list.dataset})
	}
	own := []ui.Action{
		{ID: "snapshot.verify", Title: "verify", Help: "Download the selected snapshot and check its size and checksum.", Kind: ui.Read, Keys: []string{"v"}, Bar: 1, Off: off,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				if s, ok := v.table.Selected(); ok {
					return verify(c, []uint64{s.ID})
				}
				return nil
			}},
		{ID: "snapshot.verify.all", Title: "verify all", Help: "Check all stored snapshots of this dataset, one after the other.", Kind: ui.Read, Keys: []string{"V"}, Bar: 2, Off: off,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				var ids []uint64
				for i := range v.list.list {
					ids = append(ids, v.list.list[i].ID)
				}
				return verify(c, ids)
			}},
	}
	own = append(own, v.steer()...)
	for _, a := range datasetActions() {
		if a.ID == "dataset.bootstrap" {
			a.Help = "Replace the local data by the selected snapshot: see what it does, type the name."
			a.Run = func(c *ui.Ctx, ts []string) tea.Cmd {
				p := newPicker(ts[0], nil)
				if s, ok := v.table.Selected(); ok {
					id := s.ID
					p.want = &id
				}
				return tea.Batch(c.Show(p), p.load(c))
			}
		}
		own = append(own, a)
	}
	return own
}

// Draw implements ui.View.
func (v *snapshots) Draw(c *ui.Ctx, w, h int) []string {
	title := "Snapshots"
	if c.W >= 60 {
		title += " " + c.Glyphs.Dot + " " + ui.Clean(c.Subject)
		if l := c.State.Store.Location; l != "" {
			title += " " + c.Glyphs.Dot + " " + ui.Clean(l)
		}
	}
	if v.filter.Text != "" {
		title += " " + c.Glyphs.Horizontal + " /" + ui.Clean(v.filter.Text)
	}
	if o := v.table.Order(c.Glyphs); o != "" {
		title += " " + c.Glyphs.Horizontal + " " + o
	}
	return c.Panel(title, v.body(c, w-2, h-2), w, h, false)
}

// sizes draws how large the stored snapshots are, and how fast those of this process were written, oldest first; those
// found damaged have a sign of their own.
func (v *snapshots) sizes(c *ui.Ctx, w int) []string {
	s, rate := ui.Series{Label: bytesLabel, Zero: true}, ui.Series{Label: rateLabel, Zero: true}
	for i := range slices.Backward(v.list.list) {
		x := &v.list.list[i]
		s.Values, s.Bad = append(s.Values, float64(x.Bytes)), append(s.Bad, x.Verified.State == api.VerifyFailed || x.Verified.State == api.VerifyGone)
	}
	first, last := v.list.list[len(v.list.list)-1].Created, v.list.list[0].Created
	if d := c.Dataset(v.list.dataset); d != nil {
		for i := range slices.Backward(d.Snapshots.Attempts) {
			if a := &d.Snapshots.Attempts[i]; a.Outcome == api.Succeeded {
				rate.Values = append(rate.Values, perSecond(a.Bytes, a.Duration))
			}
		}
	}
	return append([]string{""}, sideBySide(c, w, chartHeight-1,
		graph{fmt.Sprintf("Size, oldest first, over %s; %s is damaged", ui.Age(last, first), c.Glyphs.Failed), s},
		graph{"Written a second, by this process", rate})...)
}

// body is the table or why there is none.
func (v *snapshots) body(c *ui.Ctx, w, h int) []string {
	if note := v.list.note(c); note != "" {
		var out []string
		for _, l := range ui.Wrap(note, max(w-2, 4)) {
			out = append(out, " "+l)
		}
		return append([]string{""}, out...)
	}
	s, ok := v.table.Selected()
	if !ok {
		return []string{"", " no snapshot matches /" + ui.Clean(v.filter.Text) + "; esc shows all"}
	}
	var foot []string
	if h > 8 {
		foot = append(foot, " "+c.Theme.Dim.On(ui.Cut("sha256 "+s.Checksum+"  "+ui.Clean(s.URI), w-2)))
		if s.Verified.Detail != "" {
			foot = append(foot, " "+c.Theme.Warn.On(ui.Cut(ui.Clean(s.Verified.Detail), w-2)))
		}
	}
	if h >= chartFrom && len(v.list.list) > 2 {
		foot = append(v.sizes(c, w), foot...)
	}
	out := v.table.Draw(c, w, h-len(foot))
	for len(out) < h-len(foot) {
		out = append(out, "")
	}
	return append(out, foot...)
}
