package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"pitwall/runtime/api"
)

// snapshotInfo is one stored snapshot (spec acceleration-snapshots 6).
type snapshotInfo struct {
	ID        uint64 `json:"snapshot_id"`
	Timestamp int64  `json:"timestamp_ms"`
	Location  string `json:"location"`
	Checksum  string `json:"checksum"`
	Algorithm string `json:"checksum_algorithm"`
	Bytes     int64  `json:"size_bytes"`
	Engine    string `json:"engine,omitempty"`
	Rows      *int64 `json:"row_count,omitempty"`
	Current   bool   `json:"is_current"`
	Pinned    bool   `json:"is_pinned,omitempty"`
	// Incremental snapshots stored Stored bytes of Bytes.
	Incremental bool            `json:"is_incremental,omitempty"`
	Stored      int64           `json:"stored_bytes,omitempty"`
	Status      api.ObjectState `json:"status"`
	// Checked and CheckedAt are the result of the last verification by this process.
	Checked   api.VerifyState `json:"verification,omitempty"`
	CheckedAt *time.Time      `json:"verified_at,omitempty"`
}

// snapshotList is what a dataset has in the store.
type snapshotList struct {
	Dataset   string         `json:"dataset_name"`
	Location  string         `json:"location"`
	Updated   int64          `json:"last_updated_ms"`
	Engine    string         `json:"engine,omitempty"`
	Current   *uint64        `json:"current_snapshot_id,omitempty"`
	Snapshots []snapshotInfo `json:"snapshots"`
}

// listed is how many snapshots are told of unless limit says otherwise.
const listed = 10

// stored returns the snapshots of the dataset of a request, oldest first. It answers itself when there is
// none, or they can't be read.
func (s *server) stored(w http.ResponseWriter, q *http.Request) (*api.Dataset, []api.Snapshot, bool) {
	d := s.find(w, q)
	switch {
	case d == nil:
		return nil, nil, false
	case d.Engine == "":
		fail(w, http.StatusBadRequest, fmt.Sprintf("Dataset %s does not have acceleration enabled", d.Name))
		return nil, nil, false
	case d.Snapshots.Off != "":
		fail(w, http.StatusBadRequest, fmt.Sprintf("Dataset %s: %s", d.Name, d.Snapshots.Off))
		return nil, nil, false
	}
	list, err := s.Console.Snapshots(q.Context(), d.Name)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return nil, nil, false
	}
	slices.Reverse(list)
	return d, list, true
}

// infos looks at the objects.
func (s *server) infos(w http.ResponseWriter, q *http.Request, d *api.Dataset, list []api.Snapshot) ([]snapshotInfo, bool) {
	ids := make([]uint64, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	states, err := s.Console.Objects(q.Context(), d.Name, ids)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return nil, false
	}
	out := make([]snapshotInfo, len(list))
	for i, x := range list {
		out[i] = snapshotInfo{ID: x.ID, Timestamp: x.Created.UnixMilli(), Location: x.URI, Checksum: x.Checksum, Algorithm: x.Algorithm, Bytes: x.Bytes,
			Engine: x.Engine, Current: x.Current, Pinned: x.Pinned, Status: states[x.ID], Checked: x.Verified.State, CheckedAt: when(x.Verified.At)}
		if x.Incremental {
			out[i].Incremental, out[i].Stored = true, x.Stored
		}
		if x.Rows >= 0 {
			out[i].Rows = &x.Rows
		}
	}
	return out, true
}

// snapshots lists the newest, the oldest of them first.
func (s *server) snapshots(w http.ResponseWriter, q *http.Request) {
	limit := listed
	if text := q.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fail(w, http.StatusBadRequest, fmt.Sprintf("limit %q is not a number from 1 on", text))
			return
		}
		limit = n
	}
	d, list, ok := s.stored(w, q)
	if !ok {
		return
	}
	out := snapshotList{Dataset: d.Name, Location: s.state(q).Store.Location, Engine: d.Engine}
	for _, x := range list {
		out.Updated = max(out.Updated, x.Created.UnixMilli())
		if x.Current {
			out.Current = &x.ID
		}
	}
	if out.Snapshots, ok = s.infos(w, q, d, list[max(0, len(list)-limit):]); ok {
		writeJSON(w, http.StatusOK, out)
	}
}

// one returns the snapshot that a request names, and answers itself when there is none.
func (s *server) one(w http.ResponseWriter, q *http.Request) (*api.Dataset, *api.Snapshot) {
	d, list, ok := s.stored(w, q)
	if !ok {
		return nil, nil
	}
	id, err := strconv.ParseUint(q.PathValue("id"), 10, 64)
	i := slices.IndexFunc(list, func(x api.Snapshot) bool { return x.ID == id })
	if err != nil || i < 0 {
		fail(w, http.StatusNotFound, fmt.Sprintf("Dataset %s has no snapshot %s", d.Name, q.PathValue("id")))
		return nil, nil
	}
	return d, &list[i]
}

func (s *server) snapshot(w http.ResponseWriter, q *http.Request) {
	d, x := s.one(w, q)
	if d == nil {
		return
	}
	if out, ok := s.infos(w, q, d, []api.Snapshot{*x}); ok {
		writeJSON(w, http.StatusOK, out[0])
	}
}

// begin answers with the sentence when a command was accepted.
func (s *server) begin(w http.ResponseWriter, q *http.Request, c api.Command, text string) {
	if s.do(w, q, c, func(detail string) { fail(w, http.StatusBadRequest, detail) }) {
		writeJSON(w, http.StatusAccepted, message{text})
	}
}

func (s *server) createSnapshot(w http.ResponseWriter, q *http.Request) {
	if d := s.find(w, q); d != nil {
		full, err := strconv.ParseBool(cmp.Or(q.URL.Query().Get("full"), "false"))
		if err != nil {
			fail(w, http.StatusBadRequest, "full is true or false")
			return
		}
		s.begin(w, q, api.SnapshotNow{Dataset: d.Name, Full: full}, fmt.Sprintf("Snapshot of %s begun.", d.Name))
	}
}

func (s *server) verifySnapshot(w http.ResponseWriter, q *http.Request) {
	if d, x := s.one(w, q); d != nil {
		s.begin(w, q, api.VerifySnapshot{Dataset: d.Name, SnapshotID: x.ID}, fmt.Sprintf("Verification of snapshot %d of %s begun.", x.ID, d.Name))
	}
}

func (s *server) bootstrap(w http.ResponseWriter, q *http.Request) {
	d, x := s.one(w, q)
	if d == nil {
		return
	}
	var o struct {
		Hold bool `json:"hold"`
	}
	if body(w, q, &o) {
		s.begin(w, q, api.BootstrapFrom{Dataset: d.Name, SnapshotID: x.ID, Hold: o.Hold}, fmt.Sprintf("Bootstrap of %s from snapshot %d begun.", d.Name, x.ID))
	}
}

// setCurrent moves the pointer.
func (s *server) setCurrent(w http.ResponseWriter, q *http.Request) {
	d, list, ok := s.stored(w, q)
	if !ok {
		return
	}
	var o struct {
		ID *uint64 `json:"snapshot_id"`
	}
	if !body(w, q, &o) {
		return
	}
	if o.ID == nil {
		fail(w, http.StatusBadRequest, "snapshot_id is missing")
		return
	}
	if !slices.ContainsFunc(list, func(x api.Snapshot) bool { return x.ID == *o.ID }) {
		fail(w, http.StatusNotFound, fmt.Sprintf("Dataset %s has no snapshot %d", d.Name, *o.ID))
		return
	}
	if s.do(w, q, api.SetCurrent{Dataset: d.Name, SnapshotID: *o.ID}, func(detail string) { fail(w, http.StatusBadRequest, detail) }) {
		writeJSON(w, http.StatusOK, message{fmt.Sprintf("Snapshot %d of %s becomes current; a replica that starts, or bootstraps, loads it.", *o.ID, d.Name)})
	}
}
