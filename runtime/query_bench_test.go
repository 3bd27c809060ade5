package runtime_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines/enginetest"
	"pitwall/runtime/faces"
	"pitwall/runtime/launch"
)

// clients is how many ask at the same time.
const clients = 32

// BenchmarkPointQueryOverHTTP reports what POST /v1/sql costs over DuckDB itself for a query of one row by
// its id, with 32 clients: the 99th percentiles of both, measured in turns, and their difference
// (overhead-p99-ms; the aim is 2 with 10 M rows, PITWALL_BENCH_ROWS=10000000).
func BenchmarkPointQueryOverHTTP(b *testing.B) {
	rows := int(enginetest.BenchRows(b))
	dir := b.TempDir()
	src := filepath.Join(dir, "points.parquet")
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer connector.Close()
	run := func(c driver.Conn, sql string) error {
		_, err := c.(driver.ExecerContext).ExecContext(b.Context(), sql, nil)
		return err
	}
	setup, err := connector.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, sql := range []string{
		fmt.Sprintf("CREATE TABLE points AS SELECT i AS id, 'name ' || i AS name, i * 0.5 AS v FROM range(%d) t(i)", rows),
		"COPY points TO '" + src + "' (FORMAT parquet)",
	} {
		if err := run(setup, sql); err != nil {
			b.Fatal(err)
		}
	}
	pod := filepath.Join(dir, "spicepod.yml")
	writeFile(b, pod, "version: v1\nkind: Spicepod\nname: bench\ndatasets: [{from: 'file:points.parquet', name: points, acceleration: {engine: duckdb}}]\n")
	s, err := launch.Open(b.Context(), launch.Options{Pod: pod, HTTP: "127.0.0.1:0", Metrics: faces.Off})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var session sync.WaitGroup
	session.Go(func() { _ = s.Run(ctx) })
	b.Cleanup(func() { cancel(); session.Wait() })
	for st, next := s.Runtime.Watch(ctx); !st.Dataset("points").HasData; {
		st = <-next
	}
	url := "http://" + s.Faces.HTTP() + "/v1/sql"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	overHTTP := func(_ driver.Conn, sql string) error {
		a, err := client.Post(url, "text/plain", strings.NewReader(sql))
		if err != nil {
			return err
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err == nil && (a.StatusCode != 200 || !strings.Contains(string(text), "name ")) {
			err = fmt.Errorf("%d %s", a.StatusCode, text)
		}
		return err
	}
	direct := func(c driver.Conn, sql string) error {
		a, err := duckdb.NewArrowFromConn(c)
		if err != nil {
			return err
		}
		r, err := a.QueryContext(b.Context(), sql)
		if err != nil {
			return err
		}
		defer r.Release()
		for r.Next() {
		}
		return r.Err()
	}
	var served, own []time.Duration
	for b.Loop() {
		own = append(own, storm(b, connector, rows, direct)...)
		served = append(served, storm(b, connector, rows, overHTTP)...)
	}
	p99 := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)*99/100]) / float64(time.Millisecond)
	}
	b.ReportMetric(p99(own), "duckdb-p99-ms")
	b.ReportMetric(p99(served), "http-p99-ms")
	b.ReportMetric(p99(served)-p99(own), "overhead-p99-ms")
}

// storm has all clients ask for some rows and returns how long each answer took.
func storm(b *testing.B, connector *duckdb.Connector, rows int, ask func(driver.Conn, string) error) []time.Duration {
	const each = 20
	took := make([]time.Duration, clients*each)
	var wg sync.WaitGroup
	for n := range clients {
		c, err := connector.Connect(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		wg.Go(func() {
			defer c.Close()
			for i := range each {
				start := time.Now()
				if err := ask(c, fmt.Sprintf("SELECT id, name, v FROM points WHERE id = %d", (n*7919+i*104729)%rows)); err != nil {
					b.Error(err)
				}
				took[n*each+i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	return took
}

func writeFile(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}
