package cayenne

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"pitwall/engines"
)

// idsOf opens a store that is partitioned by id.
func idsOf(t *testing.T, path string) *Engine {
	t.Helper()
	e, err := open(t.Context(), engines.Options{Dataset: "d", Path: path, Partitions: []engines.PartitionBy{{Name: "id", Column: "id"}}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// edit changes the metastore of a store that is closed.
func edit(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	m, err := openMetastore(t.Context(), folder(path), false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.transaction(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), statement, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Partitions that share a folder can't be told apart by path: the next append lays them out anew.
func TestPartitionsInOneFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.cayenne")
	e := idsOf(t, path)
	add(t, e, engines.Append, 0, 2)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	of, err := filepath.Glob(filepath.Join(path, "data/id=1/*"))
	if err != nil || len(of) != 1 {
		t.Fatal(of, err)
	}
	if err := os.Rename(of[0], filepath.Join(path, "data/id=0", filepath.Base(of[0]))); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE cayenne_table SET path = 'id=0' WHERE path = 'id=1'")
	edit(t, path, "UPDATE cayenne_partition SET path = 'id=0' WHERE path = 'id=1'")
	e = idsOf(t, path)
	defer func() { _ = e.Close() }()
	if p, err := e.Pin(t.Context()); engines.KindOf(err) != engines.Invalid {
		p.Release()
		t.Errorf("pinned: %v", err)
	}
	add(t, e, engines.Append, 1, 2)
	p, err := e.Pin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	paths := map[string]int64{}
	for _, x := range p.Partitions() {
		paths[x.Path] = x.Rows
	}
	if want := map[string]int64{"id=0": 1, "id=1": 2, "id=2": 1}; !maps.Equal(paths, want) {
		t.Errorf("%v, want %v", paths, want)
	}
	if n, total := sums(t, e); n != 4 || total != 4 {
		t.Errorf("%d rows with sum %d", n, total)
	}
}

// The values of partitions outlive the batches that they were read from.
func TestPartitionsKeepNoBatch(t *testing.T) {
	e, err := open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "d.cayenne"), Partitions: []engines.PartitionBy{{Name: "p", Column: "p"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := e.draft(nil, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	d.levels = []level{{by: e.o.Partitions[0]}}
	buffer := []byte("eu")
	in, err := d.tableOf([]value{{kind: "utf8", s: unsafe.String(&buffer[0], len(buffer))}})
	if err != nil {
		t.Fatal(err)
	}
	copy(buffer, "us")
	if _, values, err := in.part.documents(); err != nil || values != `["eu"]` || in.part.path != "p=eu" {
		t.Errorf("%s in %s, %v", values, in.part.path, err)
	}
}

// The table of a partition is found at the same price whatever the number of partitions.
func TestTablesAreFound(t *testing.T) {
	e := idsOf(t, filepath.Join(t.TempDir(), "d.cayenne"))
	defer e.Close()
	base := &version{disk: e.disk, root: &table{}}
	values := func(n int64) []value { return []value{{kind: "i64", n: n}} }
	for i := range int64(5000) {
		p := &partition{scheme: schemeOf(e.o.Partitions), values: values(i), names: []string{"id"}}
		p.path = p.folder()
		base.files = append(base.files, &dataFile{file: &diskFile{}, in: &table{id: p.path, snapshot: "s", part: p}})
	}
	d, err := e.draft(base, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	d.levels = []level{{by: e.o.Partitions[0]}}
	at := int64(-1)
	if n := testing.AllocsPerRun(5000, func() {
		at++
		if in, err := d.tableOf(values(at)); err != nil || at < 5000 && in.id != base.files[at].in.id {
			t.Fatal(in, err)
		}
	}); n > 200 {
		t.Errorf("%.0f allocations", n)
	}
}
