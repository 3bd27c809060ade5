package cayenne

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
)

// spiceArchive is the parts of an archive that a test changes into one as Spice writes them.
type spiceArchive struct {
	t     *testing.T
	doc   sliceDocument
	extra beside
	files map[string][]byte // by path below data/
}

// rewritten changes an archive.
func rewritten(t *testing.T, archive string, edit func(a *spiceArchive)) {
	t.Helper()
	in, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	a := &spiceArchive{t: t, files: map[string][]byte{}}
	names := map[string]any{}
	for r := tar.NewReader(bytes.NewReader(in)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(r)
		}
		switch {
		case err != nil:
		case strings.HasSuffix(h.Name, sliceSuffix):
			names[h.Name], err = &a.doc, json.Unmarshal(b, &a.doc)
		case strings.HasSuffix(h.Name, besideSuffix):
			names[h.Name], err = &a.extra, json.Unmarshal(b, &a.extra)
		default:
			a.files[strings.TrimPrefix(h.Name, dataPrefix)] = b
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	edit(a)
	content := map[string][]byte{}
	for name, v := range names {
		if content[name], err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range a.files {
		content[dataPrefix+name] = b
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, b := range content {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b))})
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), os.WriteFile(archive, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// set changes a cell of every row of a table, or of one.
func (a *spiceArchive) set(table string, row, at int, v any) {
	for i, cells := range a.doc.Tables[table] {
		if row < 0 || i == row {
			cells[at] = cellOf(v)
		}
	}
}

// deleteKeys adds a delete file of keys to the dataset.
func (a *spiceArchive) deleteKeys(id string, sequence int64, reinsert any, keys ...[]byte) {
	a.deleteFrom(0, id, sequence, reinsert, len(keys), keyFile(a.t, keys...))
}

// deleteFrom adds a delete file to one of the tables.
func (a *spiceArchive) deleteFrom(table int, id string, sequence int64, reinsert any, count int, b []byte) {
	r := row{cells: a.doc.Tables["cayenne_table"][table]}
	place := r.text(0) + "/" + r.text(7) + "/deletions/delete_" + id + ".arrow"
	a.files[place] = b
	var cells []cell
	for _, v := range []any{id, r.text(0), place, true, "arrow_ipc", int64(count), int64(len(b)), nil, sequence, reinsert} {
		cells = append(cells, cellOf(v))
	}
	a.doc.Tables["cayenne_delete_file"] = append(a.doc.Tables["cayenne_delete_file"], cells)
}

func keyFile(t testing.TB, keys ...[]byte) []byte {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "row_key", Type: arrow.BinaryTypes.Binary}, {Name: "deleted_at", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, k := range keys {
		b.Field(0).(*array.BinaryBuilder).Append(k)
		b.Field(1).(*array.Int64Builder).Append(1_766_000_000_000_000)
	}
	var out bytes.Buffer
	w, err := ipc.NewFileWriter(&out, ipc.WithSchema(s))
	if err == nil {
		err = errors.Join(w.Write(b.NewRecordBatch()), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// keyed is a dataset whose rows have the columns of the last case of the fixture, which Rust made the keys of.
type keyed struct {
	batch arrow.RecordBatch
	keys  [][]byte
}

func newKeyed(t testing.TB) keyed {
	t.Helper()
	all := rowCases(t)
	c := all[len(all)-1]
	b, _ := c.batch(t)
	k := keyed{batch: b}
	for _, s := range c.Rows {
		key, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		k.keys = append(k.keys, key)
	}
	return k
}

// rows are some rows of the fixture, with their numbers as id, and v.
func (k keyed) rows(t testing.TB, lo, hi int, v int64) array.RecordReader {
	t.Helper()
	fields := append([]arrow.Field{}, k.batch.Schema().Fields()...)
	fields = append(fields, arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "v", Type: arrow.PrimitiveTypes.Int64}, arrow.Field{Name: "f", Type: arrow.PrimitiveTypes.Float64})
	ids, vs, fs := array.NewInt64Builder(alloc()), array.NewInt64Builder(alloc()), array.NewFloat64Builder(alloc())
	for i := lo; i < hi; i++ {
		ids.Append(int64(i))
		vs.Append(v)
		fs.Append(1)
	}
	part := k.batch.NewSlice(int64(lo), int64(hi))
	s := arrow.NewSchema(fields, nil)
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{array.NewRecordBatch(s, append(append([]arrow.Array{}, part.Columns()...), ids.NewArray(), vs.NewArray(), fs.NewArray()), int64(hi-lo))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// archived is an archive of two files: all rows with v 1, of which that with id 0 is deleted by its position, and
// those from 5 to 14 with v 2.
func (k keyed) archived(t *testing.T) string {
	t.Helper()
	e, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "from.cayenne")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, rows := range []array.RecordReader{k.rows(t, 0, len(k.keys), 1), k.rows(t, 5, 15, 2)} {
		if _, err := e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: rows}); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, e, engines.Compare{Column: "id", Op: engines.Eq, Value: int64(0)})
	archive := filepath.Join(t.TempDir(), "archive")
	if _, err := e.Export(t.Context(), archive, false); err != nil {
		t.Fatal(err)
	}
	return archive
}

// asSpice gives the archive the sequence numbers and deletes by key of an upsert of rows 5 to 14 and of deletes before
// and after it.
func (k keyed) asSpice(a *spiceArchive) {
	a.set("cayenne_table", 0, 5, `["0","1","2","3"]`)
	a.set("cayenne_table", 0, 10, int64(7))
	for i, sequence := range []int64{2, 6} {
		a.set("cayenne_snapshot_file", i, 5, sequence)
		a.set("cayenne_snapshot_file", i, 6, sequence)
	}
	a.deleteKeys("before", 1, nil, k.keys[31])
	a.deleteKeys("with", 2, nil, k.keys[30])
	a.deleteKeys("upsert", 5, int64(6), k.keys[5:15]...)
	a.deleteKeys("behind", 7, nil, k.keys[14], k.keys[20], k.keys[21])
}

// left is the rows that asSpice leaves: v by id.
func (k keyed) left() map[int64]int64 {
	want := map[int64]int64{}
	for i := range int64(len(k.keys)) {
		want[i] = 1
	}
	for i := int64(5); i < 14; i++ {
		want[i] = 2
	}
	for _, i := range []int64{0, 14, 20, 21} {
		delete(want, i)
	}
	return want
}

func (k keyed) same(t *testing.T, e *Engine, want map[int64]int64) {
	t.Helper()
	r, err := e.Query(t.Context(), engines.Scan{Columns: []string{"id", "v"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	got, n := map[int64]int64{}, 0
	for r.Next() {
		b := r.RecordBatch()
		n += int(b.NumRows())
		for i, id := range b.Column(0).(*array.Int64).Int64Values() {
			got[id] = b.Column(1).(*array.Int64).Value(i)
		}
	}
	if r.Err() != nil || n != len(want) || !maps.Equal(got, want) {
		t.Errorf("%d rows %v, want %v; %v", n, got, want, r.Err())
	}
}

// TestDeletesByKey checks, reads and adopts an archive with deletes by key, whose bytes Rust made: a row that was put
// in again after its delete stays, and so does one that the delete came before.
func TestDeletesByKey(t *testing.T) {
	k := newKeyed(t)
	archive := k.archived(t)
	rewritten(t, archive, k.asSpice)
	want := k.left()
	if info, _, err := (Opener{}).Check(t.Context(), archive, "d"); err != nil || info.Rows != int64(len(want)) {
		t.Errorf("%+v, %v", info, err)
	}
	read, err := open(t.Context(), engines.Options{Dataset: "d", Path: archive})
	if err != nil {
		t.Fatal(err)
	}
	k.same(t, read, want)
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(archive + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	o := engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "to.cayenne")}
	to, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	if info, err := to.Adopt(t.Context(), archive); err != nil || info.Rows != int64(len(want)) {
		t.Fatalf("%+v, %v", info, err)
	}
	for range 2 {
		k.same(t, to, want)
		if left, err := filepath.Glob(filepath.Join(o.Path, "data/*/*/deletions/*")); len(left) != 2 || err != nil {
			t.Errorf("%v, %v", left, err)
		}
		if err := to.Close(); err != nil {
			t.Fatal(err)
		}
		if to, err = open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	again := filepath.Join(t.TempDir(), "again")
	if x, err := to.Export(t.Context(), again, false); err != nil || x.Rows != int64(len(want)) {
		t.Fatalf("%+v, %v", x, err)
	}
	rewritten(t, again, func(a *spiceArchive) {
		for _, cells := range a.doc.Tables["cayenne_delete_file"] {
			if cells[7].Type == "n" {
				t.Errorf("a delete by key was written: %v", cells)
			}
		}
	})
}

// TestAllRowsDeletedByKey adopts an archive of which no row is left, and one of which one file is left. The delete
// file is one that the Rust implementation wrote.
func TestAllRowsDeletedByKey(t *testing.T) {
	k := newKeyed(t)
	all, err := os.ReadFile("testdata/rowkeys/keys.arrow")
	if err != nil {
		t.Fatal(err)
	}
	for sequence, want := range map[int64]int64{3: 10, 9: 0} {
		archive := k.archived(t)
		rewritten(t, archive, func(a *spiceArchive) {
			k.asSpice(a)
			a.deleteFrom(0, "all", sequence, nil, len(k.keys), all)
			if sequence == 3 {
				a.doc.Tables["cayenne_delete_file"] = append(a.doc.Tables["cayenne_delete_file"][:1], a.doc.Tables["cayenne_delete_file"][len(a.doc.Tables["cayenne_delete_file"])-1])
			}
		})
		to, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "to.cayenne")})
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		if info, err := to.Adopt(t.Context(), archive); err != nil || info.Rows != want {
			t.Errorf("at %d: %+v, %v", sequence, info, err)
		}
		files, err := filepath.Glob(filepath.Join(to.Path(), "data/*/*/*.vortex"))
		if err != nil || len(files) != int(min(want, 1)) {
			t.Errorf("at %d: %v, %v", sequence, files, err)
		}
	}
}

// TestDeletesByKeyOfPartitions deletes keys from one partition, of which others have some too.
func TestDeletesByKeyOfPartitions(t *testing.T) {
	opened := func() *Engine {
		t.Helper()
		e, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "store.cayenne"), Partitions: []engines.PartitionBy{{Name: "id", Column: "id"}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	from := opened()
	add(t, from, engines.Append, 1, 3)
	p, err := from.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	edit := func(a *spiceArchive) {
		a.set("cayenne_table", 0, 5, `["id"]`)
		for i, cells := range a.doc.Tables["cayenne_table"] {
			for _, part := range a.doc.Tables["cayenne_partition"] {
				if part := row0(part); row0(cells).text(8) != "" && part.text(5) == "id=2" && row0(cells).text(1) == childName("d", part.text(4)) {
					a.deleteFrom(i, "part", 9, nil, 2, keyFile(t, []byte{0, 0, 0, 0, 0, 0, 0, 2}, []byte{0, 0, 0, 0, 0, 0, 0, 3}))
				}
			}
		}
	}
	var archives []string
	for _, x := range p.Partitions() {
		dst := filepath.Join(t.TempDir(), "part")
		if _, err := p.Export(t.Context(), x.Path, dst); err != nil {
			t.Fatal(err)
		}
		rewritten(t, dst, edit)
		archives = append(archives, dst)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, err := from.Export(t.Context(), whole, false); err != nil {
		t.Fatal(err)
	}
	rewritten(t, whole, edit)
	a, b := opened(), opened()
	adopted(t, a, whole)
	if _, err := b.AdoptPartitions(t.Context(), archives, p.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]*Engine{"whole": a, "by partition": b} {
		if n, total := sums(t, e); n != 2 || total != 1+3 {
			t.Errorf("%s: %d rows with sum %d", name, n, total)
		}
	}
}

// TestPlainKeysAreAdopted deletes rows by a key of one int64, as Spice writes them, of which one is negative.
func TestPlainKeysAreAdopted(t *testing.T) {
	from, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "from.cayenne")})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	add(t, from, engines.Append, -50, 100)
	archive := filepath.Join(t.TempDir(), "archive")
	if _, err := from.Export(t.Context(), archive, false); err != nil {
		t.Fatal(err)
	}
	rewritten(t, archive, func(a *spiceArchive) {
		a.set("cayenne_table", 0, 5, `["id"]`)
		a.deleteKeys("one", 9, nil, []byte{0, 0, 0, 0, 0, 0, 0, 7}, []byte{255, 255, 255, 255, 255, 255, 255, 254}, []byte{1, 128, 0, 0, 0, 0, 0, 0, 9})
	})
	to, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "to.cayenne")})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	adopted(t, to, archive)
	if n, total := sums(t, to); n != 97 || total != sum(-50, 50)-7+2-9 {
		t.Errorf("%d rows with sum %d", n, total)
	}
}

// TestDeletesByKeyThatAreRefused adopts archives with deletes by key that are damaged, or of which not all is read.
func TestDeletesByKeyThatAreRefused(t *testing.T) {
	k := newKeyed(t)
	last := func(a *spiceArchive) (row int, place string) {
		all := a.doc.Tables["cayenne_delete_file"]
		r := row0(all[len(all)-1])
		return len(all) - 1, r.text(2)
	}
	replaced := func(b []byte) func(a *spiceArchive) {
		return func(a *spiceArchive) {
			i, place := last(a)
			a.files[place] = b
			a.set("cayenne_delete_file", i, 6, int64(len(b)))
		}
	}
	for name, tt := range map[string]struct {
		edit func(a *spiceArchive)
		kind engines.Kind
	}{
		"another count": {func(a *spiceArchive) { i, _ := last(a); a.set("cayenne_delete_file", i, 5, int64(4)) }, engines.Corrupt},
		"a cut file":    {func(a *spiceArchive) { _, p := last(a); a.files[p] = a.files[p][:len(a.files[p])/2] }, engines.Corrupt},
		"garbage":       {func(a *spiceArchive) { _, p := last(a); clear(a.files[p]) }, engines.Corrupt},
		"another digest": {func(a *spiceArchive) {
			a.extra.Deletes["behind"] = strings.Repeat("0", 64)
		}, engines.Corrupt},
		"no file":          {func(a *spiceArchive) { _, p := last(a); delete(a.files, p) }, engines.Corrupt},
		"no keys":          {replaced(keyFile(t, []byte("a"), []byte("b"), []byte("c"))), engines.Corrupt},
		"positions":        {func(a *spiceArchive) { a.set("cayenne_delete_file", 0, 7, nil) }, engines.Corrupt},
		"a path outside":   {func(a *spiceArchive) { i, _ := last(a); a.set("cayenne_delete_file", i, 2, "../x.arrow") }, engines.Corrupt},
		"a file for two":   {func(a *spiceArchive) { i, p := last(a); a.set("cayenne_delete_file", i-1, 2, p) }, engines.Corrupt},
		"no primary key":   {func(a *spiceArchive) { a.set("cayenne_table", 0, 5, nil) }, engines.Corrupt},
		"a strange key":    {func(a *spiceArchive) { a.set("cayenne_table", 0, 5, "{") }, engines.Corrupt},
		"another column":   {func(a *spiceArchive) { a.set("cayenne_table", 0, 5, `["x"]`) }, engines.Corrupt},
		"a key of a float": {func(a *spiceArchive) { a.set("cayenne_table", 0, 5, `["0","f"]`) }, engines.Invalid},
		"a protected snapshot": {func(a *spiceArchive) {
			other := "01a20605-0000-7000-8000-000000000000"
			a.set("cayenne_snapshot_file", 1, 1, other)
			sequence := append([]cell{}, a.doc.Tables["cayenne_snapshot_sequence"][0]...)
			sequence[1] = cellOf(other)
			a.doc.Tables["cayenne_snapshot_sequence"] = append(a.doc.Tables["cayenne_snapshot_sequence"], sequence)
		}, engines.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			archive := k.archived(t)
			rewritten(t, archive, func(a *spiceArchive) {
				k.asSpice(a)
				tt.edit(a)
			})
			if _, _, err := (Opener{}).Check(t.Context(), archive, "d"); engines.KindOf(err) != tt.kind {
				t.Errorf("checked: %v", err)
			}
			to, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "to.cayenne")})
			if err != nil {
				t.Fatal(err)
			}
			defer to.Close()
			if _, err := to.Adopt(t.Context(), archive); engines.KindOf(err) != tt.kind {
				t.Errorf("adopted: %v", err)
			}
			for _, pattern := range []string{filepath.Join(to.Path(), "data/*/*/*"), archive + ".*"} {
				if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
					t.Errorf("left: %v, %v", left, err)
				}
			}
		})
	}
}

func row0(cells []cell) *row { return &row{cells: cells} }

// TestDamagedDeleteFiles flips every bit of a file of keys and of one of positions, and cuts them everywhere: none
// makes a panic or takes all memory, and none gives a key that is none, or a row that is not there.
func TestDamagedDeleteFiles(t *testing.T) {
	k := newKeyed(t)
	b := keyFile(t, k.keys[3:9]...)
	key, err := newRowKey(k.batch.Schema(), []string{"0", "1", "2", "3"})
	if err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) {
		visit := func(row int64) {
			if row < 0 || row >= 100 {
				t.Fatal(row)
			}
		}
		_ = eachDeleted(b, 100, visit)
		keys, err := (&keyDeletion{key: key}).parse(b)
		if err != nil {
			return
		}
		for x := range keys {
			if _, ok := key.read([]byte(x)); !ok {
				t.Fatalf("%x is no key", x)
			}
		}
	}
	rows := newBitmap(100)
	rows.set(7)
	positions, err := encodeDeletion(rows, 100, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{b, positions} {
		for i := range b {
			try(b[:i:i])
			for bit := range 8 {
				harmed := bytes.Clone(b)
				harmed[i] ^= 1 << bit
				try(harmed)
			}
		}
	}
}
