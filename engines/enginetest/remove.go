package enginetest

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/keys"
)

// ids are rows with the ids from first, and nothing else.
func ids(first, n int64) arrow.RecordBatch {
	b := batch(0, first, n)
	defer b.Release()
	return array.NewRecordBatch(arrow.NewSchema(b.Schema().Fields()[:1], nil), b.Columns()[:1], n)
}

// among are rows to look for.
func among(t testing.TB, s *arrow.Schema, json string, once bool) engines.Among {
	t.Helper()
	r := jsonRows(t, s, json)
	defer r.Release()
	if !r.Next() {
		t.Fatal("no rows")
	}
	b := r.RecordBatch()
	b.Retain()
	t.Cleanup(b.Release)
	return engines.Among{Rows: b, Once: once}
}

// removeCase is one write that takes rows away.
type removeCase struct {
	name   string
	keys   engines.Keys
	remove engines.Predicate
	added  string
	keyed  bool
	want   []string
	stats  engines.Stats
}

func removeCases(t testing.TB) []removeCase {
	a, ab := fields(keyed.Field(0)), fields(keyed.Field(0), keyed.Field(1))
	primary := engines.Keys{Primary: []string{"a"}}
	two := []string{"a", "b"}
	return []removeCase{
		{name: "none of them", remove: among(t, a, `[{"a":7}]`, false), added: `[{"a":9}]`,
			want: []string{"|1|x|1", "|2|y|2", "|3|NULL|3", "|9|NULL|NULL"}, stats: engines.Stats{Written: 1, Rows: 4}},
		{name: "delete", keys: primary, remove: among(t, a, `[{"a":1},{"a":3},{"a":8}]`, false), added: `[]`, keyed: true,
			want: []string{"|2|y|2"}, stats: engines.Stats{Removed: 2, Rows: 1}},
		{name: "upsert and delete", keys: primary, remove: among(t, a, `[{"a":1},{"a":3},{"a":8}]`, false), added: `[{"a":1,"b":"new"},{"a":8,"v":8}]`, keyed: true,
			want: []string{"|1|new|NULL", "|2|y|2", "|8|NULL|8"}, stats: engines.Stats{Removed: 2, Written: 2, Rows: 3}},
		{name: "twice in the list", keys: primary, remove: among(t, a, `[{"a":1},{"a":1}]`, false), added: `[{"a":1}]`, keyed: true,
			want: []string{"|1|NULL|NULL", "|2|y|2", "|3|NULL|3"}, stats: engines.Stats{Removed: 1, Written: 1, Rows: 3}},
		{name: "on_conflict is for others", keys: engines.Keys{Primary: []string{"a"}, Conflict: engines.ConflictUpsert, Target: []string{"a"}},
			remove: among(t, a, `[{"a":2}]`, false), added: `[{"a":2,"b":"z"}]`, keyed: true,
			want: []string{"|1|x|1", "|2|z|NULL", "|3|NULL|3"}, stats: engines.Stats{Removed: 1, Written: 1, Rows: 3}},
		{name: "composite with NULL", remove: among(t, ab, `[{"a":3},{"a":1,"b":"x"},{"a":2}]`, false), added: `[]`,
			want: []string{"|2|y|2"}, stats: engines.Stats{Removed: 2, Rows: 1}},
		{name: "composite key", keys: engines.Keys{Primary: two[:1], Unique: [][]string{two}}, remove: among(t, ab, `[{"a":1,"b":"x"},{"a":2,"b":"x"}]`, false), added: `[{"a":1,"b":"q"}]`,
			want: []string{"|1|q|NULL", "|2|y|2", "|3|NULL|3"}, stats: engines.Stats{Removed: 1, Written: 1, Rows: 3}},
		{name: "truncate", keys: primary, remove: engines.And{}, added: `[{"a":1,"b":"again"}]`, keyed: true,
			want: []string{"|1|again|NULL"}, stats: engines.Stats{Removed: 3, Written: 1, Rows: 1}},
		{name: "truncate and nothing", remove: engines.And{}, added: `[]`, want: nil, stats: engines.Stats{Removed: 3}},
		{name: "condition", remove: engines.Compare{Column: "v", Op: engines.Ge, Value: 2.0}, added: `[{"a":4}]`,
			want: []string{"|1|x|1", "|4|NULL|NULL"}, stats: engines.Stats{Removed: 2, Written: 1, Rows: 2}},
	}
}

// testRemove applies writes that take rows away, onto the same three rows.
func testRemove(t *testing.T, h Harness) {
	for _, tt := range removeCases(t) {
		t.Run(tt.name, func(t *testing.T) {
			h = h.again(t)
			h.Keys = engines.Keys{}
			e := h.Open(t)
			e.(engines.Rekeyer).SetKeys(tt.keys)
			apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":2},{"a":3,"v":3}]`), Remove: tt.remove, Keyed: tt.keyed})
			stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, tt.added), Remove: tt.remove, Keyed: tt.keyed, State: []byte("1")})
			if stats.Bytes = 0; stats != tt.stats {
				t.Errorf("stats %+v, want %+v", stats, tt.stats)
			}
			if diff := cmp.Diff(tt.want, sorted(t, e)); diff != "" {
				t.Error(diff)
			}
			if cp, err := e.Checkpoint(t.Context()); err != nil || string(cp.State) != "1" {
				t.Errorf("%+v, %v", cp, err)
			}
			if h.lasts() {
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				h.Keys = tt.keys
				if diff := cmp.Diff(tt.want, sorted(t, h.Open(t))); diff != "" {
					t.Errorf("after opening again: %s", diff)
				}
			}
		})
	}
	t.Run("once each", func(t *testing.T) {
		h = h.again(t)
		h.Keys = engines.Keys{}
		e := h.Open(t)
		apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, `[{"a":1},{"a":1},{"a":1},{"a":1,"b":"x"},{"b":"x"},{"b":"x"}]`)})
		stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, keyed, `[{"a":1}]`),
			Remove: among(t, keyed, `[{"a":1},{"a":1},{"b":"x"},{"a":1,"v":0}]`, true)})
		if stats.Bytes = 0; stats != (engines.Stats{Removed: 3, Written: 1, Rows: 4}) {
			t.Errorf("%+v", stats)
		}
		if diff := cmp.Diff([]string{"|1|NULL|NULL", "|1|NULL|NULL", "|1|x|NULL", "|NULL|x|NULL"}, sorted(t, e)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a wrong type", func(t *testing.T) {
		h = h.again(t)
		e := h.Open(t)
		apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, `[{"a":1}]`)})
		for _, p := range []engines.Among{
			among(t, fields(null("a", arrow.BinaryTypes.String)), `[{"a":"1"}]`, false),
			among(t, fields(null("none", arrow.BinaryTypes.String)), `[{"none":"1"}]`, false)} {
			r := jsonRows(t, keyed, `[{"a":2}]`)
			_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, Remove: p, At: at()})
			r.Release()
			if err == nil {
				t.Error("rows of another type were looked for")
			}
		}
		if diff := cmp.Diff([]string{"|1|NULL|NULL"}, sorted(t, e)); diff != "" {
			t.Error(diff)
		}
	})
}

// testRemoveTypes finds rows by a key of each type.
func testRemoveTypes(t *testing.T, h Harness) {
	for typ, values := range keyTypes() {
		if h.Refused[typ.String()] {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			h = h.again(t)
			s := fields(null("k", typ))
			v := values[1]
			e := h.Open(t)
			apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, s, `[{"k":`+values[0]+`},{"k":`+v+`},{"k":null},{"k":null}]`)})
			for _, once := range []bool{false, true} {
				removed := int64(1)
				for _, list := range []string{`[{"k":` + v + `}]`, `[{"k":` + v + `},{"k":null}]`} {
					stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, s, `[{"k":`+v+`}]`), Remove: among(t, s, list, once)})
					if stats.Removed != removed {
						t.Errorf("once %t: %s removed %d rows, want %d", once, list, stats.Removed, removed)
					}
					removed = 3
					if once {
						removed = 2
					}
				}
				apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, s, `[{"k":null},{"k":null}]`)})
			}
		})
	}
}

// testRemoveReshape takes rows away in a write that changes the columns, and refuses what can't be.
func testRemoveReshape(t *testing.T, h Harness) {
	h.Keys = engines.Keys{Primary: []string{"a"}}
	e := h.Open(t)
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":2}]`)})
	wide := fields(append(keyed.Fields(), null("w", arrow.PrimitiveTypes.Int64))...)
	stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, wide, `[{"a":2,"w":5},{"a":3,"w":6}]`), Schema: wide,
		Remove: among(t, fields(keyed.Field(0)), `[{"a":2},{"a":3}]`, false), Keyed: true})
	if stats.Bytes = 0; stats != (engines.Stats{Removed: 1, Written: 2, Rows: 3}) {
		t.Errorf("%+v", stats)
	}
	if diff := cmp.Diff([]string{"|1|x|1|NULL", "|2|NULL|NULL|5", "|3|NULL|NULL|6"}, sorted(t, e)); diff != "" {
		t.Error(diff)
	}
}

// remove picks rows to take away: by a condition, or equal to some in all columns or a few.
func (m *model) remove() engines.Predicate {
	if m.rng.IntN(4) == 0 {
		return m.predicate(2)
	}
	b := m.batch(m.rng.IntN(10))
	defer b.Release()
	if m.rng.IntN(3) == 0 {
		b.Retain()
		return engines.Among{Rows: b, Once: true} // which of several rows goes does not matter when they are equal
	}
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range b.Schema().Fields() {
		if m.rng.IntN(4) == 0 {
			fields, columns = append(fields, f), append(columns, b.Column(i))
		}
	}
	return engines.Among{Rows: array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, b.NumRows())}
}

// distinct are rows of a batch no two of which have one primary key.
func (m *model) distinct(t *testing.T, b arrow.RecordBatch) arrow.RecordBatch {
	t.Helper()
	encoder, seen := keys.NewEncoder(b, m.h.Keys.Primary), map[string]bool{}
	var rows []int
	for i := range int(b.NumRows()) {
		if key, _ := encoder.Key(i); !seen[string(key)] {
			seen[string(key)], rows = true, append(rows, i)
		}
	}
	out, err := convert.Take(b, rows)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// changed are the primary keys of rows, and some more.
func (m *model) changed(t *testing.T, b arrow.RecordBatch) engines.Predicate {
	t.Helper()
	more := m.batch(m.rng.IntN(10))
	defer more.Release()
	var fields []arrow.Field
	var columns []arrow.Array
	for _, name := range m.h.Keys.Primary {
		at := b.Schema().FieldIndices(name)[0]
		both, err := array.Concatenate([]arrow.Array{b.Column(at), more.Column(at)}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		fields, columns = append(fields, b.Schema().Field(at)), append(columns, both)
	}
	return engines.Among{Rows: array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, b.NumRows()+more.NumRows())}
}
