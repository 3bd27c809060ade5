package enginetest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

func testScan(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 20, 6))
	tests := map[string]struct {
		scan engines.Scan
		want []string
	}{
		"projection, order": {engines.Scan{Columns: []string{"s", "id"}, Limit: 3}, []string{"|NULL|0", "|row 1|1", "|row 2|2"}},
		"limit 0 is none":   {engines.Scan{Columns: []string{"id"}, Where: engines.Compare{Column: "id", Op: engines.Lt, Value: int64(2)}}, []string{"|0", "|1"}},
		"limit over batches": {
			engines.Scan{Columns: []string{"id"}, Where: engines.Compare{Column: "id", Op: engines.Gt, Value: int64(4)}, Limit: 3},
			[]string{"|5", "|6", "|7"},
		},
		"filter on a column not read": {engines.Scan{Columns: []string{"gen"}, Where: engines.Compare{Column: "s", Op: engines.Eq, Value: "row 3"}}, []string{"|1"}},
		"limit above":                 {engines.Scan{Columns: []string{"id"}, Where: engines.Compare{Column: "id", Op: engines.Ge, Value: int64(19)}, Limit: 100}, []string{"|19"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(t, e, tt.scan)); diff != "" {
				t.Error(diff)
			}
		})
	}
	r, err := e.Query(t.Context(), engines.Scan{Columns: []string{"ts", "id"}})
	if err != nil {
		t.Fatal(err)
	}
	want := arrow.NewSchema([]arrow.Field{schema().Field(4), schema().Field(0)}, nil)
	if !r.Schema().Equal(want) {
		t.Errorf("schema %s", r.Schema())
	}
	r.Release()
	_, err = e.Query(t.Context(), engines.Scan{Columns: []string{"none"}})
	wantKind(t, err, engines.NotFound)
	_, err = e.Query(t.Context(), engines.Scan{Where: engines.IsNull{Column: "none"}})
	wantKind(t, err, engines.NotFound)
	_, err = e.Query(t.Context(), engines.Scan{Where: engines.Compare{Column: "id", Op: "~", Value: int64(1)}})
	wantKind(t, err, engines.Invalid)
	_, err = e.Query(t.Context(), engines.Scan{Where: engines.Compare{Column: "s", Op: engines.Eq, Value: int64(1)}})
	wantKind(t, err, engines.Invalid)
}

// mixed is a small table with every type that predicates can compare; row 3 is all NULL.
func mixed(t testing.TB, h Harness) array.RecordReader {
	t.Helper()
	f := func(name string, typ arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: true}
	}
	s := arrow.NewSchema([]arrow.Field{
		{Name: "row", Type: arrow.PrimitiveTypes.Int32},
		f("b", arrow.FixedWidthTypes.Boolean), f("i", arrow.PrimitiveTypes.Int16), f("u", arrow.PrimitiveTypes.Uint64),
		f("f", arrow.PrimitiveTypes.Float64), f("d", &arrow.Decimal128Type{Precision: 10, Scale: 2}), f("s", arrow.BinaryTypes.String),
		f("x", arrow.BinaryTypes.Binary), f("day", arrow.FixedWidthTypes.Date32), f("t", arrow.FixedWidthTypes.Time64us),
		f("sec", &arrow.TimestampType{Unit: arrow.Second}), f("ns", &arrow.TimestampType{Unit: arrow.Nanosecond}),
		f("tz", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "Europe/Berlin"}),
	}, nil)
	const text = `[
	{"row":0,"b":false,"i":-5,"u":0,"f":-1.5,"d":"-3.50","s":"","x":"","day":"1969-12-31","t":"00:00:00","sec":"1969-12-31T23:59:59","ns":"1970-01-01T00:00:00.000000001","tz":"1970-01-01T00:00:00Z"},
	{"row":1,"b":true,"i":0,"u":9223372036854775807,"f":0,"d":"0.07","s":"a","x":"AA==","day":"1970-01-01","t":"12:30:00.000001","sec":"1970-01-01T00:00:00","ns":"2026-01-01T00:00:00.123456789","tz":"2026-06-01T00:00:00.001Z"},
	{"row":2,"b":true,"i":32767,"u":18446744073709551615,"f":100.25,"d":"99999999.99","s":"ä'\"","x":"/w==","day":"2026-09-24","t":"23:59:59.999999","sec":"2026-09-24T05:06:07","ns":"2026-09-24T05:06:07","tz":"2026-09-24T05:06:07Z"},
	{"row":3},
	{"row":4,"b":false,"i":10,"u":9223372036854775808,"f":10,"d":"10.00","s":"b","x":"AAE=","day":"2000-02-29","t":"06:00:00","sec":"2000-02-29T00:00:00","ns":"2000-02-29T00:00:00","tz":"2000-02-29T00:00:00Z"}]`
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, stringReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	var kept []arrow.Field
	var columns []arrow.Array
	for i, f := range s.Fields() {
		if !h.Refused[f.Type.String()] {
			kept, columns = append(kept, f), append(columns, b.Column(i))
		}
	}
	some := array.NewRecordBatch(arrow.NewSchema(kept, nil), columns, b.NumRows())
	defer some.Release()
	r, err := array.NewRecordReader(some.Schema(), []arrow.RecordBatch{some})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testPredicates(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, mixed(t, h))
	for _, tt := range predicates(h) {
		t.Run(tt.name, func(t *testing.T) {
			got := lines(t, e, engines.Scan{Columns: []string{"row"}, Where: tt.where})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type predicateCase struct {
	name  string
	where engines.Predicate
	want  []string
}

func predicates(h Harness) []predicateCase {
	c := func(col string, op engines.Op, v any) engines.Predicate {
		return engines.Compare{Column: col, Op: op, Value: v}
	}
	day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	all := []string{"|0", "|1", "|2", "|4"}
	var none []string
	null := engines.IsNull{Column: "i"}
	cases := []predicateCase{
		{"true", engines.And{}, []string{"|0", "|1", "|2", "|3", "|4"}},
		{"false", engines.Or{}, none},
		{"is null", null, []string{"|3"}},
		{"is not null", engines.Not{Of: null}, all},
		{"not of null is null", engines.Not{Of: c("i", engines.Eq, int64(0))}, []string{"|0", "|2", "|4"}},
		{"null and false", engines.And{c("i", engines.Eq, int64(0)), engines.Or{}}, none},
		{"not (null and false)", engines.Not{Of: engines.And{c("i", engines.Eq, int64(0)), engines.Or{}}}, []string{"|0", "|1", "|2", "|3", "|4"}},
		{"null or true", engines.Or{c("i", engines.Eq, int64(0)), null}, []string{"|1", "|3"}},
		{"not (null or x)", engines.Not{Of: engines.Or{c("i", engines.Lt, int64(0)), c("f", engines.Gt, 50.0)}}, []string{"|1", "|4"}},
		{"bool", c("b", engines.Eq, true), []string{"|1", "|2"}},
		{"bool order", c("b", engines.Lt, true), []string{"|0", "|4"}},
		{"int ge", c("i", engines.Ge, int64(0)), []string{"|1", "|2", "|4"}},
		{"int between ints", c("i", engines.Gt, 9.5), []string{"|2", "|4"}},
		{"int equals fraction", c("i", engines.Eq, 9.5), none},
		{"not int equals fraction", engines.Not{Of: c("i", engines.Eq, 9.5)}, all},
		{"int above its range", c("i", engines.Lt, int64(1_000_000)), all},
		{"int below its range", c("i", engines.Le, int64(-1_000_000)), none},
		{"int against NaN", c("i", engines.Lt, math.NaN()), all},
		{"int against -inf", c("i", engines.Gt, math.Inf(-1)), all},
		{"uint64 high", c("u", engines.Gt, uint64(math.MaxInt64)), []string{"|2", "|4"}},
		{"uint64 equal", c("u", engines.Eq, uint64(math.MaxUint64)), []string{"|2"}},
		{"uint64 against negative", c("u", engines.Gt, int64(-1)), all},
		{"uint64 le", c("u", engines.Le, uint64(1<<63)), []string{"|0", "|1", "|4"}},
		{"float", c("f", engines.Le, 0.0), []string{"|0", "|1"}},
		{"float against int", c("f", engines.Eq, int64(10)), []string{"|4"}},
		{"float ne", c("f", engines.Ne, 10.0), []string{"|0", "|1", "|2"}},
		{"decimal text", c("d", engines.Eq, "0.07"), []string{"|1"}},
		{"decimal order", c("d", engines.Gt, int64(9)), []string{"|2", "|4"}},
		{"decimal between", c("d", engines.Ge, "9.999"), []string{"|2", "|4"}},
		{"decimal above", c("d", engines.Lt, 1e12), all},
		{"decimal negative", c("d", engines.Lt, "-3.4999"), []string{"|0"}},
		{"string", c("s", engines.Gt, "a"), []string{"|2", "|4"}},
		{"string quotes", c("s", engines.Eq, `ä'"`), []string{"|2"}},
		{"string empty", c("s", engines.Eq, ""), []string{"|0"}},
		{"string with NUL", c("s", engines.Lt, "a\x00"), []string{"|0", "|1"}},
		{"binary", c("x", engines.Eq, []byte{0xff}), []string{"|2"}},
		{"binary order", c("x", engines.Ge, []byte{0, 1}), []string{"|2", "|4"}},
		{"binary empty", c("x", engines.Eq, []byte{}), []string{"|0"}},
		{"date", c("day", engines.Lt, day(1970, 1, 1)), []string{"|0"}},
		{"date in the day", c("day", engines.Ge, day(1970, 1, 1).Add(time.Hour)), []string{"|2", "|4"}},
		{"date text", c("day", engines.Eq, "2000-02-29"), []string{"|4"}},
		{"time of day", c("t", engines.Gt, "12:30:00"), []string{"|1", "|2"}},
		{"time of day, micros", c("t", engines.Eq, "23:59:59.999999"), []string{"|2"}},
		{"seconds", c("sec", engines.Ge, day(1970, 1, 1)), []string{"|1", "|2", "|4"}},
		{"seconds finer", c("sec", engines.Gt, day(1970, 1, 1).Add(-500*time.Millisecond)), []string{"|1", "|2", "|4"}},
		{"seconds finer eq", c("sec", engines.Eq, day(1970, 1, 1).Add(1)), none},
		{"seconds finer ne", c("sec", engines.Ne, day(1970, 1, 1).Add(1)), all},
		{"nanoseconds", c("ns", engines.Eq, time.Date(2026, 1, 1, 0, 0, 0, 123456789, time.UTC)), []string{"|1"}},
		{"nanoseconds lt", c("ns", engines.Lt, day(1970, 1, 1).Add(2)), []string{"|0"}},
		{"nanoseconds year 3000", c("ns", engines.Lt, day(3000, 1, 1)), all},
		{"zone", c("tz", engines.Eq, time.Date(2026, 6, 1, 2, 0, 0, 1e6, time.FixedZone("", 7200))), []string{"|1"}},
		{"zone lt", c("tz", engines.Lt, day(2001, 1, 1)), []string{"|0", "|4"}},
	}
	return slices.DeleteFunc(cases, func(p predicateCase) bool {
		compare, ok := p.where.(engines.Compare)
		return ok && compare.Column == "ns" && h.Refused["timestamp[ns]"]
	})
}

func testDelete(t *testing.T, h Harness) {
	for _, tt := range predicates(h) {
		t.Run(tt.name, func(t *testing.T) {
			h = h.again(t)
			e := h.Open(t)
			write(t, e, engines.Replace, mixed(t, h))
			n, err := e.Delete(t.Context(), tt.where)
			if err != nil || n != int64(len(tt.want)) {
				t.Fatalf("deleted %d, %v, want %d", n, err, len(tt.want))
			}
			gone := map[string]bool{}
			for _, l := range tt.want {
				gone[l] = true
			}
			var want []string
			for _, l := range []string{"|0", "|1", "|2", "|3", "|4"} {
				if !gone[l] {
					want = append(want, l)
				}
			}
			if diff := cmp.Diff(want, lines(t, e, engines.Scan{Columns: []string{"row"}})); diff != "" {
				t.Error(diff)
			}
			if info, err := e.Info(t.Context()); err != nil || info.Rows != int64(len(want)) {
				t.Errorf("info %+v, %v", info, err)
			}
		})
	}
}

func testWatermarks(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, mixed(t, h))
	utc := func(y, m, d, hh, mm, ss, ns int) time.Time {
		return time.Date(y, time.Month(m), d, hh, mm, ss, ns, time.UTC)
	}
	want := map[string]any{
		"i": int64(32767), "u": uint64(math.MaxUint64), "f": 100.25, "d": "99999999.99", "s": `ä'"`,
		"day": utc(2026, 9, 24, 0, 0, 0, 0), "t": "23:59:59.999999", "sec": utc(2026, 9, 24, 5, 6, 7, 0),
		"ns": utc(2026, 9, 24, 5, 6, 7, 0), "tz": utc(2026, 9, 24, 5, 6, 7, 0),
	}
	if h.Refused["timestamp[ns]"] {
		delete(want, "ns")
	}
	for column, v := range want {
		m, err := e.Watermark(t.Context(), column)
		if err != nil {
			t.Errorf("%s: %v", column, err)
			continue
		}
		if diff := cmp.Diff(v, m.Value); diff != "" || !m.Valid || m.Type == nil {
			t.Errorf("%s: %+v: %s", column, m, diff)
		}
	}
	_, err := e.Watermark(t.Context(), "none")
	wantKind(t, err, engines.NotFound)
	_, err = e.Watermark(t.Context(), "x")
	wantKind(t, err, engines.Invalid)
	if _, err := e.Delete(t.Context(), engines.Not{Of: engines.IsNull{Column: "i"}}); err != nil {
		t.Fatal(err)
	}
	for column := range want {
		if m, err := e.Watermark(t.Context(), column); err != nil || m.Valid {
			t.Errorf("%s of NULLs: %+v, %v", column, m, err)
		}
	}
}
