// Package sourcetest is what the tests of sources share: files made by statements, what a scan reads as
// text, and what every source must do when it is cancelled or its server goes away.
package sourcetest

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
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

// Cancel cancels a scan of a table of several batches, and leaves another without reading it: the leak
// check of the package shows whether something stays.
func Cancel(tb testing.TB, src source.Source) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	r, err := src.Read(ctx, source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	r.Next()
	if done, _ := r.Progress(); done == 0 {
		tb.Error("no progress")
	}
	cancel()
	for r.Next() {
	}
	if !errors.Is(r.Err(), context.Canceled) {
		tb.Errorf("%v", r.Err())
	}
	r.Release()
	early, err := src.Read(tb.Context(), source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	early.Release()
}

// Server is one that can go away.
type Server interface {
	Down(testing.TB)
	Up(tb testing.TB, settings ...string)
}

// Restart takes the server away in the middle of a table of several batches with id = 1, 2, and so on: the
// source is unavailable until the server is back.
func Restart(tb testing.TB, src source.Source, s Server) {
	tb.Helper()
	r, err := src.Read(tb.Context(), source.Scan{})
	if err != nil {
		tb.Fatal(err)
	}
	r.Next()
	s.Down(tb)
	for r.Next() {
	}
	if source.KindOf(r.Err()) != source.Unavailable {
		tb.Errorf("cut in the middle: %v", r.Err())
	}
	r.Release()
	if _, _, _, err := Rows(tb, src, source.Scan{}); source.KindOf(err) != source.Unavailable {
		tb.Errorf("down: %v", err)
	}
	s.Up(tb)
	where := engines.Compare{Column: "id", Op: engines.Lt, Value: int64(10)}
	if _, got, _, err := Rows(tb, src, source.Scan{Where: where}); err != nil || len(got) != 9 {
		tb.Errorf("up again: %d rows, %v", len(got), err)
	}
}
