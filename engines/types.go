package engines

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Recorded returns the schema that engines record for rows of a source schema, and give back
// exactly. It differs from the source's only where a type is another encoding of the same values:
//
//   - a dictionary becomes the type of its values;
//   - utf8_view and binary_view become utf8 and binary;
//   - float16 becomes float32;
//   - decimal32, decimal64, and decimal256 of at most 38 digits become decimal128;
//   - an extension type becomes its storage type.
//
// The same holds inside lists, structs and maps. Names, nullability, order and all metadata stay.
// Recorded(Recorded(s)) equals Recorded(s).
func Recorded(s *arrow.Schema) *arrow.Schema {
	if s == nil {
		return nil
	}
	if !slices.ContainsFunc(s.Fields(), func(f arrow.Field) bool { return !plain(f.Type) }) {
		return s
	}
	md := s.Metadata()
	return arrow.NewSchema(recordedFields(s.Fields()), &md)
}

// plain tells whether a type is recorded as it is; false when unknown.
func plain(t arrow.DataType) bool {
	switch t.(type) {
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type,
		*arrow.Uint64Type, *arrow.Float32Type, *arrow.Float64Type, *arrow.BooleanType, *arrow.StringType, *arrow.BinaryType,
		*arrow.Date32Type, *arrow.TimestampType:
		return true
	default:
		return false
	}
}

func recordedFields(fields []arrow.Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = recordedField(f)
	}
	return out
}

func recordedField(f arrow.Field) arrow.Field {
	f.Type = recordedType(f.Type)
	return f
}

func recordedType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return recordedType(t.ValueType)
	case *arrow.StringViewType:
		return arrow.BinaryTypes.String
	case *arrow.BinaryViewType:
		return arrow.BinaryTypes.Binary
	case *arrow.Float16Type:
		return arrow.PrimitiveTypes.Float32
	case arrow.DecimalType:
		if t.GetPrecision() <= 38 {
			return &arrow.Decimal128Type{Precision: t.GetPrecision(), Scale: t.GetScale()}
		}
		return t
	case arrow.ExtensionType:
		return recordedType(t.StorageType())
	case *arrow.ListType:
		return arrow.ListOfField(recordedField(t.ElemField()))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(recordedField(t.ElemField()))
	case *arrow.FixedSizeListType:
		return arrow.FixedSizeListOfField(t.Len(), recordedField(t.ElemField()))
	case *arrow.StructType:
		return arrow.StructOf(recordedFields(t.Fields())...)
	case *arrow.MapType:
		m := arrow.MapOfFields(recordedField(t.KeyField()), recordedField(t.ItemField()))
		m.KeysSorted = t.KeysSorted
		return m
	default:
		return t
	}
}

// CheckColumns collects, as one error, what keeps a source's schema from being stored: no columns,
// names that differ only in case, and every column whose recorded type refuse gives a reason for.
// Types inside lists, structs and maps are asked for, too. It returns nil when all is well.
func CheckColumns(s *arrow.Schema, refuse func(arrow.DataType) string) error {
	if s == nil || s.NumFields() == 0 {
		return fmt.Errorf("no columns")
	}
	var problems []string
	seen := make(map[string]string, s.NumFields())
	for _, f := range Recorded(s).Fields() {
		lower := strings.ToLower(f.Name)
		if other, twice := seen[lower]; twice {
			problems = append(problems, fmt.Sprintf("column %q: the name is the same as that of %q", f.Name, other))
		}
		seen[lower] = f.Name
		if reason := refusal(f.Type, refuse); reason != "" {
			problems = append(problems, fmt.Sprintf("column %q (%s): %s", f.Name, f.Type, reason))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(problems, "; "))
}

func refusal(t arrow.DataType, refuse func(arrow.DataType) string) string {
	if reason := refuse(t); reason != "" {
		return reason
	}
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return ""
	}
	for _, f := range nested.Fields() {
		if reason := refusal(f.Type, refuse); reason != "" {
			return reason
		}
	}
	return ""
}

// SameColumns compares a recorded schema with the recorded form of the next rows: names, order,
// types and nullability must be equal, except that rows may be stricter about NULL. The error names
// every column that differs.
func SameColumns(recorded, next *arrow.Schema) error {
	next = Recorded(next)
	var problems []string
	for i, f := range recorded.Fields() {
		if i >= next.NumFields() {
			problems = append(problems, fmt.Sprintf("column %q is missing", f.Name))
			continue
		}
		n := next.Field(i)
		switch {
		case n.Name != f.Name:
			problems = append(problems, fmt.Sprintf("column %d is %q, recorded is %q", i+1, n.Name, f.Name))
		case !arrow.TypeEqual(n.Type, f.Type):
			problems = append(problems, fmt.Sprintf("column %q is %s, recorded is %s", f.Name, n.Type, f.Type))
		case n.Nullable && !f.Nullable:
			problems = append(problems, fmt.Sprintf("column %q may be NULL, recorded is NOT NULL", f.Name))
		}
	}
	for i := recorded.NumFields(); i < next.NumFields(); i++ {
		problems = append(problems, fmt.Sprintf("column %q is not recorded", next.Field(i).Name))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(problems, "; "))
}

// Project narrows a schema to columns, in their order; all when empty. It reports the first unknown
// column. The indices are those of the columns in s.
func Project(s *arrow.Schema, columns []string) (*arrow.Schema, []int, error) {
	md := s.Metadata()
	if len(columns) == 0 {
		all := make([]int, s.NumFields())
		for i := range all {
			all[i] = i
		}
		return s, all, nil
	}
	fields := make([]arrow.Field, 0, len(columns))
	indices := make([]int, 0, len(columns))
	for _, c := range columns {
		at := s.FieldIndices(c)
		if len(at) == 0 {
			return nil, nil, fmt.Errorf("no column %q", c)
		}
		fields = append(fields, s.Field(at[0]))
		indices = append(indices, at[0])
	}
	return arrow.NewSchema(fields, &md), indices, nil
}
