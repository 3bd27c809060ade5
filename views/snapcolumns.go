package views

import (
	"cmp"
	"fmt"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// columns are those of the table of snapshots.
func (v *snapshots) columns() []ui.Column[*api.Snapshot] {
	dash := func(c *ui.Ctx) ui.Cell { return ui.Cell{Text: "-", Style: c.Theme.Dim} }
	return []ui.Column[*api.Snapshot]{
		{Title: "ID", Width: 10, Flex: 20, Compare: func(a, b *api.Snapshot) int { return cmp.Compare(b.ID, a.ID) },
			Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell { return ui.Cell{Text: fmt.Sprint(s.ID)} }},
		{Title: "CREATED", Width: 14, Prio: 5, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: ui.Clock(c.Now, s.Created)}
		}},
		{Title: "AGE", Width: 4, Compare: func(a, b *api.Snapshot) int { return b.Created.Compare(a.Created) }, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: ui.Age(c.Now, s.Created)}
		}},
		{Title: "TRIGGER", Width: 16, Prio: 6, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			if t := v.trigger(s); t != "" {
				return ui.Cell{Text: ui.Clean(t)}
			}
			return dash(c)
		}},
		{Title: "ROWS", Width: 5, Right: true, Prio: 2, Compare: func(a, b *api.Snapshot) int { return cmp.Compare(b.Rows, a.Rows) }, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: ui.Count(s.Rows)}
		}},
		{Title: "SIZE", Width: 8, Right: true, Prio: 3, Compare: func(a, b *api.Snapshot) int { return cmp.Compare(b.Bytes, a.Bytes) }, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: ui.Bytes(s.Bytes)}
		}},
		{Title: "TOOK", Width: 6, Right: true, Prio: 7, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			if a := v.attempt(s); a != nil {
				return ui.Cell{Text: ui.Duration(a.Duration.Round(time.Millisecond))}
			}
			return dash(c)
		}},
		{Title: "SHA256", Width: 8, Prio: 4, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: ui.Clean(s.ShortChecksum())}
		}},
		{Title: "VERIFY", Width: 12, Flex: 24, Prio: 1, Compare: func(a, b *api.Snapshot) int { return cmp.Compare(b.Verified.State, a.Verified.State) }, Cell: func(c *ui.Ctx, s *api.Snapshot, w int) ui.Cell {
			return ui.Cell{Raw: true, Text: ui.Pad(verifyWords(c, s, w > 18), w)}
		}},
		{Title: "ROLE", Width: 13, Flex: 38, Prio: 1, Cell: func(c *ui.Ctx, s *api.Snapshot, _ int) ui.Cell {
			return ui.Cell{Text: v.role(s), Style: c.Theme.Accent}
		}},
	}
}

// attempt finds how a snapshot was written, when this process wrote it.
func (v *snapshots) attempt(s *api.Snapshot) *api.SnapshotAttempt {
	if v.data == nil {
		return nil
	}
	for i := range v.data.Snapshots.Attempts {
		if a := &v.data.Snapshots.Attempts[i]; a.ID == s.ID && a.Outcome == api.Succeeded {
			return a
		}
	}
	return nil
}

func (v *snapshots) trigger(s *api.Snapshot) string {
	if a := v.attempt(s); a != nil {
		return a.Trigger
	}
	return ""
}

// role is what a snapshot is for: the one the local data came from, the one a new replica loads, the
// newest.
func (v *snapshots) role(s *api.Snapshot) string {
	role := ""
	add := func(w string) {
		if role != "" {
			role += ", "
		}
		role += w
	}
	if v.data != nil && v.data.Snapshots.Booted != nil && v.data.Snapshots.Booted.ID == s.ID {
		add("in use (boot)")
	}
	if s.Current {
		add("current")
	}
	if s.Pinned {
		add("pinned")
	}
	if len(v.list.list) > 0 && v.list.list[0].ID == s.ID {
		add("newest")
	}
	if s.Incremental {
		add("incremental")
	}
	return role
}
