package cayenne

import (
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// TestWritesDuringACompaction changes the dataset after the files of a compaction were read and before they are
// exchanged.
func TestWritesDuringACompaction(t *testing.T) {
	below := func(n int64) engines.Predicate { return engines.Compare{Column: "id", Op: engines.Lt, Value: n} }
	for name, tt := range map[string]struct {
		between func(t *testing.T, e *Engine, archive string)
		did     bool
		rows    int64
		sum     int64
	}{
		"nothing": {func(*testing.T, *Engine, string) {}, true, 290, sum(10, 300)},
		"an append": {func(t *testing.T, e *Engine, _ string) {
			add(t, e, engines.Append, 300, 100)
		}, true, 390, sum(10, 400)},
		"a delete": {func(t *testing.T, e *Engine, _ string) {
			remove(t, e, below(150))
			remove(t, e, engines.Compare{Column: "id", Op: engines.Eq, Value: int64(299)})
		}, false, 149, sum(150, 299)}, // the first file is gone
		"a delete in the files": {func(t *testing.T, e *Engine, _ string) {
			remove(t, e, below(20))
			remove(t, e, engines.Compare{Column: "id", Op: engines.Eq, Value: int64(299)})
			remove(t, e, engines.And{engines.Compare{Column: "id", Op: engines.Ge, Value: int64(100)}, below(105)})
		}, true, 274, sum(20, 100) + sum(105, 299)},
		"a replace":          {func(t *testing.T, e *Engine, _ string) { add(t, e, engines.Replace, 7, 3) }, false, 3, 7 + 8 + 9},
		"an older state":     {adopted, false, 300, sum(0, 300)},
		"all rows are gone":  {func(t *testing.T, e *Engine, _ string) { remove(t, e, below(1000)) }, false, 0, 0},
		"another compaction": {func(t *testing.T, e *Engine, _ string) { mustCompact(t, e) }, false, 290, sum(10, 300)},
	} {
		t.Run(name, func(t *testing.T) {
			o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne"), Params: map[string]string{"cayenne_compaction_trigger_files": "3"}}
			e, err := open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close() }()
			for i := range int64(3) {
				add(t, e, engines.Append, i*100, 100)
			}
			archive := filepath.Join(t.TempDir(), "archive")
			if _, err := e.Export(t.Context(), archive, false); err != nil {
				t.Fatal(err)
			}
			remove(t, e, below(10))
			run, made, err := e.putTogether(t.Context())
			if err != nil || len(run) != 3 {
				t.Fatal(len(run), err)
			}
			tt.between(t, e, archive)
			done, err := e.exchange(t.Context(), run, made)
			if err != nil || (done.Before > 0) != tt.did {
				t.Errorf("%+v, %v", done, err)
			}
			for range 2 {
				if rows, total := sums(t, e); rows != tt.rows || total != tt.sum {
					t.Errorf("%d rows with sum %d, want %d with %d", rows, total, tt.rows, tt.sum)
				}
				l, err := e.Layout(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := 0
				if len(l.Partitions) > 0 {
					want = l.Partitions[0].Files
				}
				if files, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/*.vortex")); len(files) != want || err != nil {
					t.Errorf("%v, %v", files, err)
				}
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
				if e, err = open(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// sum is that of the numbers from lo to before hi.
func sum(lo, hi int64) int64 { return (hi - lo) * (lo + hi - 1) / 2 }

func add(t *testing.T, e *Engine, mode engines.WriteMode, first, n int64) {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(first + i)
	}
	r, err := array.NewRecordReader(b.Schema(), []arrow.RecordBatch{b.NewRecordBatch()})
	if err == nil {
		_, err = e.Write(t.Context(), engines.Write{Mode: mode, Rows: r})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, e *Engine, where engines.Predicate) {
	t.Helper()
	if _, err := e.Delete(t.Context(), where); err != nil {
		t.Fatal(err)
	}
}

func adopted(t *testing.T, e *Engine, archive string) {
	t.Helper()
	if _, err := e.Adopt(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
}

func mustCompact(t *testing.T, e *Engine) {
	t.Helper()
	if done, err := e.Compact(t.Context()); err != nil || done.Before != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
}

func sums(t *testing.T, e *Engine) (n, total int64) {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		ids := r.RecordBatch().Column(0).(*array.Int64).Int64Values()
		n += int64(len(ids))
		for _, id := range ids {
			total += id
		}
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return n, total
}
