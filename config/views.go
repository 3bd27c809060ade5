package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"pitwall/config/refreshsql"
	"pitwall/config/suggest"
)

// ConnectorView is the Connector of a view; Dataset.Source is its SQL then.
const ConnectorView = "view"

// views checks views: and returns them as datasets whose source is a query (spec data-refresh 1.1). ds are
// the datasets, whose names they may read from.
func (l *loader) views(d *document, raw []rawView, ds []*Dataset, snaps *Snapshots) []*Dataset {
	var out []*Dataset
	taken := map[string]bool{}
	for _, x := range ds {
		taken[x.Name] = true
	}
	var entries []*entry
	for i := range raw {
		e := &entry{document: d, at: fmt.Sprintf("views[%d]", i), con: connector{name: ConnectorView, supported: true}}
		if d.marks[e.at].value == nil || !d.isMap(e.at) {
			continue // reported by the decoder
		}
		r := &raw[i]
		e.raw = &rawDataset{Name: r.Name, Description: r.Description, Metadata: r.Metadata, DependsOn: r.DependsOn,
			ReadyState: r.ReadyState, Acceleration: r.Acceleration}
		ds := defaultDataset()
		e.ds = &ds
		ds.File = absolute(e.file)
		ds.Line, _ = e.place(e.at)
		e.name()
		e.who = fmt.Sprintf("view %q", or(ds.Name, clip(r.Name, 60)))
		if taken[ds.Name] && ds.Name != "" {
			d.errorf(e.path("name"), "", "the name %q is taken by another dataset or view", ds.Name)
		}
		taken[ds.Name] = true
		ds.Description, ds.Metadata, ds.DependsOn = r.Description, r.Metadata, r.DependsOn
		ds.ReadyState = or(r.ReadyState, ds.ReadyState)
		ds.From, ds.Connector, ds.Source = ConnectorView, ConnectorView, l.viewSQL(e, r)
		l.acceleration(e, snaps)
		out, entries = append(out, &ds), append(entries, e)
	}
	for _, e := range entries {
		e.tables(taken)
	}
	for _, e := range entries {
		if path := circle(e.ds, out); path != nil {
			d.errorf(e.at, "a view can't read from itself", "the view reads from itself: %s", strings.Join(path, " -> "))
		}
	}
	return out
}

// viewSQL returns the query of a view: sql, or the content of the file sql_ref.
func (l *loader) viewSQL(e *entry, r *rawView) string {
	if e.set("sql") == e.set("sql_ref") {
		e.errorf(e.at, "", "a view needs either sql or sql_ref")
		return ""
	}
	if e.set("sql") {
		return r.SQL
	}
	file := absFrom(filepath.Dir(absolute(e.file)), r.SQLRef)
	l.inputs = append(l.inputs, file)
	text, err := readFile(file)
	if err != nil {
		e.errorf(e.path("sql_ref"), "a path beside this file", "the file with the query can't be read: %s", reason(err))
	}
	return string(text)
}

// tables finds out what the view reads from.
func (e *entry) tables(known map[string]bool) {
	if e.ds.Source == "" {
		return
	}
	at := e.path("sql")
	if !e.set("sql") {
		at = e.path("sql_ref")
	}
	names, err := refreshsql.Tables(e.ds.Source)
	if err != nil {
		hint := ""
		if bad := (*refreshsql.Error)(nil); errors.As(err, &bad) {
			hint = bad.Hint
		}
		e.errorf(at, hint, "%s", err)
		return
	}
	var all []string
	for n := range known {
		all = append(all, n)
	}
	slices.Sort(all)
	for _, n := range names {
		if !known[n] {
			hint := ""
			if near := suggest.Nearest(n, all); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			e.warnf(at, hint, "the view reads from %q, which is no dataset or view of this file; it will be in Error", n)
			e.ds.Unsupported = fmt.Sprintf("the view reads from %q, which is no dataset or view", n)
		}
		if !slices.Contains(e.ds.DependsOn, n) {
			e.ds.DependsOn = append(e.ds.DependsOn, n)
		}
	}
}

// circle returns the way from a view back to itself, or nil.
func circle(from *Dataset, views []*Dataset) []string {
	var walk func(name string, path []string) []string
	walk = func(name string, path []string) []string {
		if slices.Contains(path, name) {
			if name == from.Name {
				return append(path, name)
			}
			return nil
		}
		i := slices.IndexFunc(views, func(v *Dataset) bool { return v.Name == name })
		if i < 0 {
			return nil
		}
		for _, dep := range views[i].DependsOn {
			if p := walk(dep, append(slices.Clip(path), name)); p != nil {
				return p
			}
		}
		return nil
	}
	return walk(from.Name, nil)
}
