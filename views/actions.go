package views

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

func needsOne(_ *ui.Ctx, targets []string) string {
	if len(targets) == 0 {
		return "no dataset is selected"
	}
	return ""
}

// datasetActions are what can be done with datasets on every screen that has them.
func datasetActions() []ui.Action {
	return append([]ui.Action{
		ui.CommandAction(ui.Action{ID: "dataset.refresh", Title: "refresh", Kind: ui.Mutate, Keys: []string{"r"}, Bar: 2,
			Help: "Refresh now, marked datasets or the selected one. A running refresh is terminated, after asking. A stream that stopped, or waits, is tried again.", Effect: refreshEffect},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.RefreshNow{Dataset: d.Name} }),
		ui.CommandAction(ui.Action{ID: "dataset.snapshot", Title: "snapshot", Kind: ui.Mutate, Keys: []string{"s"}, Bar: 3,
			Help: "Write a snapshot now, also when nothing changed since the last."},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.SnapshotNow{Dataset: d.Name} }),
		{ID: "dataset.bootstrap", Title: "bootstrap…", Kind: ui.Danger, Keys: []string{"b"}, Bar: 4, Asks: true,
			Help: "Replace the local data by a stored snapshot: pick one, see what it does, type the name.",
			Off:  bootstrapOff,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd {
				p := newPicker(ts[0], nil)
				return tea.Batch(c.Show(p), p.load(c))
			}},
		ui.CommandAction(ui.Action{ID: "dataset.undo", Title: "undo bootstrap", Kind: ui.Mutate, Keys: []string{"u"},
			Help: "Bring back the data that the last bootstrap replaced; it is kept until the next refresh.",
			Effect: func(*ui.Ctx, []string) string {
				return "The data that the last bootstrap replaced takes its place again. Readers keep the old data until the swap."
			}},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.UndoBootstrap{Dataset: d.Name} }),
		ui.CommandAction(ui.Action{ID: "dataset.cancel", Title: "cancel", Kind: ui.Mutate, Keys: []string{"x"}, Bar: 5,
			Help: "Cancel the running refresh, or the wait for a re-try. The data stays as it was.", Effect: cancelEffect, Verb: "Cancel refresh", Keep: "Let it run"},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.CancelRefresh{Dataset: d.Name} }),
		ui.CommandAction(ui.Action{ID: "dataset.hold", Title: "hold/resume", Kind: ui.Mutate, Keys: []string{"H"}, Bar: 8,
			Help: "Put the scheduled refreshes on hold, or resume them; a stream is paused."},
			func(_ *ui.Ctx, d *api.Dataset) api.Command { return api.Hold{Dataset: d.Name, On: !d.Held} }),
		{ID: "dataset.why", Title: "why", Help: "Why it is not ready, why it was refreshed or snapshotted or not, what happens next, and which line of the spicepod is responsible.", Keys: []string{"w"}, Bar: 5, Off: needsOne,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return c.Show(&whyDialog{dataset: ts[0]}) }},
		{ID: "dataset.incident", Title: "incident", Help: "Write the timeline of this dataset to files for a post-mortem: events, refreshes, snapshots, changes, and what people did.", Keys: []string{"I"}, Off: needsOne,
			Run: writeIncident},
		{ID: "dataset.events", Title: "events", Help: "The events of this dataset.", Keys: []string{"l"}, Bar: 6, Off: needsOne,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return openTab(c, ts[0], tabEvents) }},
		{ID: "dataset.config", Title: "yaml", Help: "The effective configuration of this dataset.", Keys: []string{"y"}, Bar: 7, Off: needsOne,
			Run: func(c *ui.Ctx, ts []string) tea.Cmd { return openTab(c, ts[0], tabConfig) }},
	}, streamActions()...)
}

// tabMsg asks the dataset screen for one of its tabs.
type tabMsg struct{ tab int }

// openTab opens a dataset at one of its tabs.
func openTab(c *ui.Ctx, name string, tab int) tea.Cmd {
	return tea.Batch(c.Open(datasetID, name), func() tea.Msg { return tabMsg{tab} })
}

// refreshEffect warns when a refresh is running, because it is terminated.
func refreshEffect(c *ui.Ctx, targets []string) string {
	running := 0
	text := ""
	for _, name := range targets {
		if d := c.Live.Dataset(name); d != nil && d.Run != nil {
			running++
			text = "Terminates the refresh of " + ui.Clean(name) + progressWords(d.Run) + " and starts a new one. Queries keep the old data until the new one is done."
		}
	}
	if running > 1 {
		text = fmt.Sprintf("Terminates %d running refreshes and starts new ones. Queries keep the old data until those are done.", running)
	}
	return text
}

// progressWords says how far a refresh is, for a sentence.
func progressWords(r *api.RefreshRun) string {
	switch {
	case r.Fraction >= 0:
		return " at " + ui.Percent(r.Fraction)
	case r.Rows > 0:
		return " after " + ui.Count(r.Rows) + " rows"
	}
	return ""
}

func cancelEffect(c *ui.Ctx, targets []string) string {
	if len(targets) != 1 {
		return "Cancels the refreshes of " + ui.Names(targets) + ". Their data stays as it was."
	}
	d := c.Live.Dataset(targets[0])
	switch {
	case d == nil:
		return ""
	case d.Run != nil:
		return "Cancels the refresh of " + ui.Clean(d.Name) + progressWords(d.Run) + ". The data stays as it was."
	}
	return "Gives up the re-tries of " + ui.Clean(d.Name) + " until the next scheduled refresh. The data stays as it was."
}

// bootstrapOff says why no snapshot can be loaded now.
func bootstrapOff(c *ui.Ctx, targets []string) string {
	switch {
	case len(targets) == 0:
		return "no dataset is selected"
	case len(targets) > 1:
		return "one dataset at a time; esc takes the marks away"
	case c.Live.Link.Kind == api.LinkRecording: // to look at what could have been done then; the dialog does nothing
		s := *c.Live
		s.Link = api.Link{}
		return api.Refusal(&s, api.BootstrapFrom{Dataset: targets[0]})
	}
	return api.Refusal(c.Live, api.BootstrapFrom{Dataset: targets[0]})
}
