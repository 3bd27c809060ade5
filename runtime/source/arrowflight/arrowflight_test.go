//go:build duckdb_arrow

package arrowflight_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/runtime/api"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
	"pitwall/runtime/source"
	"pitwall/runtime/source/arrowflight"
	"pitwall/runtime/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pitwall is a runtime with the Flight face, which can go away and come back at the same address.
type pitwall struct {
	session *launch.Session
	address string
	stop    func()
}

// serve runs a spicepod over the tables of a DuckDB file.
func serve(t *testing.T, statements, pod string) *pitwall {
	t.Helper()
	dir := filepath.Dir(sourcetest.File(t, "duckdb", "data.duckdb", statements))
	if err := os.WriteFile(filepath.Join(dir, "spicepod.yml"), []byte("version: v1\nkind: Spicepod\nname: test\n"+pod), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := launch.Open(t.Context(), launch.Options{Pod: dir})
	if err != nil {
		t.Fatal(err)
	}
	p := &pitwall{session: s, address: "127.0.0.1:0"}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	p.Up(t)
	t.Cleanup(func() { p.Down(t); cancel(); wg.Wait() })
	wait, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	st, next := s.Runtime.Watch(wait)
	for !ready(st) {
		var open bool
		if st, open = <-next; !open {
			t.Fatal("the datasets are not ready")
		}
	}
	return p
}

func ready(st *api.State) bool {
	for _, d := range st.Datasets {
		if d.Engine != "" && !d.HasData {
			return false
		}
	}
	return len(st.Datasets) > 0
}

// Up opens the face.
func (p *pitwall) Up(tb testing.TB, _ ...string) {
	f, err := faces.Open(p.session.Runtime, faces.Options{Flight: p.address, Auth: p.session.Config.Runtime.Auth})
	if err != nil {
		tb.Fatal(err)
	}
	p.address = f.Flight()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Run(ctx); err != nil {
			tb.Error(err)
		}
	})
	p.stop = func() { cancel(); wg.Wait() }
}

// Down closes it.
func (p *pitwall) Down(testing.TB) { p.stop() }

func (p *pitwall) params(more ...string) map[string]string {
	return sourcetest.With(map[string]string{"flightsql_endpoint": "http://" + p.address}, more...)
}

func open(t *testing.T, o arrowflight.Options) source.Source {
	t.Helper()
	if o.Connector == "" {
		o.Connector = "flightsql"
	}
	s, err := arrowflight.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestColumnsAndConditionsAreTheServers(t *testing.T) {
	p := serve(t, `CREATE TABLE t AS SELECT i::INTEGER AS id, 'n' || i AS name, i / 4.0::DOUBLE AS f, (i / 4.0)::DECIMAL(10,2) AS n,
 TIMESTAMP '2026-01-01' + i * INTERVAL 1 MICROSECOND AS at, make_timestamptz(i) AS tz, DATE '2026-01-01' + i::INTEGER AS d, i % 2 = 0 AS b,
 [i] AS l, CASE WHEN i < 9 THEN i END AS "odd ""name", (i % 3)::UBIGINT AS u, 'x'::ENUM('x', 'y') AS e FROM range(1, 11) r(i)`, `
datasets:
  - {from: 'duckdb:t', name: duck, params: {duckdb_open: data.duckdb}, acceleration: {engine: duckdb}}
  - {from: 'duckdb:t', name: sub.lite, params: {duckdb_open: data.duckdb}, acceleration: {engine: sqlite}}
`)
	at := time.Date(2026, 1, 1, 0, 0, 0, 4000, time.UTC)
	for _, table := range []string{"duck", "sub.lite", "spice.public.duck", `"sub"."lite"`} {
		src := open(t, arrowflight.Options{Table: table, Params: p.params()})
		_, rows, plan, err := sourcetest.Rows(t, src, source.Scan{})
		if err != nil || len(rows) != 10 || plan != "12 of 12 columns" || !strings.HasPrefix(rows[0], "1|n1|0.25|0.25|2026-01-01T00:00:00.000001|1970-01-01T00:00:00.000001Z|2026-01-02|false|[1]|1|1|x") {
			t.Fatalf("%s: %d rows, %s, %v, %v", table, len(rows), plan, err, rows)
		}
		for _, c := range []struct {
			where engines.Predicate
			want  int
			sent  string
		}{
			{engines.Compare{Column: "id", Op: engines.Gt, Value: int64(7)}, 3, `("id" > 7)`},
			{engines.Compare{Column: "name", Op: engines.Ge, Value: "n9"}, 1, `("name" >= 'n9')`},
			{engines.Compare{Column: "at", Op: engines.Gt, Value: at}, 6, `("at" > CAST('2026-01-01T00:00:00.000004' AS TIMESTAMP))`},
			{engines.Compare{Column: "tz", Op: engines.Le, Value: time.UnixMicro(3)}, 3, `("tz" <= CAST('1970-01-01T00:00:00.000003Z' AS TIMESTAMP WITH TIME ZONE))`},
			{engines.Compare{Column: "d", Op: engines.Lt, Value: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)}, 1, `("d" < CAST('2026-01-03' AS DATE))`},
			{engines.Compare{Column: "b", Op: engines.Eq, Value: true}, 5, `("b" = true)`},
			{engines.Compare{Column: "u", Op: engines.Eq, Value: uint64(2)}, 3, `("u" = 2)`},
			{engines.And{engines.IsNull{Column: `odd "name`}, engines.Not{Of: engines.Compare{Column: "id", Op: engines.Eq, Value: int64(9)}}}, 1, `"odd ""name" IS NULL`},
			{engines.Compare{Column: "f", Op: engines.Gt, Value: 2.0}, 10, ""},
		} {
			_, rows, plan, err := sourcetest.Rows(t, src, source.Scan{Columns: []string{"name", "id"}, Where: c.where})
			if err != nil || len(rows) != c.want || !strings.HasPrefix(plan, "2 of 12 columns") || !strings.Contains(plan, c.sent) || (c.sent == "") == strings.Contains(plan, "where") {
				t.Errorf("%s where %s: %d rows, %s, %v", table, engines.Text(c.where), len(rows), plan, err)
			}
			if len(rows) > 0 && !strings.HasPrefix(rows[0], "n") {
				t.Errorf("the columns are in another order: %s", rows[0])
			}
		}
	}
}

func TestSpiceAI(t *testing.T) {
	p := serve(t, `CREATE TABLE t AS SELECT 1 AS id`, `
runtime: {auth: {api-key: {enabled: true, keys: ['hunter2']}}}
datasets:
  - {from: 'duckdb:t', name: trips.taxi, params: {duckdb_open: data.duckdb}, acceleration: {engine: duckdb}}
  - {from: 'duckdb:t', name: mine, params: {duckdb_open: data.duckdb}, acceleration: {engine: duckdb}}
`)
	key := map[string]string{"spiceai_endpoint": "grpc://" + p.address, "spiceai_api_key": "hunter2"}
	for _, o := range []arrowflight.Options{
		{Connector: "spice.ai", Table: "trips.taxi", Params: key}, {Connector: "spiceai", Table: "trips/taxi", Params: key},
		{Connector: "spice.ai", Table: "http://" + p.address, Name: "mine", Params: map[string]string{"spiceai_api_key": "hunter2"}},
		{Connector: "flightsql", Table: "mine", Params: p.params("flightsql_username", "anybody", "flightsql_password", "hunter2")},
	} {
		if _, rows, _, err := sourcetest.Rows(t, open(t, o), source.Scan{}); err != nil || fmt.Sprint(rows) != "[1]" {
			t.Errorf("%v: %v, %v", o, rows, err)
		}
	}
	for _, password := range []string{"", "hunter3"} {
		_, _, _, err := sourcetest.Rows(t, open(t, arrowflight.Options{Connector: "spice.ai", Table: "mine", Params: sourcetest.With(key, "spiceai_api_key", password)}), source.Scan{})
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != source.Denied || e.Hint == "" || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", password, err)
		}
	}
	// A dataset of the cloud has a name of three parts.
	_, _, _, err := sourcetest.Rows(t, open(t, arrowflight.Options{Connector: "spice.ai", Table: "org/app/datasets/taxi", Params: key}), source.Scan{})
	if source.KindOf(err) != source.Missing || !strings.Contains(err.Error(), "org.app.taxi") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsWrongIsClassified(t *testing.T) {
	p := serve(t, `CREATE TABLE t AS SELECT 1 AS id`, `
datasets:
  - {from: 'duckdb:t', name: t, params: {duckdb_open: data.duckdb}, acceleration: {engine: duckdb}}
  - {from: 'duckdb:nope', name: late, params: {duckdb_open: data.duckdb}}
`)
	for _, c := range []struct {
		table string
		param []string
		scan  source.Scan
		kind  source.Kind
		want  string
	}{
		{"nope", nil, source.Scan{}, source.Missing, `there is no dataset "nope"`},
		{"t", nil, source.Scan{Columns: []string{"id", "x"}}, source.Unsupported, `no column "x"`},
		{"t", []string{"flightsql_endpoint", "https://" + p.address}, source.Scan{}, source.Unavailable, "tls"},
		{"t", []string{"flightsql_endpoint", "127.0.0.1:1"}, source.Scan{}, source.Unavailable, "refused"},
		{"late", nil, source.Scan{}, source.Unavailable, "nope"},
	} {
		_, _, _, err := sourcetest.Rows(t, open(t, arrowflight.Options{Table: c.table, Params: p.params(c.param...)}), c.scan)
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.want) || e.Hint == "" && c.scan.Columns == nil {
			t.Errorf("%s %v: %v (kind %s, hint %q)", c.table, c.param, err, source.KindOf(err), e.Hint)
		}
	}
	for _, o := range []arrowflight.Options{
		{Table: "t"}, {Table: "", Params: p.params()}, {Table: "a.b.c.d", Params: p.params()}, {Table: `"a`, Params: p.params()}, {Table: "a..b", Params: p.params()},
		{Table: "t", Params: p.params("flightsql_endpoint", "ftp://x")}, {Table: "t", Params: p.params("flightsql_endpoint", "http://")},
		{Connector: "spice.ai", Table: "x", Params: map[string]string{"spiceai_endpoint": "%%"}},
	} {
		if o.Connector == "" {
			o.Connector = "flightsql"
		}
		if _, err := arrowflight.New(o); source.KindOf(err) != source.Unsupported {
			t.Errorf("%v: %v", o, err)
		}
	}
}

func TestCancelAndRestart(t *testing.T) {
	p := serve(t, `CREATE TABLE long AS SELECT i AS id, repeat('x', 200) AS s FROM generate_series(1, 1500000) g(i)`,
		"datasets:\n  - {from: 'duckdb:long', name: long, params: {duckdb_open: data.duckdb}, acceleration: {engine: duckdb}}\n")
	src := open(t, arrowflight.Options{Table: "long", Params: p.params()})
	sourcetest.Cancel(t, src)
	sourcetest.Restart(t, src, p)
}

// A dataset of another pitwall is loaded in full, and what is new is appended.
func TestRefreshesOverFlight(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.csv")
	write := func(lines string) {
		if err := os.WriteFile(file, []byte("id,at\n"+lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1,2026-01-01 00:00:00\n2,2026-01-01 00:00:01\n")
	p := serve(t, "SELECT 1", "datasets: [{from: 'file:"+file+"', name: log}]\n")
	near := serve(t, "SELECT 1", fmt.Sprintf(`
datasets:
  - {from: 'flightsql:log', name: full, params: {flightsql_endpoint: 'http://%[1]s'}, acceleration: {engine: duckdb}}
  - {from: 'spice.ai:log', name: more, params: {spiceai_endpoint: 'http://%[1]s'}, time_column: at, acceleration: {engine: sqlite, refresh_mode: append}}
  - {from: 'spice.ai:http://%[1]s', name: log}
`, p.address))
	write("1,2026-01-01 00:00:00\n2,2026-01-01 00:00:01\n3,2026-01-02 00:00:00\n")
	for _, name := range []string{"full", "more"} {
		if _, err := near.session.Runtime.Do(t.Context(), api.RefreshNow{Dataset: name}); err != nil {
			t.Fatal(err)
		}
	}
	wait, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	st, next := near.session.Runtime.Watch(wait)
	for st.Dataset("full").Rows != 3 || st.Dataset("more").Rows != 3 {
		var open bool
		if st, open = <-next; !open {
			t.Fatal("the new row never came")
		}
	}
	last := st.Dataset("more").Refreshes[0]
	if last.RowsWritten != 1 || !strings.Contains(last.Plan, `"at" >`) {
		t.Errorf("the refresh is %+v", last)
	}
	rows, err := near.session.Runtime.Query(t.Context(), "SELECT count(*) AS n FROM log JOIN more USING (id)", api.QueryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	if n, _ := rows.Text(0, 0); n != "3" {
		t.Errorf("%s rows are the same", n)
	}
}
