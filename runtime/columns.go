package runtime

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/source"
)

// checkTimeColumn checks that the column is there and that its type goes with time_format (the table
// of spec data-refresh 1.5).
func checkTimeColumn(s *arrow.Schema, column string, f config.TimeFormat) error {
	at := s.FieldIndices(column)
	if len(at) != 1 {
		names := make([]string, s.NumFields())
		for i, c := range s.Fields() {
			names[i] = c.Name
		}
		return &settingError{fmt.Sprintf("time_column %q is not in the source", column), "its columns are " + strings.Join(names, ", ")}
	}
	t := s.Field(at[0]).Type
	var allowed []config.TimeFormat
	switch id := t.ID(); {
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		allowed = []config.TimeFormat{config.TimeISO8601}
	case arrow.IsInteger(id) || id == arrow.FLOAT32 || id == arrow.FLOAT64:
		allowed = []config.TimeFormat{config.TimeUnixSeconds, config.TimeUnixMillis}
	case id == arrow.TIMESTAMP && t.(*arrow.TimestampType).TimeZone == "":
		allowed = []config.TimeFormat{config.TimeTimestamp}
	case id == arrow.TIMESTAMP:
		allowed = []config.TimeFormat{config.TimeTimestampTZ}
	case id == arrow.DATE32:
		allowed = []config.TimeFormat{config.TimeDate}
	}
	var names []string
	for _, ok := range allowed {
		if ok == f {
			return nil
		}
		names = append(names, string(ok))
	}
	if len(names) == 0 {
		return &settingError{fmt.Sprintf("time_column %q is %s, which can't be a time column", column, t), "choose a timestamp, date, number or text column"}
	}
	return &settingError{fmt.Sprintf("time_column %q is %s, but time_format is %s", column, t, f), "set time_format to " + strings.Join(names, " or ")}
}

// checkSchema refuses a refresh whose columns differ from those that are served. A full refresh may
// change them where on_schema_change accepts it or the spicepod itself was changed. It returns the
// recorded schema, nil when nothing was ever written.
func (a *actor) checkSchema(ctx context.Context, cfg *config.Dataset, mode config.RefreshMode, eng engines.Engine, r source.Reader, accept bool) (*arrow.Schema, error) {
	info, err := eng.Info(ctx)
	if err != nil || info.Schema == nil {
		return nil, err
	}
	replace := mode != config.RefreshAppend
	if replace && (accept || cfg.OnSchemaChange == config.SchemaSyncAll) {
		return info.Schema, nil
	}
	diff := schemaDiff(info.Schema, engines.Recorded(r.Schema()), replace && cfg.OnSchemaChange == config.SchemaAppendNew)
	if len(diff) == 0 {
		return info.Schema, nil
	}
	hint := "the old data goes on serving; to accept the new columns set on_schema_change: sync_all_columns"
	switch {
	case replace:
	case a.file == "":
		hint = "the old data goes on serving; append can't change its columns: undo the change at the source, or restart pitwall to load anew"
	default:
		hint = "the old data goes on serving; append can't change its columns: undo the change at the source, or delete " + a.file +
			" and start once with snapshots: create_only to load anew"
	}
	return nil, &engines.Error{Op: "refresh", Dataset: cfg.Name, Path: a.file, Kind: engines.Schema, Hint: hint,
		Err: fmt.Errorf("the source's columns changed: %s", strings.Join(diff, "; "))}
}

// schemaDiff lists how the columns differ in name or type; nullability, order and metadata may change.
func schemaDiff(have, next *arrow.Schema, allowNew bool) []string {
	var diff []string
	for _, f := range have.Fields() {
		g, ok := next.FieldsByName(f.Name)
		switch {
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
