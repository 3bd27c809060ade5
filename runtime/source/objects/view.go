package objects

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// view is which columns a reader delivers and where they come from.
type view struct {
	schema *arrow.Schema // of the reader
	merged *arrow.Schema // all columns of the files
	data   *arrow.Schema // those of them that are wanted, in the order of the files
	total  int           // columns that there are
	given  *arrow.Schema // Scan.Types unless they may widen; may be nil

	partitions   []arrow.Field
	lastModified string // "" when the column is not added
	where        engines.Predicate
}

// wanted tells whether a column of the files is delivered.
func (v *view) wanted(name string) bool { return len(v.data.FieldIndices(name)) > 0 }

// view puts the columns together: those of the files, then those of the folders, which win over a
// column of the same name, then the time of the last change, which does not.
func (r *run) view(l *learned, found *lister) (*view, error) {
	v := &view{merged: l.schema, where: r.scan.Where}
	if !r.scan.Widen {
		v.given = r.scan.Types
	}
	v.partitions = found.fields
	shadowed := map[string]bool{}
	for _, p := range v.partitions {
		shadowed[p.Name] = true
	}
	var all, data []arrow.Field
	for _, f := range l.schema.Fields() {
		if !shadowed[f.Name] {
			all, data = append(all, f), append(data, f)
		}
	}
	all = append(all, v.partitions...)
	if name := r.scan.LastModified; name != "" && !slices.ContainsFunc(all, func(f arrow.Field) bool { return f.Name == name }) {
		v.lastModified = name
		all = append(all, lastModifiedField(name))
	}
	v.total = len(all)
	if len(r.scan.Columns) > 0 {
		picked, err := pick(all, r.scan.Columns, r.s.location.Name)
		if err != nil {
			return nil, err
		}
		all = picked
		data = slices.DeleteFunc(data, func(f arrow.Field) bool { return !slices.Contains(r.scan.Columns, f.Name) })
	}
	v.schema, v.data = arrow.NewSchema(all, nil), arrow.NewSchema(data, nil)
	return v, nil
}

func pick(all []arrow.Field, names []string, place string) ([]arrow.Field, error) {
	var out []arrow.Field
	var missing []string
	for _, name := range names {
		i := slices.IndexFunc(all, func(f arrow.Field) bool { return f.Name == name })
		if i < 0 {
			missing = append(missing, fmt.Sprintf("%q", name))
			continue
		}
		out = append(out, all[i])
	}
	if len(missing) == 0 {
		return out, nil
	}
	var have []string
	for _, f := range all {
		have = append(have, f.Name)
	}
	return nil, &source.Error{Kind: source.Unsupported, Place: place, Err: fmt.Errorf("there is no column %s", strings.Join(missing, ", ")),
		Hint: "its columns are " + strings.Join(have, ", ")}
}

// constant is the value of a column that is the same for all rows of an object: of a folder, or the time
// of the last change. ok is false for a column of the files.
func (v *view) constant(e *entry, f arrow.Field) (value any, ok bool) {
	if f.Name == v.lastModified {
		return e.Modified.UnixMicro(), true
	}
	if !slices.ContainsFunc(v.partitions, func(p arrow.Field) bool { return p.Name == f.Name }) {
		return nil, false
	}
	for _, p := range e.partitions {
		if p.key == f.Name {
			return partitionValue(p.value, f.Type), true
		}
	}
	return nil, true
}
