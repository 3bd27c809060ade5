//go:build duckdb_arrow

package duckdb_test

import (
	"context"
	"database/sql/driver"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	driverduckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"

	"pitwall/engines"
	"pitwall/engines/duckdb"
)

// script runs statements in a DuckDB file, as another program would.
func script(t *testing.T, path string, statements ...string) {
	t.Helper()
	connector, err := driverduckdb.NewConnector(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer connector.Close()
	c, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range statements {
		if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), s, nil); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestForeignFile opens files as other writers make them: the dataset as a table or as a view, the
// checkpoint table missing or without its later columns.
func TestForeignFile(t *testing.T) {
	const old = "CREATE TABLE spice_sys_dataset_checkpoint (dataset_name TEXT PRIMARY KEY, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"
	const row = "INSERT INTO spice_sys_dataset_checkpoint VALUES ('sales', '2026-01-01', '2026-02-03 04:05:06')"
	tests := map[string]struct {
		statements []string
		checkpoint bool
		view       bool
	}{
		"table, no checkpoint table": {[]string{"CREATE TABLE sales AS SELECT range AS id, 'x' AS s FROM range(10)"}, false, false},
		"table, old checkpoint":      {[]string{"CREATE TABLE sales AS SELECT range AS id, 'x' AS s FROM range(10)", old, row}, true, false},
		"view, old checkpoint":       {[]string{"CREATE TABLE __data_sales_1 AS SELECT range AS id, 'x' AS s FROM range(10)", "CREATE VIEW sales AS SELECT * FROM __data_sales_1", old, row}, true, true},
	}
	want := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "foreign.duckdb")
			script(t, path, tt.statements...)
			info, cp, err := duckdb.Opener{}.Check(t.Context(), path, "sales")
			if err != nil || info.Rows != 10 || !info.Schema.Equal(want) {
				t.Fatalf("%+v, %v", info, err)
			}
			var wantCP *engines.Checkpoint
			if tt.checkpoint {
				wantCP = &engines.Checkpoint{UpdatedAt: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}
			}
			if diff := cmp.Diff(wantCP, cp); diff != "" {
				t.Error(diff)
			}
			e, err := duckdb.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			if m, err := e.Watermark(t.Context(), "id"); err != nil || m.Value != int64(9) {
				t.Errorf("%+v, %v", m, err)
			}
			x, err := e.(engines.FileEngine).Export(t.Context(), path+".copy", true)
			if err != nil || x.Rows != 10 {
				t.Errorf("%+v, %v", x, err)
			}
			testForeignWrites(t, e, want, tt.view)
		})
	}
}

// testForeignWrites appends to a table; a view refuses, says why, and gives way to a full refresh.
func testForeignWrites(t *testing.T, e engines.Engine, s *arrow.Schema, view bool) {
	t.Helper()
	for _, mode := range []engines.WriteMode{engines.Append, engines.Replace} {
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		b.Field(0).(*array.Int64Builder).Append(100)
		b.Field(1).AppendNull()
		batch := b.NewRecordBatch()
		b.Release()
		r, err := array.NewRecordReader(s, []arrow.RecordBatch{batch})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r})
		batch.Release()
		r.Release()
		switch {
		case mode == engines.Append && view:
			if engines.KindOf(err) != engines.Invalid {
				t.Errorf("append to a view: %v", err)
			}
		case err != nil:
			t.Errorf("%s: %v", mode, err)
		case mode == engines.Append && stats.Rows < 1, mode == engines.Replace && stats.Rows != 1:
			t.Errorf("%s: %+v", mode, stats)
		}
	}
	if cp, err := e.Checkpoint(t.Context()); err != nil || cp == nil || cp.SchemaJSON == "" {
		t.Errorf("%+v, %v", cp, err)
	}
}

// TestViewsNeverReachTheFile looks into a written file: nothing but the dataset and the checkpoint.
func TestViewsNeverReachTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.duckdb")
	e, err := duckdb.Opener{}.Open(t.Context(), engines.Options{Dataset: "sales", Path: path})
	if err != nil {
		t.Fatal(err)
	}
	s := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "s", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)
	for range 2 {
		testForeignWrites(t, e, s, false)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".wal"); !os.IsNotExist(err) {
		t.Errorf("a WAL is left: %v", err)
	}
	script(t, path, "SELECT CASE WHEN count(*) = 2 THEN 1 ELSE error('more than two entries') END FROM (SELECT table_name FROM information_schema.tables)",
		"SELECT dataset_name, schema_json, created_at, updated_at, refresh_sql FROM spice_sys_dataset_checkpoint", "SELECT id FROM sales")
}
