package ui

import (
	"fmt"
	"slices"
	"strings"
)

// Choose shows the named columns in that order, by their titles in small letters; the first column always stays, and
// comes first. No names show all. The error names the columns there are, and nothing changes.
func (t *Table[T]) Choose(names []string) error {
	t.init()
	if t.all == nil {
		t.all = slices.Clone(t.Columns)
	}
	chosen := slices.Clone(t.all)
	if len(names) > 0 {
		chosen = chosen[:1]
		for _, n := range names {
			i := slices.IndexFunc(t.all, func(c Column[T]) bool { return strings.EqualFold(c.Title, n) })
			if i < 0 {
				var have []string
				for _, c := range t.all {
					have = append(have, strings.ToLower(c.Title))
				}
				return fmt.Errorf("there is no column %q; there are %s", n, strings.Join(have, ", "))
			}
			if i > 0 && !slices.ContainsFunc(chosen, func(c Column[T]) bool { return c.Title == t.all[i].Title }) {
				chosen = append(chosen, t.all[i])
			}
		}
	}
	chosen[0].Width = t.Columns[0].Width
	t.Columns, t.sortCol, t.layoutW = chosen, -1, 0
	return nil
}

// Sorted says what the table is sorted by: the title of the column, "" for the order given.
func (t *Table[T]) Sorted() (title string, desc bool) {
	if !t.ready || t.sortCol < 0 {
		return "", false
	}
	return t.Columns[t.sortCol].Title, t.desc
}

// SortBy sorts by the column of that title; one that is not there changes nothing.
func (t *Table[T]) SortBy(title string, desc bool) {
	t.init()
	for i, c := range t.Columns {
		if c.Title == title && c.Compare != nil {
			t.sortCol, t.desc = i, desc
		}
	}
}
