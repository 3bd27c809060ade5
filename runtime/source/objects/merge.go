package objects

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/runtime/source"
)

// merge adds the schema of one more file. Parquet files must have the same columns with the same
// types, in any order; of CSV and JSON the types were guessed, so a wider guess wins.
func merge(have, next *arrow.Schema, path string, exact bool) (*arrow.Schema, error) {
	if have == nil {
		return next, nil
	}
	fields := slices.Clone(have.Fields())
	var diff []string
	for i, f := range fields {
		idx := next.FieldIndices(f.Name)
		if len(idx) != 1 {
			if exact {
				diff = append(diff, fmt.Sprintf("column %s is missing", f.Name))
			}
			fields[i].Nullable = true
			continue
		}
		g := next.Field(idx[0])
		fields[i].Nullable = f.Nullable || g.Nullable
		if arrow.TypeEqual(f.Type, g.Type) {
			continue
		}
		if exact {
			diff = append(diff, fmt.Sprintf("column %s is %s, elsewhere %s", f.Name, g.Type, f.Type))
			continue
		}
		fields[i].Type = wider(f.Type, g.Type)
	}
	for _, g := range next.Fields() {
		if len(have.FieldIndices(g.Name)) == 0 {
			if exact {
				diff = append(diff, fmt.Sprintf("column %s is in no other file", g.Name))
			}
			g.Nullable = true
			fields = append(fields, g)
		}
	}
	if len(diff) > 0 {
		return nil, &source.Error{Kind: source.Unsupported, Place: path,
			Err:  fmt.Errorf("its schema differs from the other files': %s", strings.Join(diff, "; ")),
			Hint: "narrow the path with a glob, or rewrite the file with the schema of the others"}
	}
	return arrow.NewSchema(fields, nil), nil
}
