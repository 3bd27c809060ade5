package cayenne

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/convert"
)

// Some Arrow types are kept in another one that Vortex, in the edition that is written, has a form for: large text
// and lists as plain ones, fixed-size binary as binary, fixed-size lists as lists, maps as lists of structs.

// storedType is the type in which values of a recorded type are kept.
func storedType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.LargeStringType:
		return arrow.BinaryTypes.String
	case *arrow.LargeBinaryType, *arrow.FixedSizeBinaryType:
		return arrow.BinaryTypes.Binary
	case *arrow.MapType:
		entries := arrow.StructOf(storedField(t.KeyField()), storedField(t.ItemField()))
		return arrow.ListOfField(arrow.Field{Name: "item", Type: entries})
	case *arrow.StructType:
		return arrow.StructOf(storedFields(t.Fields())...)
	case arrow.ListLikeType:
		f := storedField(t.ElemField())
		f.Name = "item"
		return arrow.ListOfField(f)
	default:
		return t
	}
}

func storedField(f arrow.Field) arrow.Field {
	return arrow.Field{Name: f.Name, Type: storedType(f.Type), Nullable: f.Nullable}
}

func storedFields(fields []arrow.Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = storedField(f)
	}
	return out
}

// storedSchema is the schema of the data files of a dataset.
func storedSchema(s *arrow.Schema) *arrow.Schema {
	return arrow.NewSchema(storedFields(s.Fields()), nil)
}

// refuse tells why a recorded type can't be kept.
func refuse(t arrow.DataType) string {
	switch t.ID() {
	case arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW:
		return "this type has no recorded form"
	}
	if err := vortex.Supports(storedType(t)); err != nil {
		return err.Error()
	}
	return ""
}

// recast changes arrays between recorded and stored types, in both directions, and renames the columns of a batch.
func recast(b arrow.RecordBatch, to *arrow.Schema) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, b.NumCols())
	for i, c := range b.Columns() {
		out, err := recastArray(c, to.Field(i).Type)
		if err != nil {
			return nil, &convert.ValueError{Column: to.Field(i).Name, Err: err}
		}
		columns[i] = out
	}
	return array.NewRecordBatch(to, columns, b.NumRows()), nil
}

func recastArray(a arrow.Array, to arrow.DataType) (arrow.Array, error) {
	from := a.DataType()
	if !nested(to) {
		switch {
		case from.ID() == arrow.FIXED_SIZE_BINARY && to.ID() == arrow.BINARY:
			return widthToOffsets(a, to, from.(*arrow.FixedSizeBinaryType).ByteWidth), nil
		case from.ID() == arrow.BINARY && to.ID() == arrow.FIXED_SIZE_BINARY:
			return offsetsToWidth(a.(*array.Binary), to.(*arrow.FixedSizeBinaryType)), nil
		default:
			return convert.Array(memory.DefaultAllocator, a, to)
		}
	}
	if s, ok := to.(*arrow.StructType); ok {
		return recastStruct(a.(*array.Struct), s)
	}
	return recastList(a.(array.ListLike), to)
}

func nested(t arrow.DataType) bool {
	_, ok := t.(arrow.NestedType)
	return ok
}

func recastStruct(a *array.Struct, to *arrow.StructType) (arrow.Array, error) {
	children := make([]arrow.ArrayData, a.NumField())
	for i := range children {
		c, err := recastArray(a.Field(i), to.Field(i).Type) // Field counts the offset in
		if err != nil {
			return nil, err
		}
		children[i] = c.Data()
	}
	return array.MakeFromData(array.NewData(to, a.Len(), []*memory.Buffer{bitsOf(a)}, children, a.NullN(), 0)), nil
}

// bitsOf is the validity of an array from offset 0; nil without nulls.
func bitsOf(a arrow.Array) *memory.Buffer {
	if a.NullN() == 0 {
		return nil
	}
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range a.Len() {
		b.Append(a.IsValid(i))
	}
	return b.NewBooleanArray().Data().Buffers()[1]
}

// recastList makes a list of one kind one of another: the spans of the rows are taken as they are.
func recastList(a array.ListLike, to arrow.DataType) (arrow.Array, error) {
	rows := a.Len()
	starts, first, last := make([]int32, 1, rows+1), int64(0), int64(0)
	contiguous := true
	for i := range rows {
		lo, hi := a.ValueOffsets(i)
		if a.IsNull(i) {
			hi = lo
		}
		if i == 0 {
			first, last = lo, lo
		}
		contiguous = contiguous && lo == last
		last = max(last, hi)
		starts = append(starts, starts[i]+int32(hi-lo))
	}
	values := array.NewSlice(a.ListValues(), first, last)
	if !contiguous { // null rows of a fixed-size list take up room too, and a list may leave some out
		var keep []int
		for i := range rows {
			lo, hi := a.ValueOffsets(i)
			for at := lo; at < hi && a.IsValid(i); at++ {
				keep = append(keep, int(at))
			}
		}
		var err error
		if values, err = convert.Rows(a.ListValues(), keep); err != nil {
			return nil, err
		}
	}
	fields := to.(arrow.NestedType).Fields()
	if fixed, ok := to.(*arrow.FixedSizeListType); ok {
		return fixList(a, values, starts, fixed)
	}
	elem, err := recastArray(values, fields[0].Type)
	if err != nil {
		return nil, err
	}
	var offs *memory.Buffer
	if to.ID() == arrow.LARGE_LIST {
		wide := make([]int64, len(starts))
		for i, s := range starts {
			wide[i] = int64(s)
		}
		offs = memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(wide))
	} else {
		offs = memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(starts))
	}
	return array.MakeFromData(array.NewData(to, rows, []*memory.Buffer{bitsOf(a), offs}, []arrow.ArrayData{elem.Data()}, a.NullN(), 0)), nil
}

// fixList gives every row of a list its fixed number of values, null rows nulls.
func fixList(a array.ListLike, values arrow.Array, starts []int32, to *arrow.FixedSizeListType) (arrow.Array, error) {
	n := int(to.Len())
	if a.NullN() > 0 {
		at := make([]int, 0, a.Len()*n)
		for i := range a.Len() {
			for k := range n {
				if a.IsNull(i) {
					at = append(at, -1)
				} else {
					at = append(at, int(starts[i])+k)
				}
			}
		}
		var err error
		if values, err = convert.Rows(values, at); err != nil {
			return nil, err
		}
	}
	if values.Len() != a.Len()*n {
		return nil, fmt.Errorf("%d values in %d lists of %d", values.Len(), a.Len(), n)
	}
	elem, err := recastArray(values, to.Elem())
	if err != nil {
		return nil, err
	}
	return array.MakeFromData(array.NewData(to, a.Len(), []*memory.Buffer{bitsOf(a)}, []arrow.ArrayData{elem.Data()}, a.NullN(), 0)), nil
}

func widthToOffsets(a arrow.Array, to arrow.DataType, width int) arrow.Array {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, to.(arrow.BinaryDataType))
	defer b.Release()
	for i := range a.Len() {
		if a.IsNull(i) {
			b.AppendNull()
		} else {
			b.Append(a.(*array.FixedSizeBinary).Value(i)[:width])
		}
	}
	return b.NewArray()
}

func offsetsToWidth(a *array.Binary, to *arrow.FixedSizeBinaryType) arrow.Array {
	b := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, to)
	defer b.Release()
	for i := range a.Len() {
		if a.IsNull(i) || len(a.Value(i)) != to.ByteWidth {
			b.AppendNull()
		} else {
			b.Append(a.Value(i))
		}
	}
	return b.NewArray()
}
