package cayenne

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"testing"

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
	if _, err := e.Pin(t.Context()); engines.KindOf(err) != engines.Invalid {
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
