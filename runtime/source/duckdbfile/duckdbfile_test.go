//go:build duckdb_arrow

package duckdbfile_test

import (
	"bufio"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"go.uber.org/goleak"

	"pitwall/engines"
	"pitwall/runtime/source"
	"pitwall/runtime/source/duckdbfile"
	"pitwall/runtime/source/sourcetest"
)

// held is the variable that makes the test binary a process that holds a file open until its input ends.
const held = "PITWALL_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(held); path != "" {
		db, err := sql.Open("duckdb", path)
		if err == nil {
			err = db.Ping()
		}
		fmt.Println("open", err)
		bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// file makes a DuckDB file by statements.
func file(t *testing.T, statements string) string {
	t.Helper()
	return sourcetest.File(t, "duckdb", "it's.duckdb", statements)
}

func open(t *testing.T, path, table string) *duckdbfile.Source {
	t.Helper()
	s, err := duckdbfile.New(duckdbfile.Options{Table: table, Dir: filepath.Dir(path), Params: map[string]string{"duckdb_open": filepath.Base(path)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTablesViewsAndConditions(t *testing.T) {
	path := file(t, `CREATE TABLE t AS SELECT i::INTEGER AS id, 'n' || i AS name, i / 4.0::DOUBLE AS f, (i / 4.0)::DECIMAL(10,2) AS n,
 TIMESTAMP '2026-01-01' + i * INTERVAL 1 MICROSECOND AS at, make_timestamptz(i) AS tz, DATE '2026-01-01' + i::INTEGER AS d, [i] AS l FROM range(1, 11) r(i);
CREATE SCHEMA "S x"; CREATE VIEW "S x".v AS SELECT id, name FROM main.t WHERE id > 5`)
	before, _ := os.ReadFile(path)
	at := time.Date(2026, 1, 1, 0, 0, 0, 4000, time.UTC)
	for _, c := range []struct {
		table string
		scan  source.Scan
		want  int
		first string
	}{
		{"t", source.Scan{}, 10, "1|n1|0.25|0.25|2026-01-01T00:00:00.000001|1970-01-01T00:00:00.000001Z|2026-01-02|[1]"},
		{`"S x"."v"`, source.Scan{}, 5, "6|n6"},
		{"main.t", source.Scan{Columns: []string{"name", "id"}}, 10, "n1|1"},
		{"T", source.Scan{Where: engines.Compare{Column: "at", Op: engines.Gt, Value: at}, Columns: []string{"id"}}, 6, "5"},
		{"t", source.Scan{Where: engines.Compare{Column: "tz", Op: engines.Gt, Value: time.UnixMicro(7)}, Columns: []string{"id"}}, 3, "8"},
		{"t", source.Scan{Where: engines.Compare{Column: "name", Op: engines.Ge, Value: "n5"}, Columns: []string{"id"}}, 5, "5"},
		{"t", source.Scan{Where: engines.Compare{Column: "n", Op: engines.Lt, Value: 1.0}, Columns: []string{"id"}}, 3, "1"},
	} {
		_, got, plan, err := sourcetest.Rows(t, open(t, path, c.table), c.scan)
		if err != nil || len(got) != c.want || got[0] != c.first || strings.Contains(plan, "where") != (c.scan.Where != nil) {
			t.Errorf("%s %+v: %v, plan %s, %v", c.table, c.scan, got, plan, err)
		}
	}
	// What DuckDB can't say as it is meant is left to the caller: a superset comes.
	if _, got, _, err := sourcetest.Rows(t, open(t, path, "t"), source.Scan{Where: engines.CompareText{Column: "name", Op: engines.Gt, Value: at}}); err != nil || len(got) != 10 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	after, _ := os.ReadFile(path)
	left, _ := os.ReadDir(filepath.Dir(path))
	if sha256.Sum256(before) != sha256.Sum256(after) || len(left) != 1 {
		t.Errorf("the file changed, or others are beside it: %v", left)
	}
}

func TestFaults(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.csv")
	junk := filepath.Join(t.TempDir(), "junk.duckdb")
	for _, f := range []string{secret, junk} {
		if err := os.WriteFile(f, []byte(strings.Repeat("a,b\n1,2\n", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := file(t, `CREATE TABLE t (i INTEGER); CREATE VIEW spy AS SELECT * FROM read_csv('`+secret+`')`)
	for _, c := range []struct {
		path, table string
		scan        source.Scan
		kind        source.Kind
	}{
		{path, "nope", source.Scan{}, source.Missing},
		{path, "nope.t", source.Scan{}, source.Missing},
		{path + "x", "t", source.Scan{}, source.Missing},
		{filepath.Dir(path), "t", source.Scan{}, source.Unsupported},
		{junk, "t", source.Scan{}, source.Damaged},
		{path, "spy", source.Scan{}, source.Unsupported},
		{path, "t", source.Scan{Columns: []string{"nope"}}, source.Unsupported},
	} {
		_, _, _, err := sourcetest.Rows(t, open(t, c.path, c.table), c.scan)
		var e *source.Error
		if !errors.As(err, &e) || e.Kind != c.kind || e.Hint == "" && c.scan.Columns == nil {
			t.Errorf("%s %s: %v (%s)", c.path, c.table, err, source.KindOf(err))
		}
	}
	for _, name := range []string{"", "a.", ".a", "a.b.c", `"a`, `"a"b`, "a..b"} {
		if _, err := duckdbfile.New(duckdbfile.Options{Table: name, Params: map[string]string{"duckdb_open": "x"}}); source.KindOf(err) != source.Unsupported {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := duckdbfile.New(duckdbfile.Options{Table: "t"}); source.KindOf(err) != source.Unsupported {
		t.Errorf("%v", err)
	}
}

func TestAFileThatAnotherProcessWritesIsUnavailable(t *testing.T) {
	path := file(t, "CREATE TABLE t AS SELECT 1 AS i")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), held+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open <nil>\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_, _, _, err = sourcetest.Rows(t, open(t, path, "t"), source.Scan{})
	var e *source.Error
	if !errors.As(err, &e) || e.Kind != source.Unavailable || !strings.Contains(e.Hint, "another process") {
		t.Errorf("%v", err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, got, _, err := sourcetest.Rows(t, open(t, path, "t"), source.Scan{}); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestCancel(t *testing.T) {
	path := file(t, "CREATE TABLE t AS SELECT i FROM range(500000) r(i)")
	sourcetest.Cancel(t, open(t, path, "t"))
}
