package cayenne_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

func numbers(t testing.TB, n int64) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(i)
	}
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// made returns the folder of a store with 1,000 rows of which 10 are deleted.
func made(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.cayenne")
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: numbers(t, 1000)}); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Lt, Value: int64(10)}); n != 10 || err != nil {
		t.Fatalf("deleted %d, %v", n, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// count opens a store and counts its rows.
func count(ctx context.Context, path string) (n int64, err error) {
	e, err := cayenne.Opener{}.Open(ctx, engines.Options{Dataset: "d", Path: path})
	if err != nil {
		return 0, err
	}
	defer e.Close()
	r, err := e.Query(ctx, engines.Scan{})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	return n, r.Err()
}

// TestDamage flips a bit in, cuts and removes each file of a store: it never gives rows that are not those written.
func TestDamage(t *testing.T) {
	for _, pattern := range []string{"data/*/*/*.vortex", "data/*/*/deletions/*.arrow", "metadata/cayenne.db"} {
		for name, harm := range map[string]func(path string, b []byte) error{
			"cut":     func(path string, b []byte) error { return os.WriteFile(path, b[:len(b)/2], 0o600) },
			"garbage": func(path string, b []byte) error { return os.WriteFile(path, make([]byte, len(b)), 0o600) },
			"flipped": func(path string, b []byte) error {
				b[len(b)/3] ^= 4
				return os.WriteFile(path, b, 0o600)
			},
			"gone": func(path string, _ []byte) error { return os.Remove(path) },
		} {
			if filepath.Base(pattern) == "cayenne.db" && name == "flipped" {
				continue // SQLite has no checksums
			}
			t.Run(filepath.Base(pattern)+" "+name, func(t *testing.T) {
				store := made(t)
				files, err := filepath.Glob(filepath.Join(store, pattern))
				if err != nil || len(files) != 1 {
					t.Fatal(files, err)
				}
				b, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				if n, err := count(t.Context(), store); n != 990 || err != nil {
					t.Fatalf("before: %d rows, %v", n, err)
				}
				if err := harm(files[0], b); err != nil {
					t.Fatal(err)
				}
				if n, err := count(t.Context(), store); engines.KindOf(err) != engines.Corrupt {
					t.Errorf("%d rows, %v", n, err)
				}
			})
		}
	}
}

// TestStrays opens a store beside whose files a killed writer left others.
func TestStrays(t *testing.T) {
	store := made(t)
	files, err := filepath.Glob(filepath.Join(store, "data/*/*/*.vortex"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	const other = "01a2058e-fdf4-7eda-a988-eae13906e14d"
	strays := []string{filepath.Join(filepath.Dir(files[0]), "part-1.vortex"), filepath.Join(store, "data", other, other, "part-2.vortex.0123456789abcdef.tmp")}
	foreign := filepath.Join(store, "data", "mine", "x", "part-3.vortex")
	for _, s := range append(strays, foreign) {
		if err := os.MkdirAll(filepath.Dir(s), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s, []byte("unfinished"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := count(t.Context(), store); n != 990 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	for _, s := range append(strays, filepath.Join(store, "data", other)) {
		if _, err := os.Stat(s); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", s, err)
		}
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is nobody's stray is gone: %v", err)
	}
}

// TestNothingIsLeftOfOldStates replaces and appends: only the files of the last state remain.
func TestNothingIsLeftOfOldStates(t *testing.T) {
	store := made(t)
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: store})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 3 {
		for _, m := range []engines.WriteMode{engines.Replace, engines.Append} {
			if _, err := e.Write(t.Context(), engines.Write{Mode: m, Rows: numbers(t, 100)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var left []string
	for _, pattern := range []string{"data/*/*/*.vortex", "data/*/*/deletions/*"} {
		files, err := filepath.Glob(filepath.Join(store, pattern))
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, files...)
	}
	if len(left) != 2 {
		t.Errorf("files: %v", left)
	}
}

// TestAnArchiveIsRead opens a snapshot's archive without adopting it.
func TestAnArchiveIsRead(t *testing.T) {
	store := made(t)
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: store})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	dir := t.TempDir()
	dst := filepath.Join(dir, "copy.cayenne")
	if _, err := e.(engines.FileEngine).Export(t.Context(), dst, false); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t.Context(), dst); n != 990 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	a, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: dst})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: numbers(t, 1)}); engines.KindOf(err) != engines.Invalid {
		t.Errorf("a write into an archive: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left beside the archive: %v, %v", left, err)
	}
}
