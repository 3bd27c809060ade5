package cayenne_test

import (
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pitwall/engines"
	"pitwall/engines/cayenne"
)

// span is the numbers from first on.
func span(t testing.TB, first, n int64) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(first + i)
	}
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// appendSpan adds the numbers from first on in a write of their own.
func appendSpan(t testing.TB, e engines.Engine, first, n int64) {
	t.Helper()
	if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: span(t, first, n)}); err != nil {
		t.Fatal(err)
	}
}

func layout(t testing.TB, e engines.Engine) engines.Layout {
	t.Helper()
	l, err := e.(engines.LayoutEngine).Layout(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// scanned reads the rows of a condition and returns how many there are.
func scanned(t testing.TB, e engines.Engine, where engines.Predicate) (n int64) {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{Where: where})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return n
}

// TestLayout counts files, rows and what a condition leaves out.
func TestLayout(t *testing.T) {
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if diff := cmp.Diff(engines.Layout{}, layout(t, e), cmpopts.IgnoreFields(engines.Layout{}, "Compaction")); diff != "" {
		t.Error(diff)
	}
	const rows = 50_000 // 7 zones of 8,192
	for i := range int64(3) {
		appendSpan(t, e, i*rows, rows)
	}
	if _, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Lt, Value: int64(10)}); err != nil {
		t.Fatal(err)
	}
	if n := scanned(t, e, engines.Compare{Column: "id", Op: engines.Eq, Value: int64(rows + 1)}); n != 1 {
		t.Errorf("%d rows", n)
	}
	got := layout(t, e)
	if len(got.Partitions) != 1 || got.Partitions[0].Bytes <= 0 {
		t.Fatalf("%+v", got)
	}
	got.Partitions[0].Bytes = 0
	want := engines.Layout{
		Partitions: []engines.Partition{{Files: 3, Small: 3, Rows: 3*rows - 10, Deleted: 10}},
		Reads:      engines.Reads{Scans: 1, Files: 1, FilesLeft: 2, Zones: 1, ZonesLeft: 6},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(engines.Layout{}, "Compaction")); diff != "" {
		t.Error(diff)
	}
}

// TestLayoutOfPartitions counts by partition, and a partition whose values leave it out.
func TestLayoutOfPartitions(t *testing.T) {
	by := []engines.PartitionBy{{Name: "bucket", Column: "id", Transform: engines.Bucket, N: 4}}
	e, err := cayenne.Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne"), Partitions: by})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	appendSpan(t, e, 0, 1000)
	appendSpan(t, e, 1000, 1000)
	if n := scanned(t, e, engines.Compare{Column: "id", Op: engines.Eq, Value: int64(7)}); n != 1 {
		t.Errorf("%d rows", n)
	}
	got := layout(t, e)
	total := int64(0)
	for _, p := range got.Partitions {
		total += p.Rows
		if p.Path == "" || p.Files != 2 {
			t.Errorf("%+v", p)
		}
	}
	if len(got.Partitions) != 4 || total != 2000 {
		t.Errorf("%+v", got.Partitions)
	}
	if got.Reads.PartitionsLeft != 3 || got.Reads.Files+got.Reads.FilesLeft != 8 || got.Reads.FilesLeft < 6 {
		t.Errorf("%+v", got.Reads)
	}
}
