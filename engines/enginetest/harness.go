// Package enginetest is the conformance suite of engines: every engine must pass Run, in memory and
// in a file. Its tests use real files and real databases and start goroutines only inside a test.
package enginetest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// Harness says what is under test.
type Harness struct {
	Opener engines.Opener
	// Dir is an empty directory for the database file; empty tests the engine in memory.
	Dir string
	// Keys are the constraints of the dataset.
	Keys engines.Keys
	// Sidecars are the suffixes of files that the database may put beside its own.
	Sidecars []string
	// Partitions are the levels of partition_by, over columns of the rows most tests use. Tests of other rows, and
	// of their order, are left out then.
	Partitions []engines.PartitionBy
	// Divides has RunModel pick partition_by, and another one when it opens the store again.
	Divides bool
	// Params are those of the engine.
	Params map[string]string
	// Renew gives an engine that is not in memory, and not in Dir, another place without content.
	Renew func(testing.TB) Harness
	// Folder says that the store is a folder, and that a copy of it is an archive to adopt.
	Folder bool
	// Refused are the types of the type table that the engine refuses, by their String, and NUL.
	Refused map[string]bool
}

// NUL stands among the refused types for a text with a NUL.
const NUL = "NUL"

// Dataset is the name of the dataset under test: with a dot, a space and capitals.
const Dataset = "lake.Sales 2026"

// Path returns the path of the database file; empty in memory.
func (h Harness) Path() string {
	if h.Dir == "" {
		return ""
	}
	return filepath.Join(h.Dir, "store"+h.Opener.Extension())
}

// Options are those to open a dataset with.
func (h Harness) options(dataset string) engines.Options {
	return engines.Options{Dataset: dataset, Path: h.Path(), Params: h.Params, Keys: h.Keys, Partitions: h.Partitions, Evaluate: evaluate}
}

// again returns the harness with an empty place.
func (h Harness) again(t testing.TB) Harness {
	t.Helper()
	switch {
	case h.Dir != "":
		h.Dir = t.TempDir()
	case h.Renew != nil:
		h.Params = h.Renew(t).Params
	}
	return h
}

// lasts says whether the content survives the engine.
func (h Harness) lasts() bool { return h.Dir != "" || h.Renew != nil }

// Open opens the engine and closes it at the end of the test.
func (h Harness) Open(t testing.TB) engines.Engine {
	t.Helper()
	e, err := h.Opener.Open(t.Context(), h.options(Dataset))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// at is the time of every write in tests.
func at() time.Time { return time.Date(2026, 9, 24, 5, 6, 7, 0, time.UTC) }

// schema is that of the rows most tests use: gen tells which write a row came with.
func schema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "gen", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	}, nil)
}

// rows returns a reader of n rows with ids from first, in batches of at most size rows.
func rows(gen, first, n, size int64) array.RecordReader {
	var batches []arrow.RecordBatch
	for at := int64(0); at < n; at += size {
		batches = append(batches, batch(gen, first+at, min(size, n-at)))
	}
	r, err := array.NewRecordReader(schema(), batches)
	if err != nil {
		panic(err) // the batches have the schema
	}
	for _, b := range batches {
		b.Release()
	}
	return r
}

func batch(gen, first, n int64) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema())
	defer b.Release()
	for id := first; id < first+n; id++ {
		b.Field(0).(*array.Int64Builder).Append(id)
		b.Field(1).(*array.Int64Builder).Append(gen)
		if id%7 == 0 {
			b.Field(2).AppendNull()
			b.Field(3).AppendNull()
		} else {
			b.Field(2).(*array.StringBuilder).Append(fmt.Sprintf("row %d", id%100))
			b.Field(3).(*array.Float64Builder).Append(float64(id) / 4)
		}
		b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(id * 1_000_001))
	}
	return b.NewRecordBatch()
}

// write applies a write and returns its stats.
func write(t testing.TB, e engines.Engine, mode engines.WriteMode, r array.RecordReader) engines.Stats {
	t.Helper()
	defer r.Release()
	s, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, RefreshSQL: "SELECT * FROM x", At: at()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// state is what a reader saw: the rows of each generation and the sum of ids.
type state struct {
	Rows map[int64]int64
	Sum  int64
}

// read scans everything and sums it up.
func read(ctx context.Context, e engines.Engine) (state, error) {
	s := state{Rows: map[int64]int64{}}
	r, err := e.Query(ctx, engines.Scan{})
	if err != nil {
		return s, err
	}
	defer r.Release()
	for r.Next() {
		ids, gens := r.RecordBatch().Column(0).(*array.Int64), r.RecordBatch().Column(1).(*array.Int64)
		for i := range ids.Len() {
			s.Rows[gens.Value(i)]++
			s.Sum += ids.Value(i)
		}
	}
	return s, r.Err()
}

// total is the state after rows [first, first+n) of a generation.
func total(gen, first, n int64) state {
	return state{Rows: map[int64]int64{gen: n}, Sum: n*first + n*(n-1)/2}
}

func (s state) plus(o state) state {
	sum := state{Rows: map[int64]int64{}, Sum: s.Sum + o.Sum}
	for _, part := range []state{s, o} {
		for g, n := range part.Rows {
			sum.Rows[g] += n
		}
	}
	return sum
}

func mustRead(t testing.TB, e engines.Engine) state {
	t.Helper()
	s, err := read(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines reads a scan into one text line per row, in order.
func lines(t testing.TB, e engines.Engine, s engines.Scan) []string {
	t.Helper()
	out, err := readLines(t.Context(), e, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readLines(ctx context.Context, e engines.Engine, s engines.Scan) ([]string, error) {
	r, err := e.Query(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var out []string
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			line := ""
			for _, c := range b.Columns() {
				line += "|" + cell(c, i)
			}
			out = append(out, line)
		}
	}
	return out, r.Err()
}

func cell(c arrow.Array, i int) string {
	if c.DataType().ID() == arrow.NULL || c.IsNull(i) {
		return "NULL"
	}
	return c.ValueStr(i)
}

func wantKind(t testing.TB, err error, want engines.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want kind %q", want)
	}
	if got := engines.KindOf(err); got != want {
		t.Errorf("kind %q, want %q: %v", got, want, err)
	}
}
