package views

import (
	"strings"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// datasetRow is a dataset as a filter sees it.
type datasetRow struct{ *api.Dataset }

// datasetFields are the names a filter of datasets knows.
var datasetFields = []string{"state", "engine", "name", "mode", "from", "err", "snapshots"}

// FilterText implements ui.Row.
func (r datasetRow) FilterText() string { return r.Name }

// FilterField implements ui.Row.
func (r datasetRow) FilterField(name string) (string, bool) {
	switch name {
	case "state":
		s := string(r.Status)
		if r.Held {
			s += " held"
		}
		if r.Retry != nil {
			s += " retry"
		}
		if r.Stream != nil {
			s += " " + string(r.Stream.Phase)
		}
		return s, true
	case "engine":
		return r.Engine, true
	case "name":
		return r.Name, true
	case "mode":
		return r.Mode + " " + r.RefreshMode, true
	case "from":
		return r.From, true
	case "err":
		return r.Err, true
	case "snapshots":
		return r.Snapshots.Mode, true
	}
	return "", false
}

// stateRank orders states: what needs somebody first.
func stateRank(d *api.Dataset) int {
	switch {
	case d.Status == api.Error:
		return 0
	case ui.Faulty(d):
		return 1
	case d.Status == api.Initializing:
		return 2
	case d.Status == api.Refreshing:
		return 3
	case d.Status == api.Ready:
		return 4
	}
	return 5
}

func byName(a, b *api.Dataset) int { return strings.Compare(a.Name, b.Name) }
