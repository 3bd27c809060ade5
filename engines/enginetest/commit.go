package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// apply writes with all that may go with a write and returns its stats.
func apply(t testing.TB, e engines.Engine, w engines.Write) engines.Stats {
	t.Helper()
	defer w.Rows.Release()
	w.At = at()
	s, err := e.Write(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testState keeps the writer's own state through writes, deletes, a restart, a copy and an adoption.
func testState(t *testing.T, h Harness) {
	e := h.Open(t)
	expect := func(e engines.Engine, want []byte) {
		t.Helper()
		cp, err := e.Checkpoint(t.Context())
		if err != nil || cp == nil || !bytes.Equal(cp.State, want) || (cp.State == nil) != (want == nil) {
			t.Fatalf("checkpoint %+v, %v, want state %q", cp, err, want)
		}
	}
	first, second := []byte("{\"a\":1}\x00\xff'"), bytes.Repeat([]byte("long "), 100_000)
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: rows(1, 0, 10, 10), State: first})
	expect(e, first)
	apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(2, 0, 10, 10), State: second})
	expect(e, second)
	if _, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Eq, Value: int64(1)}); err != nil {
		t.Fatal(err)
	}
	expect(e, second)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := rows(3, 0, 10, 10)
	_, err := e.Write(ctx, engines.Write{Mode: engines.Append, Rows: r, State: first})
	r.Release()
	wantKind(t, err, engines.Canceled)
	expect(e, second)
	apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(3, 0, 10, 10)})
	expect(e, nil)
	apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(3, 0, 10, 10), State: second})
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: rows(3, 0, 10, 10)})
	expect(e, nil)
	apply(t, e, engines.Write{Mode: engines.Replace, Rows: rows(3, 0, 10, 10), State: []byte{}})
	apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(3, 0, 10, 10), State: first})
	if !h.lasts() {
		return
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = h.Open(t)
	expect(e, first)
	f, ok := e.(engines.FileEngine)
	if !ok {
		return
	}
	for _, compact := range []bool{false, true} {
		dst := filepath.Join(h.Dir, "copy")
		if _, err := f.Export(t.Context(), dst, compact); err != nil {
			t.Fatal(err)
		}
		if _, cp, err := h.Opener.Check(t.Context(), dst, Dataset); err != nil || !bytes.Equal(cp.State, first) {
			t.Fatalf("check: %+v, %v", cp, err)
		}
		apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(4, 0, 10, 10), State: second})
		if _, err := f.Adopt(t.Context(), dst); err != nil {
			t.Fatal(err)
		}
		expect(e, first)
	}
}

// testEvict evicts rows in the commit that adds others.
func testEvict(t *testing.T, h Harness) {
	e := h.Open(t)
	old := engines.Compare{Column: "id", Op: engines.Lt, Value: int64(100)}
	stats := apply(t, e, engines.Write{Mode: engines.Replace, Rows: rows(1, 0, 300, 50), Evict: old})
	if stats.Written != 300 || stats.Evicted != 100 || stats.Rows != 200 || stats.Bytes <= 0 {
		t.Errorf("replace: %+v", stats)
	}
	expect(t, e, total(1, 100, 200))
	old.Value = int64(200)
	stats = apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(2, 150, 100, 50), Evict: old})
	if stats.Written != 100 || stats.Evicted != 150 || stats.Rows != 150 {
		t.Errorf("append: %+v", stats)
	}
	want := total(1, 200, 100).plus(total(2, 200, 50))
	expect(t, e, want)
	sql := engines.Or{engines.CompareText{Column: "s", Op: engines.Lt, Value: at()}, engines.SQL{Text: "1 = 1"}}
	bad := engines.And{engines.SQL{Text: "no such"}, old}
	r := rows(3, 0, 10, 10)
	_, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, Evict: bad})
	r.Release()
	wantKind(t, err, engines.Invalid)
	r = rows(3, 0, 10, 10)
	_, err = e.Write(t.Context(), engines.Write{Mode: engines.Replace, Rows: r, Evict: engines.IsNull{Column: "none"}})
	r.Release()
	wantKind(t, err, engines.NotFound)
	if diff := cmp.Diff(want, mustRead(t, e)); diff != "" {
		t.Errorf("after a failure: %s", diff)
	}
	stats = apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(3, 0, 10, 10), Evict: sql})
	if stats.Written != 10 || stats.Evicted != 160 || stats.Rows != 0 {
		t.Errorf("all: %+v", stats)
	}
	stats = apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(4, 0, 10, 10), Evict: engines.Or{}})
	if stats.Evicted != 0 || stats.Rows != 10 {
		t.Errorf("none: %+v", stats)
	}
	noTemp(t, h)
}

// testEvictIsNeverVisible lets readers look for what must never be there: generation 7.
func testEvictIsNeverVisible(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 1000, 1000))
	defer watch(t, e, 2, func(_, s state) string {
		if s.Rows[7] > 0 || s.Rows[1]%1000 != 0 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})()
	hidden := engines.Compare{Column: "gen", Op: engines.Eq, Value: int64(7)}
	for i := range 12 {
		mode := engines.Append
		if i%3 == 0 {
			mode = engines.Replace
		}
		apply(t, e, engines.Write{Mode: mode, Rows: rows(7, 0, 20_000, 5000), Evict: hidden})
		apply(t, e, engines.Write{Mode: engines.Append, Rows: rows(1, 0, 1000, 100), Evict: hidden})
	}
}
