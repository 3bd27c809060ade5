package sqlitefile_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/runtime/source/sourcetest"
	"pitwall/runtime/source/sqlitefile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// file makes a SQLite file by statements.
func file(t *testing.T, statements string) string {
	t.Helper()
	return sourcetest.File(t, "sqlite", "a b.db", statements)
}

func open(t *testing.T, path, table string) *sqlitefile.Source {
	t.Helper()
	s, err := sqlitefile.New(sqlitefile.Options{Table: table, Dir: filepath.Dir(path), Params: map[string]string{"sqlite_file": filepath.Base(path)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTypes(t *testing.T) {
	path := file(t, `CREATE TABLE T (i INTEGER NOT NULL, b BOOLEAN, r REAL, n NUMERIC, d DECIMAL(10,2), t VARCHAR(9), bl BLOB, day DATE, at TIMESTAMP, "any", g INT AS (i + 1));
INSERT INTO t VALUES (-9223372036854775808, 1, 1.5, 7, 1.1, 'grüße', x'00ff', '2026-01-31', '2026-01-31 10:00:00.000001', 1.5),
 (2, 0, 2, 0.5, 3, '', 'text', '0001-01-01', '2026-01-31T10:00:00+02:00', 'x'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE VIEW v AS SELECT i, CAST(r AS TEXT) AS r FROM t`)
	before, _ := os.ReadFile(path)
	schema, got, plan, err := sourcetest.Rows(t, open(t, path, "t"), source.Scan{})
	want := []string{
		"-9223372036854775808|true|1.5|7|1.1|grüße|AP8=|2026-01-31|2026-01-31T10:00:00.000001|1.5|-9223372036854775807",
		"2|false|2|0.5|3||dGV4dA==|0001-01-01|2026-01-31T08:00:00|x|3",
		"3" + strings.Repeat("|NULL", 9) + "|4",
	}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v\n%s", err, strings.Join(got, "\n"))
	}
	if schema.Field(0).Nullable || !schema.Field(1).Nullable || plan != "11 of 11 columns" {
		t.Errorf("%v, %s", schema, plan)
	}
	if _, got, _, err := sourcetest.Rows(t, open(t, path, "v"), source.Scan{Columns: []string{"r"}}); err != nil || len(got) != 3 || got[0] != "1.5" {
		t.Errorf("%v, %v", got, err)
	}
	after, _ := os.ReadFile(path)
	left, _ := os.ReadDir(filepath.Dir(path))
	if sha256.Sum256(before) != sha256.Sum256(after) || len(left) != 1 {
		t.Errorf("the file changed, or others are beside it: %v", left)
	}
}

func TestValuesThatDoNotFitAreNamed(t *testing.T) {
	path := file(t, `CREATE TABLE t (i INTEGER, b BOOLEAN, r REAL, n NUMERIC, d DECIMAL(3,1), t TEXT, day DATE, at DATETIME);
INSERT INTO t VALUES ('x', 2, 'y', 9007199254740993, 1.25, CAST(x'ff' AS TEXT), 1700000000, 1700000000)`)
	for column, want := range map[string]string{"i": `"x" is not an integer`, "b": "2 is not a boolean", "r": `"y" is not a number`, "n": "9007199254740993 is not a number that a double",
		"d": "1.25 is not a decimal(3,1)", "t": "not UTF-8", "day": "1700000000 is not a date", "at": "1700000000 is not a time"} {
		_, _, _, err := sourcetest.Rows(t, open(t, path, "t"), source.Scan{Columns: []string{column}})
		if source.KindOf(err) != source.Damaged || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("column %q", column)) {
			t.Errorf("%s: %v", column, err)
		}
	}
}

func TestPushDown(t *testing.T) {
	path := file(t, `CREATE TABLE t (i INTEGER, s TEXT COLLATE NOCASE, r REAL, d DATE, at TIMESTAMP, b BOOL, free);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
INSERT INTO t SELECT i, CASE i % 2 WHEN 0 THEN 'n' ELSE 'N' END || i, i / 4.0, date('2026-01-01', i || ' days'), '2026-01-01 00:00:0' || (i - 1), i % 2, i FROM n`)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		where engines.Predicate
		want  int
		push  bool
	}{
		{engines.Compare{Column: "i", Op: engines.Gt, Value: int64(4)}, 6, true},
		{engines.Compare{Column: "s", Op: engines.Eq, Value: "n4"}, 1, true},
		{engines.Compare{Column: "s", Op: engines.Eq, Value: "n5"}, 0, true}, // it is N5
		{engines.Compare{Column: "s", Op: engines.Lt, Value: "a"}, 5, true},
		{engines.Compare{Column: "s", Op: engines.Eq, Value: `it's "quoted"`}, 0, true},
		{engines.Compare{Column: "r", Op: engines.Le, Value: 0.5}, 2, true},
		{engines.Compare{Column: "d", Op: engines.Gt, Value: at.AddDate(0, 0, 8)}, 2, true},
		{engines.Compare{Column: "b", Op: engines.Eq, Value: true}, 5, true},
		{engines.Not{Of: engines.IsNull{Column: "s"}}, 10, true},
		{engines.Compare{Column: "at", Op: engines.Gt, Value: at.AddDate(1, 0, 0)}, 10, false},
		{engines.Compare{Column: "free", Op: engines.Gt, Value: "5"}, 10, false},
		{engines.And{engines.Compare{Column: "i", Op: engines.Gt, Value: int64(4)}, engines.Compare{Column: "free", Op: engines.Gt, Value: "5"}}, 6, true},
	} {
		_, got, plan, err := sourcetest.Rows(t, open(t, path, "t"), source.Scan{Where: c.where})
		if err != nil || len(got) != c.want || strings.Contains(plan, "where") != c.push {
			t.Errorf("%+v: %d rows, plan %s, %v", c.where, len(got), plan, err)
		}
	}
}

func TestFaults(t *testing.T) {
	path := file(t, `CREATE TABLE t (i INTEGER); CREATE VIEW broken AS SELECT * FROM gone`)
	junk := filepath.Join(t.TempDir(), "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, table string
		scan        source.Scan
		kind        source.Kind
	}{
		{path, "nope", source.Scan{}, source.Missing},
		{path + "x", "t", source.Scan{}, source.Missing},
		{filepath.Dir(path), "t", source.Scan{}, source.Unsupported},
		{junk, "t", source.Scan{}, source.Damaged},
		{path, "broken", source.Scan{}, source.Unsupported},
		{path, "t", source.Scan{Columns: []string{"nope"}}, source.Unsupported},
	} {
		_, _, _, err := sourcetest.Rows(t, open(t, c.path, c.table), c.scan)
		if source.KindOf(err) != c.kind {
			t.Errorf("%s %s: %v (%s)", c.path, c.table, err, source.KindOf(err))
		}
	}
	if _, err := os.Stat(path + "x"); err == nil {
		t.Error("a file was made")
	}
	for _, o := range []sqlitefile.Options{{Table: "t"}, {Params: map[string]string{"sqlite_file": "x"}}} {
		if _, err := sqlitefile.New(o); source.KindOf(err) != source.Unsupported {
			t.Errorf("%v", err)
		}
	}
}

func TestAFileThatIsWrittenMeanwhileAndCancel(t *testing.T) {
	path := file(t, `PRAGMA journal_mode = WAL; CREATE TABLE t (i INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t SELECT i FROM n`)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := open(t, path, "t").Read(ctx, source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() {
		t.Fatal(r.Err())
	}
	if _, err := db.Exec("DELETE FROM t WHERE i > 10; INSERT INTO t VALUES (-1)"); err != nil {
		t.Fatalf("a reader keeps a writer out: %v", err)
	}
	n := r.RecordBatch().NumRows()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if n != 300_000 || r.Err() != nil {
		t.Errorf("%d rows, %v", n, r.Err())
	}
	again, err := open(t, path, "t").Read(ctx, source.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Release()
	cancel()
	if again.Next() || !errors.Is(again.Err(), context.Canceled) {
		t.Errorf("%v", again.Err())
	}
}
