package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
)

// sql runs a query and returns its rows as CSV, or its error.
func (b *bed) sql(query string) (string, error) {
	b.t.Helper()
	rows, err := b.Runtime.Query(b.t.Context(), query, api.QueryOptions{})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out bytes.Buffer
	err = rows.Encode(&out, api.CSV)
	return strings.TrimSpace(out.String()), err
}

func (b *bed) wants(query, want string) {
	b.t.Helper()
	if got, err := b.sql(query); err != nil || got != want {
		b.t.Errorf("%s\n got %q, %v\nwant %q", query, got, err, want)
	}
}

func queryBed(t *testing.T) *bed {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:people.csv', name: duck, acceleration: {engine: duckdb, mode: file}}
  - {from: 'file:people.csv', name: lite, acceleration: {engine: sqlite}}
  - {from: 'file:towns.csv', name: geo.towns, acceleration: {}}
  - {from: 'file:towns.csv', name: plain}
`, "people.csv": "id,name,town\n1,Ann,10\n2,Bob,20\n3,Cleo,\n4,Dan,10\n", "towns.csv": "id,Town\n10,Seattle\n20,Bellevue\n30,Portland\n"}).start()
	for _, n := range []string{"duck", "lite"} {
		b.ready(n, 4)
	}
	b.ready("geo.towns", 3)
	return b
}

func TestQueriesOverAllEngines(t *testing.T) {
	b := queryBed(t)
	for query, want := range map[string]string{
		"SELECT count(*) AS n FROM duck":                 "n\n4",
		"SELECT count(*) AS n FROM lite":                 "n\n4",
		"select NAME from lite where id > 2 order by 1;": "name\nCleo\nDan",
		"SELECT d.name, t.\"Town\" FROM duck d JOIN geo.towns t ON d.town = t.id WHERE d.id < 3 ORDER BY 1":       "name,Town\nAnn,Seattle\nBob,Bellevue",
		"SELECT l.name, p.town FROM lite l LEFT JOIN plain p ON l.town = p.id WHERE p.id IS NULL":                 "name,Town\nCleo,",
		"SELECT count(*) AS n FROM duck, lite WHERE duck.id = lite.id AND lite.name <> 'Bob'":                     "n\n3",
		"WITH x AS (SELECT town, count(*) AS n FROM lite GROUP BY town) SELECT n FROM x WHERE town = 10":          "n\n2",
		"SELECT name FROM lite WHERE town IN (SELECT id FROM geo.towns WHERE \"Town\" = 'Bellevue')":              "name\nBob",
		"SELECT name FROM lite o WHERE EXISTS (SELECT 1 FROM duck i WHERE i.id = o.id AND i.name = 'Dan')":        "name\nDan",
		"SELECT towns.id FROM geo.towns WHERE towns.id % 20 = 10 ORDER BY id":                                     "id\n10\n30",
		"SELECT a.id FROM lite a JOIN lite b ON a.id = b.id + 1 WHERE b.name = 'Ann'":                             "id\n2",
		"SELECT name FROM lite UNION ALL SELECT \"Town\" FROM plain WHERE id = 30 ORDER BY 1 LIMIT 2":             "name\nAnn\nBob",
		"SELECT count(*) AS n FROM (SELECT * FROM lite LIMIT 3) s":                                                "n\n3",
		"SELECT max(x) AS m FROM generate_series(1, 5) AS g(x)":                                                   "m\n5",
		"SELECT lite FROM lite WHERE id = 1":                                                                      "lite\n\"{\"\"id\"\":1,\"\"name\"\":\"\"Ann\"\",\"\"town\"\":10}\"",
		"SELECT name FROM lite WHERE name LIKE 'A%' OR id = (SELECT max(id) FROM duck) ORDER BY 1":                "name\nAnn\nDan",
		"SELECT t.x FROM (SELECT id AS x FROM lite WHERE name = 'Cleo') t JOIN plain ON true WHERE plain.id = 10": "x\n3",
		"SHOW TABLES":     "table_name\nduck\nlite\ngeo.towns\nplain",
		"SELECT 1 AS one": "one\n1",
	} {
		b.wants(query, want)
	}
}

func TestQueriesOnlyRead(t *testing.T) {
	b := queryBed(t)
	for _, query := range []string{
		"DELETE FROM duck", "DROP TABLE duck", "INSERT INTO duck VALUES (1)", "CREATE TABLE x AS SELECT 1", "ATTACH 'x.db'", "COPY duck TO 'x.csv'",
		"SELECT * INTO x FROM duck", "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM glob('/*')",
		"SELECT * FROM '/etc/passwd'", "SELECT * FROM \"/etc/passwd\"", "SELECT * FROM \"people.csv\"", "SET memory_limit = '1GB'", "PRAGMA database_list",
		"SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()", "SELECT * FROM query('SELECT 1')", "SELECT * FROM query_table('duck')", "SELECT getenv('HOME')",
		"SELECT current_setting('temp_directory')", "SELECT * FROM information_schema.tables", "SELECT * FROM spice_sys_dataset_checkpoint",
		"SELECT * FROM acc.main.duck", "WITH x AS (DELETE FROM duck RETURNING *) SELECT * FROM x", "SELECT 1; SELECT 2", "SELECT * FROM duck FOR UPDATE",
		"LOAD 'httpfs'", "INSTALL httpfs", "CALL pragma_version()", "SELECT * FROM pg_catalog.pg_class", "EXECUTE x", "BEGIN", "VACUUM", "EXPLAIN ANALYZE SELECT 1",
		"SELECT (SELECT count(*) FROM read_text('/etc/passwd'))", "SELECT $1", "", "SELEC 1", "SELECT * FROM nope",
	} {
		rows, err := b.sql(query)
		var e *api.QueryError
		if !errors.As(err, &e) || e.Reason != api.Forbidden && e.Reason != api.BadQuery {
			t.Errorf("%s: %q, %v", query, rows, err)
		}
	}
	for _, n := range []string{"duck", "lite"} {
		b.wants("SELECT count(*) AS n FROM "+n, "n\n4")
	}
	if _, err := b.sql("SELECT nam FROM lite"); err == nil || !strings.Contains(fmt.Sprint(err), "nam") {
		t.Errorf("%v", err)
	}
	if _, err := b.sql("SELECT *\nFROM lite WERE id = 1"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v", err)
	}
}

func TestPlanSaysWhatIsPushedDown(t *testing.T) {
	b := queryBed(t)
	b.wants("EXPLAIN SELECT name FROM lite WHERE id > 2 AND upper(name) = 'DAN'",
		"plan\n\"scan lite: columns id, name; where id > 2; and then where upper(name) = 'DAN'\"\nthe statement runs over these rows in memory")
	b.wants("EXPLAIN SELECT l.name FROM lite l LEFT JOIN plain p ON p.id = l.town WHERE p.id = 10 AND l.id = 1",
		"plan\n\"scan lite: columns id, name, town; where id = 1\"\n\"scan plain: columns id, Town\"\nthe statement runs over these rows in memory")
	b.wants("EXPLAIN SELECT name FROM lite LIMIT 2", "plan\nscan lite: columns name; limit 2\nthe statement runs over these rows in memory")
	b.wants("EXPLAIN SELECT count(*) FROM duck", "plan\nthe whole statement runs in the DuckDB of duck")
}

func TestZeroResultsAskTheSourceScanByScan(t *testing.T) {
	each(t, `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {%ENGINE%, on_zero_results: use_source, refresh_sql: SELECT * FROM d WHERE city = 'Seattle'}}
  - {from: 'file:a.csv', name: strict, acceleration: {%ENGINE%, refresh_sql: SELECT * FROM strict WHERE city = 'Seattle'}}
`, map[string]string{"a.csv": cities(10)}, func(t *testing.T, b *bed) {
		b.ready("d", 5)
		b.ready("strict", 5)
		b.wants("SELECT count(*) AS n FROM d WHERE city = 'Seattle'", "n\n5")
		b.wants("SELECT count(*) AS n FROM d WHERE city = 'Bellevue'", "n\n5")
		b.wants("SELECT count(*) AS n FROM strict WHERE city = 'Bellevue'", "n\n0")
		b.wants("SELECT count(*) AS n FROM d WHERE upper(city) = 'BELLEVUE'", "n\n5")
		b.wants("SELECT count(*) AS n FROM d WHERE city = 'Portland'", "n\n0")
		// Any local row suppresses it: rows that only the source has are not seen (seed data-refresh).
		b.wants("SELECT count(*) AS n FROM d WHERE id < 4", "n\n2")
		// Each scan decides alone, also in joins and sub-queries.
		b.wants("SELECT count(*) AS n FROM d x JOIN d y ON x.id = y.id + 1 WHERE x.city = 'Bellevue' AND y.city = 'Seattle'", "n\n5")
		b.wants("SELECT count(*) AS n FROM strict WHERE id + 1 IN (SELECT id FROM d WHERE city = 'Bellevue')", "n\n5")
		if d := b.dataset("d", "counted", func(d *api.Dataset) bool {
			b.Runtime.Do(t.Context(), api.Hold{Dataset: "d", On: !d.Held})
			return d.Totals.ZeroFallbacks >= 5
		}); d.Totals.ZeroFallbacks != 5 {
			t.Errorf("%d fallbacks", d.Totals.ZeroFallbacks)
		}
	})
}

// Names that are keywords of DuckDB only needed quotes.
func TestColumnsMayBeCalledAsInPostgres(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: duck, acceleration: {engine: duckdb}}
  - {from: 'file:a.csv', name: lite, acceleration: {engine: sqlite}}
`, "a.csv": "id,at,show,pivot\n1,5,x,7\n2,6,y,8\n"}).start()
	for _, name := range []string{"duck", "lite"} {
		b.ready(name, 2)
		b.wants("SELECT at, "+name+".SHOW, pivot AS p FROM "+name+" WHERE at > 5 ORDER BY at DESC", "at,show,p\n6,y,8")
		b.wants("SELECT max(x.at) AS at FROM "+name+" x GROUP BY show HAVING min(pivot) = 7", "at\n5")
		b.wants("SELECT timestamp '2026-01-01 00:00:00+00' AT TIME ZONE 'UTC' IS NOT NULL AS ok FROM "+name+" WHERE id = 1", "ok\ntrue")
	}
}

func TestQueriesOfADatasetThatLoads(t *testing.T) {
	v := newValve()
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: load, acceleration: {engine: duckdb}}
  - {from: 'file:a.csv', name: registered, ready_state: on_registration, acceleration: {engine: duckdb}}
`, "a.csv": cities(10)}).start(v.options)
	<-v.reading
	<-v.reading
	_, err := b.sql("SELECT * FROM load")
	var e *api.QueryError
	if !errors.As(err, &e) || e.Reason != api.NotReady || !strings.HasSuffix(e.Message, "Acceleration not ready; loading initial data for load") {
		t.Errorf("%v", err)
	}
	v.Open()
	b.ready("load", 10)
	b.wants("SELECT count(*) AS n FROM load", "n\n10")
	b.ready("registered", 10)
}

func TestOnRegistrationTheSourceAnswersFirst(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
runtime: {dataset_load_parallelism: 1}
datasets:
  - {from: 'file:a.csv', name: d, ready_state: on_registration, acceleration: {engine: duckdb, refresh_retry_enabled: false, refresh_sql: SELECT id FROM d WHERE no_such_function(id)}}
`, "a.csv": cities(10)}).start()
	b.failing("d")
	b.wants("SELECT count(*) AS n FROM d WHERE city = 'Seattle'", "n\n5")
}

func TestQueryEndsWithItsTimeoutAndItsContext(t *testing.T) {
	b := queryBed(t)
	const long = "SELECT count(*) FROM generate_series(1, 100000000) a(x), generate_series(1, 1000) b(y) WHERE (x * y) % 7 = 3"
	_, err := b.Runtime.Query(t.Context(), long, api.QueryOptions{Timeout: 50 * time.Millisecond})
	var e *api.QueryError
	if !errors.As(err, &e) || e.Reason != api.TimedOut {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Runtime.Query(ctx, "SELECT count(*) FROM duck", api.QueryOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	rows, err := b.Runtime.Query(t.Context(), "SELECT id FROM lite", api.QueryOptions{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out bytes.Buffer
	if err := rows.Encode(&out, api.Plain); err != nil || !rows.Truncated() || !strings.Contains(out.String(), "(3 rows)") {
		t.Errorf("%v, %v, %q", err, rows.Truncated(), out.String())
	}
}
