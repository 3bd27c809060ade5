//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// numbers writes n rows.
func numbers(t *testing.T, e engines.Engine, mode engines.WriteMode, n int) error {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	b := array.NewRecordBuilder(memory, s)
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{rec})
	if err != nil {
		return err
	}
	defer r.Release()
	_, err = e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: time.Now()})
	return err
}

// A query that takes long kept DuckDB from checkpointing after the next append. The database was given up
// for that: snapshots failed, and all other queries waited for the end of the long one.
func TestALongQueryIsInNobodysWay(t *testing.T) {
	o, err := Opener{}.Open(t.Context(), engines.Options{Dataset: "d", Path: filepath.Join(t.TempDir(), "d.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	e := o.(*Engine)
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := numbers(t, e, engines.Replace, 1000); err != nil {
		t.Fatal(err)
	}
	l, err := e.slot.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	replaced := make(chan error, 1)
	err = l.Store.conn(t.Context(), func(c driver.Conn) error {
		return transactionOn(t.Context(), c, func() error {
			var n any
			if _, err := valuesOn(t.Context(), c, "SELECT count(*) FROM "+l.Store.table(), &n); err != nil {
				return err
			}
			if err := numbers(t, e, engines.Append, 10); err != nil {
				t.Error(err)
			}
			if !busy(l.Store.exec(t.Context(), "CHECKPOINT acc")) {
				t.Error("the query is in nobody's way: this test tests nothing")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if info, err := e.Info(ctx); err != nil || info.Rows != 1010 {
				t.Errorf("%d rows, %v", info.Rows, err)
			}
			for _, compact := range []bool{false, true} {
				x, err := e.Export(ctx, filepath.Join(t.TempDir(), "copy.duckdb"), compact)
				if err != nil || x.Rows != 1010 {
					t.Errorf("compact %t: a copy of %d rows, %v", compact, x.Rows, err)
				}
			}
			if err := numbers(t, e, engines.Append, 10); err != nil {
				t.Error(err)
			}
			short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
			if err := e.seal(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("what waits for the query can't be cancelled: %v", err)
			}
			stop()
			go func() { replaced <- numbers(t, e, engines.Replace, 5) }()
			if _, err := valuesOn(t.Context(), c, "SELECT count(*) FROM "+l.Store.table(), &n); err != nil || n != int64(1000) {
				t.Errorf("the query sees %v rows, %v", n, err)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	l.Release()
	if err := <-replaced; err != nil {
		t.Error(err)
	}
	if info, err := e.Info(t.Context()); err != nil || info.Rows != 5 || dbfile.Exists(e.o.Path+walSuffix) {
		t.Errorf("%d rows, a WAL: %t, %v", info.Rows, dbfile.Exists(e.o.Path+walSuffix), err)
	}
}
