package objects

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/source"
)

// Half a number is a wrong number: a CSV file that ends in the middle of a line is read once its writer
// has left it alone.
func TestUnfinishedLineOfACSVFileIsNotARow(t *testing.T) {
	dir := write(t, map[string]string{"a.csv": "day,v\n2026-01-01,1\n2026-01-02,12"})
	if _, _, err := read(t, Options{Path: dir}, nil); source.KindOf(err) != source.Unavailable {
		t.Fatalf("error is %v", err)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "a.csv"), old, old); err != nil {
		t.Fatal(err)
	}
	rows, _, err := read(t, Options{Path: dir}, nil)
	if err != nil || !strings.HasSuffix(rows, `{"day":"2026-01-02","v":12}`+"\n") {
		t.Errorf("%s, %v", rows, err)
	}
}

// A file that is cut while it is read is not loaded as if it were whole.
func TestFileShortenedWhileItIsRead(t *testing.T) {
	for name, line := range map[string]string{"a.csv": "1,2\n", "a.ndjson": `{"a":1}` + "\n"} {
		dir := write(t, map[string]string{name: strings.Repeat(line, 500_000)})
		p := filepath.Join(dir, name)
		s, err := New(Options{Path: p}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Read(t.Context(), source.Scan{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if err := os.Truncate(p, int64(10*len(line))); err != nil {
			t.Fatal(err)
		}
		for r.Next() {
		}
		if source.KindOf(r.Err()) != source.Unavailable {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

// A Parquet file that is rewritten while it is read is worth another try, not damaged.
func TestParquetTruncatedWhileItIsRead(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shortened":   func(p string) error { return os.Truncate(p, 100_000) },
		"overwritten": func(p string) error { return os.WriteFile(p, parquetBytes(t, 100_000, 100_000), 0o644) },
		"garbage": func(p string) error {
			st, err := os.Stat(p)
			if err != nil {
				return err
			}
			return os.WriteFile(p, make([]byte, st.Size()), 0o644)
		},
	} {
		dir := write(t, map[string]string{"x.parquet": string(parquetBytes(t, 300_000, 150_000))})
		p := filepath.Join(dir, "x.parquet")
		age(t, p, time.Hour)
		r, err := newSource(t, Options{Path: p}, nil).Read(t.Context(), source.Scan{})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next() {
			t.Fatal(r.Err())
		}
		if err := change(p); err != nil {
			t.Fatal(err)
		}
		if _, _, err := drain(t, r); source.KindOf(err) != source.Unavailable {
			t.Errorf("%s: %v (kind %q)", name, err, source.KindOf(err))
		}
		r.Release()
	}
}
