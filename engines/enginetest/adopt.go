package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// made returns the path of a sound file with n rows of a generation, on the disk of h.
func made(t testing.TB, h Harness, gen, n int64) string {
	t.Helper()
	other := h
	other.Dir = filepath.Join(h.Dir, "made")
	if err := os.MkdirAll(other.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := other.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(gen, 0, n, n))
	dst := filepath.Join(h.Dir, "download")
	if _, err := e.Export(t.Context(), dst, false); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil { // the next one is made at the same place
		t.Fatal(err)
	}
	return dst
}

// plant puts garbage where the sidecars of the database would be.
func plant(t testing.TB, h Harness) {
	t.Helper()
	for _, s := range h.Sidecars {
		if err := os.WriteFile(h.Path()+s, []byte("stale sidecar of another life"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func testAdopt(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(1, 0, 3000, 3000))
	stop := watch(t, e, 2, func(_, s state) string {
		for gen := range s.Rows {
			if diff := cmp.Diff(total(gen, 0, 3000*gen), s); diff != "" {
				return "a mixture: " + diff
			}
		}
		return ""
	})
	defer stop()
	for gen := int64(2); gen < 6; gen++ {
		src := made(t, h, gen, 3000*gen)
		info, err := e.Adopt(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		if info.Rows != 3000*gen || !info.Schema.Equal(schema()) || info.Bytes <= 0 {
			t.Errorf("info %+v", info)
		}
		if _, err := os.Stat(src); !os.IsNotExist(err) {
			t.Errorf("the source is still there: %v", err)
		}
		expect(t, e, total(gen, 0, 3000*gen))
	}
	stop()
	write(t, e, engines.Append, rows(9, 0, 10, 10))
	reopen(t, h, e)
}

// testAdoptOntoNothing adopts where sidecars of a vanished file lie in wait.
func testAdoptOntoNothing(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	src := made(t, h, 1, 500)
	plant(t, h)
	if _, err := e.Adopt(t.Context(), src); err != nil {
		t.Fatal(err)
	}
	want := total(1, 0, 500)
	expect(t, e, want)
	write(t, e, engines.Append, rows(2, 0, 5, 5))
	expect(t, e, want.plus(total(2, 0, 5)))
	// the same with a write instead of an adoption
	if err := reopen(t, h, e).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(h.Path()); err != nil {
		t.Fatal(err)
	}
	plant(t, h)
	e = h.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(3, 0, 700, 700))
	write(t, e, engines.Append, rows(4, 0, 7, 7))
	expect(t, e, total(3, 0, 700).plus(total(4, 0, 7)))
}

func testAdoptErrors(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(1, 0, 100, 100))
	src := filepath.Join(h.Dir, "bad")
	if err := os.WriteFile(src, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := e.Adopt(t.Context(), src)
	wantKind(t, err, engines.Corrupt)
	if _, err := os.Stat(src); err != nil {
		t.Error(err)
	}
	_, err = e.Adopt(t.Context(), filepath.Join(h.Dir, "none"))
	wantKind(t, err, engines.NotFound)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	good := made(t, h, 2, 50)
	_, err = e.Adopt(ctx, good)
	wantKind(t, err, engines.Canceled)
	if _, err := os.Stat(good); err != nil {
		t.Error(err)
	}
	expect(t, e, total(1, 0, 100))
	write(t, e, engines.Append, rows(2, 0, 10, 10))
}

// testOldGenerationIsHarmless closes an old generation after the new one has data in its WAL.
func testOldGenerationIsHarmless(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 5000, 5000))
	write(t, e, engines.Append, rows(2, 0, 100, 100))
	old, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	if !old.Next() {
		t.Fatal(old.Err())
	}
	n := old.RecordBatch().NumRows()
	write(t, e, engines.Replace, rows(3, 0, 7000, 7000))
	write(t, e, engines.Append, rows(4, 0, 10, 10))
	want := total(3, 0, 7000).plus(total(4, 0, 10))
	expect(t, e, want)
	for old.Next() {
		n += old.RecordBatch().NumRows()
	}
	if n != 5100 || old.Err() != nil {
		t.Errorf("the old reader saw %d rows, %v", n, old.Err())
	}
	old.Release() // closes the old generation
	expect(t, e, want)
	reopen(t, h, e)
}
