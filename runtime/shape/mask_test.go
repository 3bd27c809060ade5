//go:build duckdb_arrow

package shape_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"pitwall/config/refreshsql"
	"pitwall/runtime/shape"
)

// column makes a stream of one column x.
func column(t testing.TB, typ arrow.DataType, json string) array.RecordReader {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(json))
	if err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ, Nullable: true}}, nil)
	return newStream(t, schema, array.NewRecordBatch(schema, []arrow.Array{a}, int64(a.Len())))
}

// TestMaskMeansPostgres has the answers that PostgreSQL gives where DuckDB's own would differ, and some
// that must not depend on the machine.
func TestMaskMeansPostgres(t *testing.T) {
	text, whole, us := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, stamp(arrow.Microsecond, "UTC")
	// Around the night in which Berlin sets its clocks back: 22:00Z is midnight, 23:00Z the next one.
	night := `["2026-10-24T21:59:59Z", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z", null]`
	for _, tt := range []struct {
		typ             arrow.DataType
		rows, sql, want string
	}{
		{text, `["a_b", "aXb", "a\\_b"]`, `x LIKE 'a\_b'`, "a_b"},
		{text, `["a_b", "aXb", "a\\Xb"]`, `x LIKE 'a\\_b'`, `a\Xb`},
		{text, `["a_b", "aXb", "A_B"]`, `x ILIKE 'A\_b'`, "a_b A_B"},
		{text, `["a_b", "aXb", null]`, `x NOT LIKE 'a\_b'`, "aXb"},
		{text, `["a_b", "aXb"]`, `x LIKE 'a#_b' ESCAPE '#'`, "a_b"},
		{text, `["a_b", "aXb"]`, `x LIKE 'a' || '\_b'`, "a_b"},
		{text, `["abc", "b", "BCD", "x\ny"]`, `x ~ 'b'`, "abc b"},
		{text, `["abc", "b", "BCD"]`, `x ~* 'B'`, "abc b BCD"},
		{text, `["abc", "b", "BCD", null]`, `x !~ '^b'`, "abc BCD"},
		{text, `["abc", "b", "BCD", null]`, `x !~* '^b'`, "abc"},
		{whole, `[-5, 5, 4, 7]`, `x / 2 = 2`, "5 4"},
		{whole, `[-5, 5, 4, 7]`, `x / 2 = -2`, "-5"},
		{whole, `[1, 2, 3]`, `5 / 2 = x`, "2"},
		{whole, `[1, 2, null]`, `true`, "1 2 (null)"},
		{whole, `[1, 2, null]`, `x > 1 OR NULL`, "2"},
		{text, `["2026-10-25", "2026-10-24"]`, `x = current_date::text`, "2026-10-25"},
		{us, night, `date_trunc('day', x AT TIME ZONE 'Europe/Berlin') = date '2026-10-25'`,
			"2026-10-24T22:00:00Z 2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-25T22:59:59Z"},
		{us, night, `extract(hour from x AT TIME ZONE 'Europe/Berlin') = 2`, "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z"},
		{us, night, `x > now() - interval '1' day AND x::date = current_date`, "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-25T22:59:59Z 2026-10-25T23:00:00Z"},
		{us, night, `date_trunc('day', x) = '2026-10-24'`, "2026-10-24T21:59:59Z 2026-10-24T22:00:00Z"},
		{us, night, `age(x) > interval '2 hours' `, "2026-10-24T21:59:59Z"},
		{stamp(arrow.Millisecond, ""), `["2026-10-25T00:30:15.123", "2026-10-25T00:30:15.124"]`, `x < date_trunc('milliseconds', now() + interval '1 millisecond')`, "2026-10-25T00:30:15.123"},
	} {
		r, err := shape.Mask(t.Context(), column(t, tt.typ, tt.rows), condition(t, tt.sql).SQL, now)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		rows, err := drain(t, r)
		if got := strings.ReplaceAll(strings.TrimSuffix(strings.Join(rows, " "), "|"), "| ", " "); got != tt.want || err != nil {
			t.Errorf("%s: %s, %v, want %s", tt.sql, got, err, tt.want)
		}
	}
}

// TestMaskErrors has conditions that do not go with the columns: they are found before a row is read, and
// named as the operator knows them.
func TestMaskErrors(t *testing.T) {
	for sql, want := range map[string]string{
		"nosuch(s)":                 "the condition: Scalar Function with name nosuch does not exist",
		"s > 5":                     "the condition: Cannot compare values of type VARCHAR and type INTEGER - an explicit cast is required",
		"s + 1 > 2":                 "the condition: No function matches the given name and argument types '+(VARCHAR, INTEGER)'",
		"tz > 'yesterday'":          `the condition: invalid timestamp field format: "yesterday"`,
		"list(i8) IS NULL":          "the condition: WHERE clause cannot contain aggregates",
		"unnest(tags) = 'a'":        "the condition: UNNEST not supported here",
		"read_text('/etc/passwd')":  "",
		"getenv('HOME') = ''":       "",
		"current_setting('x') = ''": "",
	} {
		err := shape.Check(t.Context(), columns, sql, now)
		var e *shape.Error
		if !errors.As(err, &e) || e.Row || !strings.Contains(e.Message, want) || strings.ContainsAny(e.Message, "\n") {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	var missing *refreshsql.Error
	if err := shape.Check(t.Context(), columns, "Qualify = 1", now); !errors.As(err, &missing) || !strings.Contains(err.Error(), `"Qualify"`) {
		t.Error(err)
	}
	big := arrow.NewSchema([]arrow.Field{{Name: "big", Type: &arrow.Decimal256Type{Precision: 60, Scale: 2}}}, nil)
	if err := shape.Check(t.Context(), big, "big + 1 > 2", now); err == nil || !strings.Contains(err.Error(), "decimal256") {
		t.Error(err)
	}
	for _, ok := range []string{"", "s = 'a'", "random() < 2"} {
		if err := shape.Check(t.Context(), columns, ok, now); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	if err := shape.Check(canceled(), columns, "s = 'a'", now); err == nil {
		t.Error("a context that ended")
	}
}

// TestMaskRowErrors has a condition that fails on a row.
func TestMaskRowErrors(t *testing.T) {
	src := column(t, arrow.BinaryTypes.String, `["1", "2", "x"]`)
	r, err := shape.Mask(t.Context(), src, "x::int > 1", now)
	if err != nil {
		t.Fatal(err)
	}
	var e *shape.Error
	if rows, err := drain(t, r); !errors.As(err, &e) || !e.Row || !strings.Contains(e.Message, `'x'`) || len(rows) > 0 {
		t.Errorf("%q %v", rows, err)
	}
}

// TestMaskManyBatches has many more rows than a chunk of DuckDB, in uneven batches with offsets.
func TestMaskManyBatches(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, nil)
	var batches []arrow.RecordBatch
	next := int64(0)
	for _, rows := range []int{1, 2047, 2048, 2049, 30_000} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for range rows + 3 {
			b.Field(0).(*array.StringBuilder).Append(fmt.Sprint("s", next-3))
			b.Field(1).(*array.Int64Builder).Append(next - 3)
			b.Field(2).(*array.Int64Builder).Append(-next)
			next++
		}
		whole := b.NewRecordBatch()
		batches = append(batches, whole.NewSlice(3, int64(rows)+3))
		next -= 3
		whole.Release()
		b.Release()
	}
	r, err := shape.Mask(t.Context(), newStream(t, schema, batches...), "b % 3 = 0 AND a <> 's6' OR n = 1", now)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var got, want []int64
	for r.Next() {
		got = append(got, r.RecordBatch().Column(1).(*array.Int64).Int64Values()...)
	}
	for n := range next {
		if (n+3)%3 == 0 && n != 6 || n == 1 {
			want = append(want, n)
		}
	}
	if d := cmp.Diff(want, got); d != "" || r.Err() != nil {
		t.Errorf("%v %s", r.Err(), d)
	}
}

// TestMaskIsInterrupted ends a condition that would run for minutes.
func TestMaskIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := shape.Mask(ctx, column(t, arrow.PrimitiveTypes.Int64, "[1]"), "sleep_ms(x * 600000) IS NULL", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drain(t, r); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// distinctBySQL has DuckDB answer a DISTINCT ON over all rows, as text.
func distinctBySQL(t *testing.T, batches []arrow.RecordBatch, keys []string, order []refreshsql.Order) []string {
	t.Helper()
	fields := append(columns.Fields(), arrow.Field{Name: "row", Type: arrow.PrimitiveTypes.Int64})
	schema := arrow.NewSchema(fields, nil)
	var all []arrow.RecordBatch
	var lines []string
	n := int64(0)
	for _, b := range batches {
		rows := array.NewInt64Builder(memory.DefaultAllocator)
		for range b.NumRows() {
			rows.Append(n)
			n++
		}
		all = append(all, array.NewRecordBatch(schema, append(b.Columns(), rows.NewArray()), b.NumRows()))
		b.Retain()
		text, err := drain(t, nonEmpty(t, b))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, text...)
	}
	connector, err := duckdb.NewConnector(":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer connector.Close()
	c, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	r := newStream(t, schema, all...)
	release, err := a.RegisterView(r, "v")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	exec := func(q string) {
		if _, err := c.(driver.ExecerContext).ExecContext(t.Context(), q, nil); err != nil {
			t.Fatal(err)
		}
	}
	exec("CREATE TABLE t AS SELECT * FROM v")
	var by strings.Builder
	for _, o := range order {
		fmt.Fprintf(&by, "%q %s %s, ", o.Column, map[bool]string{true: "DESC", false: "ASC"}[o.Desc], map[bool]string{true: "NULLS FIRST", false: "NULLS LAST"}[o.NullsFirst])
	}
	q := fmt.Sprintf("SELECT row FROM (SELECT row, row_number() OVER (PARTITION BY \"%s\" ORDER BY %srow) AS n FROM t) WHERE n = 1 ORDER BY row", strings.Join(keys, `", "`), by.String())
	rows, err := c.(driver.QueryerContext).QueryContext(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for v := make([]driver.Value, 1); rows.Next(v) == nil; {
		out = append(out, lines[v[0].(int64)])
	}
	exec("DROP VIEW v")
	return out
}

// nonEmpty is a stream of a batch, or of none.
func nonEmpty(t *testing.T, b arrow.RecordBatch) array.RecordReader {
	if b.NumRows() == 0 {
		b.Release()
		return newStream(t, columns)
	}
	return newStream(t, columns, b)
}
