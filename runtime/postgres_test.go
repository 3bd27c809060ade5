package runtime_test

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/engines"
	"pitwall/engines/duckdb"
	"pitwall/engines/enginetest"
	"pitwall/engines/postgres/pgtest"
	"pitwall/runtime/api"
	"pitwall/runtime/source"
	"pitwall/runtime/source/postgres"
)

// params writes the params of a server in YAML.
func params(s *pgtest.Server) string {
	var all []string
	for k, v := range maps.All(s.Params()) {
		all = append(all, fmt.Sprintf("%s: '%s'", k, v))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

func TestPostgresAcceleratedAppendedAndRestarted(t *testing.T) {
	s := pgtest.Start(t)
	s.Exec(t, `CREATE TABLE events (id int PRIMARY KEY, at timestamptz, day date, asset text);
INSERT INTO events SELECT i, now() - i * interval '1 minute', (now() - i * interval '1 minute')::date, 'a' || i % 2 FROM generate_series(1, 100) i`)
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: postgres:public.events
    name: logs
    params: ` + params(s) + `
    time_column: at
    time_format: timestamptz
    time_partition_column: day
    time_partition_format: date
    acceleration:
      engine: duckdb
      mode: file
      refresh_mode: append
      refresh_append_overlap: 1h
      refresh_sql: SELECT id, at, asset, day FROM logs WHERE asset ~ '^a[0-9]$' AND asset = 'a1'
      refresh_data_window: 50m
      on_zero_results: use_source
`}).start()
	d := b.dataset("logs", "ready", func(d *api.Dataset) bool { return d.HasData && d.Run == nil })
	if d.Rows < 24 || d.Rows > 25 || !strings.Contains(d.Refreshes[0].Plan, "where") || !strings.Contains(d.Refreshes[0].Plan, "~") {
		t.Fatalf("%d rows, plan %s", d.Rows, d.Refreshes[0].Plan)
	}
	before := d.Rows
	s.Exec(t, `INSERT INTO events VALUES (1001, now(), now()::date, 'a1'), (1002, now() - interval '5 minutes', (now() - interval '5 minutes')::date, 'a1'), (1003, now(), now()::date, 'a0')`)
	if d := b.refresh("logs"); d.Rows < before+2 { // within the overlap rows beyond the first window come in, too
		t.Errorf("%d rows after %d", d.Rows, before)
	}
	b.wants("SELECT count(*) AS n FROM logs WHERE asset = 'a0'", "n\n51") // the source answers
	rows := b.Runtime.State().Dataset("logs").Rows
	s.Down(t)
	task := b.do(api.RefreshNow{Dataset: "logs"})
	if d := b.failing("logs"); task.State != api.TaskFailed || d.Rows != rows || d.Retry == nil || !strings.Contains(d.Err, "logs") || d.Hint == "" {
		t.Errorf("%+v, %d rows, retry %v, %q / %q", task, d.Rows, d.Retry, d.Err, d.Hint)
	}
	b.wants("SELECT count(*) > 20 AS old FROM logs WHERE asset = 'a1'", "old\ntrue")
	s.Up(t)
	b.dataset("logs", "recovers by itself", func(d *api.Dataset) bool { return d.Status == api.Ready && d.Err == "" })
}

// BenchmarkPostgresToDuckDB reports the speed of a full refresh as a multiple of `psql \copy` of the same
// table to /dev/null (x-of-psql; 0.8 is the aim), in turns.
func BenchmarkPostgresToDuckDB(b *testing.B) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		b.Skip("no psql to compare with")
	}
	s := pgtest.Start(b)
	s.Exec(b, fmt.Sprintf(`CREATE UNLOGGED TABLE trips AS SELECT i::int8 AS id, i %% 6 AS vendor, '2026-01-01'::timestamp + i * interval '1 second' AS pickup,
 '2026-01-01'::timestamp + i * interval '2 seconds' AS dropoff, (i %% 900) / 100.0::float8 AS distance, (i %% 5000)::float8 / 7 AS fare, 'Y' AS flag, 'zone ' || i %% 265 AS zone
 FROM generate_series(1, %d) i; ANALYZE trips`, enginetest.BenchRows(b)))
	src, err := postgres.New(postgres.Options{Table: "trips", Params: s.Params()})
	if err != nil {
		b.Fatal(err)
	}
	var copied, loaded time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		if out, err := exec.Command(psql, s.URL(), "-qc", `\copy trips to '/dev/null'`).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		copied += time.Since(start)
		start = time.Now()
		e, err := duckdb.Opener{}.Open(b.Context(), engines.Options{Dataset: "trips", Path: filepath.Join(b.TempDir(), "t.duckdb")})
		if err != nil {
			b.Fatal(err)
		}
		r, err := src.Read(b.Context(), source.Scan{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Write(b.Context(), engines.Write{Mode: engines.Replace, Rows: r}); err != nil {
			b.Fatal(err)
		}
		r.Release()
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		loaded += time.Since(start)
	}
	b.ReportMetric(float64(copied)/float64(loaded), "x-of-psql")
}
