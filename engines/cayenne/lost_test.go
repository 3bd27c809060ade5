package cayenne

import (
	"path/filepath"
	"testing"

	"pitwall/engines"
)

// A partition of which the metastore lost the table is damage: its files are no strays, which would be removed.
func TestLostTableOfAPartition(t *testing.T) {
	for name, lose := range map[string]string{
		"table":          "DELETE FROM cayenne_table WHERE path = 'id=1'",
		"name":           "UPDATE cayenne_table SET table_name = 'x' WHERE path = 'id=1'",
		"folder outside": "UPDATE cayenne_table SET current_snapshot_id = '../..' WHERE table_name = 'd'",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "d.cayenne")
			e := idsOf(t, path)
			add(t, e, engines.Append, 0, 2)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, path, lose)
			e, err := open(t.Context(), engines.Options{Dataset: "d", Path: path})
			if engines.KindOf(err) != engines.Corrupt {
				t.Errorf("opened: %v", err)
			}
			if err == nil {
				_ = e.Close()
			}
			if left, err := filepath.Glob(filepath.Join(path, "data/*/*/*/*.vortex")); err != nil || len(left) != 2 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}
