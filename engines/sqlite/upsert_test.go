package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/sqlite"
)

// changing is an engine whose rows have the primary key id.
func changing(t *testing.T) (engines.Engine, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	e, err := sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "x", Path: path, Keys: engines.Keys{Primary: []string{"id"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, path
}

// change upserts rows with a text; gone are the keys whose rows go.
func change(t *testing.T, e engines.Engine, gone, ids []int64, text string) (engines.Stats, error) {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	batch := func(s *arrow.Schema, ids []int64) arrow.RecordBatch {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		defer b.Release()
		b.Field(0).(*array.Int64Builder).AppendValues(ids, nil)
		for range ids[:len(ids)*(s.NumFields()-1)] {
			b.Field(1).(*array.StringBuilder).Append(text)
		}
		return b.NewRecordBatch()
	}
	rows := batch(s, ids)
	defer rows.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{rows})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	among := batch(arrow.NewSchema(s.Fields()[:1], nil), gone)
	defer among.Release()
	return e.Write(t.Context(), engines.Write{Mode: engines.Append, Rows: r, Remove: engines.Among{Rows: among}, Keyed: true})
}

// TestChangesThatBreakThePromise are keyed writes whose rows meet one another, or rows that Remove does not take away: the
// unique index sees to it that no row is lost and none is there twice.
func TestChangesThatBreakThePromise(t *testing.T) {
	e, _ := changing(t)
	if _, err := change(t, e, []int64{1, 2}, []int64{1, 2}, "old"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ gone, ids []int64 }{{[]int64{1}, []int64{1, 2}}, {[]int64{7}, []int64{7, 7}}, {[]int64{2}, []int64{2, 2}}} {
		if _, err := change(t, e, tt.gone, tt.ids, "new"); engines.KindOf(err) != engines.Constraint {
			t.Errorf("%v: %v", tt, err)
		}
		n, err := e.Delete(t.Context(), engines.Compare{Column: "text", Op: engines.Eq, Value: "new"})
		if i, infoErr := e.Info(t.Context()); n != 0 || err != nil || i.Rows != 2 || infoErr != nil {
			t.Errorf("%v: %d new rows, %v, of %d, %v", tt, n, err, i.Rows, infoErr)
		}
	}
}

// TestChangesWaitInTheWAL has changes wait there, until it is begun anew, also after a reader held it.
func TestChangesWaitInTheWAL(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 400 MB")
	}
	e, path := changing(t)
	ids := make([]int64, 1000)
	for i := range ids {
		ids[i] = int64(i)
	}
	wal := func() int64 {
		stat, err := os.Stat(path + "-wal")
		if err != nil {
			return 0
		}
		return stat.Size() >> 20
	}
	next := 0
	changes := func(n int) {
		for range n {
			next++
			stats, err := change(t, e, ids, ids, fmt.Sprint(next)+strings.Repeat("x", 3500))
			if err != nil || stats.Rows != int64(len(ids)) {
				t.Fatalf("%+v, %v", stats, err)
			}
		}
	}
	changes(8)
	if got := wal(); got < 20 {
		t.Errorf("%d MiB of changes wait", got)
	}
	changes(32)
	if got := wal(); got > 72 {
		t.Errorf("the WAL has %d MiB after 160 of changes", got)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	reader, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM x").Scan(&n); err != nil {
		t.Fatal(err)
	}
	changes(30)
	held := wal()
	if err := errors.Join(reader.Rollback(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if held < 100 {
		t.Errorf("the WAL has %d MiB, though a reader holds it", held)
	}
	changes(30)
	if got := wal(); got > held+8 {
		t.Errorf("the WAL grew from %d MiB to %d MiB without a reader", held, got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wal(); got != 0 {
		t.Errorf("%d MiB of WAL are left", got)
	}
	e, err = sqlite.Opener{}.Open(t.Context(), engines.Options{Dataset: "x", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if n, err := e.Delete(t.Context(), engines.Compare{Column: "text", Op: engines.Eq, Value: fmt.Sprint(next) + strings.Repeat("x", 3500)}); n != int64(len(ids)) || err != nil {
		t.Errorf("%d rows are of the last changes, %v", n, err)
	}
}
