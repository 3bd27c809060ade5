// Package convert changes the encoding of Arrow arrays without changing their values: what a
// source delivers into what an engine stores, and what an engine's driver returns into the
// recorded schema. A value that the target type cannot hold exactly is an error, never rounded.
// Buffers are shared where the layout allows. The package starts no goroutines.
package convert

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Batch converts the columns of a batch to the types of a schema with the same number of columns.
// A NULL in a column that the schema says has none is an error that names the column. The caller
// releases the result.
func Batch(mem memory.Allocator, in arrow.RecordBatch, to *arrow.Schema) (arrow.RecordBatch, error) {
	if int(in.NumCols()) != to.NumFields() {
		return nil, fmt.Errorf("%d columns, want %d", in.NumCols(), to.NumFields())
	}
	columns := make([]arrow.Array, 0, to.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range to.Fields() {
		c := in.Column(i)
		if !f.Nullable && c.NullN() > 0 {
			return nil, &NullError{Column: f.Name}
		}
		out, err := Array(mem, c, f.Type)
		if err != nil {
			return nil, &ValueError{Column: f.Name, Err: err}
		}
		columns = append(columns, out)
	}
	return array.NewRecordBatch(to, columns, in.NumRows()), nil
}

// NullError reports a NULL in a column that must not have one.
type NullError struct {
	Column string
	// Key says that it must not because it is of the primary key.
	Key bool
}

// Error names the column.
func (e *NullError) Error() string {
	if e.Key {
		return fmt.Sprintf("column %q: NULL in the primary key", e.Column)
	}
	return fmt.Sprintf("column %q: NULL in a column that is not nullable", e.Column)
}

// ValueError reports a value that cannot be kept exactly.
type ValueError struct {
	Column string
	Err    error
}

// Error names the column.
func (e *ValueError) Error() string { return fmt.Sprintf("column %q: %v", e.Column, e.Err) }

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }

// Array converts one array; the caller releases the result.
func Array(mem memory.Allocator, in arrow.Array, to arrow.DataType) (arrow.Array, error) {
	from := in.DataType()
	if arrow.TypeEqual(from, to, arrow.CheckMetadata()) && sameFields(from, to) {
		in.Retain()
		return in, nil
	}
	switch {
	case from.ID() == arrow.EXTENSION:
		return Array(mem, in.(array.ExtensionArray).Storage(), to)
	case from.ID() == arrow.DICTIONARY:
		return decode(mem, in.(*array.Dictionary), to)
	case from.ID() == arrow.NULL:
		return array.MakeArrayOfNull(mem, to, in.Len()), nil
	case to.ID() == arrow.NULL:
		if in.NullN() != in.Len() {
			return nil, fmt.Errorf("a value in a column of type null")
		}
		return array.NewNull(in.Len()), nil
	case isNested(to.ID()):
		return nested(mem, in, to)
	case isText(from.ID()) && isText(to.ID()):
		return text(mem, in, to)
	case isClock(from.ID()) && isClock(to.ID()):
		return clock(mem, in, to)
	case from.ID() == arrow.INTERVAL_MONTH_DAY_NANO:
		return interval(mem, in.(*array.MonthDayNanoInterval), to)
	case arrow.IsDecimal(from.ID()) && arrow.IsDecimal(to.ID()):
		return decimals(mem, in, to.(arrow.DecimalType))
	case from.ID() == arrow.FLOAT16 && to.ID() == arrow.FLOAT32:
		return halves(mem, in.(*array.Float16)), nil
	default:
		return nil, fmt.Errorf("no exact conversion from %s to %s", from, to)
	}
}

// sameFields compares what arrow.TypeEqual leaves out: the names of list elements.
func sameFields(a, b arrow.DataType) bool {
	na, ok := a.(arrow.NestedType)
	if !ok {
		return true
	}
	nb := b.(arrow.NestedType)
	for i, f := range na.Fields() {
		g := nb.Fields()[i]
		if f.Name != g.Name || f.Nullable != g.Nullable || !f.Metadata.Equal(g.Metadata) || !sameFields(f.Type, g.Type) {
			return false
		}
	}
	return true
}

// relabel gives the buffers of an array another type of the same layout.
func relabel(in arrow.Array, to arrow.DataType) arrow.Array {
	d := in.Data()
	data := array.NewData(to, d.Len(), d.Buffers(), d.Children(), d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data)
}

// decode replaces indices by the values they point to.
func decode(mem memory.Allocator, in *array.Dictionary, to arrow.DataType) (arrow.Array, error) {
	ctx := compute.WithAllocator(context.Background(), mem)
	values, err := compute.TakeArray(ctx, in.Dictionary(), in.Indices())
	if err != nil {
		return nil, fmt.Errorf("decode dictionary: %w", err)
	}
	defer values.Release()
	return Array(mem, values, to)
}
