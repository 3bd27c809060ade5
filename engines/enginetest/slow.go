package enginetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
)

// testSlowReader keeps a reader that has taken its first batch: it goes on seeing the rows of its
// beginning, and neither writes nor reads nor copies wait for it.
func testSlowReader(t *testing.T, h Harness) {
	const n = 30_000
	e := h.Open(t)
	write(t, e, engines.Replace, rows(0, 0, n, 1000))
	slow, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Release()
	if !slow.Next() {
		t.Fatal(slow.Err())
	}
	seen := slow.RecordBatch().NumRows()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // only reached by who waits for the reader
	defer cancel()
	for gen := int64(1); gen <= 3; gen++ {
		r := rows(gen, 0, 1000, 1000)
		_, err := e.Write(ctx, engines.Write{Mode: engines.Append, Rows: r, At: at(), State: []byte("x")})
		r.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Delete(ctx, engines.Compare{Column: "gen", Op: engines.Eq, Value: int64(3)}); err != nil {
		t.Error(err)
	}
	want := total(0, 0, n).plus(total(1, 0, 1000)).plus(total(2, 0, 1000))
	got, err := read(ctx, e)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("beside a slow reader: %v %s", err, diff)
	}
	if f, ok := e.(engines.FileEngine); ok && h.file() {
		x, err := f.Export(ctx, filepath.Join(h.Dir, "copy"), false)
		if err != nil || x.Rows != n+2000 {
			t.Errorf("a copy of %d rows: %v", x.Rows, err)
		}
	}
	r := rows(9, 0, 10, 10)
	_, err = e.Write(ctx, engines.Write{Mode: engines.Replace, Rows: r, At: at()})
	r.Release()
	if diff := cmp.Diff(total(9, 0, 10), mustRead(t, e)); diff != "" || err != nil {
		t.Errorf("replaced beside a slow reader: %v %s", err, diff)
	}
	for slow.Next() {
		seen += slow.RecordBatch().NumRows()
	}
	if slow.Err() != nil || seen != n {
		t.Errorf("the slow reader saw %d rows: %v", seen, slow.Err())
	}
}
