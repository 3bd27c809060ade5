//go:build duckdb_arrow

package duckdb_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	driverduckdb "github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/duckdb"
	"pitwall/engines/enginetest"
)

// benchEnv tells a re-executed test binary to do one load and to say how long it took.
const benchEnv = "PITWALL_BENCH_CHILD"

func TestMain(m *testing.M) {
	if arg := os.Getenv(benchEnv); arg != "" {
		how, rest, _ := strings.Cut(arg, "|")
		src, dst, _ := strings.Cut(rest, "|")
		load := map[string]func(string, string) error{"ctas": loadByDuckDB, "write": loadByEngine}[how]
		start := time.Now()
		if err := load(src, dst); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(time.Since(start))
		os.Exit(0)
	}
	enginetest.Main(m, duckdb.Opener{})
}

// loadByDuckDB is the limit: DuckDB reads the Parquet file itself.
func loadByDuckDB(src, dst string) error {
	connector, err := driverduckdb.NewConnector(dst, nil)
	if err != nil {
		return err
	}
	defer connector.Close()
	c, err := connector.Connect(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.(driver.ExecerContext).ExecContext(context.Background(), "CREATE TABLE trips AS SELECT * FROM read_parquet('"+src+"'); CHECKPOINT", nil)
	return err
}

func loadByEngine(src, dst string) error {
	rows, done, err := enginetest.OpenTrips(context.Background(), src)
	if err != nil {
		return err
	}
	defer done()
	e, err := duckdb.Opener{}.Open(context.Background(), engines.Options{Dataset: "trips", Path: dst})
	if err != nil {
		return err
	}
	if _, err := e.Write(context.Background(), engines.Write{Mode: engines.Replace, Rows: rows}); err != nil {
		return err
	}
	return e.Close()
}

// child runs one load in a process of its own and returns its time and peak memory in bytes.
func child(b *testing.B, how, src, dst string) (time.Duration, int64) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), benchEnv+"="+how+"|"+src+"|"+dst)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	took, err := time.ParseDuration(strings.TrimSpace(string(out)))
	if err != nil {
		b.Fatal(err)
	}
	return took, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss * 1024
}

// BenchmarkFullRefresh reports a full refresh from Parquet as a multiple of DuckDB's own CTAS: time
// (x-of-ctas) and peak memory (x-of-ctas-rss). The runs alternate.
func BenchmarkFullRefresh(b *testing.B) {
	src := enginetest.Trips(b, enginetest.BenchRows(b))
	dir := b.TempDir()
	var took [2]time.Duration
	var rss [2]int64
	for i := 0; b.Loop(); i++ {
		for k, how := range []string{"ctas", "write"} {
			dst := filepath.Join(dir, fmt.Sprintf("%s%d.duckdb", how, i))
			d, m := child(b, how, src, dst)
			took[k] += d
			rss[k] = max(rss[k], m)
			if err := os.Remove(dst); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "x-of-ctas")
	b.ReportMetric(float64(rss[1])/float64(rss[0]), "x-of-ctas-rss")
	b.ReportMetric(took[1].Seconds()/float64(b.N), "s/refresh")
}
