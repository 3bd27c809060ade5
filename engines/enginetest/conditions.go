package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// errCondition is what evaluate returns for a condition that it does not know.
var errCondition = errors.New("no such condition")

// evaluate stands for engines.Options.Evaluate: it knows "n > 2", NULL where n is, and "1 = 1".
func evaluate(ctx context.Context, sql string, b arrow.RecordBatch) (arrow.Array, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := array.NewBooleanBuilder(memory.DefaultAllocator)
	defer out.Release()
	switch sql {
	case "1 = 1":
		for range b.NumRows() {
			out.Append(true)
		}
	case "n > 2":
		at := b.Schema().FieldIndices("n")
		if len(at) != 1 {
			return nil, fmt.Errorf("the batch has no column n, but %s", b.Schema())
		}
		n := b.Column(at[0]).(*array.Int64)
		for i := range n.Len() {
			if n.IsNull(i) {
				out.AppendNull()
			} else {
				out.Append(n.Value(i) > 2)
			}
		}
	default:
		return nil, errCondition
	}
	return out.NewArray(), nil
}

// texts is a small table with times as text, of two batches.
func texts(t testing.TB) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "row", Type: arrow.PrimitiveTypes.Int32},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 6, Scale: 2}, Nullable: true},
		{Name: "at", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "none", Type: arrow.Null, Nullable: true},
	}, nil)
	var batches []arrow.RecordBatch
	for _, text := range []string{
		`[{"row":0,"n":1,"d":"1.00","at":"2026-01-01T00:00:00Z"},{"row":1,"n":2,"d":"10.00","at":"2026-01-01T01:00:00+02:00"},
		  {"row":2,"n":3,"d":"9.00","at":"2026-01-01 00:00:00.000000001"},{"row":3,"at":"yesterday"}]`,
		`[{"row":4,"n":4,"at":null},{"row":5,"n":5,"d":"2.50","at":"2026-01-01"},{"row":6,"n":6,"d":"0.10","at":"2025-12-31T23:59:59.5-00:30"},{"row":7,"n":7,"at":""}]`,
	} {
		b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		batches = append(batches, b)
	}
	r, err := array.NewRecordReader(s, batches)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// conditions are predicates that no database evaluates by itself.
func conditions() []predicateCase {
	noon := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	text := func(op engines.Op, at time.Time) engines.Predicate {
		return engines.CompareText{Column: "at", Op: op, Value: at}
	}
	sql := engines.SQL{Text: "n > 2", Columns: []string{"n"}}
	n := func(op engines.Op, v int64) engines.Predicate { return engines.Compare{Column: "n", Op: op, Value: v} }
	return []predicateCase{
		{"text eq", text(engines.Eq, noon), []string{"|0", "|5"}},
		{"text ne", text(engines.Ne, noon), []string{"|1", "|2", "|6"}},
		{"text lt", text(engines.Lt, noon), []string{"|1"}},
		{"text le", text(engines.Le, noon), []string{"|0", "|1", "|5"}},
		{"text gt", text(engines.Gt, noon), []string{"|2", "|6"}},
		{"text ge in a zone", text(engines.Ge, noon.In(time.FixedZone("", 3600))), []string{"|0", "|2", "|5", "|6"}},
		{"not text", engines.Not{Of: text(engines.Lt, noon)}, []string{"|0", "|2", "|5", "|6"}},
		{"text of type null", engines.Not{Of: engines.CompareText{Column: "none", Op: engines.Lt, Value: noon}}, nil},
		{"sql", sql, []string{"|2", "|4", "|5", "|6", "|7"}},
		{"not sql", engines.Not{Of: sql}, []string{"|0", "|1"}},
		{"sql without columns", engines.SQL{Text: "1 = 1"}, []string{"|0", "|1", "|2", "|3", "|4", "|5", "|6", "|7"}},
		{"sql and compare", engines.And{n(engines.Lt, 6), sql, n(engines.Ne, 4)}, []string{"|2", "|5"}},
		{"sql or text", engines.Or{sql, text(engines.Eq, noon)}, []string{"|0", "|2", "|4", "|5", "|6", "|7"}},
		{"sql and text", engines.And{sql, text(engines.Gt, noon)}, []string{"|2", "|6"}},
		{"sql and decimal", engines.And{sql, engines.Compare{Column: "d", Op: engines.Gt, Value: int64(1)}}, []string{"|2", "|5"}},
	}
}

func testConditions(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, texts(t))
	for _, tt := range conditions() {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, lines(t, e, engines.Scan{Columns: []string{"row"}, Where: tt.where})); diff != "" {
				t.Error(diff)
			}
			var want []string
			for _, l := range tt.want[:min(2, len(tt.want))] {
				want = append(want, "|NULL"+l+l)
			}
			some := engines.Scan{Columns: []string{"none", "row", "row"}, Where: tt.where, Limit: 2}
			if diff := cmp.Diff(want, lines(t, e, some)); diff != "" {
				t.Errorf("two rows: %s", diff)
			}
		})
	}
	for name, p := range map[string]engines.Predicate{
		"unknown column of text":  engines.CompareText{Column: "x", Op: engines.Lt},
		"unknown column of a sql": engines.SQL{Text: "n > 2", Columns: []string{"x"}},
	} {
		_, err := e.Query(t.Context(), engines.Scan{Where: p})
		wantKind(t, err, engines.NotFound)
		_, err = e.Delete(t.Context(), p)
		if wantKind(t, err, engines.NotFound); !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%s: %v does not name the column", name, err)
		}
	}
	_, err := e.Query(t.Context(), engines.Scan{Where: engines.CompareText{Column: "n", Op: engines.Lt}})
	wantKind(t, err, engines.Invalid)
	_, err = e.Query(t.Context(), engines.Scan{Where: engines.CompareText{Column: "at", Op: "~"}})
	wantKind(t, err, engines.Invalid)
	bad := engines.SQL{Text: "bad"}
	if n, err := e.Delete(t.Context(), bad); !errors.Is(err, errCondition) || n != 0 {
		t.Errorf("delete: %d, %v", n, err)
	} else {
		wantKind(t, err, engines.Invalid)
	}
	r, err := e.Query(t.Context(), engines.Scan{Where: bad})
	if err != nil {
		t.Fatal(err)
	}
	for r.Next() {
	}
	if !errors.Is(r.Err(), errCondition) {
		t.Errorf("query: %v", r.Err())
	}
	r.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = e.Delete(ctx, engines.SQL{Text: "n > 2", Columns: []string{"n"}})
	wantKind(t, err, engines.Canceled)
	if info, err := e.Info(t.Context()); err != nil || info.Rows != 8 {
		t.Errorf("info %+v, %v", info, err)
	}
}

func testDeleteConditions(t *testing.T, h Harness) {
	for _, tt := range conditions() {
		t.Run(tt.name, func(t *testing.T) {
			h = h.again(t)
			e := h.Open(t)
			write(t, e, engines.Replace, texts(t))
			n, err := e.Delete(t.Context(), tt.where)
			if err != nil || n != int64(len(tt.want)) {
				t.Fatalf("deleted %d, %v, want %d", n, err, len(tt.want))
			}
			gone := strings.Join(tt.want, "") + "|"
			var want []string
			for i := range 8 {
				if l := fmt.Sprintf("|%d", i); !strings.Contains(gone, l+"|") {
					want = append(want, l)
				}
			}
			if diff := cmp.Diff(want, lines(t, e, engines.Scan{Columns: []string{"row"}})); diff != "" {
				t.Error(diff)
			}
			if _, err := e.Delete(t.Context(), engines.And{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// testNoEvaluate has no function for conditions in SQL.
func testNoEvaluate(t *testing.T, h Harness) {
	o := h.options(Dataset)
	o.Evaluate = nil
	e, err := h.Opener.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	write(t, e, engines.Replace, texts(t))
	_, err = e.Query(t.Context(), engines.Scan{Where: engines.SQL{Text: "n > 2", Columns: []string{"n"}}})
	wantKind(t, err, engines.Invalid)
	_, err = e.Delete(t.Context(), engines.SQL{Text: "n > 2", Columns: []string{"n"}})
	wantKind(t, err, engines.Invalid)
}

// testColumnRowID has columns with the names that databases number rows by. An engine may refuse to
// delete by a condition in SQL then, but not delete other rows.
func testColumnRowID(t *testing.T, h Harness) {
	h.Keys = engines.Keys{Primary: []string{"n"}, Conflict: engines.ConflictUpsertLast, Target: []string{"n"}}
	e := h.Open(t)
	s := fields(null("n", arrow.PrimitiveTypes.Int64), null("RowID", arrow.PrimitiveTypes.Int64), null("ctid", arrow.PrimitiveTypes.Int64))
	r := jsonRows(t, s, `[{"n":1,"RowID":9,"ctid":3},{"n":2,"RowID":8},{"n":3,"RowID":3},{"n":4,"RowID":1},{"n":1,"RowID":2}]`)
	defer r.Release()
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: r, At: at()}); err != nil {
		wantKind(t, err, engines.Invalid)
		return
	}
	if n, err := e.Delete(t.Context(), engines.SQL{Text: "n > 2", Columns: []string{"n"}}); err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"|1|2|NULL", "|2|8|NULL"}, sorted(t, e)); diff != "" {
		t.Error(diff)
	}
}
