package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"pitwall/runtime/api"
)

// stored is a snapshot as the HTTP API tells it.
type stored struct {
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
	Incremental bool       `json:"is_incremental,omitempty"`
	Stored      int64      `json:"stored_bytes,omitempty"`
	Status      string     `json:"status"`
	Checked     string     `json:"verification,omitempty"`
	CheckedAt   *time.Time `json:"verified_at,omitempty"`
}

// storedList is what a dataset has in the store, oldest first.
type storedList struct {
	Dataset   string   `json:"dataset_name"`
	Location  string   `json:"location"`
	Updated   int64    `json:"last_updated_ms"`
	Engine    string   `json:"engine,omitempty"`
	Current   *uint64  `json:"current_snapshot_id,omitempty"`
	Snapshots []stored `json:"snapshots"`
}

// storedIn reads the newest snapshots of a dataset from a store.
func storedIn(ctx context.Context, s api.Store, dataset string, limit int) (storedList, error) {
	l := storedList{Dataset: dataset, Location: s.Location(), Snapshots: []stored{}}
	list, err := s.Snapshots(ctx, dataset)
	if err != nil {
		return l, err
	}
	for _, x := range list {
		l.Updated = max(l.Updated, x.Created.UnixMilli())
		if x.Current {
			l.Current = &x.ID
		}
	}
	if len(list) > 0 {
		l.Engine = list[0].Engine
	}
	list = list[:min(limit, len(list))]
	looks := s.Objects(ctx, list)
	for _, x := range slices.Backward(list) {
		l.Snapshots = append(l.Snapshots, storedOf(x, looks[x.ID]))
	}
	return l, nil
}

// oneStored reads one snapshot from a store.
func oneStored(ctx context.Context, s api.Store, dataset string, id uint64) (stored, error) {
	x, err := s.Snapshot(ctx, dataset, id)
	if err != nil {
		return stored{}, err
	}
	return storedOf(x, s.Objects(ctx, []api.Snapshot{x})[id]), nil
}

func storedOf(x api.Snapshot, object api.ObjectState) stored {
	out := stored{ID: x.ID, Timestamp: x.Created.UnixMilli(), Location: x.URI, Checksum: x.Checksum, Algorithm: x.Algorithm, Bytes: x.Bytes,
		Engine: x.Engine, Current: x.Current, Pinned: x.Pinned, Status: string(object)}
	if x.Incremental {
		out.Incremental, out.Stored = true, x.Stored
	}
	if x.Rows >= 0 {
		out.Rows = &x.Rows
	}
	if out.Checked = string(x.Verified.State); !x.Verified.At.IsZero() {
		out.CheckedAt = &x.Verified.At
	}
	return out
}

func (s stored) at() string { return time.UnixMilli(s.Timestamp).UTC().Format(time.RFC3339) }

// size is that of the file, and what was stored of it if that is less.
func (s stored) size(file string) string {
	if s.Incremental {
		return file + ", stored " + humanize.IBytes(uint64(s.Stored))
	}
	return file
}

// rows is the row count, or otherwise when it is unknown.
func (s stored) rows(otherwise string) string {
	if s.Rows == nil {
		return otherwise
	}
	return strconv.FormatInt(*s.Rows, 10)
}

// state is the look at the object, and what reading it has shown.
func (s stored) state() string {
	status := s.Status
	if status == "" {
		status = "missing"
	}
	if s.Checked != "" {
		status += ", read: " + s.Checked
	}
	return status
}

// write writes one snapshot.
func (s stored) write(w io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(w, s)
	case "csv":
		return storedCSV(w, []stored{s})
	}
	current := "no"
	if s.Current {
		current = "yes: replicas load it"
	}
	if s.Pinned {
		current += ", until it is unpinned"
	}
	return table(w, [][]string{{"ID", strconv.FormatUint(s.ID, 10)}, {"CREATED", s.at()}, {"OBJECT", s.Location},
		{"SIZE", s.size(fmt.Sprintf("%s (%d bytes)", humanize.IBytes(uint64(s.Bytes)), s.Bytes))}, {"ROWS", s.rows("-")}, {"ENGINE", or(s.Engine, "-")},
		{s.Algorithm, s.Checksum}, {"CURRENT", current}, {"STATUS", s.state()}})
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeStored(w io.Writer, format string, l storedList) error {
	switch format {
	case "json":
		return writeJSON(w, l)
	case "csv":
		return storedCSV(w, l.Snapshots)
	}
	rows := [][]string{{"ID", "TIMESTAMP", "SIZE", "ROWS", "CHECKSUM", "CURRENT", "STATUS"}}
	for _, s := range l.Snapshots {
		current := ""
		if s.Current {
			current = "✓"
		}
		if s.Pinned {
			current = "pinned"
		}
		rows = append(rows, []string{strconv.FormatUint(s.ID, 10), s.at(), s.size(humanize.IBytes(uint64(s.Bytes))), s.rows("-"),
			fmt.Sprintf("%.16s...", s.Checksum), current, s.state()})
	}
	return table(w, rows)
}

func storedCSV(w io.Writer, list []stored) error {
	rows := [][]string{{"snapshot_id", "timestamp_ms", "size_bytes", "row_count", "checksum", "is_current", "status", "location"}}
	for _, s := range list {
		rows = append(rows, []string{strconv.FormatUint(s.ID, 10), strconv.FormatInt(s.Timestamp, 10), strconv.FormatInt(s.Bytes, 10), s.rows(""), s.Checksum,
			strconv.FormatBool(s.Current), s.Status, s.Location})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// listAll tells what a store has of which dataset.
func (p *place) listAll(ctx context.Context, w io.Writer, s api.Store) error {
	list, err := s.Datasets(ctx)
	if err != nil {
		return err
	}
	if p.format == "json" {
		return writeJSON(w, list)
	}
	rows := [][]string{{"DATASET", "ENGINE", "SNAPSHOTS", "SIZE", "NEWEST", "CURRENT"}}
	for _, d := range list {
		current, newest, size := "-", "-", humanize.IBytes(uint64(d.Bytes))
		if d.Current != nil {
			current = strconv.FormatUint(*d.Current, 10)
		}
		if !d.Newest.IsZero() {
			newest = d.Newest.Format(time.RFC3339)
		}
		if p.format == "csv" {
			size = strconv.FormatInt(d.Bytes, 10)
		}
		rows = append(rows, []string{d.Name, or(d.Engine, "-"), strconv.Itoa(d.Snapshots), size, newest, current})
	}
	if p.format == "csv" {
		rows[0] = []string{"dataset", "engine", "snapshots", "size_bytes", "newest", "current_snapshot_id"}
		return csv.NewWriter(w).WriteAll(rows)
	}
	return table(w, rows)
}
