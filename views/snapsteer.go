package views

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/runtime/api/diff"
	"pitwall/ui"
)

// none says that no snapshot is selected, or that what is shown has no rows.
func (v *snapshots) none(c *ui.Ctx, _ []string) string {
	if _, ok := v.table.Selected(); !ok {
		return "no snapshot is selected"
	}
	if d := c.Dataset(v.list.dataset); d != nil && d.Snapshots.ByPartition {
		return "it is a set of snapshots of partitions: load it (b) to look at its rows"
	}
	switch l := &c.Live.Link; {
	case l.Kind == api.LinkRecording && !l.Rows:
		return "the recording has no rows"
	case l.Kind == api.LinkSpice:
		return "a Spice runtime can't query stored snapshots"
	}
	return ""
}

// steer are the actions that say which snapshot replicas load, and which are kept.
func (v *snapshots) steer() []ui.Action {
	// on has an action work on the selected snapshot.
	on := func(a ui.Action, off func(*api.Snapshot) string, command func(*api.Snapshot) api.Command) ui.Action {
		a.Off = func(c *ui.Ctx, _ []string) string {
			s, ok := v.table.Selected()
			if !ok {
				return "no snapshot is selected"
			}
			if why := api.Refusal(c.Live, command(s)); why != "" {
				return why
			}
			return off(s)
		}
		a.Run = func(c *ui.Ctx, _ []string) tea.Cmd {
			s, ok := v.table.Selected()
			if !ok {
				return nil
			}
			return c.Do(command(s))
		}
		return a
	}
	// says has the dialog name the selected snapshot.
	says := func(text func(*api.Snapshot) string) func(*ui.Ctx, []string) string {
		return func(*ui.Ctx, []string) string {
			s, ok := v.table.Selected()
			if !ok {
				return ""
			}
			return text(s)
		}
	}
	return []ui.Action{
		on(ui.Action{ID: "snapshot.current", Title: "set current", Kind: ui.Mutate, Keys: []string{"C"}, Bar: 3,
			Help: "Make the selected snapshot the one that replicas load, until the next one is written.",
			Effect: says(func(s *api.Snapshot) string {
				return fmt.Sprintf("Replicas that start load snapshot #%d from now on, and readers (refresh_mode: snapshot) follow it, until the next snapshot is written. The local data stays as it is.", s.ID)
			})},
			func(s *api.Snapshot) string {
				if s.Current {
					return "it is the current one"
				}
				return ""
			},
			func(s *api.Snapshot) api.Command {
				return api.SetCurrent{Dataset: v.list.dataset, SnapshotID: s.ID}
			}),
		on(ui.Action{ID: "snapshot.pin", Title: "pin/unpin", Kind: ui.Mutate, Keys: []string{"P"}, Bar: 4,
			Help: "Keep the selected snapshot current whatever is written, or let the newest be current again.",
			Effect: says(func(s *api.Snapshot) string {
				if s.Pinned {
					return "The newest snapshot becomes current: replicas that start load it, and readers (refresh_mode: snapshot) follow it."
				}
				return fmt.Sprintf("Replicas that start load snapshot #%d, and readers (refresh_mode: snapshot) follow it, also when newer ones are written, until it is unpinned. The local data stays as it is.", s.ID)
			})},
			func(*api.Snapshot) string { return "" },
			func(s *api.Snapshot) api.Command {
				if s.Pinned {
					return api.UnpinSnapshots{Dataset: v.list.dataset}
				}
				return api.PinSnapshot{Dataset: v.list.dataset, SnapshotID: s.ID}
			}),
		on(ui.Action{ID: "snapshot.delete", Title: "delete…", Kind: ui.Danger, Keys: []string{"D"},
			Help: "Delete the selected snapshot from the store: see what it does, type the name.",
			Effect: says(func(s *api.Snapshot) string {
				return fmt.Sprintf("Snapshot #%d is removed from the store for all who use it. This can't be undone.", s.ID)
			}), Verb: "Delete", Keep: "Keep it"},
			func(s *api.Snapshot) string {
				switch {
				case s.Pinned:
					return "it is pinned"
				case s.Current:
					return "it is the current one, which replicas load"
				}
				return ""
			},
			func(s *api.Snapshot) api.Command {
				return api.DeleteSnapshot{Dataset: v.list.dataset, SnapshotID: s.ID}
			}),
		{ID: "snapshot.diff", Title: "diff…", Help: "Compare the selected snapshot with the live data or with another one: columns, rows added, removed and changed.", Kind: ui.Read, Keys: []string{"d"}, Bar: 5, Off: v.none,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				s, _ := v.table.Selected()
				return c.Show(newDiff(v.list.dataset, s, v.list.list))
			}},
		{ID: "snapshot.peek", Title: "peek", Help: "Look at the rows of the selected snapshot, without installing it: it is a table in SQL.", Kind: ui.Read, Keys: []string{"e"}, Bar: 6, Off: v.none,
			Run: func(c *ui.Ctx, _ []string) tea.Cmd {
				s, _ := v.table.Selected()
				return askSQL(c, "SELECT * FROM "+diff.Name(v.list.dataset, &s.ID)+" LIMIT 100")
			}},
		ui.CommandAction(ui.Action{ID: "snapshot.collect", Title: "collect", Kind: ui.Mutate, Keys: []string{"K"},
			Help: "Remove the snapshots that snapshots_retain does not keep.",
			Effect: func(c *ui.Ctx, _ []string) string {
				d := c.Dataset(v.list.dataset)
				if d == nil {
					return ""
				}
				return "What is older than snapshots_retain says (" + d.Snapshots.Retain + ") is removed from the store for all who use it; the objects go an hour later. The current, the pinned and the newest snapshot stay."
			}},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.CollectSnapshots{Dataset: d.Name} }),
	}
}
