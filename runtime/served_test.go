package runtime_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/runtime/api"
)

// A query says for each dataset whether its acceleration, its source or a stored snapshot answers.
func TestQuerySaysWhatServedIt(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {enabled: true, location: 'file:store'}
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {engine: duckdb, mode: file, snapshots: enabled, on_zero_results: use_source, refresh_sql: SELECT * FROM d WHERE city = 'Seattle'}}
  - {from: 'file:a.csv', name: lite, acceleration: {engine: sqlite}}
  - {from: 'file:a.csv', name: plain}
`, "a.csv": cities(10)}).start()
	b.ready("d", 5)
	b.ready("lite", 10)
	b.dataset("d", "a snapshot", func(d *api.Dataset) bool { return d.Snapshots.Newest != nil })
	for query, want := range map[string]string{
		"SELECT id FROM lite":                                            "[{lite acceleration}]",
		"SELECT id FROM plain":                                           "[{plain source}]",
		"SELECT id FROM d WHERE city = 'Bellevue'":                       "[{d source}]",
		"SELECT id FROM d WHERE city = 'Seattle'":                        "[{d acceleration}]",
		"SELECT a.id FROM lite a JOIN lite b ON true JOIN plain ON true": "[{lite acceleration} {plain source}]",
		`SELECT id FROM "d@0"`:                                           "[{d@0 snapshot}]",
		"SELECT 1":                                                       "[]",
	} {
		rows, err := b.Runtime.Query(t.Context(), query, api.QueryOptions{})
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		for rows.Next() {
		}
		if got := fmt.Sprint(rows.Served()); got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The rows of a query can be had as a Parquet file, also when there are none.
func TestQueryAsParquet(t *testing.T) {
	b := queryBed(t)
	for query, want := range map[string]int64{"SELECT id, name FROM duck": 4, "SELECT * FROM lite WHERE id > 99": 0} {
		rows, err := b.Runtime.Query(t.Context(), query, api.QueryOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := rows.Encode(&out, api.Parquet); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
		f, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		table, err := r.ReadTable(t.Context())
		if err != nil || table.NumRows() != want {
			t.Errorf("%s: %v", query, err)
		}
		table.Release()
	}
}
