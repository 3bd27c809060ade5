package enginetest

import (
	"context"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/schemajson"
)

// jsonRows reads rows of a schema.
func jsonRows(t testing.TB, s *arrow.Schema, text string) array.RecordReader {
	t.Helper()
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{b})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func fields(all ...arrow.Field) *arrow.Schema { return arrow.NewSchema(all, nil) }

func null(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

var (
	colID = arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}
	colA  = null("a", arrow.BinaryTypes.String)
	colB  = null("b", &arrow.Decimal128Type{Precision: 8, Scale: 2})
	colTS = null("at", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Berlin"})
	colL  = null("l", arrow.ListOf(arrow.PrimitiveTypes.Int16))
)

// testReshape appends rows with other columns.
func testReshape(t *testing.T, h Harness) {
	e := h.Open(t)
	check := func(e engines.Engine, s *arrow.Schema, want ...string) {
		t.Helper()
		info, err := e.Info(t.Context())
		if err != nil || !info.Schema.Equal(s) || info.Rows != int64(len(want)) {
			t.Fatalf("info %+v, %v, want %s", info, err, s)
		}
		if diff := cmp.Diff(want, lines(t, e, engines.Scan{})); diff != "" {
			t.Fatal(diff)
		}
		text, err := schemajson.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if cp, err := e.Checkpoint(t.Context()); err != nil || cp.SchemaJSON != string(text) || string(cp.State) != "state" {
			t.Fatalf("checkpoint %+v, %v", cp, err)
		}
	}
	do := func(s, to *arrow.Schema, text string, want engines.Stats) {
		t.Helper()
		got := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, s, text), Schema: to, State: []byte("state")})
		if want.Bytes = got.Bytes; got != want || got.Bytes <= 0 {
			t.Fatalf("stats %+v, want %+v", got, want)
		}
	}
	first := fields(colID, colA)
	do(first, first, `[{"id":1,"a":"x"},{"id":2,"a":null}]`, engines.Stats{Written: 2, Rows: 2}) // onto nothing
	check(e, first, "|1|x", "|2|NULL")
	old, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}

	more := fields(colID, colA, colB, colTS, colL) // new columns
	do(fields(colID, colB, colL, colA, colTS), more, `[{"id":3,"b":"1.50","l":[1,null],"at":"2026-01-01T00:00:00Z"}]`, engines.Stats{Written: 1, Rows: 3})
	at := "2026-01-01T01:00:00+01:00"
	check(e, more, "|1|x|NULL|NULL|NULL", "|2|NULL|NULL|NULL|NULL", "|3|NULL|1.5|"+at+"|[1,null]")

	do(fields(colID), more, `[{"id":4}]`, engines.Stats{Written: 1, Rows: 4}) // the rows lack columns
	check(e, more, "|1|x|NULL|NULL|NULL", "|2|NULL|NULL|NULL|NULL", "|3|NULL|1.5|"+at+"|[1,null]", "|4|NULL|NULL|NULL|NULL")

	other := null("A2", arrow.PrimitiveTypes.Uint64)
	less := fields(colB, colID, other) // dropped, added and moved at once
	do(fields(colID, other, colB), less, `[{"id":5,"A2":18446744073709551615,"b":"-3.00"}]`, engines.Stats{Written: 1, Rows: 5})
	want := []string{"|NULL|1|NULL", "|NULL|2|NULL", "|1.5|3|NULL", "|NULL|4|NULL", "|-3|5|18446744073709551615"}
	check(e, less, want...)
	do(less, nil, `[]`, engines.Stats{Rows: 5})
	check(e, less, want...)

	if n := count(t, old); n != 2 || !old.Schema().Equal(first) {
		t.Errorf("the old reader saw %d rows of %s", n, old.Schema())
	}
	old.Release()
	if h.lasts() {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = h.Open(t)
		check(e, less, want...)
	}
	evict := engines.Compare{Column: "id", Op: engines.Lt, Value: int64(4)}
	stats := apply(t, e, engines.Write{Mode: engines.Append, Rows: jsonRows(t, first, `[{"id":0},{"id":6}]`), Schema: first, Evict: evict, State: []byte("state")})
	if stats.Written != 2 || stats.Evicted != 4 || stats.Rows != 3 {
		t.Errorf("stats %+v", stats)
	}
	check(e, first, "|4|NULL", "|5|NULL", "|6|NULL")
	noTemp(t, h)
}

func count(t testing.TB, r array.RecordReader) (n int64) {
	t.Helper()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return n
}

// testReshapeErrors leaves the columns as they were.
func testReshapeErrors(t *testing.T, h Harness) {
	e := h.Open(t)
	first := fields(colID, colA)
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: jsonRows(t, first, `[{"id":1,"a":"x"}]`)})
	required := arrow.Field{Name: "r", Type: arrow.PrimitiveTypes.Int8}
	wrong := null("a", arrow.PrimitiveTypes.Int8)
	union := null("u", arrow.SparseUnionOf([]arrow.Field{null("x", arrow.PrimitiveTypes.Int8)}, []arrow.UnionTypeCode{0}))
	tests := map[string]struct {
		rows *arrow.Schema
		text string
		to   *arrow.Schema
		kind engines.Kind
		name string
	}{
		"new and not null":   {fields(colID, colA, required), `[{"id":2,"r":1}]`, fields(colID, colA, required), engines.Schema, `"r"`},
		"lacks a not null":   {fields(colA), `[{"a":"y"}]`, fields(colID, colA), engines.Schema, `"id"`},
		"another type there": {fields(colID, wrong), `[{"id":2,"a":1}]`, fields(colID, wrong), engines.Schema, `"a"`},
		"another type here":  {fields(colID, wrong), `[{"id":2,"a":1}]`, fields(colID, colA, colB), engines.Schema, `"a"`},
		"unsupported":        {fields(colID), `[{"id":2}]`, fields(colID, colA, union), engines.Invalid, `"u"`},
	}
	for name, tt := range tests {
		r := jsonRows(t, tt.rows, tt.text)
		_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, Schema: tt.to, At: at()})
		r.Release()
		wantKind(t, err, tt.kind)
		if !strings.Contains(err.Error(), tt.name) {
			t.Errorf("%s: %v does not name %s", name, err, tt.name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	src := &source{RecordReader: jsonRows(t, fields(colID, colB), `[{"id":2}]`), before: func(int) error { cancel(); return nil }}
	_, err := e.Write(ctx, engines.Write{Mode: engines.Append, Rows: src, Schema: fields(colID, colB), At: at()})
	src.Release()
	wantKind(t, err, engines.Canceled)
	if diff := cmp.Diff([]string{"|1|x"}, lines(t, e, engines.Scan{})); diff != "" {
		t.Error(diff)
	}
	noTemp(t, h)
}
