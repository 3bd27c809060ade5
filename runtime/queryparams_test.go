package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"pitwall/runtime/api"
)

// asked runs a query with options and returns its rows as CSV.
func (b *bed) asked(query string, o api.QueryOptions) (string, error) {
	b.t.Helper()
	rows, err := b.Runtime.Query(b.t.Context(), query, o)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out bytes.Buffer
	err = rows.Encode(&out, api.CSV)
	return strings.TrimSpace(out.String()), err
}

func TestParametersHaveValues(t *testing.T) {
	b := queryBed(t)
	for _, c := range []struct {
		query  string
		params []any
		want   string
	}{
		{"SELECT name FROM lite WHERE id = $1", []any{int64(2)}, "name\nBob"},
		{"SELECT name FROM duck WHERE id=? AND name = ?", []any{int64(2), "Bob"}, "name\nBob"},
		{"SELECT name FROM duck WHERE name IN (?, ?) OR id <? -- ? is none here", []any{"Ann", "O'Dan", int64(0)}, "name\nAnn"},
		{"SELECT $2 AS b, $1 AS a, $2 AS c", []any{int64(-1), "it's $1?"}, "b,a,c\nit's $1?,-1,it's $1?"},
		{"SELECT 5-$1 AS x, -? AS y", nil, ""},
		{"SELECT 5-? AS x, ? AS y, ? AS z", []any{int64(-2), math.Inf(-1), true}, "x,y,z\n7,-Inf,true"},
		{"SELECT count(*) AS n FROM lite WHERE town = ? OR ? IS NULL", []any{nil, "x"}, "n\n0"},
		{"SELECT ? AS d, ? AS m, octet_length(?) AS n", []any{api.Typed{Type: "DATE", Text: "2024-02-29"}, api.Typed{Type: "DECIMAL(6,2)", Text: "12.50"}, []byte{0, '\'', 0xff}}, "d,m,n\n2024-02-29,12.5,3"},
		{"SELECT typeof(?) AS t, ? + 1 AS n", []any{api.Typed{Type: "TIMESTAMPTZ", Text: "2024-01-01 00:00:00Z"}, uint64(math.MaxInt64 - 1)}, "t,n\nTIMESTAMP WITH TIME ZONE,9223372036854775807"},
	} {
		got, err := b.asked(c.query, api.QueryOptions{Params: c.params})
		if c.want == "" {
			if err == nil {
				t.Errorf("%s: no error, but %q", c.query, got)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s %v\n got %q, %v\nwant %q", c.query, c.params, got, err, c.want)
		}
	}
	for query, n := range map[string]int{"SELECT $3": 3, "SELECT ?, ?": 2, "SELECT ? FROM nope": 1} {
		_, err := b.asked(query, api.QueryOptions{})
		var e *api.QueryError
		if !errors.As(err, &e) || e.Reason != api.BadQuery || len(e.Params) != n || e.Hint == "" {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, c := range []struct {
		query  string
		params []any
		want   string
	}{
		{"SELECT ?", []any{1.5, 2.5}, "1 parameters, and 2 values"},
		{"SELECT 1", []any{1.5}, "0 parameters, and 1 values"},
		{"SELECT ?, $1", []any{1.5}, "not both"},
		{"SELECT $0", []any{1.5}, "$0"},
		{"SELECT ?", []any{"a\x00b"}, "NUL"},
		{"SELECT ?", []any{api.Typed{Type: "INT) --", Text: "1"}}, "not known"},
		{"SELECT ?", []any{struct{}{}}, "struct {}"},
	} {
		if _, err := b.asked(c.query, api.QueryOptions{Params: c.params}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v", c.query, c.params, err)
		}
	}
}

// A value in the place of a parameter is pushed down like one in the text.
func TestParametersArePushedDown(t *testing.T) {
	b := queryBed(t)
	got, err := b.asked("EXPLAIN SELECT name FROM lite WHERE id > ?", api.QueryOptions{Params: []any{int64(2)}})
	if err != nil || !strings.Contains(got, "where id > 2") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestADescribedQueryReadsNothing(t *testing.T) {
	b := queryBed(t)
	for _, query := range []string{
		"SELECT * FROM duck", "SELECT id, id, count(*) FROM duck GROUP BY id ORDER BY 1; -- by id", "SELECT * FROM duck LIMIT 2", "SELECT id AS x FROM duck ORDER BY x OFFSET 1",
		"SELECT l.name, t.* FROM lite l JOIN geo.towns t ON l.town = t.id", "SELECT sum(id) AS s, avg(town) FROM lite", "SELECT 1 AS a, 'x' AS b",
		"WITH x AS (SELECT id FROM plain) SELECT max(id) FROM x",
	} {
		want, _ := described(t, b, query, api.QueryOptions{})
		got, rows := described(t, b, query, api.QueryOptions{Describe: true})
		if got != want || rows != 0 && strings.Contains(query, "FROM duck") {
			t.Errorf("%s: %s with %d rows, want %s", query, got, rows, want)
		}
	}
	// An aggregate over no rows is a row; what counts is that nothing was read for it.
	if got, err := b.asked("SELECT count(*) AS n FROM lite", api.QueryOptions{Describe: true}); err != nil || got != "n\n0" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.asked("SELECT nope FROM lite", api.QueryOptions{Describe: true}); err == nil {
		t.Error("a wrong column is described")
	}
}

// described returns the schema of a query as Arrow has it, and the rows.
func described(t *testing.T, b *bed, query string, o api.QueryOptions) (string, int64) {
	t.Helper()
	rows, err := b.Runtime.Query(t.Context(), query, o)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := rows.Encode(&out, api.ArrowStream); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return fmt.Sprint(r.Schema()), n
}

func TestDatasetsHaveACatalogAndASchema(t *testing.T) {
	b := queryBed(t)
	for query, want := range map[string]string{
		`SELECT count(*) AS n FROM spice.public.duck`:                                                "n\n4",
		`SELECT duck.name FROM "spice"."public"."duck" WHERE id = 1`:                                 "name\nAnn",
		`SELECT count(*) AS n FROM public.lite l JOIN spice.geo.towns t ON l.town = t.id`:            "n\n3",
		`SELECT count(*) AS n FROM public.lite, lite AS b WHERE b.id = 1`:                            "n\n4",
		`WITH duck AS (SELECT 1 AS id) SELECT count(*) AS n FROM public.duck, duck d WHERE d.id = 1`: "n\n4",
	} {
		b.wants(query, want)
	}
	for _, query := range []string{"SELECT 1 FROM other.public.duck", "SELECT 1 FROM public.nope", "SELECT 1 FROM spice.geo.nope"} {
		if _, err := b.sql(query); err == nil || !strings.Contains(err.Error(), "there is no dataset") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// watched notes the size of each write.
type watched struct{ sizes []int }

func (w *watched) Write(p []byte) (int, error) {
	w.sizes = append(w.sizes, len(p))
	return len(p), nil
}

func TestMessagesOfAnArrowStreamStaySmall(t *testing.T) {
	b := queryBed(t)
	// 2048 rows of 4 KB make a batch of 8 MB; one row in it has 6 MB of its own.
	rows, err := b.Runtime.Query(t.Context(), `SELECT x, repeat('y', CASE WHEN x = 1500 THEN 6000000 ELSE 4000 END) AS t FROM range(2048) AS g(x)`, api.QueryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var w watched
	if err := rows.Encode(&w, api.ArrowStream); err != nil {
		t.Fatal(err)
	}
	large, total := 0, 0
	for _, n := range w.sizes {
		total += n
		if n > 3<<20 {
			large++
		}
	}
	if large != 1 || len(w.sizes) < 5 || total < 2047*4000+6000000 {
		t.Errorf("%d messages are too large: %v", large, w.sizes)
	}
}

// A query over the DuckDB of a dataset sees the time zone UTC, as all others do, not that of the machine.
func TestTheTimeZoneIsUTC(t *testing.T) {
	b := queryBed(t)
	for _, table := range []string{"duck", "lite"} {
		got, _ := described(t, b, "SELECT CAST('2024-01-01 00:00:00Z' AS TIMESTAMPTZ) AS z FROM "+table, api.QueryOptions{})
		if !strings.Contains(got, "timestamp[us, tz=UTC]") {
			t.Errorf("%s: %s", table, got)
		}
	}
}

func TestParametersHaveTypes(t *testing.T) {
	b := queryBed(t)
	for query, want := range map[string]string{
		"SELECT name FROM duck WHERE id = ? AND name LIKE ? OR ? IS NULL": "[BIGINT VARCHAR ]",
		"SELECT name FROM lite WHERE id > $2 AND name = $1":               "[VARCHAR BIGINT]",
		"SELECT CAST(? AS DATE), CAST(? AS TIMESTAMP), CAST(? AS TIMESTAMPTZ), CAST(? AS DECIMAL(9,2)), CAST(? AS BOOLEAN), CAST(? AS BLOB), CAST(? AS TIME)": "[DATE TIMESTAMP TIMESTAMPTZ DOUBLE BOOLEAN BLOB TIME]",
		"SELECT d.id FROM duck d JOIN geo.towns t ON d.town = t.id WHERE t.\"Town\" = ? LIMIT ?":                                                              "[VARCHAR BIGINT]",
		"SELECT ? FROM nope": "[]",
	} {
		_, err := b.asked(query, api.QueryOptions{Describe: true})
		var e *api.QueryError
		if !errors.As(err, &e) || fmt.Sprint(e.Params) != want {
			t.Errorf("%s: %v, %v, want %s", query, err, e, want)
		}
	}
}
