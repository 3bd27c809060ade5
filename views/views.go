// Package views holds the screens of the console. Each is a plain struct behind ui.View: it keeps
// what is selected, and draws what runtime/api says. It starts no goroutines; what takes time is a
// tea.Cmd.
package views

import "pitwall/ui"

// All returns the screens; the first is the home screen.
func All() []ui.View {
	return []ui.View{newDatasets(), newDataset(), newSnapshots(), newEvents(), newConfig(), newDoctor(), newSQL(), newPulse(), newTree()}
}

// The ids of the screens.
const (
	datasetsID  = "datasets"
	datasetID   = "dataset"
	snapshotsID = "snapshots"
	eventsID    = "events"
	configID    = "config"
	doctorID    = "doctor"
	sqlID       = "sql"
	pulseID     = "pulse"
	treeID      = "tree"
)
