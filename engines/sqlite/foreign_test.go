package sqlite_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/sqlite"
)

// shell runs SQL in the sqlite3 shell and returns its output.
func shell(t *testing.T, path, sql string) string {
	t.Helper()
	bin, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skipf("no sqlite3 shell: %v", err)
	}
	out, err := exec.Command(bin, path, sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

func oneRow(t *testing.T) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(100)
	b.Field(1).AppendNull()
	batch := b.NewRecordBatch()
	defer batch.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestForeignFile opens a file as another program makes it, and lets that program look at ours.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreign.sqlite")
	shell(t, path, `CREATE TABLE sales (id INTEGER, s TEXT); INSERT INTO sales VALUES (1, 'a'), (2, NULL);
		CREATE TABLE spice_sys_dataset_checkpoint (dataset_name TEXT PRIMARY KEY, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
		INSERT INTO spice_sys_dataset_checkpoint VALUES ('sales', '2026-01-01', '2026-02-03 04:05:06');`)
	info, cp, err := sqlite.Opener{}.Check(t.Context(), path, "sales")
	if err != nil || info.Rows != 2 {
		t.Fatalf("%+v, %v", info, err)
	}
	if diff := cmp.Diff(&engines.Checkpoint{UpdatedAt: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}, cp); diff != "" {
		t.Error(diff)
	}
	e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	r := oneRow(t)
	defer r.Release()
	if stats, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r}); err != nil || stats.Rows != 3 {
		t.Errorf("%+v, %v", stats, err)
	}
	copied := path + ".copy"
	if _, err := e.(engines.FileEngine).Export(t.Context(), copied, false); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for file, mode := range map[string]string{path: "wal", copied: "delete"} {
		got := shell(t, file, "PRAGMA quick_check; PRAGMA journal_mode; SELECT count(*), sum(id) FROM sales; SELECT schema_json LIKE '{\"fields\"%' FROM spice_sys_dataset_checkpoint")
		if diff := cmp.Diff("ok\n"+mode+"\n3|103\n1", got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

// TestForeignView refuses to append to a view, and says what helps.
func TestForeignView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreign.sqlite")
	shell(t, path, "CREATE TABLE inner_sales (id INTEGER, s TEXT); INSERT INTO inner_sales VALUES (1, 'a'); CREATE VIEW sales AS SELECT * FROM inner_sales")
	e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, mode := range []engines.WriteMode{engines.Append, engines.Replace} {
		r := oneRow(t)
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r})
		r.Release()
		if want := map[engines.WriteMode]engines.Kind{engines.Append: engines.Invalid}[mode]; engines.KindOf(err) != want {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// TestUnparkAfterCrash plants what a process leaves that dies between parking the WAL and the rename,
// and after the rename: the WAL goes back to its own file and never to another.
func TestUnparkAfterCrash(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.sqlite")
	e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []engines.WriteMode{engines.Replace, engines.Append} {
		r := oneRow(t)
		if _, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r}); err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, mine := range []bool{true, false} {
		parked := path + "-wal." + inode(t, path, mine) + ".aside"
		if err := os.WriteFile(parked, wal, 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
		if err != nil {
			t.Fatal(err)
		}
		back, err := os.ReadFile(path + "-wal")
		if mine != bytes.Equal(back, wal) {
			t.Errorf("mine %v: %d bytes came back, %v", mine, len(back), err)
		}
		if _, err := os.Stat(parked); !os.IsNotExist(err) {
			t.Errorf("mine %v: still parked: %v", mine, err)
		}
		if info, err := e.Info(t.Context()); err != nil || info.Rows != 2 {
			t.Errorf("mine %v: %+v, %v", mine, info, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func inode(t *testing.T, path string, mine bool) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	n := info.Sys().(*syscall.Stat_t).Ino
	if !mine {
		n++
	}
	return strconv.FormatUint(n, 10)
}
