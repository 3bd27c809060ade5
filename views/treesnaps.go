package views

import (
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
