package sqlrows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/filter"
	"pitwall/runtime/source"
)

// Pick returns the columns with these names, all when there are none. One that can't be read is an error
// of Kind Unsupported, and so is one that does not exist. place names the table.
func Pick(all []Column, names []string, place string) ([]Column, error) {
	if len(all) == 0 {
		return nil, &source.Error{Kind: source.Missing, Place: place, Err: errors.New("the table has no columns")}
	}
	picked := all
	if len(names) > 0 {
		picked = nil
		for _, n := range names {
			i := slices.IndexFunc(all, func(c Column) bool { return c.Field.Name == n })
			if i < 0 {
				return nil, &source.Error{Kind: source.Unsupported, Place: place, Err: fmt.Errorf("there is no column %q", n)}
			}
			picked = append(picked, all[i])
		}
	}
	var refused []string
	for _, c := range picked {
		if c.Refused != nil {
			refused = append(refused, c.Refused.Error())
		}
	}
	if len(refused) > 0 {
		return nil, &source.Error{Kind: source.Unsupported, Place: place, Err: errors.New(strings.Join(refused, "; ")),
			Hint: "leave the columns out with refresh_sql: SELECT the others FROM the dataset, or read from a view that casts them"}
	}
	return picked, nil
}

// Where writes the part of a condition that the database evaluates; see filter.Narrow.
func Where(all []Column, where engines.Predicate, can func(filter.Node) bool, d filter.Dialect) string {
	var fields []arrow.Field
	for _, c := range all {
		if c.Refused == nil {
			fields = append(fields, c.Field)
		}
	}
	return filter.Narrow(arrow.NewSchema(fields, nil), where, can, d)
}
