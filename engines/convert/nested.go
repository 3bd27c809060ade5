package convert

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

func isNested(id arrow.Type) bool {
	switch id {
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT, arrow.MAP:
		return true
	default:
		return false
	}
}

// nested converts the children and keeps, or widens, the offsets around them.
func nested(mem memory.Allocator, in arrow.Array, to arrow.DataType) (arrow.Array, error) {
	from := in.DataType()
	widening := from.ID() == arrow.LIST && to.ID() == arrow.LARGE_LIST
	if from.ID() != to.ID() && !widening {
		return nil, fmt.Errorf("no exact conversion from %s to %s", from, to)
	}
	d := in.Data()
	fields := to.(arrow.NestedType).Fields()
	if len(fields) != len(d.Children()) {
		return nil, fmt.Errorf("no exact conversion from %s to %s", from, to)
	}
	if fixed, ok := to.(*arrow.FixedSizeListType); ok && fixed.Len() != from.(*arrow.FixedSizeListType).Len() {
		return nil, fmt.Errorf("no exact conversion from %s to %s", from, to)
	}
	children := make([]arrow.ArrayData, 0, len(fields))
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	for i, f := range fields {
		c, err := child(mem, d.Children()[i], f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		children = append(children, c)
	}
	if widening {
		return widen(mem, in, to, children...), nil
	}
	data := array.NewData(to, d.Len(), d.Buffers(), children, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data), nil
}

func child(mem memory.Allocator, in arrow.ArrayData, to arrow.DataType) (arrow.ArrayData, error) {
	a := array.MakeFromData(in)
	defer a.Release()
	out, err := Array(mem, a, to)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	data := out.Data()
	data.Retain()
	return data, nil
}
