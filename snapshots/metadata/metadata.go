// Package metadata owns the bytes that writers of snapshots share through the object store: the
// metadata.json of a location and the keys of the objects beside it (spec acceleration-snapshots.md
// section 1). It does no I/O and starts no goroutines.
package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Decode parses a metadata.json as strictly as Spice does: every member that is not one of its own
// must be a dataset record, and the format version must be 1.
func Decode(b []byte) (*File, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, fmt.Errorf("metadata.json is not valid JSON: %w", err)
	}
	var version *uint32
	var location *string
	var updated *int64
	for _, m := range []struct {
		name string
		into any
	}{{"format-version", &version}, {"location", &location}, {"last-updated-ms", &updated}} {
		raw, ok := members[m.name]
		if !ok {
			return nil, fmt.Errorf("metadata.json has no %s", m.name)
		}
		if err := json.Unmarshal(raw, m.into); err != nil {
			return nil, fmt.Errorf("metadata.json: %s: %w", m.name, err)
		}
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			return nil, fmt.Errorf("metadata.json: %s is null", m.name)
		}
		// First of all: what another version holds besides is not ours to judge.
		if *version != FormatVersion {
			return nil, fmt.Errorf("metadata.json has format-version %d; only %d is known", *version, FormatVersion)
		}
	}
	f := &File{Location: *location, LastUpdatedMs: *updated, Datasets: map[string]*Dataset{}}
	for name, raw := range members {
		if slices.Contains(reserved, name) {
			continue
		}
		d, err := decodeDataset(raw)
		if err != nil {
			return nil, fmt.Errorf("metadata.json: %q is not a dataset record: %w", name, err)
		}
		f.Datasets[name] = d
	}
	return f, nil
}

func decodeDataset(raw json.RawMessage) (*Dataset, error) {
	if err := require(raw, "name", "current-schema-id"); err != nil {
		return nil, err
	}
	d := &Dataset{}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, err
	}
	var lists struct {
		Schemas   []json.RawMessage `json:"schemas"`
		Snapshots []json.RawMessage `json:"snapshots"`
	}
	if err := json.Unmarshal(raw, &lists); err != nil {
		return nil, err
	}
	for i, s := range lists.Schemas {
		if err := require(s, "schema-id", "schema"); err != nil {
			return nil, fmt.Errorf("schemas[%d]: %w", i, err)
		}
	}
	for i, s := range lists.Snapshots {
		err := require(s, "snapshot-id", "timestamp-ms", "snapshot", "snapshot-checksum",
			"snapshot-checksum-algorithm", "snapshot-size")
		if err != nil {
			return nil, fmt.Errorf("snapshots[%d]: %w", i, err)
		}
	}
	return d, nil
}

// require checks that the members are there and not null.
func require(raw json.RawMessage, names ...string) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for _, n := range names {
		if v, ok := m[n]; !ok || bytes.Equal(bytes.TrimSpace(v), []byte("null")) {
			return fmt.Errorf("%s is missing", n)
		}
	}
	return nil
}

// Encode writes the file pretty-printed with two spaces: its own members first, then the datasets by
// name.
func (f *File) Encode() ([]byte, error) {
	var b bytes.Buffer
	member := func(name string, v any, first bool) error {
		key, err := json.Marshal(name)
		if err != nil {
			return err
		}
		body, err := marshal(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !first {
			b.WriteByte(',')
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(body)
		return nil
	}
	b.WriteByte('{')
	if err := member(reserved[0], FormatVersion, true); err != nil {
		return nil, err
	}
	if err := member(reserved[1], f.Location, false); err != nil {
		return nil, err
	}
	if err := member(reserved[2], f.LastUpdatedMs, false); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.Datasets)) {
		if err := CheckName(name); err != nil {
			return nil, err
		}
		if err := member(name, f.Datasets[name].filled(), false); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// filled returns the record with empty lists and maps instead of null.
func (d *Dataset) filled() *Dataset {
	c := *d
	if c.Schemas == nil {
		c.Schemas = []Schema{}
	}
	if c.Snapshots == nil {
		c.Snapshots = []Snapshot{}
	}
	if c.Properties == nil {
		c.Properties = map[string]string{}
	}
	return &c
}

// marshal is json.Marshal without the escaping of <, > and &, which serde does not do either.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
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
