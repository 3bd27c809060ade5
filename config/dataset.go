package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"pitwall/config/secrets"
	"pitwall/config/suggest"
)

// entry is one dataset on its way: the document and path it is at, which for a ref: is another file.
type entry struct {
	*document
	at  string // path of the dataset in its document, "" for a ref
	raw *rawDataset
	ds  *Dataset
	con connector
	// who names the dataset in messages.
	who string
}

// path is the path of a key of the dataset.
func (e *entry) path(key string) string {
	if e.at == "" {
		return key
	}
	return e.at + "." + key
}

// set reports whether the file sets a key of the dataset.
func (e *entry) set(key string) bool { return e.has(e.path(key)) }

// lines returns the line of every key of the dataset by its path within it.
func (e *entry) lines() map[string]int {
	out := map[string]int{}
	for path, m := range e.marks {
		key := path
		if e.at != "" {
			rest, ok := strings.CutPrefix(path, e.at+".")
			if !ok {
				continue
			}
			key = rest
		}
		if m.key != nil && m.key.Line > 0 {
			out[key] = m.key.Line
		}
	}
	return out
}

// severity is error for a dataset that pitwall could run, else warning: a real spicepod must load
// although a part of it is beyond pitwall.
func (e *entry) severity() Severity {
	if e.con.supported {
		return SeverityError
	}
	return SeverityWarning
}

func (l *loader) datasets(d *document, raw []rawDataset, snaps *Snapshots) []*Dataset {
	var out []*Dataset
	first := map[string]*entry{}
	for i := range raw {
		e := &entry{document: d, at: fmt.Sprintf("datasets[%d]", i), raw: &raw[i]}
		if d.marks[e.at].value == nil || !d.isMap(e.at) {
			continue // reported by the decoder
		}
		if e.set("ref") {
			if e = l.follow(e); e == nil {
				continue
			}
		}
		l.dataset(e, snaps)
		if old := first[e.ds.Name]; old != nil && e.ds.Name != "" {
			e.errorf(e.path("name"), "names are folded to lower case unless quoted",
				"duplicate dataset %q, first on line %d of %s", e.ds.Name, old.ds.Line, filepath.Base(old.file))
		} else {
			first[e.ds.Name] = e
		}
		out = append(out, e.ds)
		l.lines[e.ds.Name] = e.lines()
	}
	for _, e := range first {
		for i, dep := range e.ds.DependsOn {
			if name, err := parseName(dep); err == nil && first[name] == nil {
				e.warnf(fmt.Sprintf("%s[%d]", e.path("dependsOn"), i), "", "depends on %q, which is no dataset of this file", dep)
			}
		}
	}
	return out
}

// follow reads the file behind ref: (spec data-refresh 1.5) and returns its dataset, or nil.
func (l *loader) follow(e *entry) *entry {
	for _, p := range e.keysUnder(e.at) {
		if p != "ref" && p != "dependsOn" {
			e.errorf(e.path(p), "", "%s cannot be combined with ref; put it into the referenced file", p)
		}
	}
	dir := absFrom(l.dir, e.raw.Ref)
	file, err := choose(dir, datasetNames)
	var src []byte
	if err == nil {
		src, err = readFile(file)
	}
	if err != nil {
		l.inputs = append(l.inputs, filepath.Join(dir, datasetNames[0]), filepath.Join(dir, datasetNames[1]))
		e.errorf(e.path("ref"), "ref names a directory with a dataset.yaml", "%s: %s", e.raw.Ref, err)
		return nil
	}
	shown := filepath.Join(filepath.Dir(e.file), e.raw.Ref, filepath.Base(file))
	if filepath.IsAbs(e.raw.Ref) {
		shown = file
	}
	if slices.Contains(l.files, shown) {
		e.errorf(e.path("ref"), "", "%s is referenced twice", e.raw.Ref)
		return nil
	}
	d := l.open(shown, src)
	if d.root == nil {
		return nil
	}
	var raw rawDataset
	d.fill(&raw)
	if !d.isMap("") {
		return nil
	}
	if d.has("ref") {
		d.errorf("ref", "", "a referenced file must hold a dataset, not another ref")
		return nil
	}
	raw.DependsOn = append(raw.DependsOn, e.raw.DependsOn...)
	d.warnNotYet("datasets[]", func(path string) bool { return ignoredPath(d, path) })
	return &entry{document: d, raw: &raw}
}

// dataset checks one dataset and sets e.ds; it is complete only when nothing was reported.
func (l *loader) dataset(e *entry, snaps *Snapshots) {
	r, ds := e.raw, defaultDataset()
	e.ds = &ds
	ds.File = absolute(e.file)
	ds.Line, _ = e.place(e.at)
	e.name()
	e.who = fmt.Sprintf("dataset %q", or(ds.Name, clip(r.Name, 60)))
	e.source()
	ds.Description, ds.Metadata = r.Description, r.Metadata
	ds.DependsOn = r.DependsOn
	for _, c := range r.Columns {
		ds.Columns = append(ds.Columns, Column{Name: c.Name, Description: c.Description})
	}
	ds.Access = or(or(r.Access, r.Mode), ds.Access)
	if e.set("mode") {
		e.warnf(e.path("mode"), "", "old name of access")
	}
	ds.TimeColumn, ds.TimePartitionColumn = r.TimeColumn, r.TimePartitionColumn
	ds.TimeFormat = or(r.TimeFormat, ds.TimeFormat)
	ds.TimePartitionFormat = r.TimePartitionFormat
	for _, k := range []string{"time", "time_partition"} {
		if e.set(k+"_format") && !e.set(k+"_column") {
			e.warnf(e.path(k+"_format"), "", "%s_format has no effect without %s_column", k, k)
		}
	}
	ds.ReadyState = or(or(r.ReadyState, r.Acceleration.ReadyState), ds.ReadyState)
	if e.set("acceleration.ready_state") {
		e.warnf(e.path("acceleration.ready_state"), "move it up, beside acceleration", "ready_state under acceleration is deprecated")
	}
	ds.UnsupportedTypeAction = or(or(r.UnsupportedTypeAction, r.InvalidTypeAction), ds.UnsupportedTypeAction)
	if e.set("invalid_type_action") {
		e.warnf(e.path("invalid_type_action"), "", "old name of unsupported_type_action")
	}
	ds.OnSchemaChange = or(r.OnSchemaChange, ds.OnSchemaChange)
	ds.Params = e.params(l, "params", r.Params)
	e.checkParams()
	l.acceleration(e, snaps)
}

// params resolves params of the dataset. One whose secret is missing can't run, the others can (spec
// data-refresh 1.2).
func (e *entry) params(l *loader, key string, raw scalarMap) map[string]secrets.Value {
	out, without := l.resolve(e.document, SeverityWarning, e.who, e.path(key), raw)
	if e.ds.Unsupported == "" {
		e.ds.Unsupported = without
	}
	return out
}

// name folds the name.
func (e *entry) name() {
	at := e.path("name")
	if !e.set("name") {
		e.errorf(at, "", "name is required")
		return
	}
	if e.broken[at] {
		return
	}
	name, err := parseName(e.raw.Name)
	if err != nil {
		e.errorf(at, "table or schema.table; put other characters into double quotes inside single quotes", "%s", err)
		return
	}
	e.ds.Name = name
}

// source checks from: and what pitwall can do with it.
func (e *entry) source() {
	ds := e.ds
	ds.From = e.raw.From
	ds.Connector, ds.Source = parseFrom(e.raw.From)
	var known bool
	e.con, known = connectorOf(ds.Connector)
	at := e.path("from")
	if secrets.HasPlaceholder(ds.From) {
		e.warnf(at, "write the value itself", "${store:key} is resolved in params only; here it stays as it is")
	}
	switch {
	case !e.set("from"):
		e.warnf(at, "name a file or a connector:path", "no from: the dataset has no source and is an empty sink")
	case ds.Connector == "file" && strings.TrimLeft(ds.Source, " ") == "":
		e.errorf(at, "such as file:data/trips.parquet", "the file connector needs a path")
	case strings.ContainsRune(ds.Source, 0):
		e.errorf(at, "", "a path must not contain a NUL")
	case e.raw.Acceleration.RefreshMode == RefreshSnapshot: // the source is never asked
	case !known:
		names := []string{}
		for _, c := range connectors() {
			names = append(names, c.name)
		}
		msg, _ := unknown("connector", ds.Connector, names)
		e.warnf(at, "pitwall reads files, such as ./data/trips.parquet or s3://bucket/trips/", "%s; the dataset will be in Error", msg)
	case !e.con.supported:
		e.warnf(at, "pitwall reads files, objects and tables: file, s3, gs, abfs, https, postgres, flightsql", "pitwall cannot read from %s yet; the dataset will be in Error", ds.Connector)
	}
	if !e.con.supported && e.raw.Acceleration.RefreshMode != RefreshSnapshot {
		ds.Unsupported = fmt.Sprintf("pitwall cannot read from %s yet", ds.Connector)
	}
}

// checkParams checks the params of the sources pitwall can read.
func (e *entry) checkParams() {
	if !e.con.supported {
		return
	}
	params := sourceParams(e.ds.Connector)
	for name, v := range e.ds.Params {
		at := join(e.path("params"), name)
		if !slices.Contains(params, name) {
			msg := fmt.Sprintf("pitwall does not act on the param %q yet; it is ignored", clip(name, 60))
			if near := suggest.Nearest(name, params); near != "" {
				msg += fmt.Sprintf(" (did you mean %q?)", near)
			}
			e.warnf(at, "", "%s", msg)
			continue
		}
		if name == "file_watcher" {
			e.checkWatcher(at, v.Reveal())
			continue
		}
		formats := []string{"parquet", "csv", "tsv", "json", "jsonl", "ndjson", "arrow", "ipc", "feather"}
		if v.Reveal() != "" && name == "file_format" && !slices.Contains(formats, strings.ToLower(v.Reveal())) {
			msg, hint := unknown("file format", v.String(), formats)
			e.errorf(at, hint, "%s", msg)
		}
	}
}

func (e *entry) checkWatcher(at, v string) {
	if values := []string{"enabled", "disabled"}; !slices.Contains(values, strings.ToLower(v)) {
		msg, hint := unknown("value of file_watcher", v, values)
		e.errorf(at, hint, "%s", msg)
	}
}

// keysUnder are the keys set directly under a path, in the order of the file.
func (d *document) keysUnder(path string) []string {
	var out []string
	if m, ok := d.marks[path]; ok {
		for _, p := range pairs(m.value) {
			if d.has(join(path, p.name)) {
				out = append(out, p.name)
			}
		}
	}
	return out
}

// isMap reports whether the value of path is a map.
func (d *document) isMap(path string) bool {
	m, ok := d.marks[path]
	return ok && m.value != nil && m.value.ShortTag() == "!!map"
}

// Streams tells whether the dataset follows a stream of changes, which is never over, instead of being refreshed.
func (d *Dataset) Streams() bool {
	a := d.Acceleration
	if !a.Enabled {
		return false
	}
	con, _ := connectorOf(d.Connector)
	return a.RefreshMode == RefreshChanges || a.RefreshMode == RefreshAppend && d.TimeColumn == "" && con.appendStream
}
