package httpapi

import (
	"fmt"
	"net/http"

	"pitwall/runtime/api"
)

// pinSnapshot keeps a snapshot current.
func (s *server) pinSnapshot(w http.ResponseWriter, q *http.Request) {
	if d, x := s.one(w, q); d != nil {
		s.begin(w, q, api.PinSnapshot{Dataset: d.Name, SnapshotID: x.ID}, fmt.Sprintf("Snapshot %d of %s is being pinned.", x.ID, d.Name))
	}
}

// unpinSnapshots lets the newest be current again.
func (s *server) unpinSnapshots(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		s.begin(w, q, api.UnpinSnapshots{Dataset: d.Name}, fmt.Sprintf("The pin of %s is being taken away.", d.Name))
	}
}

// undoBootstrap brings back what the last bootstrap replaced.
func (s *server) undoBootstrap(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		s.begin(w, q, api.UndoBootstrap{Dataset: d.Name}, fmt.Sprintf("The bootstrap of %s is being undone.", d.Name))
	}
}

// deleteSnapshot removes a snapshot that replicas do not load.
func (s *server) deleteSnapshot(w http.ResponseWriter, q *http.Request) {
	if d, x := s.one(w, q); d != nil {
		s.begin(w, q, api.DeleteSnapshot{Dataset: d.Name, SnapshotID: x.ID}, fmt.Sprintf("Snapshot %d of %s is being deleted.", x.ID, d.Name))
	}
}

// collectSnapshots removes what snapshots_retain does not keep.
func (s *server) collectSnapshots(w http.ResponseWriter, q *http.Request) {
	var o struct {
		DryRun bool `json:"dry_run"`
	}
	if d := s.find(w, q); d != nil && body(w, q, &o) {
		s.begin(w, q, api.CollectSnapshots{Dataset: d.Name, DryRun: o.DryRun}, fmt.Sprintf("Collection of older snapshots of %s begun.", d.Name))
	}
}
