package cayenne_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// exported is a store that is open, and an archive of it.
func exported(t *testing.T) (engines.FileEngine, string) {
	t.Helper()
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: made(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	dst := filepath.Join(t.TempDir(), "copy")
	if _, err := e.(engines.FileEngine).Export(t.Context(), dst, false); err != nil {
		t.Fatal(err)
	}
	return e.(engines.FileEngine), dst
}

// TestAdoptOverItself restores the snapshot that the store was made from, while a reader has the older state open.
func TestAdoptOverItself(t *testing.T) {
	e, archive := exported(t)
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: numbers(t, 5)}); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		old, err := e.Query(t.Context(), engines.Scan{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(archive, copied, 0o600); err != nil {
			t.Fatal(err)
		}
		if info, err := e.Adopt(t.Context(), archive); err != nil || info.Rows != 990 {
			t.Fatalf("%+v, %v", info, err)
		}
		old.Release()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t.Context(), e.Path()); n != 990 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestFailedAdoptLeavesNothing adopts an archive whose delete file, behind the data, was changed.
func TestFailedAdoptLeavesNothing(t *testing.T) {
	from, archive := exported(t)
	deletions, err := filepath.Glob(filepath.Join(from.Path(), "data/*/*/deletions/*"))
	if err != nil || len(deletions) != 1 {
		t.Fatal(deletions, err)
	}
	content, err := os.ReadFile(deletions[0])
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(whole, content)
	if at < 0 {
		t.Fatal("the archive does not hold the delete file")
	}
	whole[at+len(content)/2] ^= 1
	if err := os.WriteFile(archive, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(t.TempDir(), "other.cayenne")
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: store})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.(engines.FileEngine).Adopt(t.Context(), archive); engines.KindOf(err) != engines.Corrupt {
		t.Errorf("adopted: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(store, "data/*/*/*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
