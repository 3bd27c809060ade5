//go:build duckdb_arrow

package duckdb

import (
	"math/rand/v2"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// fullDisk is an engine whose files cannot grow beyond the size of its database while full.
type fullDisk struct {
	*Engine
	t   *testing.T
	was syscall.Rlimit
}

func newFullDisk(t *testing.T) *fullDisk {
	e, err := Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "d.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	f := &fullDisk{Engine: e.(*Engine), t: t}
	signal.Ignore(syscall.SIGXFSZ)
	t.Cleanup(func() { signal.Reset(syscall.SIGXFSZ) })
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &f.was); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.limit(f.was.Cur)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	f.write(engines.Replace, 200_000)
	return f
}

func (f *fullDisk) limit(bytes uint64) {
	f.t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: f.was.Max}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fullDisk) full()  { f.limit(uint64(dbfile.Size(f.o.Path))) }
func (f *fullDisk) space() { f.limit(f.was.Cur) }

func (f *fullDisk) try(mode engines.WriteMode, n int) error {
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory, s)
	defer b.Release()
	for range n {
		b.Field(0).(*array.Int64Builder).Append(rand.Int64())
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{rec})
	if err != nil {
		return err
	}
	defer r.Release()
	_, err = f.Write(f.t.Context(), engines.Write{Mode: mode, Rows: r})
	return err
}

func (f *fullDisk) write(mode engines.WriteMode, n int) {
	f.t.Helper()
	if err := f.try(mode, n); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fullDisk) has(want int64) {
	f.t.Helper()
	r, err := f.Query(f.t.Context(), engines.Scan{})
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if r.Err() != nil || n != want {
		f.t.Fatalf("%d rows, want %d (%v)", n, want, r.Err())
	}
}

// TestFullDisk commits into the WAL when there is no space to fold it: the rows are there, and nothing
// has to be restarted.
func TestFullDisk(t *testing.T) {
	f := newFullDisk(t)
	f.full()
	f.write(engines.Append, 50_000)
	f.has(250_000)
	if _, err := f.Export(t.Context(), filepath.Join(t.TempDir(), "x"), false); engines.KindOf(err) != engines.DiskFull {
		t.Fatalf("Export: %v", err)
	}
	f.has(250_000)
	if err := f.try(engines.Replace, 10); engines.KindOf(err) != engines.DiskFull {
		t.Fatalf("Replace: %v", err)
	}
	f.has(250_000)
	f.space()
	f.write(engines.Append, 10)
	f.has(250_010)
	if dbfile.Exists(f.o.Path + walSuffix) {
		t.Error("the WAL was not folded")
	}
	f.write(engines.Replace, 10)
	f.has(10)
}

// TestFullDiskCommit fails the commit itself: its rows are not there, the others are.
func TestFullDiskCommit(t *testing.T) {
	f := newFullDisk(t)
	f.limit(4096)
	if err := f.try(engines.Append, 50_000); err == nil {
		t.Fatal("there was space")
	}
	f.space()
	f.has(200_000)
	f.write(engines.Append, 10)
	f.has(200_010)
}

// TestFullDiskDelete is TestFullDisk for a delete.
func TestFullDiskDelete(t *testing.T) {
	f := newFullDisk(t)
	f.copying <- struct{}{} // nobody folds
	f.write(engines.Append, 50_000)
	f.copying.Unlock()
	f.full()
	n, err := f.Delete(t.Context(), engines.Compare{Column: "a", Op: engines.Ge, Value: int64(0)})
	if err != nil {
		t.Fatal(err)
	}
	f.has(250_000 - n)
	f.space()
	f.write(engines.Append, 1)
	f.has(250_001 - n)
}

// die leaves a WAL, and an opened database that refuses all work without the engine knowing.
func (f *fullDisk) die() {
	t := f.t
	t.Helper()
	f.copying <- struct{}{} // nobody folds
	f.write(engines.Append, 50_000)
	f.copying.Unlock()
	l, err := f.slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.full()
	err = l.Store.exec(t.Context(), "CHECKPOINT acc")
	f.space()
	l.Release()
	if err == nil {
		t.Fatal("there was space")
	}
}

// TestDeadDatabase meets a database that refuses all work: a replace succeeds, other work at the second try.
func TestDeadDatabase(t *testing.T) {
	f := newFullDisk(t)
	f.die()
	if r, err := f.Query(t.Context(), engines.Scan{}); err == nil {
		r.Release()
		t.Error("a dead database answers")
	}
	f.has(250_000)
	f.die()
	if f.try(engines.Append, 1) == nil {
		t.Error("a dead database takes rows")
	}
	f.write(engines.Append, 1)
	f.has(300_001)
	f.die()
	f.write(engines.Replace, 10)
	f.has(10)
}
