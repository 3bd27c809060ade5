package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/sqlite"
)

// TestIndexesInFile looks at the indexes of a file while the keys of the settings change.
func TestIndexesInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sqlite")
	id, s := []string{"id"}, []string{"s"}
	const list = "SELECT l.\"unique\" || ' ' || group_concat(i.name) FROM pragma_index_list('sales') l, pragma_index_info(l.name) i GROUP BY l.name ORDER BY 1"
	steps := []struct {
		mode engines.WriteMode
		keys engines.Keys
		want string
	}{
		{engines.Replace, engines.Keys{}, ""},
		{engines.Append, engines.Keys{Plain: [][]string{id, s}}, "0 id\n0 s"},
		{engines.Append, engines.Keys{Unique: [][]string{id}, Conflict: engines.ConflictDrop}, ""}, // what is there violates it
		{engines.Replace, engines.Keys{Primary: id, Unique: [][]string{{"s", "id"}}, Plain: [][]string{s}}, "0 s\n1 id\n1 s,id"},
		{engines.Append, engines.Keys{Unique: [][]string{id}, Conflict: engines.ConflictDrop}, "1 id"},
	}
	for i, step := range steps {
		e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path, Keys: step.keys})
		if err != nil {
			t.Fatal(err)
		}
		r := oneRow(t)
		_, err = e.Write(t.Context(), engines.Write{Mode: step.mode, Rows: r})
		r.Release()
		if cerr := e.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		if i == 2 {
			if engines.KindOf(err) != engines.Constraint {
				t.Fatalf("step %d: %v", i, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if diff := cmp.Diff(step.want, shell(t, path, list)); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
}

// TestForeignKeys appends to a file whose constraints are another program's.
func TestForeignKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "foreign.sqlite")
	shell(t, path, "CREATE TABLE sales (id INTEGER PRIMARY KEY, s TEXT UNIQUE); INSERT INTO sales VALUES (1, 'a'), (100, 'b')")
	for _, step := range []struct {
		keys engines.Keys
		want engines.Kind
		rows string
	}{
		{engines.Keys{}, engines.Constraint, "1|a\n100|b"},
		{engines.Keys{Unique: [][]string{{"id"}}}, engines.Constraint, "1|a\n100|b"},
		{engines.Keys{Primary: []string{"id"}, Conflict: engines.ConflictUpsert, Target: []string{"id"}}, "", "1|a\n100|"},
	} {
		e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path, Keys: step.keys})
		if err != nil {
			t.Fatal(err)
		}
		r := oneRow(t)
		_, err = e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r})
		r.Release()
		if engines.KindOf(err) != step.want {
			t.Errorf("%+v: %v", step.keys, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.rows, shell(t, path, "SELECT * FROM sales ORDER BY 1")); diff != "" {
			t.Errorf("%+v: %s", step.keys, diff)
		}
	}
}
