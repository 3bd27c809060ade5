package cayenne

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// wide is a batch of a column id and as many others as said.
func wide(rows, columns int, id func(row int) int64) arrow.RecordBatch {
	fields := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}
	for i := range columns {
		fields = append(fields, arrow.Field{Name: fmt.Sprint("c", i), Type: arrow.PrimitiveTypes.Int8})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for row := range rows {
		b.Field(0).(*array.Int64Builder).Append(id(row))
		for i := range columns {
			b.Field(i + 1).(*array.Int8Builder).Append(1)
		}
	}
	return b.NewRecordBatch()
}

// spreading starts a write that is divided into buckets of id.
func spreading(t *testing.T, s *arrow.Schema, n int64) *spread {
	t.Helper()
	o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "d.cayenne"), Partitions: []engines.PartitionBy{{Name: "b", Column: "id", Transform: engines.Bucket, N: n}}}
	if n == 0 {
		o.Partitions[0].Transform = engines.Identity
	}
	e, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	d, err := e.draft(nil, s, true)
	if err != nil {
		t.Fatal(err)
	}
	if d.levels, err = levels(o.Partitions, s); err != nil {
		t.Fatal(err)
	}
	x := newSpread(d)
	t.Cleanup(func() { x.abort(); d.abort() })
	return x
}

// Rows that wait take up about their own size in memory, however many partitions they are of.
func TestRowsOfManyPartitionsWait(t *testing.T) {
	b := wide(65_536, 20, func(row int) int64 { return int64(row) })
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	s := spreading(t, b.Schema(), 5000)
	before := heap()
	for range 12 {
		if err := s.add(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if used := heap() - before; used > 60<<20 {
		t.Errorf("12 batches of 1.8 MiB take up %d MiB", used>>20)
	}
	runtime.KeepAlive(s)
}

// What waits is bounded, and partitions of few rows are not written for the sake of one with many.
func TestWaitingRowsAreBounded(t *testing.T) {
	const batches, rows, small = 40, 8000, 100
	at := func(k int) arrow.RecordBatch {
		return wide(rows, 2, func(row int) int64 {
			if row < small {
				return int64(row)
			}
			return -1
		})
	}
	s := spreading(t, at(0).Schema(), 0)
	s.d.e.set.held = 1 << 20
	for k := range batches {
		if err := s.add(t.Context(), at(k)); err != nil {
			t.Fatal(err)
		}
		if s.held > s.d.e.set.held {
			t.Fatalf("%d bytes wait", s.held)
		}
	}
	if err := s.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.held != 0 || len(s.buffers) != 0 || s.open != 0 {
		t.Errorf("in the end %d bytes in %d buffers wait, and %d files are open", s.held, len(s.buffers), s.open)
	}
	total := map[*table]int64{}
	for _, f := range s.d.next.files {
		if total[f.in] > 0 {
			t.Errorf("%s has more than one file", f.in.part.path)
		}
		total[f.in] += f.rows
		want := int64(batches)
		if f.in.part.values[0].n == -1 {
			want *= rows - small
		}
		if f.rows != want || f.bounds[0].Min != f.in.part.values[0].n || f.bounds[0].Max != f.bounds[0].Min {
			t.Errorf("%s: %d rows, want %d, of %v to %v", f.in.part.path, f.rows, want, f.bounds[0].Min, f.bounds[0].Max)
		}
	}
	if len(total) != small+1 {
		t.Errorf("%d partitions", len(total))
	}
}
