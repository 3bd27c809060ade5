package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// Decode parses a metadata.json as strictly as Spice does: every member that is not one of its own
// must be a dataset record, and the format version must be 1.
func Decode(b []byte) (*File, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("metadata.json: not valid JSON: it is not UTF-8")
	}
	f, err := decode(&scanner{s: string(b)})
	if err == nil {
		return f, nil
	}
	// First of all: what another version holds besides is not ours to judge.
	if first := judge(b); first != nil {
		err = first
	}
	return nil, fmt.Errorf("metadata.json: %w", err)
}

func decode(p *scanner) (*File, error) {
	f := &File{Datasets: map[string]*Dataset{}}
	seen := 0
	err := p.object(func(name string) (err error) {
		i := slices.Index(reserved, name)
		if i >= 0 && seen&(1<<i) != 0 {
			return fmt.Errorf("%s is there twice", name)
		}
		switch i {
		case 0:
			var v uint64
			if v, err = p.unsigned(32); err == nil && v != FormatVersion {
				err = fmt.Errorf("format-version %d; only %d is known", v, FormatVersion)
			}
		case 1:
			f.Location, err = p.text()
		case 2:
			f.LastUpdatedMs, err = p.signed()
		default:
			d, err := p.dataset()
			if err != nil {
				return fmt.Errorf("%q is not a dataset record: %w", name, err)
			}
			f.Datasets[name] = d
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		seen |= 1 << i
		return nil
	})
	if err == nil && p.next() != 0 {
		err = p.bad("the end")
	}
	if err == nil {
		err = missing(seen, reserved)
	}
	return f, err
}

// missing names the first of the members that was not seen.
func missing(seen int, names []string) error {
	if i := bits.TrailingZeros(^uint(seen)); i < len(names) {
		return fmt.Errorf("%s is missing", names[i])
	}
	return nil
}

// judge looks at the members that every version has.
func judge(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	for _, name := range reserved {
		raw, ok := members[name]
		if !ok {
			return fmt.Errorf("no %s", name)
		}
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			return fmt.Errorf("%s is null", name)
		}
		var version uint32
		if name == reserved[0] && json.Unmarshal(raw, &version) == nil && version != FormatVersion {
			return fmt.Errorf("format-version %d; only %d is known", version, FormatVersion)
		}
	}
	return nil
}

// record reads an object; the first of its known members are required, and must not be null. read reads the
// value of the known member with that index.
func (p *scanner) record(known []string, required int, read func(i int) error) error {
	seen := 0
	err := p.object(func(name string) error {
		i := slices.Index(known, name)
		if i < 0 {
			_, err := p.raw()
			return err
		}
		if seen&(1<<i) != 0 {
			return fmt.Errorf("%s is there twice", name)
		}
		if p.null() {
			if i < required {
				return fmt.Errorf("%s is missing", name)
			}
			return nil
		}
		seen |= 1 << i
		if err := read(i); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return missing(seen, known[:required])
}

var datasetMembers = []string{"name", "current-schema-id", "engine", "schemas", "snapshots", "current-snapshot-id", "properties"}

func (p *scanner) dataset() (*Dataset, error) {
	d := &Dataset{}
	return d, p.record(datasetMembers, 2, func(i int) (err error) {
		switch i {
		case 0:
			d.Name, err = p.text()
		case 1:
			d.CurrentSchemaID, err = p.unsigned(64)
		case 2:
			d.Engine, err = p.text()
		case 3:
			err = p.list('[', ']', func() error {
				s, err := p.schema()
				if err != nil {
					return fmt.Errorf("schemas[%d]: %w", len(d.Schemas), err)
				}
				d.Schemas = append(d.Schemas, s)
				return nil
			})
		case 4:
			start := p.at
			err = p.list('[', ']', func() error {
				if len(d.Snapshots) == 1 { // room for as many as there can be, if they are as long as the first
					d.Snapshots = slices.Grow(d.Snapshots, (len(p.s)-p.at)/(p.at-start)+1)
				}
				d.Snapshots = append(d.Snapshots, Snapshot{})
				if err := p.snapshot(&d.Snapshots[len(d.Snapshots)-1]); err != nil {
					return fmt.Errorf("snapshots[%d]: %w", len(d.Snapshots)-1, err)
				}
				return nil
			})
		case 5:
			var id uint64
			id, err = p.unsigned(64)
			d.CurrentID = &id
		case 6:
			d.Properties = map[string]string{}
			err = p.object(func(name string) error {
				v, err := p.text()
				d.Properties[name] = v
				return err
			})
		}
		return err
	})
}

var schemaMembers = []string{"schema-id", "schema"}

func (p *scanner) schema() (s Schema, err error) {
	err = p.record(schemaMembers, len(schemaMembers), func(i int) (err error) {
		if i == 0 {
			s.ID, err = p.unsigned(64)
			return err
		}
		text, err := p.raw()
		s.JSON = json.RawMessage(text)
		return err
	})
	return s, err
}

var snapshotMembers = []string{"snapshot-id", "timestamp-ms", "snapshot", "snapshot-checksum", "snapshot-checksum-algorithm", "snapshot-size",
	"snapshot-engine", "snapshot-row-count", "snapshot-last-updated-at-ms"}

func (p *scanner) snapshot(s *Snapshot) error {
	return p.record(snapshotMembers, 6, func(i int) (err error) {
		switch i {
		case 0:
			s.ID, err = p.unsigned(64)
		case 1:
			s.TimestampMs, err = p.signed()
		case 2:
			s.URI, err = p.text()
		case 3:
			s.Checksum, err = p.text()
		case 4:
			s.Algorithm, err = p.text()
		case 5:
			s.Size, err = p.unsigned(64)
		case 6:
			s.Engine, err = p.text()
		case 7:
			var rows uint64
			rows, err = p.unsigned(64)
			s.RowCount = &rows
		case 8:
			var ms int64
			ms, err = p.signed()
			s.LastUpdatedMs = &ms
		}
		return err
	})
}
