package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// keyed are rows with two columns for keys, and one more.
var keyed = fields(null("a", arrow.PrimitiveTypes.Int64), null("b", arrow.BinaryTypes.String), null("v", arrow.PrimitiveTypes.Float64))

// keyCase is a full refresh and an append under some keys.
type keyCase struct {
	name string
	keys engines.Keys
	full string
	// appended is empty when the full refresh is all.
	appended string
	want     []string
	stats    engines.Stats // of the last write
	// wrong are parts of the message of the last write, which fails with kind.
	wrong []string
	kind  engines.Kind
}

func keyCases() []keyCase {
	a, b, ab := []string{"a"}, []string{"b"}, []string{"a", "b"}
	primary := func(c engines.Conflict) engines.Keys { return engines.Keys{Primary: a, Conflict: c, Target: a} }
	unique := func(c engines.Conflict) engines.Keys {
		return engines.Keys{Unique: [][]string{ab}, Conflict: c, Target: ab}
	}
	both := func(c engines.Conflict, target []string) engines.Keys {
		return engines.Keys{Primary: a, Unique: [][]string{b}, Plain: [][]string{{"v"}, ab}, Conflict: c, Target: target}
	}
	const one = `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":2}]`
	twice := []string{"primary_key (a)", "5"}
	const fives = `[{"a":5,"b":"p","v":5},{"a":6,"b":"q","v":6},{"a":5,"b":"p","v":5}]`
	const others = `[{"a":5,"b":"p","v":5},{"a":6,"b":"q","v":6},{"a":5,"b":"r","v":7}]`
	return []keyCase{
		{name: "no conflict", keys: primary(""), full: one, appended: `[{"a":3,"b":"x"}]`, want: []string{"|1|x|1", "|2|y|2", "|3|x|NULL"}, stats: engines.Stats{Written: 1, Rows: 3}},
		{name: "reject in full", keys: primary(""), full: fives, wrong: twice},
		{name: "reject what is there", keys: primary(""), full: one, appended: `[{"a":3},{"a":2}]`, wrong: []string{"primary_key (a)", "value 2"}},
		{name: "reject among the rows", keys: primary(""), full: one, appended: others, wrong: twice},
		{name: "null in full", keys: primary(""), full: `[{"a":1},{"b":"x"}]`, wrong: []string{`"a"`, "primary key"}},
		{name: "null in append", keys: primary("drop"), full: one, appended: `[{"a":3},{"b":"x"}]`, wrong: []string{`"a"`, "primary key"}},
		{name: "null in part", keys: engines.Keys{Primary: ab}, full: one, appended: `[{"a":3}]`, wrong: []string{`"b"`}},

		{name: "drop", keys: primary("drop"), full: one, appended: `[{"a":2,"b":"new"},{"a":3,"b":"new"}]`, want: []string{"|1|x|1", "|2|y|2", "|3|new|NULL"}, stats: engines.Stats{Written: 1, Dropped: 1, Rows: 3}},
		{name: "drop in full", keys: primary("drop"), full: fives, wrong: twice},
		{name: "drop among the rows", keys: primary("drop"), full: one, appended: others, wrong: twice},
		{name: "drop by any key", keys: both("drop", a), full: one, appended: `[{"a":2,"b":"p"},{"a":3,"b":"x"},{"a":1,"b":"y"},{"a":4,"b":"q"},{"a":5}]`, want: []string{"|1|x|1", "|2|y|2", "|4|q|NULL", "|5|NULL|NULL"}, stats: engines.Stats{Written: 2, Dropped: 3, Rows: 4}},

		{name: "upsert", keys: primary("upsert"), full: one, appended: `[{"a":2,"b":"new","v":9},{"a":3,"b":"new"}]`, want: []string{"|1|x|1", "|2|new|9", "|3|new|NULL"}, stats: engines.Stats{Written: 2, Rows: 3}},
		{name: "upsert all", keys: primary("upsert"), full: one, appended: `[{"a":2},{"a":1}]`, want: []string{"|1|NULL|NULL", "|2|NULL|NULL"}, stats: engines.Stats{Written: 2, Rows: 2}},
		{name: "upsert in full", keys: primary("upsert"), full: fives, wrong: twice},
		{name: "upsert among the rows", keys: primary("upsert"), full: one, appended: others, wrong: twice},
		{name: "upsert with other indexes", keys: both("upsert", a), full: one, appended: `[{"a":2,"b":"y","v":7},{"a":1,"b":"z","v":2},{"a":3}]`, want: []string{"|1|z|2", "|2|y|7", "|3|NULL|NULL"}, stats: engines.Stats{Written: 3, Rows: 3}},
		{name: "upsert by the other key", keys: both("upsert", b), full: one, appended: `[{"a":7,"b":"y"},{"a":8},{"a":9}]`, want: []string{"|1|x|1", "|7|y|NULL", "|8|NULL|NULL", "|9|NULL|NULL"}, stats: engines.Stats{Written: 3, Rows: 4}},
		{name: "upsert swaps values of another key", keys: both("upsert", a), full: one, appended: `[{"a":1,"b":"y"},{"a":2,"b":"x"}]`, want: []string{"|1|y|NULL", "|2|x|NULL"}, stats: engines.Stats{Written: 2, Rows: 2}},
		{name: "upsert against another key", keys: both("upsert", a), full: one, appended: `[{"a":1,"b":"y"}]`, wrong: []string{"(b)", "value y"}},
		{name: "upsert against another key among the rows", keys: both("upsert", a), full: one, appended: `[{"a":7,"b":"n"},{"a":8,"b":"n"}]`, wrong: []string{"(b)", "value n"}},

		{name: "dedup in full", keys: primary("upsert_dedup"), full: fives, want: []string{"|5|p|5", "|6|q|6"}, stats: engines.Stats{Written: 2, Dropped: 1, Rows: 2}},
		{name: "dedup of others in full", keys: primary("upsert_dedup"), full: others, wrong: twice},
		{name: "dedup", keys: primary("upsert_dedup"), full: `[{"a":5,"b":"old"}]`, appended: fives, want: []string{"|5|p|5", "|6|q|6"}, stats: engines.Stats{Written: 2, Dropped: 1, Rows: 2}},
		{name: "dedup with null", keys: primary("upsert_dedup"), full: one, appended: `[{"a":2},{"a":2},{"a":2}]`, want: []string{"|1|x|1", "|2|NULL|NULL"}, stats: engines.Stats{Written: 1, Dropped: 2, Rows: 2}},
		{name: "dedup of others", keys: primary("upsert_dedup"), full: one, appended: others, wrong: twice},

		{name: "last in full", keys: primary("upsert_dedup_by_row_id"), full: others, want: []string{"|5|r|7", "|6|q|6"}, stats: engines.Stats{Written: 2, Dropped: 1, Rows: 2}},
		{name: "last", keys: both("upsert_dedup_by_row_id", a), full: `[{"a":5,"b":"old"},{"a":7}]`, appended: others, want: []string{"|5|r|7", "|6|q|6", "|7|NULL|NULL"}, stats: engines.Stats{Written: 2, Dropped: 1, Rows: 3}},
		{name: "last against another key", keys: both("upsert_dedup_by_row_id", a), full: one, appended: `[{"a":5,"b":"p"},{"a":6,"b":"x"}]`, wrong: []string{"(b)", "value x"}},

		{name: "unique with nulls", keys: unique(""), full: `[{"a":1},{"a":1},{"b":"x"},{"b":"x"},{},{}]`, appended: `[{"a":1},{"b":"x"},{},{"a":1,"b":"x"}]`, want: []string{"|1|NULL|NULL", "|1|NULL|NULL", "|1|NULL|NULL", "|1|x|NULL", "|NULL|NULL|NULL", "|NULL|NULL|NULL", "|NULL|NULL|NULL", "|NULL|x|NULL", "|NULL|x|NULL", "|NULL|x|NULL"}, stats: engines.Stats{Written: 4, Rows: 10}},
		{name: "unique of two", keys: unique(""), full: one, appended: `[{"a":1,"b":"y"},{"a":2,"b":"y"}]`, wrong: []string{"(a, b)", "(2, y)"}},
		{name: "upsert of two", keys: unique("upsert"), full: one, appended: `[{"a":1,"b":"y","v":3},{"a":2,"b":"y","v":4},{"a":2,"v":5},{"a":2,"v":5}]`, want: []string{"|1|x|1", "|1|y|3", "|2|NULL|5", "|2|NULL|5", "|2|y|4"}, stats: engines.Stats{Written: 4, Rows: 5}},
		{name: "dedup with nulls in the key", keys: unique("upsert_dedup"), full: `[{"a":1},{"a":1},{"a":1,"b":"x"},{"a":1,"b":"x"}]`, want: []string{"|1|NULL|NULL", "|1|NULL|NULL", "|1|x|NULL"}, stats: engines.Stats{Written: 3, Dropped: 1, Rows: 3}},
		{name: "last with nulls in the key", keys: unique("upsert_dedup_by_row_id"), full: one, appended: `[{"a":1,"v":3},{"a":1,"v":4},{"a":1,"b":"x","v":5},{"a":1,"b":"x","v":6}]`, want: []string{"|1|NULL|3", "|1|NULL|4", "|1|x|6", "|2|y|2"}, stats: engines.Stats{Written: 3, Dropped: 1, Rows: 4}},
		{name: "plain", keys: engines.Keys{Plain: [][]string{a, b}}, full: fives, appended: fives, want: []string{"|5|p|5", "|5|p|5", "|5|p|5", "|5|p|5", "|6|q|6", "|6|q|6"}, stats: engines.Stats{Written: 3, Rows: 6}},
		{name: "the same key twice", keys: engines.Keys{Primary: ab, Unique: [][]string{{"b", "a"}}}, full: one, appended: `[{"a":1,"b":"y"}]`, want: []string{"|1|x|1", "|1|y|NULL", "|2|y|2"}, stats: engines.Stats{Written: 1, Rows: 3}},

		{name: "unknown column", keys: engines.Keys{Primary: []string{"none"}}, full: one, wrong: []string{`"none"`}, kind: engines.Invalid},
		{name: "target that is no key", keys: engines.Keys{Primary: a, Conflict: "upsert", Target: b}, full: one, wrong: []string{"(b)"}, kind: engines.Invalid},
		{name: "no key to drop by", keys: engines.Keys{Conflict: "drop", Target: a}, full: one, wrong: []string{"drop"}, kind: engines.Invalid},
	}
}

// sorted are the lines of a scan, as engines promise no order.
func sorted(t testing.TB, e engines.Engine) []string {
	t.Helper()
	got := lines(t, e, engines.Scan{})
	slices.Sort(got)
	return got
}

func testKeys(t *testing.T, h Harness) {
	for _, tt := range keyCases() {
		t.Run(tt.name, func(t *testing.T) {
			h = h.again(t)
			h.Keys = tt.keys
			e := h.Open(t)
			last := engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, tt.full), At: at()}
			var before []string
			if tt.appended != "" {
				if _, err := e.Write(t.Context(), last); err != nil {
					t.Fatal(err)
				}
				last.Rows.Release()
				before = sorted(t, e)
				last.Mode, last.Rows = engines.Append, jsonRows(t, keyed, tt.appended)
			}
			stats, err := e.Write(t.Context(), last)
			last.Rows.Release()
			if tt.wrong == nil {
				stats.Bytes = 0
				if err != nil || stats != tt.stats {
					t.Fatalf("stats %+v, %v, want %+v", stats, err, tt.stats)
				}
				if diff := cmp.Diff(tt.want, sorted(t, e)); diff != "" {
					t.Error(diff)
				}
				return
			}
			if tt.kind == "" {
				tt.kind = engines.Constraint
			}
			wantKind(t, err, tt.kind)
			for _, part := range tt.wrong {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %s", err, part)
				}
			}
			if before != nil {
				if diff := cmp.Diff(before, sorted(t, e)); diff != "" {
					t.Errorf("after the error: %s", diff)
				}
			}
			noTemp(t, h)
		})
	}
}

// keyTypes are three different values of each type of a key, and the first once more, written otherwise
// where that is possible.
func keyTypes() map[arrow.DataType][]string {
	whole := []string{"0", "1", "100"}
	out := map[arrow.DataType][]string{
		arrow.FixedWidthTypes.Boolean:                         {"false", "true"},
		arrow.PrimitiveTypes.Uint64:                           {"0", "9223372036854775807", "18446744073709551615", "9223372036854775808"},
		arrow.PrimitiveTypes.Int64:                            {"-9223372036854775808", "9007199254740993", "9007199254740992"},
		arrow.PrimitiveTypes.Float32:                          {"0", "0.5", "-0.5", `"NaN"`, `"+Inf"`},
		arrow.PrimitiveTypes.Float64:                          {"0", "0.1", "0.10000000000000002", `"NaN"`, `"-Inf"`},
		&arrow.Decimal128Type{Precision: 4, Scale: 2}:         {`"1.50"`, `"-1.50"`, `"15.00"`},
		&arrow.Decimal128Type{Precision: 38, Scale: 0}:        {`"1"`, `"99999999999999999999999999999999999998"`, `"99999999999999999999999999999999999999"`},
		arrow.BinaryTypes.String:                              {`""`, `"a"`, `"A"`, `"a "`, `"ä"`, `"a\u0000b"`, `"` + strings.Repeat("long ", 1000) + `"`},
		arrow.BinaryTypes.LargeString:                         {`"x"`, `"y"`},
		arrow.BinaryTypes.Binary:                              {`""`, `"AA=="`, `"AP8="`},
		arrow.BinaryTypes.LargeBinary:                         {`"AQ=="`, `"AQI="`},
		&arrow.FixedSizeBinaryType{ByteWidth: 2}:              {`"AP8="`, `"AAA="`},
		arrow.FixedWidthTypes.Date32:                          {`"1969-12-31"`, `"2026-01-01"`},
		arrow.FixedWidthTypes.Date64:                          {`"1969-12-31"`, `"2026-01-01"`},
		arrow.FixedWidthTypes.Time32ms:                        {`"00:00:00"`, `"00:00:00.001"`},
		arrow.FixedWidthTypes.Time64us:                        {`"00:00:00"`, `"23:59:59.999999"`},
		arrow.FixedWidthTypes.Timestamp_s:                     {`"1969-12-31T23:59:59Z"`, `"2026-01-01T00:00:00Z"`},
		&arrow.TimestampType{Unit: arrow.Millisecond}:         {`"1969-12-31T23:59:59.999"`, `"2026-01-01T00:00:00"`},
		&arrow.TimestampType{Unit: arrow.Microsecond}:         {`"1969-12-31T23:59:59.999999"`, `"2026-01-01T00:00:00"`},
		&arrow.TimestampType{Unit: arrow.Nanosecond}:          {`"1969-12-31T23:59:59.999999999"`, `"2026-01-01T00:00:00"`},
		&arrow.TimestampType{Unit: 2, TimeZone: "Asia/Tokyo"}: {`"1969-12-31T23:59:59.999999Z"`, `"2026-01-01T00:00:00Z"`},
	}
	for _, t := range []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32} {
		out[t] = whole
	}
	return out
}

// testKeyTypes has a primary key of each type: all values differ, each is found again, and replaced.
func testKeyTypes(t *testing.T, h Harness) {
	for typ, values := range keyTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			if h.Refused[typ.String()] {
				return
			}
			h = h.again(t)
			if h.Refused[NUL] {
				values = slices.DeleteFunc(values, func(v string) bool { return strings.Contains(v, `\u0000`) })
			}
			s := fields(null("k", typ), null("n", arrow.PrimitiveTypes.Int32))
			rowsOf := func(n string) string {
				all := make([]string, len(values))
				for i, v := range values {
					all[i] = `{"k":` + v + `,"n":` + n + `}`
				}
				return "[" + strings.Join(all, ",") + "]"
			}
			h.Keys = engines.Keys{Primary: []string{"k"}, Conflict: engines.ConflictUpsert, Target: []string{"k"}}
			e := h.Open(t)
			n := int64(len(values))
			for i, mode := range []engines.WriteMode{engines.Replace, engines.Append, engines.Append} {
				stats := apply(t, e, engines.Write{Mode: mode, Rows: jsonRows(t, s, rowsOf(string(rune('0'+i))))})
				if stats.Written != n || stats.Rows != n {
					t.Fatalf("%s: %+v", mode, stats)
				}
			}
			for _, l := range lines(t, e, engines.Scan{Columns: []string{"n"}}) {
				if l != "|2" {
					t.Errorf("a row of write %s is left", l)
				}
			}
			for _, v := range values {
				r := jsonRows(t, s, `[{"k":`+v+`},{"k":`+v+`}]`)
				_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: at()})
				r.Release()
				wantKind(t, err, engines.Constraint)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if !h.lasts() {
				return
			}
			h.Keys.Conflict = engines.ConflictReject
			e = h.Open(t)
			for _, v := range values {
				r := jsonRows(t, s, `[{"k":`+v+`}]`)
				_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: at()})
				r.Release()
				wantKind(t, err, engines.Constraint)
			}
		})
	}
	for _, typ := range []arrow.DataType{arrow.ListOf(arrow.PrimitiveTypes.Int8), arrow.Null, arrow.StructOf(null("x", arrow.PrimitiveTypes.Int8))} {
		h.Keys = engines.Keys{Plain: [][]string{{"k"}}}
		h = h.again(t)
		r := jsonRows(t, fields(null("k", typ)), `[{"k":null}]`)
		_, err := h.Open(t).Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: r, At: at()})
		r.Release()
		if wantKind(t, err, engines.Invalid); !strings.Contains(err.Error(), `"k"`) {
			t.Errorf("%v does not name the column", err)
		}
	}
}

// testKeysChange changes the keys of a dataset between two lives.
func testKeysChange(t *testing.T, h Harness) {
	life := func(k engines.Keys, f func(e engines.Engine)) {
		t.Helper()
		h.Keys = k
		e := h.Open(t)
		f(e)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	add := func(e engines.Engine, mode engines.WriteMode, text string) error {
		r := jsonRows(t, keyed, text)
		defer r.Release()
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: at()})
		return err
	}
	a, b := []string{"a"}, []string{"b"}
	life(engines.Keys{}, func(e engines.Engine) {
		if err := add(e, engines.Replace, `[{"a":1,"b":"x"},{"a":2,"b":"y"}]`); err != nil {
			t.Error(err)
		}
	})
	upsert := engines.Keys{Primary: a, Unique: [][]string{b}, Plain: [][]string{{"v"}}, Conflict: engines.ConflictUpsert, Target: a}
	life(upsert, func(e engines.Engine) { // keys that the file does not know yet
		if err := add(e, engines.Append, `[{"a":2,"b":"z"},{"a":3}]`); err != nil {
			t.Error(err)
		}
		wantKind(t, add(e, engines.Append, `[{"a":4,"b":"x"}]`), engines.Constraint)
		if diff := cmp.Diff([]string{"|1|x|NULL", "|2|z|NULL", "|3|NULL|NULL"}, sorted(t, e)); diff != "" {
			t.Error(diff)
		}
		if err := add(e, engines.Replace, `[{"a":1,"b":"x"},{"a":2,"b":"y"}]`); err != nil {
			t.Error(err)
		}
	})
	life(engines.Keys{Unique: [][]string{b}}, func(e engines.Engine) { // another one
		if err := add(e, engines.Append, `[{"a":3,"b":"z"}]`); err != nil {
			t.Error(err)
		}
		wantKind(t, add(e, engines.Append, `[{"a":5,"b":"z"}]`), engines.Constraint)
	})
	life(engines.Keys{}, func(e engines.Engine) { // the file knows keys that are none any more
		err := add(e, engines.Append, `[{"a":1,"b":"x"}]`)
		if err != nil {
			wantKind(t, err, engines.Constraint)
		}
		if err := add(e, engines.Replace, `[{"a":1,"b":"x"},{"a":1,"b":"x"}]`); err != nil {
			t.Error(err)
		}
	})
	life(upsert, func(e engines.Engine) { // what is there violates the keys
		err := add(e, engines.Append, `[{"a":7,"b":"q"}]`)
		if err != nil {
			wantKind(t, err, engines.Constraint)
		}
		if err := add(e, engines.Replace, `[{"a":1,"b":"x"}]`); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"|1|x|NULL"}, sorted(t, e)); diff != "" {
			t.Error(diff)
		}
	})
}

// testKeysReshape upserts rows with other columns.
func testKeysReshape(t *testing.T, h Harness) {
	a := []string{"a"}
	h.Keys = engines.Keys{Primary: a, Plain: [][]string{{"v"}}, Conflict: engines.ConflictUpsert, Target: a}
	e := h.Open(t)
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, keyed, `[{"a":1,"b":"x","v":1},{"a":2,"b":"y","v":2}]`)})
	to := fields(keyed.Field(0), keyed.Field(2), colL)
	stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, fields(keyed.Field(0), colL), `[{"a":2,"l":[1]},{"a":3,"l":[]}]`),
		Schema: to, Evict: engines.Compare{Column: "a", Op: engines.Eq, Value: int64(1)}})
	if stats.Bytes = 0; stats != (engines.Stats{Written: 2, Evicted: 1, Rows: 2}) {
		t.Errorf("%+v", stats)
	}
	if diff := cmp.Diff([]string{"|2|NULL|[1]", "|3|NULL|[]"}, sorted(t, e)); diff != "" {
		t.Error(diff)
	}
	without := jsonRows(t, fields(keyed.Field(2)), `[{"v":1}]`)
	_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: without, Schema: fields(keyed.Field(2), colL), At: at()})
	without.Release()
	if wantKind(t, err, engines.Invalid); !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("%v does not name the column", err)
	}
	r := jsonRows(t, to, `[{"a":2,"v":1},{"a":2,"v":2}]`)
	_, err = e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: at()})
	r.Release()
	wantKind(t, err, engines.Constraint)
}
