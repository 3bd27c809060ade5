package enginetest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// changeCase is one keyed write onto rows that are there.
type changeCase struct {
	name   string
	keys   engines.Keys
	there  string
	remove engines.Predicate
	added  string
	want   []string // of sorted; nil when the write is to fail with Kind Constraint
	stats  engines.Stats
}

func changeCases(t testing.TB) []changeCase {
	a, v := fields(keyed.Field(0)), fields(keyed.Field(2))
	one := engines.Keys{Primary: []string{"a"}}
	two := engines.Keys{Primary: []string{"a", "b"}}
	all := engines.Keys{Primary: []string{"a", "b", "v"}}
	plain := engines.Keys{Primary: []string{"a"}, Plain: [][]string{{"v"}, {"b", "v"}}}
	other := engines.Keys{Primary: []string{"a"}, Unique: [][]string{{"b"}}}
	const rows = `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":2},{"a":3,"b":"z","v":3}]`
	return []changeCase{
		{name: "composite key in another order", keys: two, there: rows, remove: among(t, fields(keyed.Field(1), keyed.Field(0)), `[{"b":"x","a":1},{"b":"y","a":1},{"b":"z","a":3}]`, false),
			added: `[{"a":1,"b":"y","v":7},{"a":1,"b":"x"}]`, want: []string{"|1|x|NULL", "|1|y|7", "|2|y|2"}, stats: engines.Stats{Removed: 2, Written: 2, Rows: 3}},
		{name: "a part of the key", keys: two, there: rows, remove: among(t, a, `[{"a":1},{"a":2}]`, false),
			added: `[{"a":1,"b":"n"},{"a":1,"b":"x","v":5}]`, want: []string{"|1|n|NULL", "|1|x|5", "|3|z|3"}, stats: engines.Stats{Removed: 2, Written: 2, Rows: 3}},
		{name: "all columns are the key", keys: all, there: rows, remove: among(t, keyed, `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":9}]`, false),
			added: `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":9}]`, want: []string{"|1|x|1", "|2|y|2", "|2|y|9", "|3|z|3"}, stats: engines.Stats{Removed: 1, Written: 2, Rows: 4}},
		{name: "a new key that is not looked for", keys: one, there: rows, remove: among(t, a, `[{"a":1}]`, false),
			added: `[{"a":4},{"a":1}]`, want: []string{"|1|NULL|NULL", "|2|y|2", "|3|z|3", "|4|NULL|NULL"}, stats: engines.Stats{Removed: 1, Written: 2, Rows: 4}},
		{name: "plain indexes with NULL", keys: plain, there: `[{"a":1},{"a":2,"v":2},{"a":3,"b":"z"}]`, remove: among(t, a, `[{"a":3},{"a":2},{"a":1}]`, false),
			added: `[{"a":2},{"a":1,"b":"q","v":1},{"a":3,"v":2}]`, want: []string{"|1|q|1", "|2|NULL|NULL", "|3|NULL|2"}, stats: engines.Stats{Removed: 3, Written: 3, Rows: 3}},
		{name: "another key passes on", keys: other, there: rows, remove: among(t, a, `[{"a":1},{"a":2},{"a":3}]`, false),
			added: `[{"a":1,"b":"y"},{"a":2,"b":"x"},{"a":4,"b":"z"}]`, want: []string{"|1|y|NULL", "|2|x|NULL", "|4|z|NULL"}, stats: engines.Stats{Removed: 3, Written: 3, Rows: 3}},
		{name: "another key is violated", keys: other, there: rows, remove: among(t, a, `[{"a":1},{"a":2}]`, false), added: `[{"a":1,"b":"p"},{"a":2,"b":"z"}]`},
		{name: "another key is violated among the rows", keys: other, there: rows, remove: among(t, a, `[{"a":1},{"a":2}]`, false), added: `[{"a":1,"b":"p"},{"a":2,"b":"p"}]`},
		{name: "no number", keys: engines.Keys{Primary: []string{"v"}}, there: `[{"a":1,"b":"NaN","v":"NaN"},{"a":2,"b":"x","v":0}]`, remove: among(t, v, `[{"v":"NaN"},{"v":-0.0},{"v":1}]`, false),
			added: `[{"a":7,"b":"NaN","v":0},{"a":8,"v":"NaN"}]`, want: []string{"|7|NaN|0", "|8|NULL|NaN"}, stats: engines.Stats{Removed: 2, Written: 2, Rows: 2}},
	}
}

// testChanges applies keyed writes, which an engine may do in place.
func testChanges(t *testing.T, h Harness) {
	for _, tt := range changeCases(t) {
		t.Run(tt.name, func(t *testing.T) {
			h = h.again(t)
			h.Keys = tt.keys
			e := h.Open(t)
			apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, tt.there), State: []byte("0")})
			before := sorted(t, e)
			rows := jsonRows(t, keyed, tt.added)
			defer rows.Release()
			stats, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: rows, Remove: tt.remove, Keyed: true, State: []byte("1"), At: at()})
			want, state := tt.want, "1"
			if want == nil {
				wantKind(t, err, engines.Constraint)
				want, state = before, "0"
			} else if err != nil {
				t.Fatal(err)
			}
			if stats.Bytes = 0; stats != tt.stats {
				t.Errorf("stats %+v, want %+v", stats, tt.stats)
			}
			if diff := cmp.Diff(want, sorted(t, e)); diff != "" {
				t.Error(diff)
			}
			if cp, err := e.Checkpoint(t.Context()); err != nil || string(cp.State) != state {
				t.Errorf("%+v, %v, want the state %s", cp, err, state)
			}
			if i, err := e.Info(t.Context()); err != nil || int(i.Rows) != len(want) {
				t.Errorf("%d rows, %v, want %d", i.Rows, err, len(want))
			}
		})
	}
}

// testChangeTypes changes rows by a primary key of each type.
func testChangeTypes(t *testing.T, h Harness) {
	for typ, values := range keyTypes() {
		if h.Refused[typ.String()] {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			h = h.again(t)
			h.Keys = engines.Keys{Primary: []string{"k"}}
			if h.Refused[NUL] {
				values = slices.DeleteFunc(values, func(v string) bool { return strings.Contains(v, `\u0000`) })
			}
			s := fields(null("k", typ), keyed.Field(2))
			rows := func(v int, keys []string) string {
				var all []string
				for _, k := range keys {
					all = append(all, fmt.Sprintf(`{"k":%s,"v":%d}`, k, v))
				}
				return "[" + strings.Join(all, ",") + "]"
			}
			n := int64(len(values))
			e := h.Open(t)
			for i, want := range []engines.Stats{{Written: n, Rows: n}, {Removed: n, Written: n, Rows: n}, {Removed: n, Written: n - 1, Rows: n - 1}, {Removed: n - 1, Written: n, Rows: n}} {
				upserted := values
				if i == 2 {
					upserted = values[1:]
				}
				stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, s, rows(i, upserted)), Remove: among(t, fields(s.Field(0)), rows(i, values), false), Keyed: true})
				if stats.Bytes = 0; stats != want {
					t.Errorf("write %d: %+v, want %+v", i, stats, want)
				}
			}
			if got := lines(t, e, engines.Scan{Where: engines.Compare{Column: "v", Op: engines.Eq, Value: 3.0}}); len(got) != len(values) {
				t.Errorf("%q", got)
			}
		})
	}
}

// testChangeCounts has each write tell the rows that are there, whatever went before.
func testChangeCounts(t *testing.T, h Harness) {
	h.Keys = engines.Keys{Primary: []string{"a"}, Conflict: engines.ConflictUpsert, Target: []string{"a"}}
	e := h.Open(t)
	a := fields(keyed.Field(0))
	written := func(what string, want int64, w engines.Write) {
		t.Helper()
		stats := apply(t, e, w)
		if i, err := e.Info(t.Context()); err != nil || stats.Rows != want || i.Rows != want {
			t.Errorf("%s: the write tells of %d rows, there are %d, %v, want %d", what, stats.Rows, i.Rows, err, want)
		}
	}
	change := func(list, added string) engines.Write {
		return engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, added), Remove: among(t, a, list, false), Keyed: true}
	}
	written("first changes", 3, change(`[{"a":1},{"a":2},{"a":3}]`, `[{"a":1},{"a":2},{"a":3}]`))
	written("changes", 3, change(`[{"a":1},{"a":2},{"a":4}]`, `[{"a":1},{"a":4}]`))
	evicting := change(`[{"a":5},{"a":6}]`, `[{"a":5,"v":1},{"a":6,"v":2}]`)
	evicting.Evict = engines.Compare{Column: "v", Op: engines.Lt, Value: 2.0}
	written("changes with retention", 4, evicting)
	for _, w := range []engines.Write{
		{Mode: engines.Append, Rows: jsonRows(t, keyed, `[{"a":7},{"a":7}]`), At: at()},
		{Mode: engines.Append, Rows: failing(t, `[{"a":1},{"a":9}]`), Remove: among(t, a, `[{"a":1},{"a":3},{"a":9}]`, false), Keyed: true, At: at()},
	} {
		if _, err := e.Write(t.Context(), w); err == nil {
			t.Error("a write that cannot be succeeded")
		}
		w.Rows.Release()
	}
	written("changes after errors", 4, change(`[{"a":1}]`, `[{"a":1}]`))
	written("upserts", 5, engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, `[{"a":1},{"a":7}]`)})
	written("changes after upserts", 4, change(`[{"a":7}]`, `[]`))
	if n, err := e.Delete(t.Context(), engines.Compare{Column: "a", Op: engines.Le, Value: int64(3)}); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	written("changes after a delete", 3, change(`[{"a":8}]`, `[{"a":8}]`))
	written("truncate", 1, engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, `[{"a":8}]`), Remove: engines.And{}, Keyed: true})
	written("a full refresh", 2, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, `[{"a":1},{"a":2}]`)})
	written("changes after it", 3, change(`[{"a":1},{"a":3}]`, `[{"a":3},{"a":1}]`))
}

// failing are rows whose reader fails after the first batch of them.
func failing(t testing.TB, json string) array.RecordReader {
	return &source{RecordReader: jsonRows(t, keyed, json), before: func(n int) error {
		if n > 0 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}}
}
