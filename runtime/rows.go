package runtime

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/scalar"

	"pitwall/config"
	"pitwall/engines"
	"pitwall/runtime/source"
)

// counted is the source's reader as the engine sees it: it counts rows, and ends with the run.
type counted struct {
	src source.Reader
	ctx context.Context // of the run; a RecordReader's Next has none
	job *refreshJob
}

func (c *counted) Retain()                        { c.src.Retain() }
func (c *counted) Release()                       { c.src.Release() }
func (c *counted) Schema() *arrow.Schema          { return c.src.Schema() }
func (c *counted) RecordBatch() arrow.RecordBatch { return c.src.RecordBatch() }
func (c *counted) Record() arrow.RecordBatch      { return c.src.RecordBatch() }

func (c *counted) Next() bool {
	if c.ctx.Err() != nil || !c.src.Next() {
		c.job.commit.Store(true)
		return false
	}
	c.job.rows.Add(c.src.RecordBatch().NumRows())
	return true
}

func (c *counted) Err() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.src.Err()
}

// newer returns the rows of r whose time column is greater than the watermark of the engine: all of
// them while the engine has none (spec data-refresh 2.2). The caller releases it.
func newer(ctx context.Context, r array.RecordReader, eng engines.Engine, column string) (array.RecordReader, error) {
	mark, err := eng.Watermark(ctx, column)
	if engines.KindOf(err) == engines.NotFound {
		if info, ierr := eng.Info(ctx); ierr != nil || info.Schema == nil {
			mark, err = engines.Mark{}, ierr
		}
	}
	if err != nil {
		return nil, err
	}
	r.Retain()
	if !mark.Valid {
		return r, nil
	}
	at := r.Schema().FieldIndices(column)
	if len(at) != 1 {
		r.Release()
		return nil, &settingError{fmt.Sprintf("the source has no column %q", column), "correct time_column"}
	}
	limit, err := markScalar(mark, r.Schema().Field(at[0]).Type)
	if err != nil {
		r.Release()
		return nil, err
	}
	return &after{RecordReader: r, ctx: ctx, column: at[0], limit: limit}, nil
}

// after keeps the rows whose column is greater than limit.
type after struct {
	array.RecordReader
	ctx    context.Context // of the run
	column int
	limit  scalar.Scalar
	cur    arrow.RecordBatch
	err    error
}

func (a *after) Next() bool {
	for a.err == nil {
		a.drop()
		if !a.RecordReader.Next() {
			return false
		}
		b := a.RecordReader.RecordBatch()
		keep, err := compute.CallFunction(a.ctx, "greater", nil, &compute.ArrayDatum{Value: b.Column(a.column).Data()}, &compute.ScalarDatum{Value: a.limit})
		if err != nil {
			a.err = fmt.Errorf("compare %s with the watermark: %w", b.ColumnName(a.column), err)
			return false
		}
		mask := keep.(*compute.ArrayDatum).MakeArray()
		keep.Release()
		// A comparison with NULL is NULL and drops the row, as SQL's WHERE does.
		a.cur, a.err = compute.FilterRecordBatch(a.ctx, b, mask, compute.DefaultFilterOptions())
		mask.Release()
		if a.err == nil && a.cur.NumRows() > 0 {
			return true
		}
	}
	return false
}

func (a *after) RecordBatch() arrow.RecordBatch { return a.cur }
func (a *after) Record() arrow.RecordBatch      { return a.cur }

func (a *after) Err() error {
	if a.err != nil {
		return a.err
	}
	return a.RecordReader.Err()
}

func (a *after) drop() {
	if a.cur != nil {
		a.cur.Release()
		a.cur = nil
	}
}

func (a *after) Release() {
	a.drop()
	a.RecordReader.Release()
}

// markScalar gives the watermark the type of the source's column.
func markScalar(m engines.Mark, t arrow.DataType) (scalar.Scalar, error) {
	switch v := m.Value.(type) {
	case time.Time:
		switch t := t.(type) {
		case *arrow.TimestampType:
			ts, err := arrow.TimestampFromTime(v, t.Unit)
			if err != nil {
				return nil, err
			}
			return scalar.NewTimestampScalar(ts, t), nil
		case *arrow.Date32Type:
			return scalar.NewDate32Scalar(arrow.Date32FromTime(v)), nil
		}
	case string:
		if t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING {
			return scalar.MakeScalarParam(v, t)
		}
	case int64, uint64, float64:
		return castScalar(v, t)
	}
	return nil, &settingError{fmt.Sprintf("the watermark is %T, the source's time column is %s", m.Value, t),
		"the type of the time column changed; delete the local file to load it anew"}
}

func castScalar(v any, t arrow.DataType) (scalar.Scalar, error) {
	return scalar.MakeScalar(v).CastTo(t)
}

// markText shows a watermark.
func markText(m engines.Mark) string {
	if !m.Valid {
		return ""
	}
	if t, ok := m.Value.(time.Time); ok {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(m.Value)
}

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
// change them where on_schema_change accepts it or the spicepod itself was changed.
func (a *actor) checkSchema(ctx context.Context, cfg *config.Dataset, mode config.RefreshMode, eng engines.Engine, r source.Reader, accept bool) error {
	replace := mode != config.RefreshAppend
	if replace && (accept || cfg.OnSchemaChange == config.SchemaSyncAll) {
		return nil
	}
	info, err := eng.Info(ctx)
	if err != nil || info.Schema == nil {
		return err
	}
	diff := schemaDiff(info.Schema, engines.Recorded(r.Schema()), replace && cfg.OnSchemaChange == config.SchemaAppendNew)
	if len(diff) == 0 {
		return nil
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
	return &engines.Error{Op: "refresh", Dataset: cfg.Name, Path: a.file, Kind: engines.Schema, Hint: hint,
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
