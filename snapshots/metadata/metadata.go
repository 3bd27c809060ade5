// Package metadata owns the bytes that writers of snapshots share through the object store: the
// metadata.json of a location and the keys of the objects beside it (spec acceleration-snapshots.md
// section 1). It does no I/O and starts no goroutines.
package metadata

import (
	"encoding/json"
	"fmt"
	"slices"
)

// FormatVersion is the only version of metadata.json there is.
const FormatVersion = 1

// Algorithm is the checksum algorithm of every snapshot.
const Algorithm = "SHA256"

// File is a metadata.json: one per location, shared by all its datasets.
type File struct {
	// Location is the configured location, verbatim.
	Location string
	// LastUpdatedMs is the time of the last write of this file, in milliseconds since the epoch.
	LastUpdatedMs int64
	// Datasets by name.
	Datasets map[string]*Dataset
}

// Dataset is the record of one dataset.
type Dataset struct {
	Name            string            `json:"name"`
	Engine          string            `json:"engine,omitempty"`
	Schemas         []Schema          `json:"schemas"`
	CurrentSchemaID uint64            `json:"current-schema-id"`
	Snapshots       []Snapshot        `json:"snapshots"`
	CurrentID       *uint64           `json:"current-snapshot-id"`
	Properties      map[string]string `json:"properties"`
}

// Schema is one version of a dataset's schema; JSON is the Arrow schema as package schemajson writes it.
type Schema struct {
	ID   uint64          `json:"schema-id"`
	JSON json.RawMessage `json:"schema"`
}

// Snapshot is the record of one snapshot.
type Snapshot struct {
	ID uint64 `json:"snapshot-id"`
	// TimestampMs is when its creation started, in milliseconds since the epoch.
	TimestampMs int64 `json:"timestamp-ms"`
	// URI is the location without trailing slash, a slash, and the key relative to the location.
	URI string `json:"snapshot"`
	// Checksum is the lower-case hex SHA-256 of the stored object.
	Checksum  string `json:"snapshot-checksum"`
	Algorithm string `json:"snapshot-checksum-algorithm"`
	// Size is the size of the stored object in bytes.
	Size   uint64 `json:"snapshot-size"`
	Engine string `json:"snapshot-engine,omitempty"`
	// RowCount is nil when unknown.
	RowCount *uint64 `json:"snapshot-row-count,omitempty"`
	// LastUpdatedMs is the time of the last write into the acceleration; nil when unknown.
	LastUpdatedMs *int64 `json:"snapshot-last-updated-at-ms,omitempty"`
}

// New returns the File of a location without datasets.
func New(location string) *File {
	return &File{Location: location, Datasets: map[string]*Dataset{}}
}

// reserved are the top-level members that are not datasets.
var reserved = []string{"format-version", "location", "last-updated-ms"}

// CheckName returns an error for a dataset name that metadata.json has no place for.
func CheckName(dataset string) error {
	if dataset == "" || slices.Contains(reserved, dataset) {
		return fmt.Errorf("dataset name %q can't be used in metadata.json", dataset)
	}
	return nil
}

// Snapshot returns the record of that id, or nil.
func (d *Dataset) Snapshot(id uint64) *Snapshot {
	for i := range d.Snapshots {
		if d.Snapshots[i].ID == id {
			return &d.Snapshots[i]
		}
	}
	return nil
}

// Current returns the record that current-snapshot-id names, or nil when the pointer is unset or
// dangling.
func (d *Dataset) Current() *Snapshot {
	if d.CurrentID == nil {
		return nil
	}
	return d.Snapshot(*d.CurrentID)
}

// NextID is the id of the next snapshot: 0, or one more than the greatest there is, or ever was as far as
// Remove took records away.
func (d *Dataset) NextID() uint64 {
	next, _ := d.property(nextProperty)
	for _, s := range d.Snapshots {
		next = max(next, s.ID+1)
	}
	return next
}

// CurrentSchema returns the schema version that current-schema-id names, or nil.
func (d *Dataset) CurrentSchema() *Schema {
	for i := range d.Schemas {
		if d.Schemas[i].ID == d.CurrentSchemaID {
			return &d.Schemas[i]
		}
	}
	return nil
}

// AddSchema appends a schema version, makes it current and returns its id.
func (d *Dataset) AddSchema(schema json.RawMessage) uint64 {
	var id uint64
	for _, s := range d.Schemas {
		id = max(id, s.ID+1)
	}
	d.Schemas = append(d.Schemas, Schema{ID: id, JSON: schema})
	d.CurrentSchemaID = id
	return id
}
