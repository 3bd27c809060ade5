package views

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// treeMsg are the snapshots of a dataset.
type treeMsg struct {
	to      *tree // of one runtime
	dataset string
	list    []api.Snapshot
	err     error
	of      uint64
}

// list reads the store.
func (v *tree) list(c *ui.Ctx, dataset string, newest uint64) tea.Cmd {
	console, ctx := c.Console(), c.Context()
	return func() tea.Msg {
		list, err := console.Snapshots(ctx, dataset)
		return treeMsg{v, dataset, list, err, newest}
	}
}

// snapshots are the lines of a dataset's stored snapshots.
func (v *tree) snapshots(c *ui.Ctx, d *api.Dataset, last []bool) ([]*branch, tea.Cmd) {
	var newest uint64
	if d.Snapshots.Newest != nil {
		newest = d.Snapshots.Newest.ID
	}
	s := v.snaps[d.Name]
	var cmd tea.Cmd
	if s == nil || !s.loading && (s.stale || s.of != newest) {
		cmd = v.list(c, d.Name, newest)
		if s == nil {
			s = &branchSnaps{}
		}
		s = &branchSnaps{list: s.list, loading: true, of: newest}
		v.snaps[d.Name] = s
	}
	line := func(id, text, note string, end bool) *branch {
		return &branch{key: "dataset:" + d.Name + "/snapshot:" + id, parent: "dataset:" + d.Name, text: text, note: note, depth: 2, dataset: d.Name, leaf: true, last: slices.Concat(last, []bool{end})}
	}
	switch {
	case s.err != "":
		b := line("error", "snapshots", s.err, true)
		b.glyph, b.state, b.style = c.Glyphs.Failed, "unknown", c.Theme.Bad
		return []*branch{b}, cmd
	case len(s.list) == 0 && s.loading:
		return []*branch{line("loading", "snapshots", "listing…", true)}, cmd
	}
	var out []*branch
	for i, x := range s.list {
		b := line(fmt.Sprint(x.ID), fmt.Sprintf("snapshot %d", x.ID), ui.Clock(c.Now, x.Created)+", "+ui.Bytes(x.Bytes)+", "+x.ShortChecksum(), i == len(s.list)-1)
		b.glyph, b.state, b.style = c.Glyphs.Dot, "unverified", c.Theme.Dim
		switch x.Verified.State {
		case api.VerifiedSum:
			b.glyph, b.state, b.style = c.Glyphs.OK, "verified", c.Theme.Good
		case api.VerifyFailed, api.VerifyGone:
			b.glyph, b.state, b.style = c.Glyphs.Failed, string(x.Verified.State), c.Theme.Bad
		}
		if x.Current {
			b.note += ", current"
		}
		if x.Pinned {
			b.note += ", pinned"
		}
		out = append(out, b)
	}
	return out, cmd
}
