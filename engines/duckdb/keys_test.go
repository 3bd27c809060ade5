//go:build duckdb_arrow

package duckdb_test

import (
	"path/filepath"
	"testing"

	"pitwall/engines"
	"pitwall/engines/duckdb"
	"pitwall/engines/enginetest"
)

// TestKeysInFile shows that the file, and a compacted copy of it, has constraints that another program
// can rely on, and that what that program leaves behind is fine.
func TestKeysInFile(t *testing.T) {
	id := []string{"id"}
	o := engines.Options{Dataset: "people", Path: filepath.Join(t.TempDir(), "a.duckdb"), Keys: engines.Keys{
		Primary: id, Unique: [][]string{{"mail"}}, Plain: [][]string{{"mail", "id"}}, Conflict: engines.ConflictUpsert, Target: id,
	}}
	e, err := duckdb.Opener{}.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1,"mail":"a"},{"id":2,"mail":"b"}]`); err != nil {
		t.Fatal(err)
	}
	copied := o.Path + ".copy"
	if _, err := e.(engines.FileEngine).Export(t.Context(), copied, true); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{o.Path, copied} {
		script(t, path, "INSERT INTO people VALUES (2, 'c'), (3, 'd') ON CONFLICT (id) DO UPDATE SET mail = excluded.mail",
			"SELECT CASE WHEN count(*) <> 2 THEN error('indexes: ' || count(*)) END FROM duckdb_indexes()",
			"SELECT CASE WHEN count(*) <> 1 THEN error('primary keys: ' || count(*)) END FROM duckdb_constraints() WHERE table_name = 'people' AND constraint_type = 'PRIMARY KEY'")
		o.Path = path
		e, err := duckdb.Opener{}.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":2,"mail":"b"},{"id":4}]`); err != nil || stats.Rows != 4 {
			t.Errorf("%+v, %v", stats, err)
		}
		if n, err := e.Delete(t.Context(), engines.Compare{Column: "id", Op: engines.Eq, Value: int64(2)}); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if e, err = (duckdb.Opener{}).Open(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":2,"mail":"b"}]`); err != nil || stats.Rows != 4 {
			t.Errorf("what was deleted comes back: %+v, %v", stats, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpsertAfterDelete deletes a row of a file that was just opened and adds it again: the delete must
// reach the unique index.
func TestUpsertAfterDelete(t *testing.T) {
	mail := []string{"mail"}
	o := engines.Options{Dataset: "people", Path: filepath.Join(t.TempDir(), "a.duckdb"), Keys: engines.Keys{Unique: [][]string{mail}}}
	open := func() engines.Engine {
		e, err := duckdb.Opener{}.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	if _, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":1,"mail":"a"},{"id":2,"mail":"b"}]`); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = open()
		if n, err := e.Delete(t.Context(), engines.Compare{Column: "mail", Op: engines.Eq, Value: "a"}); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":1,"mail":"a"}]`); err != nil || stats.Rows != 2 {
			t.Fatalf("%+v, %v", stats, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestForeignKeys appends to a file whose constraints are another program's.
func TestForeignKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	script(t, path, "CREATE TABLE people (id BIGINT PRIMARY KEY, mail VARCHAR UNIQUE)", "INSERT INTO people VALUES (1, 'a'), (2, 'b')")
	e, err := duckdb.Opener{}.Open(t.Context(), engines.Options{Dataset: "people", Path: path, Keys: engines.Keys{
		Primary: []string{"id"}, Conflict: engines.ConflictUpsert, Target: []string{"id"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if stats, err := enginetest.PutPeople(t, e, engines.Append, `[{"id":2,"mail":"c"},{"id":3,"mail":"b"}]`); err != nil || stats.Rows != 3 {
		t.Errorf("%+v, %v", stats, err)
	}
	_, err = enginetest.PutPeople(t, e, engines.Append, `[{"id":9,"mail":"a"}]`)
	if engines.KindOf(err) != engines.Constraint {
		t.Errorf("a key that the settings do not have: %v", err)
	}
	if stats, err := enginetest.PutPeople(t, e, engines.Replace, `[{"id":9,"mail":"a"},{"id":8,"mail":"a"}]`); err != nil || stats.Rows != 2 {
		t.Errorf("%+v, %v", stats, err)
	}
}
