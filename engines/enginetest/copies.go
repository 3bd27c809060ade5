package enginetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// openCopy checks an exported file alone in a directory of its own, opens it and reads it.
func openCopy(t testing.TB, h Harness, path string) (engines.Engine, state) {
	t.Helper()
	for _, s := range h.Sidecars {
		if _, err := os.Stat(path + s); !os.IsNotExist(err) {
			t.Errorf("the copy has a sidecar %s: %v", s, err)
		}
	}
	h.Dir = t.TempDir()
	if h.Folder {
		if _, cp, err := h.Opener.Check(t.Context(), path, Dataset); err != nil || cp == nil {
			t.Fatalf("check: %v, %v", cp, err)
		}
		e := h.Open(t)
		if _, err := e.(engines.FileEngine).Adopt(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return e, mustRead(t, e)
	}
	if err := os.Rename(path, h.Path()); err != nil {
		t.Fatal(err)
	}
	if _, cp, err := h.Opener.Check(t.Context(), h.Path(), Dataset); err != nil || cp == nil {
		t.Fatalf("check: %v, %v", cp, err)
	}
	e := h.Open(t)
	return e, mustRead(t, e)
}

// testExportDuringAppends copies while a writer appends: every copy holds whole appends.
func testExportDuringAppends(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	const step = 1000
	base := int64(300_000)
	if testing.Short() {
		base = 30_000
	}
	write(t, e, engines.Replace, rows(0, 0, base, base))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var appended int64
	appends := make(chan struct{}, 1)
	wg.Go(func() {
		for gen := int64(1); ctx.Err() == nil; gen++ {
			r := rows(gen, 0, step, step)
			if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, At: at()}); err != nil {
				t.Error(err)
				cancel()
			}
			r.Release()
			appended = gen
			select {
			case appends <- struct{}{}:
			default:
			}
		}
	})
	for i := range 4 {
		<-appends
		dst := filepath.Join(h.Dir, fmt.Sprintf("copy%d", i))
		x, err := e.Export(t.Context(), dst, i == 3)
		if err != nil {
			t.Fatal(err)
		}
		_, got := openCopy(t, h, dst)
		n := (x.Rows - base) / step
		want := total(0, 0, base)
		for gen := int64(1); gen <= n; gen++ {
			want = want.plus(total(gen, 0, step))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("copy %d: %s", i, diff)
		}
		if x.Bytes <= 0 || !x.Schema.Equal(schema()) {
			t.Errorf("copy %d: %+v", i, x)
		}
	}
	cancel()
	wg.Wait()
	info, err := e.Info(t.Context())
	if err != nil || info.Rows != base+step*appended {
		t.Errorf("%d rows after %d appends: %v", info.Rows, appended, err)
	}
	reopen(t, h, e) // the original is whole, also after a restart
}

// testExportDuringReplace copies while the file is replaced and appended to all the time.
func testExportDuringReplace(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(0, 0, 5000, 5000))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for gen := int64(1); ctx.Err() == nil; gen++ {
			for _, mode := range []engines.WriteMode{engines.Replace, engines.Append} {
				r := rows(gen, 0, 5000, 5000)
				if _, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: at()}); err != nil {
					t.Error(err)
					cancel()
				}
				r.Release()
			}
		}
	})
	for i := range 10 {
		dst := filepath.Join(h.Dir, fmt.Sprintf("copy%d", i))
		x, err := e.Export(t.Context(), dst, false)
		if err != nil {
			t.Fatal(err)
		}
		_, got := openCopy(t, h, dst)
		if len(got.Rows) != 1 || x.Rows != 5000 && x.Rows != 10_000 {
			t.Errorf("copy %d: %+v, %+v", i, x, got)
		}
	}
	cancel()
	wg.Wait()
}

func testExportCompact(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	write(t, e, engines.Replace, rows(1, 0, 300_000, 100_000))
	if _, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Ge, Value: int64(1000)}); err != nil {
		t.Fatal(err)
	}
	plain, compact := filepath.Join(h.Dir, "plain"), filepath.Join(h.Dir, "compact")
	a, err := e.Export(t.Context(), plain, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Export(t.Context(), compact, true)
	if err != nil {
		t.Fatal(err)
	}
	if a.Rows != 1000 || b.Rows != 1000 || b.Bytes >= a.Bytes {
		t.Errorf("plain %+v, compact %+v", a, b)
	}
	for _, p := range []string{plain, compact} {
		c, got := openCopy(t, h, p)
		if diff := cmp.Diff(total(1, 0, 1000), got); diff != "" {
			t.Error(diff)
		}
		write(t, c, engines.Append, rows(2, 0, 10, 10))
	}
}

func testExportErrors(t *testing.T, h Harness) {
	e := h.Open(t).(engines.FileEngine)
	dst := filepath.Join(h.Dir, "copy")
	_, err := e.Export(t.Context(), dst, false)
	wantKind(t, err, engines.NotFound)
	write(t, e, engines.Replace, rows(1, 0, 10, 10))
	if err := os.WriteFile(dst, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, compact := range []bool{false, true} {
		if _, err := e.Export(t.Context(), dst, compact); err == nil {
			t.Error("overwrote a file")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = e.Export(ctx, dst+"2", compact)
		wantKind(t, err, engines.Canceled)
		_, err = e.Export(t.Context(), filepath.Join(h.Dir, "no", "such"), compact)
		if err == nil {
			t.Error("no error for a missing directory")
		}
	}
	if got, err := os.ReadFile(dst); err != nil || string(got) != "precious" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(dst + "2"); !os.IsNotExist(err) {
		t.Errorf("a copy is left: %v", err)
	}
	write(t, e, engines.Append, rows(2, 0, 10, 10)) // the engine still works
}
