package metadata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Encode writes the file pretty-printed with two spaces: its own members first, then the datasets by
// name.
func (f *File) Encode() ([]byte, error) {
	records := 0
	for _, d := range f.Datasets {
		records += len(d.Snapshots)
	}
	w := &writer{b: make([]byte, 0, 4096+800*records)}
	w.open('{')
	w.number(reserved[0], FormatVersion)
	w.text(reserved[1], f.Location)
	w.member(reserved[2])
	w.b = strconv.AppendInt(w.b, f.LastUpdatedMs, 10)
	for _, name := range slices.Sorted(maps.Keys(f.Datasets)) {
		if err := CheckName(name); err != nil {
			return nil, err
		}
		w.member(name)
		w.dataset(f.Datasets[name])
	}
	w.close('}')
	if w.err != nil {
		return nil, fmt.Errorf("metadata.json can't be written: %w", w.err)
	}
	return w.b, nil
}

// writer writes indented JSON, as json.Indent with two spaces does.
type writer struct {
	b     []byte
	depth int
	empty bool // nothing was written since the last bracket
	err   error
}

func (w *writer) open(bracket byte) {
	w.b = append(w.b, bracket)
	w.depth++
	w.empty = true
}

// line begins the next member or element.
func (w *writer) line() {
	if !w.empty {
		w.b = append(w.b, ',')
	}
	w.empty = false
	w.feed()
}

const spaces = "                "

func (w *writer) feed() {
	w.b = append(w.b, '\n')
	w.b = append(w.b, spaces[:2*w.depth]...)
}

func (w *writer) close(bracket byte) {
	w.depth--
	if !w.empty {
		w.feed()
	}
	w.empty = false
	w.b = append(w.b, bracket)
}

func (w *writer) member(name string) {
	w.line()
	w.quote(name)
	w.b = append(w.b, ':', ' ')
}

// quote writes a string without the escaping of <, > and &, which serde does not do either.
func (w *writer) quote(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			w.fail(e.Encode(s))
			w.b = append(w.b, strings.TrimSuffix(b.String(), "\n")...)
			return
		}
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) text(name, v string) {
	w.member(name)
	w.quote(v)
}

func (w *writer) number(name string, v uint64) {
	w.member(name)
	w.b = strconv.AppendUint(w.b, v, 10)
}

func (w *writer) dataset(d *Dataset) {
	w.open('{')
	w.text("name", d.Name)
	if d.Engine != "" {
		w.text("engine", d.Engine)
	}
	w.member("schemas")
	w.open('[')
	for _, s := range d.Schemas {
		w.line()
		w.open('{')
		w.number("schema-id", s.ID)
		w.member("schema")
		var b bytes.Buffer
		w.fail(json.Indent(&b, s.JSON, spaces[:2*w.depth], "  "))
		w.b = append(w.b, b.Bytes()...)
		w.close('}')
	}
	w.close(']')
	w.number("current-schema-id", d.CurrentSchemaID)
	w.member("snapshots")
	w.open('[')
	for i := range d.Snapshots {
		w.line()
		w.snapshot(&d.Snapshots[i])
	}
	w.close(']')
	w.member("current-snapshot-id")
	if d.CurrentID == nil {
		w.b = append(w.b, "null"...)
	} else {
		w.b = strconv.AppendUint(w.b, *d.CurrentID, 10)
	}
	w.member("properties")
	w.open('{')
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		w.text(name, d.Properties[name])
	}
	w.close('}')
	w.close('}')
}

func (w *writer) snapshot(s *Snapshot) {
	w.open('{')
	w.number("snapshot-id", s.ID)
	w.member("timestamp-ms")
	w.b = strconv.AppendInt(w.b, s.TimestampMs, 10)
	w.text("snapshot", s.URI)
	w.text("snapshot-checksum", s.Checksum)
	w.text("snapshot-checksum-algorithm", s.Algorithm)
	w.number("snapshot-size", s.Size)
	if s.Engine != "" {
		w.text("snapshot-engine", s.Engine)
	}
	if s.RowCount != nil {
		w.number("snapshot-row-count", *s.RowCount)
	}
	if s.LastUpdatedMs != nil {
		w.member("snapshot-last-updated-at-ms")
		w.b = strconv.AppendInt(w.b, *s.LastUpdatedMs, 10)
	}
	w.close('}')
}
