package runtime_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/runtime/source/mysql/mysqltest"
)

// statements runs SQL on a file of a database.
func statements(t *testing.T, driver, path, text string) {
	t.Helper()
	if driver == "sqlite" { // the runtime may be reading
		path += "?_pragma=busy_timeout(20000)"
	}
	db, err := sql.Open(driver, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func TestDatabaseFilesAsSourcesAreAppended(t *testing.T) {
	each(t, `
datasets:
  - {from: 'sqlite:t', name: lite, params: {sqlite_file: lite.db}, time_column: at, acceleration: {%ENGINE%, refresh_mode: append}}
  - {from: 'duckdb:main.t', name: duck, params: {duckdb_open: duck.db}, time_column: at, acceleration: {%ENGINE%, refresh_mode: append}}
`, nil, func(t *testing.T, b *bed) {
		lite, duck := filepath.Join(b.dir, "lite.db"), filepath.Join(b.dir, "duck.db")
		create := `CREATE TABLE t (id INTEGER, "at" TIMESTAMP); INSERT INTO t VALUES (1, '2026-01-01 00:00:00')`
		statements(t, "sqlite", lite, create)
		statements(t, "duckdb", duck, create)
		b.refresh("lite")
		b.refresh("duck")
		more := "INSERT INTO t VALUES (0, '2025-01-01 00:00:00'), (2, '2026-01-01 00:00:01')"
		statements(t, "sqlite", lite, more)
		statements(t, "duckdb", duck, more)
		for _, name := range []string{"lite", "duck"} {
			if d := b.refresh(name); d.Rows != 2 || d.Refreshes[0].RowsWritten != 1 {
				t.Errorf("%s: %d rows: %s", name, d.Rows, d.Err)
			}
		}
	})
}

func TestMySQLAcceleratedAndAppended(t *testing.T) {
	s := mysqltest.Start(t)
	s.Exec(t, `CREATE TABLE t (id INT, at DATETIME(6), n DECIMAL(10,2)); INSERT INTO t VALUES (1, '2026-01-01', 1.25)`)
	var params []string
	for _, k := range slices.Sorted(maps.Keys(s.Params())) {
		params = append(params, fmt.Sprintf("%s: '%s'", k, s.Params()[k]))
	}
	each(t, `
datasets:
  - {from: 'mysql:t', name: d, params: {`+strings.Join(params, ", ")+`}, time_column: at, acceleration: {%ENGINE%, refresh_mode: append}}
`, nil, func(t *testing.T, b *bed) {
		first := b.dataset("d", "loaded", func(d *api.Dataset) bool { return d.Rows > 0 }).Rows
		s.Exec(t, `INSERT INTO t SELECT max(id) + 1, max(at) + INTERVAL 1 MICROSECOND, 7 FROM t`)
		if d := b.refresh("d"); d.Rows != first+1 || d.Refreshes[0].RowsWritten != 1 || !strings.Contains(d.Refreshes[0].Plan, "where") {
			t.Errorf("%d rows after %d: %s", d.Rows, first, d.Err)
		}
	})
}
