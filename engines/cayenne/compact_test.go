package cayenne_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// compactAll compacts until there is nothing left to do, and returns how often it did something.
func compactAll(t testing.TB, e engines.Engine) (runs int) {
	t.Helper()
	for {
		done, err := e.(engines.Compactor).Compact(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done.Before == 0 {
			return runs
		}
		if done.After == 0 || done.After > done.Before {
			t.Errorf("%+v", done)
		}
		runs++
	}
}

// ids are the rows in the order in which they are read.
func ids(t testing.TB, e engines.Engine) (out []string) {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		c := r.RecordBatch().Column(0)
		for i := range c.Len() {
			out = append(out, c.ValueStr(i))
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return out
}

func store(t testing.TB, params map[string]string) (engines.Engine, engines.Options) {
	t.Helper()
	o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne"), Params: params}
	e, err := cayenne.Opener{}.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e, o
}

// TestCompact appends 100 times, with a compaction after each: few files are there all the time, no row is written
// anew often, and a reader of the state before goes on.
func TestCompact(t *testing.T) {
	e, o := store(t, nil)
	const appends, rows = 100, 50
	var want []string
	for i := range int64(appends) {
		appendSpan(t, e, i*rows, rows)
		for id := i * rows; id < (i+1)*rows; id++ {
			want = append(want, fmt.Sprint(id))
		}
		if i == 7 {
			old, err := e.Query(t.Context(), engines.Scan{})
			if err != nil {
				t.Fatal(err)
			}
			if compactAll(t, e) != 1 {
				t.Error("eight small files were not put together")
			}
			n := int64(0)
			for old.Next() {
				n += old.RecordBatch().NumRows()
			}
			if n != 8*rows || old.Err() != nil {
				t.Errorf("a reader of the state before has %d rows: %v", n, old.Err())
			}
			old.Release()
		}
		compactAll(t, e)
		if l := layout(t, e); l.Partitions[0].Files > 16 {
			t.Fatalf("%d files after %d appends", l.Partitions[0].Files, i+1)
		}
	}
	for range 2 {
		got := ids(t, e)
		if len(got) != len(want) {
			t.Fatalf("%d rows of %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("row %d is %s", i, got[i])
			}
		}
		l := layout(t, e)
		files, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/*.vortex"))
		if err != nil || len(files) != l.Partitions[0].Files {
			t.Errorf("%d files, %d in the layout: %v", len(files), l.Partitions[0].Files, err)
		}
		if c := l.Compaction; c == nil || c.Running || c.Err != "" {
			t.Errorf("%+v", c)
		} else if c.Runs > 0 {
			t.Logf("%d compactions of %d files to %d", c.Runs, c.Before, c.After)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if e, err = (cayenne.Opener{}).Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.(engines.Compactor).Compact(t.Context()); err == nil {
		t.Error("compacted a closed store")
	}
}

// TestCompactDropsDeletedRows rewrites one file of which half of the rows are gone, and leaves one that lost less.
func TestCompactDropsDeletedRows(t *testing.T) {
	e, o := store(t, nil)
	appendSpan(t, e, 0, 1000)
	for _, tt := range []struct{ below, deleted int64 }{{400, 400}, {500, 0}} {
		if _, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Lt, Value: tt.below}); err != nil {
			t.Fatal(err)
		}
		compactAll(t, e)
		if p := layout(t, e).Partitions[0]; p.Deleted != tt.deleted || p.Rows != 1000-tt.below || p.Files != 1 {
			t.Errorf("%+v", p)
		}
	}
	if left, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/deletions/*")); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestCompactPartitions puts the files of each partition together, and none of two.
func TestCompactPartitions(t *testing.T) {
	by := []engines.PartitionBy{{Name: "bucket", Column: "id", Transform: engines.Bucket, N: 3}}
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne"), Partitions: by})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := range int64(9) {
		appendSpan(t, e, i*100, 100)
	}
	rows := map[string]int64{}
	for _, p := range layout(t, e).Partitions {
		rows[p.Path] = p.Rows
	}
	if n := compactAll(t, e); n != 3 {
		t.Errorf("%d compactions", n)
	}
	for _, p := range layout(t, e).Partitions {
		if p.Files != 1 || p.Rows != rows[p.Path] {
			t.Errorf("%+v", p)
		}
	}
	if len(rows) != 3 || len(ids(t, e)) != 900 {
		t.Errorf("%v", rows)
	}
}

// TestCompactBesideWriters appends and deletes while another goroutine compacts all the time, and closes the store
// under it.
func TestCompactBesideWriters(t *testing.T) {
	e, o := store(t, map[string]string{"cayenne_compaction_trigger_files": "2"})
	var compactions sync.WaitGroup
	compactions.Go(func() {
		for {
			if _, err := e.(engines.Compactor).Compact(context.Background()); err != nil {
				return // the store is closed
			}
		}
	})
	const appends, rows = 60, 100
	for i := range int64(appends) {
		appendSpan(t, e, i*rows, rows)
		last := engines.Compare{Column: "id", Op: engines.Eq, Value: (i+1)*rows - 1}
		if n, err := e.Delete(t.Context(), last); n != 1 || err != nil {
			t.Fatalf("deleted %d, %v", n, err)
		}
		if n := scanned(t, e, nil); n != (i+1)*(rows-1) {
			t.Fatalf("%d rows after %d appends", n, i+1)
		}
	}
	c := layout(t, e).Compaction
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	compactions.Wait()
	if c.Runs == 0 || c.Err != "" {
		t.Errorf("%+v", c)
	}
	if n, err := count(t.Context(), o.Path); n != appends*(rows-1) || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// TestCompactFails meets a damaged file: the error is told, and the rows stay as they are.
func TestCompactFails(t *testing.T) {
	e, o := store(t, map[string]string{"cayenne_compaction_trigger_files": "2"})
	appendSpan(t, e, 0, 100)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/*.vortex"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err = (cayenne.Opener{}).Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	appendSpan(t, e, 100, 100)
	if _, err := e.(engines.Compactor).Compact(t.Context()); engines.KindOf(err) != engines.Corrupt {
		t.Errorf("%v", err)
	}
	l := layout(t, e)
	if l.Partitions[0].Files != 2 || l.Compaction == nil || l.Compaction.Err == "" || l.Compaction.Running {
		t.Errorf("%+v, %+v", l.Partitions, l.Compaction)
	}
	if left, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/*.vortex")); len(left) != 2 || err != nil {
		t.Errorf("%v, %v", left, err)
	}
}
