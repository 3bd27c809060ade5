// Package keys owns what primary_key, indexes and on_conflict mean (spec data-refresh 2.7): which columns
// may be keys, how a violation reads, and the statements that merge rows into a table of a database. It
// starts no goroutines.
package keys

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
)

// Unique is one unique key of a dataset.
type Unique struct {
	// Name is its setting, as messages have it: primary_key or indexes.
	Name    string
	Columns []string
}

// String returns the setting with the columns, such as "primary_key (a, b)".
func (u Unique) String() string { return fmt.Sprintf("%s (%s)", u.Name, strings.Join(u.Columns, ", ")) }

// Any says whether there is a key that a write must look at.
func Any(k engines.Keys) bool { return len(k.Primary) > 0 || len(k.Unique) > 0 || len(k.Plain) > 0 }

// Uniques returns the unique keys, the primary key first. One that is there twice counts once.
func Uniques(k engines.Keys) []Unique {
	var all []Unique
	if len(k.Primary) > 0 {
		all = append(all, Unique{"primary_key", k.Primary})
	}
	for _, columns := range k.Unique {
		if !slices.ContainsFunc(all, func(u Unique) bool { return Same(u.Columns, columns) }) {
			all = append(all, Unique{"indexes: unique", columns})
		}
	}
	return all
}

// Target returns the unique key that an upsert looks at; nil when the action is no upsert.
func Target(k engines.Keys) *Unique {
	if k.Conflict == engines.ConflictReject || k.Conflict == engines.ConflictDrop {
		return nil
	}
	for _, u := range Uniques(k) {
		if Same(u.Columns, k.Target) {
			return &u
		}
	}
	return nil
}

// Same says whether two keys have the same columns, in whatever order.
func Same(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Check says why rows of a schema can't have the keys; Kind Invalid.
func Check(k engines.Keys, s *arrow.Schema) error {
	all := Uniques(k)
	for _, columns := range k.Plain {
		all = append(all, Unique{"indexes", columns})
	}
	var problems []string
	for _, u := range all {
		for _, c := range u.Columns {
			at := s.FieldIndices(c)
			switch {
			case len(at) == 0:
				problems = append(problems, fmt.Sprintf("%s: there is no column %q", u, c))
			case !comparable(s.Field(at[0]).Type):
				problems = append(problems, fmt.Sprintf("%s: column %q (%s) can't be a key", u, c, s.Field(at[0]).Type))
			}
		}
	}
	hint := "correct primary_key and indexes"
	if len(problems) == 0 && k.Conflict != engines.ConflictReject {
		hint = "add primary_key, or unique indexes"
		switch {
		case len(Uniques(k)) == 0:
			problems = append(problems, fmt.Sprintf("on_conflict: %s needs a unique key", k.Conflict))
		case k.Conflict != engines.ConflictDrop && Target(k) == nil:
			problems = append(problems, fmt.Sprintf("on_conflict: %s: (%s) is no unique key", k.Conflict, strings.Join(k.Target, ", ")))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &engines.Error{Op: "check keys", Kind: engines.Invalid, Err: errors.New(strings.Join(problems, "; ")), Hint: hint}
}

// comparable says whether every engine can index a type.
func comparable(t arrow.DataType) bool {
	switch id := t.ID(); id {
	case arrow.BOOL, arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY,
		arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.FLOAT32, arrow.FLOAT64:
		return true
	default:
		return arrow.IsInteger(id) || arrow.IsDecimal(id)
	}
}

// Twice is the error for two incoming rows with one key; values are those of its columns, as text.
func Twice(u Unique, values []string) error {
	return violation(fmt.Sprintf("%s: two of the rows have the value %s", u, shown(values)), "make the rows of the source unique, or set on_conflict: "+
		string(engines.ConflictUpsertDedup)+" or "+string(engines.ConflictUpsertLast))
}

// There is the error for an incoming row whose key is there already.
func There(u Unique, values []string) error {
	return violation(fmt.Sprintf("%s: a row with the value %s is there already", u, shown(values)), "set on_conflict for this key: drop keeps the old row, upsert takes the new one")
}

func violation(message, hint string) error {
	return &engines.Error{Op: "check keys", Kind: engines.Constraint, Err: errors.New(message), Hint: hint}
}

// shown writes the values of a key, cut at some length: they are for people.
func shown(values []string) string {
	const most = 80 // letters
	out := make([]string, len(values))
	for i, v := range values {
		if r := []rune(v); len(r) > most {
			v = string(r[:most]) + "..."
		}
		out[i] = v
	}
	if len(out) == 1 {
		return out[0]
	}
	return "(" + strings.Join(out, ", ") + ")"
}
