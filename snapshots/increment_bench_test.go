package snapshots

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the database that grows

	"pitwall/snapshots/metadata"
)

// What does an incremental snapshot take after 1 % was appended to a DuckDB file, as a ratio to a full snapshot of
// the same file, in time and in bytes? And what does it take to restore it? PITWALL_BENCH_BYTES is the size of the
// file, as far as that can be told before.
func BenchmarkIncrementS3(b *testing.B) {
	before, after := grownDuckDB(b, benchBytes(b))
	m, _ := onS3(b, serve(b))
	increment := func(path string) CreateRequest {
		r := createRequest(path)
		r.Incremental, r.FullEvery = true, 10
		return r
	}
	if _, err := m.Create(b.Context(), increment(before)); err != nil {
		b.Fatal(err)
	}
	var s Snapshot
	var err error
	race(b, func() {
		forgetIncrements(b, m)
		if s, err = m.Create(b.Context(), increment(after)); err != nil || !s.Incremental {
			b.Fatal(s, err)
		}
	}, func() {
		r := createRequest(after)
		r.Dataset = "full"
		full, err := m.Create(b.Context(), r)
		if err != nil {
			b.Fatal(err)
		}
		m.forget(b, full)
	})
	b.ReportMetric(float64(s.Bytes)/1e6, "MB-file")
	b.ReportMetric(100*float64(s.Stored)/float64(s.Bytes), "%-stored")
}

// The limit is the bootstrap from a full snapshot of the same file.
func BenchmarkIncrementRestoreS3(b *testing.B) {
	before, after := grownDuckDB(b, benchBytes(b))
	m, _ := onS3(b, serve(b))
	for _, path := range []string{before, after} {
		r := createRequest(path)
		r.Incremental, r.FullEvery = true, 10
		if _, err := m.Create(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
	r := createRequest(after)
	r.Dataset = "full"
	if _, err := m.Create(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	race(b, func() { fetchOf(b, m, "o", dir) }, func() { fetchOf(b, m, "full", dir) })
}

func fetchOf(b *testing.B, m *Manager, dataset, dir string) {
	_, err := m.Bootstrap(b.Context(), BootstrapRequest{Dataset: dataset, Engine: "duckdb", OnFailure: Warn, Dir: dir,
		Install: func(context.Context, string, Snapshot) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
}

// forgetIncrements drops the incremental snapshots, so that the next one has as much to store.
func forgetIncrements(b *testing.B, m *Manager) {
	b.Helper()
	err := m.changeOwn(b.Context(), "o", func(o *metadata.Own) error {
		if len(o.Increments.List) == 0 {
			return errSame
		}
		o.Increments = metadata.Increments{}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// grownDuckDB makes a DuckDB file of about size bytes, and the same with 1 % more rows.
func grownDuckDB(b *testing.B, size int64) (before, after string) {
	b.Helper()
	dir := b.TempDir()
	before, after = filepath.Join(dir, "before"), filepath.Join(dir, "after")
	rows := size / 41 // five columns of random values
	load := func(path string, statement string, from, to int64) {
		db, err := sql.Open("duckdb", path)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		for _, q := range []string{"SET threads = 2", fmt.Sprintf(`%s SELECT i AS id, TIMESTAMP '2026-01-01' + to_seconds(i) AS at, hash(i) AS a, hash(i + 1) AS b,
			md5(CAST(i AS VARCHAR)) AS text FROM range(%d, %d) r(i)`, statement, from, to), "CHECKPOINT"} {
			if _, err := db.ExecContext(b.Context(), q); err != nil {
				b.Fatal(err)
			}
		}
	}
	load(after, "CREATE TABLE o AS", 0, rows)
	duplicate(b, after, before)
	load(after, "INSERT INTO o", rows, rows+rows/100)
	return before, after
}

func duplicate(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		b.Fatal(err)
	}
}
