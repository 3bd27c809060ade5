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

// Two snapshots, or a snapshot and the live data, are compared by key and as whole rows.
func TestDiffOfSnapshots(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    on_schema_change: sync_all_columns
    acceleration: {engine: duckdb, mode: file, snapshots: enabled}
`, "a.csv": "id,v,old\n1,a,1\n2,b,1\n3,c,1\n"}).start(httpFace)
	kept := func(n int) {
		t.Helper()
		b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == n && d.Snapshots.Run == nil })
	}
	kept(1)
	b.write("a.csv", "id,v,new\n2,b,x\n3,z,x\n4,d,x\n5,e,x\n")
	b.do(api.RefreshNow{Dataset: "d"})
	kept(2)
	const route = "/v1/datasets/d/acceleration/snapshots/"
	for _, tt := range []struct {
		path   string
		status int
		want   []string
	}{
		{"0/diff?key=id", 200, []string{`"rows_before":3`, `"rows_after":4`, `"rows_added":2`, `"rows_removed":1`, `"rows_changed":1`,
			`{"name":"old","type_before":"int64","type_after":""}`, `{"name":"new","type_before":"","type_after":"utf8"}`}},
		{"0/diff", 200, []string{`"rows_added":3`, `"rows_removed":2`, `"key":[]`}},
		{"0/diff?with=1&key=id", 200, []string{`"rows_added":2`, `"to":"\"d@1\""`}},
		{"1/diff?with=0&key=id", 200, []string{`"rows_added":1`, `"rows_removed":2`, `"rows_changed":1`}},
		{"1/diff?key=id,v", 200, []string{`"rows_added":0`, `"rows_removed":0`, `"rows_changed":0`, `"columns":[]`}},
		{"1/diff?key=new", 400, []string{"is no key"}},
		{"0/diff?key=new", 400, []string{"not on both sides"}},
		{"9/diff", 404, []string{"no snapshot 9"}},
		{"0/diff?with=x", 400, []string{"not the id"}},
	} {
		status, text := b.http("GET", route+tt.path, "")
		if status != tt.status {
			t.Errorf("%s: %d, %s", tt.path, status, text)
		}
		for _, w := range tt.want {
			if !strings.Contains(strings.ReplaceAll(text, `": `, `":`), w) {
				t.Errorf("%s: %s has no %s", tt.path, text, w)
			}
		}
	}
}

// A column whose type changed is compared as text.
func TestDiffOfSnapshotsOfOtherTypes(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    on_schema_change: sync_all_columns
    acceleration: {engine: duckdb, mode: file, snapshots: enabled}
`, "a.csv": "id,v\n1,a\n2,7\n"}).start(httpFace)
	b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
	b.write("a.csv", "id,v\n1,5\n2,7\n")
	b.do(api.RefreshNow{Dataset: "d"})
	for query, want := range map[string][]string{
		"?key=id": {`"type_before":"utf8"`, `"type_after":"int64"`, `"rows_added":0`, `"rows_removed":0`, `"rows_changed":1`},
		"":        {`"rows_added":1`, `"rows_removed":1`},
		"?key=v":  {`"rows_added":1`, `"rows_removed":1`, `"rows_changed":0`},
	} {
		status, text := b.http("GET", "/v1/datasets/d/acceleration/snapshots/0/diff"+query, "")
		for _, w := range want {
			if status != 200 || !strings.Contains(strings.ReplaceAll(text, `": `, `":`), w) {
				t.Errorf("%s: %d, %s has no %s", query, status, text, w)
			}
		}
	}
}
