package views

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// snapList loads the stored snapshots of a dataset and keeps them until something tells that they
// may be others.
type snapList struct {
	dataset string
	list    []api.Snapshot
	err     string
	loaded  bool
	loading bool
	sig     string
	// ask tells the answers of several lists and of older questions apart.
	ask *int
}

// snapsMsg is the answer of the store.
type snapsMsg struct {
	ask  *int
	list []api.Snapshot
	err  error
}

// want makes the list that of a dataset; the Cmd reads the store when it has to be read.
func (l *snapList) want(c *ui.Ctx, dataset string) tea.Cmd {
	if dataset != l.dataset {
		*l = snapList{dataset: dataset}
	}
	sig := signature(c, dataset)
	if dataset == "" || l.loading || (l.loaded && sig == l.sig) {
		return nil
	}
	l.loading, l.sig, l.ask = true, sig, new(int)
	ask, ctx, console := l.ask, c.Context(), c.Console()
	return func() tea.Msg {
		list, err := console.Snapshots(ctx, dataset)
		return snapsMsg{ask, list, err}
	}
}

// take takes an answer when it is the one that is waited for.
func (l *snapList) take(m snapsMsg) bool {
	if m.ask != l.ask || l.ask == nil {
		return false
	}
	l.loading, l.loaded, l.err = false, true, ""
	if m.err != nil {
		l.err = m.err.Error()
		return true
	}
	l.list = slices.Clone(m.list)
	return true
}

// signature changes when the stored snapshots of a dataset may have.
func signature(c *ui.Ctx, dataset string) string {
	d := c.Dataset(dataset)
	if d == nil {
		return ""
	}
	s := &d.Snapshots
	ended, last := 0, int64(0)
	for i := range c.State.Tasks {
		if t := &c.State.Tasks[i]; t.Dataset == dataset && t.State != api.TaskRunning && t.Verb != "refresh" {
			ended++ // in the order in which they end, which is not that of their ids
			last = max(last, t.Ended.UnixNano())
		}
	}
	newest, booted, at := uint64(0), uint64(0), int64(0)
	var verified api.Verification
	if s.Newest != nil {
		newest, verified = s.Newest.ID, s.Newest.Verified
	}
	if s.Booted != nil {
		booted = s.Booted.ID
	}
	if len(s.Attempts) > 0 {
		at = s.Attempts[0].At.UnixNano()
	}
	return fmt.Sprint(newest, booted, s.Kept, at, ended, last, verified.State, verified.At.UnixNano(), c.State.Store.Err, c.State.Link.Stored)
}

// note is the line that stands for the list while there is none.
func (l *snapList) note(c *ui.Ctx) string {
	d := c.Dataset(l.dataset)
	switch {
	case d == nil:
		return "no dataset is selected"
	case l.err != "":
		return c.Theme.Bad.On(c.Glyphs.Failed + " " + ui.Clean(l.err))
	case !l.loaded:
		return c.Theme.Info.On(c.Spinner()) + " reading the snapshot store" + c.Glyphs.Ellipsis
	case len(l.list) == 0 && d.Snapshots.Off != "":
		return "no snapshots: " + ui.Clean(d.Snapshots.Off)
	case len(l.list) == 0:
		return "no snapshots are stored yet; s writes one"
	}
	return ""
}
