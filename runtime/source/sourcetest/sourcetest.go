// Package sourcetest is what the tests of sources share: files made by statements, what a scan reads as
// text, and what every source must do when it is cancelled or its server goes away.
package sourcetest

import (
	"database/sql"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/runtime/source"
)

// With returns the params with others set: name, value, name, value.
func With(params map[string]string, more ...string) map[string]string {
	p := maps.Clone(params)
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// File makes a database file by statements in a new folder and returns its path.
func File(tb testing.TB, driver, name, statements string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	db, err := sql.Open(driver, path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Rows reads a scan: its schema, its values as text, row by row, and its plan.
func Rows(tb testing.TB, src source.Source, scan source.Scan) (*arrow.Schema, []string, string, error) {
	tb.Helper()
	r, err := src.Read(tb.Context(), scan)
	if err != nil {
		return nil, nil, "", err
	}
	defer r.Release()
	var out []string
	for r.Next() {
		b := r.RecordBatch()
		for i := range int(b.NumRows()) {
			line := make([]string, b.NumCols())
			for k, c := range b.Columns() {
				if line[k] = c.ValueStr(i); c.IsNull(i) {
					line[k] = "NULL"
				}
			}
			out = append(out, strings.Join(line, "|"))
		}
	}
	return r.Schema(), out, r.(source.Planner).Plan(), r.Err()
}
