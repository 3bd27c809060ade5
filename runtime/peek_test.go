package runtime_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// A stored snapshot is asked by "dataset@id", alone and together with the live data, without being installed.
func TestPeekIntoAStoredSnapshot(t *testing.T) {
	for _, engine := range []string{"duckdb", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: s.d
    acceleration: {engine: ` + engine + `, mode: file, snapshots: enabled}
  - {from: "file:a.csv", name: mem, acceleration: {}}
`, "a.csv": "id,v\n1,a\n2,b\n3,c\n"}).start()
			b.dataset("s.d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
			b.write("a.csv", "id,v\n2,b\n3,x\n4,d\n5,e\n")
			b.do(api.RefreshNow{Dataset: "s.d"})
			live := b.ready("s.d", 4)
			b.wants(`SELECT count(*) AS n FROM s."d@0"`, "n\n3")
			b.wants(`SELECT o.id, o.v AS old, l.v AS new FROM s."d@0" o FULL JOIN s.d l USING (id) WHERE o.v IS DISTINCT FROM l.v AND o.id IS NOT NULL ORDER BY 1`,
				"id,old,new\n1,a,\n3,c,x")
			b.wants("SELECT count(*) AS n FROM s.d", "n\n4")
			for sql, want := range map[string]string{
				`SELECT * FROM s."d@7"`:  "no such snapshot",
				`SELECT * FROM "mem@0"`:  "has no snapshots",
				`SELECT * FROM "none@0"`: "none@0",
			} {
				rows, err := b.Runtime.Query(t.Context(), sql, api.QueryOptions{})
				if err == nil {
					rows.Close()
				}
				var q *api.QueryError
				if !errors.As(err, &q) || !strings.Contains(q.Message, want) {
					t.Errorf("%s: %v", sql, err)
				}
			}
			dir := filepath.Join(filepath.Dir(live.File), ".s.d.peek")
			if left, _ := os.ReadDir(dir); len(left) == 0 {
				t.Error("the snapshot is not kept open")
			}
			b.stop()
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
