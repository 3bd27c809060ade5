package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/scalar"

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
