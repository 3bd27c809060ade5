package cayenne

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"pitwall/engines"
	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// sliceDocument is the part of a metastore that is one dataset (spec 1.4): rows by table, their cells in the order
// of the columns.
type sliceDocument struct {
	FormatVersion int                 `json:"format_version"`
	Engine        string              `json:"engine"`
	Dataset       string              `json:"dataset_name"`
	ExportedAt    int64               `json:"exported_at_ms"`
	Tables        map[string][][]cell `json:"tables"`
}

// cell is one value: i a whole number, s text, b a boolean, x bytes in base64, n nothing.
type cell struct {
	Type  string          `json:"t"`
	Value json.RawMessage `json:"v,omitempty"`
}

func cellOf(v any) cell {
	kind := "n"
	switch x := v.(type) {
	case int64, int:
		kind = "i"
	case string:
		kind = "s"
	case bool:
		kind = "b"
	case []byte:
		if x == nil {
			return cell{Type: kind}
		}
		kind, v = "x", base64.StdEncoding.EncodeToString(x)
	}
	if kind == "n" {
		return cell{Type: kind}
	}
	b, _ := json.Marshal(v) // numbers, text and booleans always have a form
	return cell{kind, b}
}

// row reads cells of one row; the first that is not of its type is the error.
type row struct {
	cells []cell
	err   error
}

func (r *row) at(i int, kind string, out any) {
	if r.err != nil {
		return
	}
	if i >= len(r.cells) {
		r.err = fmt.Errorf("a row of %d cells", len(r.cells))
		return
	}
	c := r.cells[i]
	if c.Type == "n" {
		return
	}
	if c.Type != kind && (c.Type != "b" || kind != "i") {
		r.err = fmt.Errorf("cell %d is of type %q, not %q", i, c.Type, kind)
		return
	}
	r.err = json.Unmarshal(c.Value, out)
}

func (r *row) text(i int) (s string)  { r.at(i, "s", &s); return s }
func (r *row) number(i int) (n int64) { r.at(i, "i", &n); return n }
func (r *row) present(i int) bool     { return i < len(r.cells) && r.cells[i].Type != "n" }
func (r *row) bytes(i int) (b []byte) { // base64 is what encoding/json makes of bytes
	r.at(i, "x", &b)
	return b
}

// slice is the state as a document.
func (v *version) slice(dataset string, keys engines.Keys) (sliceDocument, error) {
	schema, err := schemajson.Marshal(v.schema)
	if err != nil {
		return sliceDocument{}, err
	}
	var primary any
	if len(keys.Primary) > 0 {
		b, err := json.Marshal(keys.Primary)
		if err != nil {
			return sliceDocument{}, err
		}
		primary = string(b)
	}
	tables := map[string][][]cell{}
	add := func(table string, values ...any) {
		cells := make([]cell, len(values))
		for i, v := range values {
			cells[i] = cellOf(v)
		}
		tables[table] = append(tables[table], cells)
	}
	format, sizes := 1, v.sizes()
	for _, t := range append([]*table{v.root}, v.children()...) {
		add("cayenne_table", t.id, t.name(dataset), t.base(), int64(1), string(schema), primary, nullText(string(keys.Conflict)), t.snapshot, v.scheme(t), "{}", v.sequence)
		add("cayenne_snapshot_sequence", t.id, t.snapshot, v.sequence)
		if t.part == nil {
			continue
		}
		format = 2
		names, values, err := t.part.documents()
		if err != nil {
			return sliceDocument{}, err
		}
		add("cayenne_partition", t.part.id, v.root.id, names, values, t.part.key(), t.base(), int64(1), sizes[t].Rows, sizes[t].Bytes)
	}
	for _, f := range v.files {
		add("cayenne_snapshot_file", f.in.id, f.in.snapshot, f.name, f.rows, f.file.size, f.sequence, f.sequence, f.file.digest)
		add("cayenne_snapshot_file_statistics", f.in.id, f.in.snapshot, f.name, f.file.size, f.rows, f.stats)
		if g := f.gone; g != nil {
			add("cayenne_delete_file", g.id, f.in.id, g.archived(f), int64(1), "arrow_ipc", g.count, g.file.size, f.name, g.sequence, nil)
		}
	}
	return sliceDocument{FormatVersion: format, Engine: "cayenne", Dataset: dataset, ExportedAt: time.Now().UnixMilli(), Tables: tables}, nil
}

// archived is the path of a delete file below the data folder.
func (g *deletion) archived(f *dataFile) string {
	return path.Join(f.in.dir(), "deletions", g.id+".arrow")
}

// fromSlice is the state that a document describes, of files below a data folder. The files are not looked at, and
// not counted as used. Kind Corrupt: the document is not one. Kind Invalid: it has what this package does not read.
func fromSlice(s sliceDocument, dataset string, data string) (*version, error) {
	if s.FormatVersion < 1 || s.FormatVersion > 2 || s.Engine != "cayenne" {
		return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice of engine %q, version %d", s.Engine, s.FormatVersion))
	}
	for table, rows := range s.Tables {
		if len(rows) > 0 && !understood(table) {
			return nil, dbfile.Fail(engines.Invalid, fmt.Errorf("the snapshot has rows in %s, which is not read yet", table))
		}
	}
	v := &version{}
	for _, cells := range s.Tables["cayenne_table"] {
		r := row{cells: cells}
		if r.text(1) != dataset {
			continue
		}
		v.root, v.sequence = &table{id: r.text(0), snapshot: r.text(7)}, r.number(10)
		schema, err := readSchema(r.text(4))
		if r.err != nil || err != nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: %w", firstOf(r.err, err)))
		}
		v.schema = schema
	}
	if v.schema == nil {
		return nil, dbfile.Fail(engines.NotFound, fmt.Errorf("no dataset %q in the archive", dataset))
	}
	tables, err := v.partitionsOfSlice(s, dataset)
	if err != nil {
		return nil, err
	}
	if err := v.filesOfSlice(s, folder(filepath.Dir(data)), tables); err != nil {
		return nil, err
	}
	return v, nil
}

// understood tells whether a table of a slice is read, or tells nothing that the others don't.
func understood(table string) bool {
	switch table {
	case "cayenne_table", "cayenne_partition", "cayenne_snapshot_file", "cayenne_snapshot_file_statistics", "cayenne_delete_file",
		"cayenne_snapshot_sequence", "cayenne_insert_record", "cayenne_table_statistics", "cayenne_pk_index":
		return true
	}
	return false
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// partitionsOfSlice are the tables of the dataset and of its partitions, by id.
func (v *version) partitionsOfSlice(s sliceDocument, dataset string) (map[string]*table, error) {
	tables := map[string]*table{v.root.id: v.root}
	if err := v.root.within(); err != nil {
		return nil, err
	}
	children := map[string]*row{}
	for _, cells := range s.Tables["cayenne_table"] {
		r := &row{cells: cells}
		children[r.text(1)] = r
	}
	for _, cells := range s.Tables["cayenne_partition"] {
		r := &row{cells: cells}
		id, of, names, key, at := r.text(0), r.text(1), r.text(2), r.text(4), r.text(5)
		if r.err != nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: %w", r.err))
		}
		if of != v.root.id {
			continue
		}
		child := children[childName(dataset, key)]
		if child == nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: no table of partition %s", at))
		}
		t := &table{id: child.text(0), snapshot: child.text(7)}
		var err error
		if t.part, err = readPartition(id, names, key, at, child.text(8)); err != nil {
			return nil, err
		}
		if child.err != nil {
			return nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: table of partition %s", at))
		}
		if err := t.within(); err != nil {
			return nil, err
		}
		tables[t.id] = t
	}
	return tables, nil
}

func (v *version) filesOfSlice(s sliceDocument, at folder, tables map[string]*table) error {
	bad := func(err error) error { return dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: %w", err)) }
	by := map[string]*dataFile{}
	protected := map[string]bool{} // snapshots that Spice reads beside the current one, by table
	for _, cells := range s.Tables["cayenne_snapshot_sequence"] {
		r := row{cells: cells}
		protected[r.text(0)+"/"+r.text(1)] = true
	}
	for _, cells := range s.Tables["cayenne_snapshot_file"] {
		r := row{cells: cells}
		f := &dataFile{in: tables[r.text(0)], name: r.text(2), rows: r.number(3), sequence: r.number(6)}
		size := r.number(4)
		digest := ""
		if r.present(7) {
			digest = r.text(7)
		}
		if err := firstOf(r.err, local(f.name)); err != nil {
			return bad(err)
		}
		if f.rows < 0 || size < 0 {
			return bad(fmt.Errorf("%s has %d rows in %d bytes", f.name, f.rows, size))
		}
		if f.in != nil && r.text(1) != f.in.snapshot && protected[f.in.id+"/"+r.text(1)] {
			return dbfile.Fail(engines.Invalid, fmt.Errorf("the snapshot has rows in %s of protected snapshot %s, which is not read yet: snapshot it again after Spice has compacted it", f.name, r.text(1)))
		}
		if f.in == nil || r.text(1) != f.in.snapshot {
			continue
		}
		f.file = &diskFile{path: at.path(f.in, f.name), size: size, digest: digest}
		v.files, by[f.in.id+"/"+f.name] = append(v.files, f), f
	}
	for _, cells := range s.Tables["cayenne_snapshot_file_statistics"] {
		r := row{cells: cells}
		f := by[r.text(0)+"/"+r.text(2)]
		if f == nil || r.text(1) != f.in.snapshot {
			continue
		}
		f.stats = r.bytes(5)
		if r.err != nil {
			return bad(r.err)
		}
		if f.stats != nil {
			var err error
			if f.bounds, err = vortex.ParseStatistics(f.stats, storedSchema(v.schema)); err != nil {
				return bad(err)
			}
		}
	}
	for _, cells := range s.Tables["cayenne_delete_file"] {
		r := row{cells: cells}
		g := &deletion{id: r.text(0), count: r.number(5), sequence: r.number(8)} // reinsert_sequence: see keyDeletion
		place, size, source := r.text(2), r.number(6), r.text(7)
		f := by[r.text(1)+"/"+source]
		if r.err == nil && (tables[r.text(1)] == nil || source != "" && f == nil) {
			continue // of another table, or of a snapshot that is not the current one
		}
		if source != "" && f != nil && path.Dir(place) == path.Join(f.in.dir(), "deletions") {
			g.id = strings.TrimSuffix(path.Base(place), ".arrow") // Spice names the file otherwise than its row
		}
		switch {
		case r.err != nil:
			return bad(r.err)
		case source == "":
			if err := v.keyDeletionOfSlice(s, g, tables[r.text(1)], place, size); err != nil {
				return err
			}
			continue
		case local(g.id) != nil || place != g.archived(f):
			return bad(fmt.Errorf("delete file %q of %q", place, source))
		}
		g.file = &diskFile{path: filepath.Join(at.data(), filepath.FromSlash(place)), size: size}
		if f.gone == nil {
			f.gone = g
		} else {
			f.more = append(f.more, g)
		}
	}
	return nil
}
