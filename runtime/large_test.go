package runtime_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"pitwall/runtime/api"
)

// heap is the memory of the Go objects that the last garbage collection found in use.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// A file that is many times larger than duckdb_memory_limit is loaded all the same; a limit that is too
// small for anything is an error with a remedy. Neither needs Go memory in proportion to the file.
func TestLargeFileWithLittleMemory(t *testing.T) {
	rows := 3_000_000 // 1.2 GB of values
	if testing.Short() {
		rows = 300_000
	}
	const pod = `
datasets:
  - {from: 'file:a.parquet', name: large, acceleration: {engine: duckdb, mode: file, params: {duckdb_memory_limit: 128MiB}}}
  - {from: 'file:a.parquet', name: tight, acceleration: {engine: duckdb, mode: file, params: {duckdb_memory_limit: 1MiB}}}
`
	b := newBed(t, map[string]string{"spicepod.yml": pod})
	begin := time.Now()
	statements(t, "duckdb", "", fmt.Sprintf(`SET memory_limit = '512MiB'; COPY (SELECT i AS id, i %% 1000 AS shop, i * 0.25 AS price,
repeat('a long text ', 30) || i %% 1000 AS note FROM range(%d) t(i)) TO '%s' (FORMAT parquet)`, rows, filepath.Join(b.dir, "a.parquet")))
	made := time.Since(begin)
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	before := heap()
	most := before
	watching.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			most = max(most, heap())
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	begin = time.Now()
	b.start()
	s := b.within(3*time.Minute, "the ends of the loads", func(s *api.State) bool {
		return len(s.Dataset("large").Refreshes) > 0 && len(s.Dataset("tight").Refreshes) > 0
	})
	stop()
	watching.Wait()
	t.Logf("made in %s, loaded in %s, the heap grew from %d to %d MB", made, time.Since(begin), before>>20, most>>20)
	if d := s.Dataset("large"); d.Rows != int64(rows) || d.Err != "" {
		t.Errorf("%d rows: %s", d.Rows, d.Err)
	}
	b.wants("SELECT count(*) AS n, max(id) AS last, count(DISTINCT shop) AS shops FROM large", fmt.Sprintf("n,last,shops\n%d,%d,1000", rows, rows-1))
	if most-before > 400<<20 {
		t.Errorf("the heap grew by %d MB", (most-before)>>20)
	}
	d := b.failing("tight")
	if !strings.HasPrefix(d.Err, "tight: ") || !strings.Contains(d.Err, "Out of Memory") || strings.Contains(d.Err, "\n") || !strings.Contains(d.Hint, "raise duckdb_memory_limit") {
		t.Errorf("%q / %q", d.Err, d.Hint)
	}
	b.retrying("tight")
	b.write("spicepod.yml", strings.Replace(pod, ": 1MiB", ": 256MiB", 1))
	b.within(3*time.Minute, "tight with more memory", func(s *api.State) bool { return s.Dataset("tight").Rows == int64(rows) })
}
