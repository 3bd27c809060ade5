package vortex

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// pair is a Vortex file and the rows that it should hold.
type pair struct {
	name string
	file []byte
	want []arrow.RecordBatch
}

// readPair reads a Vortex file; its rows are in the Arrow file that has the first part of its name.
func readPair(t testing.TB, path string) pair {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(filepath.Base(path), ".")
	return pair{name: filepath.Base(path), file: file, want: readRows(t, filepath.Join(filepath.Dir(path), base+".arrow"))}
}

// readRows reads an Arrow file; one without batches gives one without rows.
func readRows(t testing.TB, path string) []arrow.RecordBatch {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f, ipc.WithAllocator(memory.DefaultAllocator))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return batchesOf(t, path, r)
}

func batchesOf(t testing.TB, name string, r *ipc.FileReader) []arrow.RecordBatch {
	t.Helper()
	var out []arrow.RecordBatch
	for i := range r.NumRecords() {
		b, err := r.RecordBatch(i)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, b)
	}
	if len(out) == 0 {
		out = append(out, noRows(t, r.Schema()))
	}
	return out
}

// open opens the file.
func (p pair) open(t testing.TB) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(p.file), int64(len(p.file)))
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return f
}

// index is the index of a column among the rows that the file should hold.
func (p pair) index(name string) int {
	at := p.want[0].Schema().FieldIndices(name)
	if len(at) != 1 {
		return -1
	}
	return at[0]
}

// noRows is a batch without rows.
func noRows(t testing.TB, s *arrow.Schema) arrow.RecordBatch {
	t.Helper()
	out := make([]arrow.Array, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = array.NewBuilder(memory.DefaultAllocator, f.Type).NewArray()
	}
	return array.NewRecordBatch(s, out, 0)
}

// columnOf is column i of some batches as one array.
func columnOf(t testing.TB, batches []arrow.RecordBatch, i int) arrow.Array {
	t.Helper()
	if len(batches) == 1 {
		return batches[0].Column(i)
	}
	parts := make([]arrow.Array, len(batches))
	for k, b := range batches {
		parts[k] = b.Column(i)
	}
	a, err := array.Concatenate(parts, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// readAll reads columns of a file, all of them if there are none.
func readAll(t testing.TB, file []byte, s Scan) ([]arrow.RecordBatch, error) {
	t.Helper()
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	rows, err := f.Scan(t.Context(), s)
	if err != nil {
		return nil, err
	}
	defer rows.Release()
	var out []arrow.RecordBatch
	for rows.Next() {
		b := rows.RecordBatch()
		b.Retain()
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		out = append(out, noRows(t, rows.Schema()))
	}
	return out, nil
}

// difference tells the first row in which two arrays differ, or "".
func difference(got, want arrow.Array) string {
	if got.Len() != want.Len() {
		return fmt.Sprintf("%d rows, want %d", got.Len(), want.Len())
	}
	if !sameType(got.DataType(), want.DataType()) {
		return fmt.Sprintf("type %s, want %s", got.DataType(), want.DataType())
	}
	for i := range got.Len() {
		if !sameAt(got, i, want, i) {
			return fmt.Sprintf("row %d is %s, want %s", i, got.ValueStr(i), want.ValueStr(i))
		}
	}
	return ""
}

// sameType compares types but for the names and nullability of the elements of lists and maps.
func sameType(a, b arrow.DataType) bool {
	switch x := a.(type) {
	case *arrow.StructType:
		y, ok := b.(*arrow.StructType)
		if !ok || x.NumFields() != y.NumFields() {
			return false
		}
		for i, f := range x.Fields() {
			if f.Name != y.Field(i).Name || !sameType(f.Type, y.Field(i).Type) {
				return false
			}
		}
		return true
	case *arrow.FixedSizeListType:
		y, ok := b.(*arrow.FixedSizeListType)
		return ok && x.Len() == y.Len() && sameType(x.Elem(), y.Elem())
	case *arrow.ListType:
		y, ok := b.(*arrow.ListType)
		return ok && sameType(x.Elem(), y.Elem())
	case *arrow.MapType:
		y, ok := b.(*arrow.MapType)
		return ok && sameType(x.KeyType(), y.KeyType()) && sameType(x.ItemType(), y.ItemType())
	}
	return arrow.TypeEqual(a, b)
}

// sameAt compares two values; floats by their bits, but all NaN alike.
func sameAt(a arrow.Array, i int, b arrow.Array, k int) bool {
	if a.IsNull(i) || b.IsNull(k) {
		return a.IsNull(i) && b.IsNull(k)
	}
	switch x := a.(type) {
	case *array.Null:
		return true
	case *array.Boolean:
		return x.Value(i) == b.(*array.Boolean).Value(k)
	case *array.Float32:
		y := b.(*array.Float32).Value(k)
		return math.Float32bits(x.Value(i)) == math.Float32bits(y) || x.Value(i) != x.Value(i) && y != y
	case *array.Float64:
		y := b.(*array.Float64).Value(k)
		return math.Float64bits(x.Value(i)) == math.Float64bits(y) || x.Value(i) != x.Value(i) && y != y
	case *array.String:
		return x.Value(i) == b.(*array.String).Value(k)
	case *array.Binary:
		return bytes.Equal(x.Value(i), b.(*array.Binary).Value(k))
	case *array.Struct:
		y := b.(*array.Struct)
		for f := range x.NumField() {
			if !sameAt(x.Field(f), i, y.Field(f), k) {
				return false
			}
		}
		return true
	case array.ListLike:
		y := b.(array.ListLike)
		lo, hi := x.ValueOffsets(i)
		from, to := y.ValueOffsets(k)
		if hi-lo != to-from {
			return false
		}
		for j := range hi - lo {
			if !sameAt(x.ListValues(), int(lo+j), y.ListValues(), int(from+j)) {
				return false
			}
		}
		return true
	}
	w := a.DataType().(arrow.FixedWidthDataType).BitWidth() / 8
	x := a.Data().Buffers()[1].Bytes()[(a.Data().Offset()+i)*w:][:w]
	return bytes.Equal(x, b.Data().Buffers()[1].Bytes()[(b.Data().Offset()+k)*w:][:w])
}

// check reads a file whole and tells how many values were compared and what differs.
func (p pair) check(t testing.TB) (values int, differences []string) {
	t.Helper()
	got, err := readAll(t, p.file, Scan{Workers: 2})
	if err != nil {
		// Which column it is shows when each is read alone.
		for i := range p.want[0].NumCols() {
			if _, err := readAll(t, p.file, Scan{Columns: []int{int(i)}}); err != nil {
				differences = append(differences, fmt.Sprintf("%s: %v", p.name, err))
			}
		}
		return 0, append(differences, fmt.Sprintf("%s: %v", p.name, err))
	}
	// Files of older editions lack the columns of types that these have not.
	if n, want := got[0].NumCols(), p.want[0].NumCols(); n != want && !strings.Contains(p.name, "-core") {
		return 0, []string{fmt.Sprintf("%s: %d columns, want %d", p.name, n, want)}
	}
	for i, f := range got[0].Schema().Fields() {
		a := columnOf(t, got, i)
		values += a.Len()
		if k := p.index(f.Name); k < 0 {
			differences = append(differences, fmt.Sprintf("%s: no column should be %q", p.name, f.Name))
		} else if d := difference(a, columnOf(t, p.want, k)); d != "" {
			differences = append(differences, fmt.Sprintf("%s: %s: %s", p.name, f.Name, d))
		}
	}
	return values, differences
}

// used are the names of the encodings and layouts that a file uses, not only lists in its footer.
func used(t testing.TB, file []byte) map[string]int {
	t.Helper()
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	var nodes func(*node)
	nodes = func(n *node) {
		names[n.encoding]++
		for _, c := range n.children {
			nodes(c)
		}
	}
	var layouts func(*layout)
	layouts = func(l *layout) {
		names["layout "+l.encoding]++
		if l.encoding == layoutFlat {
			n, err := f.segment(l)
			if err != nil {
				t.Fatal(err)
			}
			nodes(n)
		}
		for _, c := range l.children {
			layouts(c)
		}
	}
	layouts(f.root)
	return names
}
