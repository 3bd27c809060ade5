package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/engines"
)

// checkSchema refuses a refresh whose columns differ from those that are served, unless on_schema_change
// accepts it or the settings that shape the data were changed. It returns the recorded schema, nil when
// nothing was ever written.
func (a *actor) checkSchema(ctx context.Context, l load, mode config.RefreshMode, next *arrow.Schema) (*arrow.Schema, error) {
	info, err := l.eng.Info(ctx)
	if err != nil || info.Schema == nil {
		return nil, err
	}
	replace, action := mode != config.RefreshAppend, l.cfg.OnSchemaChange
	if replace && (l.accept || action == config.SchemaSyncAll) {
		return info.Schema, nil
	}
	diff := schemaDiff(info.Schema, engines.Recorded(next), action)
	if len(diff) == 0 {
		return info.Schema, nil
	}
	hint := "the old data goes on serving; to accept the new columns set on_schema_change: sync_all_columns"
	if !replace && action != config.SchemaBlock && action != config.SchemaFail {
		hint = "the old data goes on serving; append can add and drop columns, but not change them: undo the change at the source, or load anew with a full refresh"
	}
	return nil, &engines.Error{Op: "refresh", Dataset: l.cfg.Name, Path: a.file, Kind: engines.Schema, Hint: hint,
		Err: fmt.Errorf("the source's columns changed: %s", strings.Join(diff, "; "))}
}

// merged returns the schema of a dataset after an append of rows with other columns, and whether it
// differs from the recorded one: new columns come last and may be NULL.
func merged(recorded, next *arrow.Schema, action config.OnSchemaChange) (*arrow.Schema, bool) {
	var fields []arrow.Field
	changed := false
	for _, f := range recorded.Fields() {
		if action == config.SchemaSyncAll && !next.HasField(f.Name) {
			changed = true
			continue
		}
		fields = append(fields, f)
	}
	for _, f := range next.Fields() {
		if !recorded.HasField(f.Name) {
			f.Nullable, changed = true, true
			fields = append(fields, f)
		}
	}
	md := recorded.Metadata()
	return arrow.NewSchema(fields, &md), changed
}

// schemaDiff lists how the columns differ in name or type, but for what on_schema_change accepts;
// nullability, order and metadata may change.
func schemaDiff(have, next *arrow.Schema, action config.OnSchemaChange) []string {
	allowNew := action == config.SchemaAppendNew || action == config.SchemaSyncAll
	allowGone := action == config.SchemaSyncAll
	var diff []string
	for _, f := range have.Fields() {
		g, ok := next.FieldsByName(f.Name)
		switch {
		case !ok && allowGone:
		case !ok:
			diff = append(diff, fmt.Sprintf("column %s is gone", f.Name))
		case !arrow.TypeEqual(f.Type, g[0].Type):
			diff = append(diff, fmt.Sprintf("column %s was %s, is %s", f.Name, f.Type, g[0].Type))
		}
	}
	for _, g := range next.Fields() {
		if _, ok := have.FieldsByName(g.Name); !ok && !allowNew {
			diff = append(diff, fmt.Sprintf("column %s (%s) is new", g.Name, g.Type))
		}
	}
	return diff
}

// inOrder hands on the batches of r with its columns in the order of want, which has the same names:
// text formats give them in the order of the file. It takes r over.
func inOrder(r array.RecordReader, want *arrow.Schema) array.RecordReader {
	have := r.Schema()
	order := make([]int, have.NumFields())
	fields := make([]arrow.Field, have.NumFields())
	same := true
	for i, f := range want.Fields() {
		order[i] = have.FieldIndices(f.Name)[0]
		fields[i] = have.Field(order[i])
		same = same && order[i] == i
	}
	if same {
		return r
	}
	return &ordered{RecordReader: r, schema: arrow.NewSchema(fields, nil), order: order}
}

type ordered struct {
	array.RecordReader
	schema *arrow.Schema
	order  []int
	cur    arrow.RecordBatch
}

func (o *ordered) Schema() *arrow.Schema          { return o.schema }
func (o *ordered) RecordBatch() arrow.RecordBatch { return o.cur }
func (o *ordered) Record() arrow.RecordBatch      { return o.cur }

func (o *ordered) Next() bool {
	o.drop()
	if !o.RecordReader.Next() {
		return false
	}
	b := o.RecordReader.RecordBatch()
	cols := make([]arrow.Array, len(o.order))
	for i, j := range o.order {
		cols[i] = b.Column(j)
	}
	o.cur = array.NewRecordBatch(o.schema, cols, b.NumRows())
	return true
}

func (o *ordered) drop() {
	if o.cur != nil {
		o.cur.Release()
		o.cur = nil
	}
}

func (o *ordered) Release() {
	o.drop()
	o.RecordReader.Release()
}
