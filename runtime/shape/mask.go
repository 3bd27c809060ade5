//go:build duckdb_arrow

package shape

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/config/refreshsql"
	"pitwall/engines"
)

// Mask returns the rows of r for which a condition is true. It is in PostgreSQL's syntax, such as the
// rest of Translate; an empty one keeps all. now is what now() and its like are for the whole stream,
// in microseconds. Division of integers, LIKE and ~ are PostgreSQL's, everything else is DuckDB's;
// timestamps with time zone are compared in microseconds.
//
// Errors are an *Error where the condition does not go with the columns, found here, or with the values
// of a row, found by Next.
func Mask(ctx context.Context, r array.RecordReader, condition string, now time.Time) (array.RecordReader, error) {
	if condition == "" {
		return newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) { b.Retain(); return b, nil }), nil
	}
	m, err := newMasker(ctx, r.Schema(), condition, now)
	if err != nil {
		return nil, err
	}
	s := newStage(ctx, r, func(b arrow.RecordBatch) (arrow.RecordBatch, error) {
		rows, err := m.rows(ctx, b)
		if err != nil {
			return nil, err
		}
		return pick(ctx, b, rows)
	})
	s.close = m.close
	return s, nil
}

// Check tells whether Mask would accept a condition on the columns of a schema: nil, an *Error, or that
// DuckDB could not be started.
func Check(ctx context.Context, schema *arrow.Schema, condition string, now time.Time) error {
	if condition == "" {
		return nil
	}
	m, err := newMasker(ctx, schema, condition, now)
	if err != nil {
		return err
	}
	m.close()
	return nil
}

// masker computes which rows of a batch fulfil a condition.
type masker struct {
	duck  *duck
	in    inputs
	names []string // of the columns as the operator knows them
	query string   // gives one boolean for each row of the view
}

// view is the name that a batch has in DuckDB.
const view = "pitwall_rows"

// alias is the name of column i in DuckDB: a word in no dialect, and equal to no other but for its case.
func alias(i int) string { return fmt.Sprintf("pitwall_c%d_", i) }

func newMasker(ctx context.Context, schema *arrow.Schema, condition string, now time.Time) (*masker, error) {
	c, err := refreshsql.ParseCondition(condition)
	if err != nil {
		return nil, err
	}
	m := &masker{}
	if err := m.columns(schema, c); err != nil {
		return nil, err
	}
	parts := slices.Clone(c.Conjuncts)
	for i, p := range parts {
		parts[i] = dialect(present(p, now), func(name string) string { return alias(slices.Index(m.names, name)) })
	}
	text, err := refreshsql.And(parts)
	if err != nil {
		return nil, err
	}
	m.query = "SELECT CAST((" + text + ") AS BOOLEAN) FROM " + view
	if m.duck, err = newDuck(ctx); err != nil {
		return nil, fmt.Errorf("start DuckDB for the condition: %w", err)
	}
	if err := m.check(ctx, "SELECT 1 FROM "+view+" WHERE ("+text+")"); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// columns chooses the inputs. A condition without columns gets one, to have something to count.
func (m *masker) columns(schema *arrow.Schema, c *refreshsql.Condition) error {
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	if err := c.CheckColumns(names); err != nil {
		return err
	}
	m.names = c.Columns()
	recorded := engines.Recorded(schema)
	var fields []arrow.Field
	for i, name := range m.names {
		at := schema.FieldIndices(name)[0]
		t, err := duckType(recorded.Field(at))
		if err != nil {
			return err
		}
		m.in.indices = append(m.in.indices, at)
		fields = append(fields, arrow.Field{Name: alias(i), Type: t, Nullable: true})
	}
	m.in.schema = arrow.NewSchema(fields, nil)
	return nil
}

// duckType is the type in which DuckDB gets a column. Naive seconds and milliseconds become microseconds,
// because DuckDB compares only those with now().
func duckType(f arrow.Field) (arrow.DataType, error) {
	bad := &Error{Message: fmt.Sprintf("column %q (%s) can't be used in a condition", f.Name, f.Type)}
	switch t := f.Type.(type) {
	case *arrow.TimestampType:
		if t.TimeZone == "" && t.Unit < arrow.Microsecond {
			return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
		}
	case *arrow.Decimal256Type, *arrow.DayTimeIntervalType:
		return nil, bad
	case *arrow.Decimal128Type:
		if t.Scale < 0 || t.Scale > t.Precision {
			return nil, bad
		}
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return nil, bad
		}
	}
	return f.Type, nil
}

// check binds the condition as a WHERE, which must have neither aggregates nor windows, and runs it on a
// row of NULLs, which finds constants that are not of their type.
func (m *masker) check(ctx context.Context, where string) error {
	columns := make([]arrow.Array, m.in.schema.NumFields())
	for i, f := range m.in.schema.Fields() {
		columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, 1)
		defer columns[i].Release()
	}
	nulls := array.NewRecordBatch(m.in.schema, columns, 1)
	defer nulls.Release()
	none := nulls.NewSlice(0, 0)
	defer none.Release()
	if _, err := m.run(ctx, where, none); err != nil {
		return m.explain(err, false)
	}
	if _, err := m.run(ctx, m.query, nulls); err != nil {
		return m.explain(err, false)
	}
	return nil
}

// rows returns the indices of the rows for which the condition is true.
func (m *masker) rows(ctx context.Context, b arrow.RecordBatch) ([]int64, error) {
	narrow, err := m.in.batch(b)
	if err != nil {
		return nil, &Error{Message: err.Error(), Row: true}
	}
	defer narrow.Release()
	rows, err := m.run(ctx, m.query, narrow)
	if err != nil {
		return nil, m.explain(err, true)
	}
	return rows, nil
}

func (m *masker) close() { m.duck.close() }
