//go:build duckdb_arrow

package shape_test

import (
	"testing"

	"pitwall/config/refreshsql"
	"pitwall/runtime/shape"
)

// FuzzTranslate holds that no condition makes Translate panic, that Keep takes every predicate it makes,
// and that the rest is a condition again.
func FuzzTranslate(f *testing.F) {
	for _, sql := range append(append([]string{}, pushed...), left...) {
		f.Add(sql)
	}
	src := newStream(f, columns)
	f.Fuzz(func(t *testing.T, sql string) {
		c, err := refreshsql.ParseCondition(sql)
		if err != nil {
			return
		}
		where, rest, err := shape.Translate(c, columns, now)
		if err != nil {
			return
		}
		if _, err := shape.Keep(t.Context(), src, where); err != nil {
			t.Fatalf("%s: %v: %v", sql, where, err)
		}
		if rest == "" {
			return
		}
		if _, err := refreshsql.ParseCondition(rest); err != nil {
			t.Fatalf("%s: rest %q: %v", sql, rest, err)
		}
	})
}
