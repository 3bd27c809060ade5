package runtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// each runs a test with every engine that runs without a server. %ENGINE% in the spicepod is replaced.
func each(t *testing.T, pod string, files map[string]string, test func(t *testing.T, b *bed)) {
	for engine, settings := range map[string]string{
		"arrow": "engine: arrow", "duckdb": "engine: duckdb, mode: file", "sqlite": "engine: sqlite, mode: file", "duckdb in memory": "engine: duckdb",
	} {
		t.Run(engine, func(t *testing.T) {
			all := map[string]string{"spicepod.yml": strings.ReplaceAll(pod, "%ENGINE%", settings)}
			for name, text := range files {
				all[name] = text
			}
			test(t, newBed(t, all).start())
		})
	}
}

func (b *bed) refresh(name string) *api.Dataset {
	b.t.Helper()
	if task := b.do(api.RefreshNow{Dataset: name}); task.State != api.TaskDone {
		b.t.Fatalf("refresh %s: %+v", name, task)
	}
	return b.Runtime.State().Dataset(name)
}

func TestRefreshSQLSelectsColumnsAndRows(t *testing.T) {
	each(t, `
datasets:
  - from: file:a.csv
    name: d
    acceleration: {%ENGINE%, refresh_sql: "SELECT name, id FROM d WHERE id % 2 = 0 AND id > 4 AND upper(city) = 'SEATTLE' LIMIT 3"}
`, map[string]string{"a.csv": cities(20)}, func(t *testing.T, b *bed) {
		d := b.ready("d", 3)
		if len(d.Schema) != 2 || d.Schema[0].Name != "name" || d.Schema[1].Name != "id" {
			t.Errorf("columns %v", d.Schema)
		}
	})
}

// cities has rows id, name, city; every second city is Seattle.
func cities(n int) string {
	var b strings.Builder
	b.WriteString("id,name,city\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,n%d,%s\n", i, i, []string{"Seattle", "Bellevue"}[i%2])
	}
	return b.String()
}

func TestRefreshSQLThatNamesNoColumnOfTheSourceIsAnErrorWithTheColumns(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {refresh_sql: SELECT id FROM d WHERE town = 'x'}}
`, "a.csv": cities(3)}).start()
	d := b.failing("d")
	if !strings.Contains(d.Err, "town") || !strings.Contains(d.Err+d.Hint, "city") || d.Retry != nil {
		t.Errorf("%q / %q, retry %v", d.Err, d.Hint, d.Retry)
	}
}

func TestAppendOverlapTakesLateRowsAndNoDuplicates(t *testing.T) {
	each(t, `
datasets:
  - from: file:a.csv
    name: d
    time_column: at
    time_format: unix_seconds
    acceleration: {%ENGINE%, refresh_mode: append, refresh_append_overlap: 10s}
`, map[string]string{"a.csv": "at,v\n100,a\n100,a\n105,b\n"}, func(t *testing.T, b *bed) {
		b.ready("d", 3)
		// 94 is too late, 95 is the limit and excluded; 96 and a second row of 105 are late, and two equal
		// rows of 110 are new: duplicates among the fetched rows stay.
		b.write("a.csv", "at,v\n94,x\n95,x\n96,y\n100,a\n105,b\n105,c\n110,d\n110,d\n")
		if d := b.refresh("d"); d.Rows != 3+4 || d.Refreshes[0].RowsWritten != 4 || d.Watermark != "110" {
			t.Errorf("%d rows, wrote %d, watermark %s", d.Rows, d.Refreshes[0].RowsWritten, d.Watermark)
		}
	})
}

func TestAppendByEveryTimeFormat(t *testing.T) {
	for format, rows := range map[string][2]string{
		"timestamp":   {"2026-01-01 00:00:00", "2026-01-01 00:00:01"},
		"unix_millis": {"1700000000001", "1700000000002"},
		"ISO8601":     {"last: 2026-01-01T10:00:00+05:00", "last: 2026-01-01T06:00:00Z"},
		"date":        {"2026-01-01", "2026-01-02"},
	} {
		t.Run(format, func(t *testing.T) {
			old, next := rows[0], rows[1]
			file := func(lines ...string) string { return "at,v\n" + strings.Join(lines, "\n") + "\n" }
			if format == "ISO8601" { // text: CSV would make timestamps of it
				old, next = strings.TrimPrefix(old, "last: "), strings.TrimPrefix(next, "last: ")
				file = func(lines ...string) string {
					var b strings.Builder
					for _, l := range lines {
						at, v, _ := strings.Cut(l, ",")
						fmt.Fprintf(&b, `{"at":"%s","v":%s}`+"\n", at, v)
					}
					return b.String()
				}
			}
			ext := map[bool]string{true: "ndjson", false: "csv"}[format == "ISO8601"]
			each(t, `
datasets:
  - from: file:a.`+ext+`
    name: d
    time_column: at
    time_format: `+format+`
    acceleration: {%ENGINE%, refresh_mode: append}
`, map[string]string{"a." + ext: file(old + ",1")}, func(t *testing.T, b *bed) {
				b.ready("d", 1)
				b.write("a."+ext, file(old+",1", next+",2"))
				if d := b.refresh("d"); d.Rows != 2 {
					t.Fatalf("%d rows after %s", d.Rows, next)
				}
				if d := b.refresh("d"); d.Rows != 2 {
					t.Errorf("%d rows: the last row was added again", d.Rows)
				}
				if format == "date" { // only days are known: late rows of the same day come in, once
					b.write("a."+ext, file(old+",1", next+",2", next+",3"))
					b.refresh("d")
					if d := b.refresh("d"); d.Rows != 3 {
						t.Errorf("%d rows with a late one of the same day", d.Rows)
					}
				}
			})
		})
	}
}

func TestWindowKeepsOldRowsOut(t *testing.T) {
	now := time.Now().Unix()
	rows := fmt.Sprintf("at,v\n%d,1\n%d,2\n,3\n", now-7200, now-60)
	each(t, `
datasets:
  - {from: 'file:a.csv', name: window, time_column: at, time_format: unix_seconds, acceleration: {%ENGINE%, refresh_data_window: 1h}}
  - {from: 'file:a.csv', name: append, time_column: at, time_format: unix_seconds, acceleration: {%ENGINE%, refresh_mode: append, refresh_data_window: 1h}}
  - from: file:a.csv
    name: period
    time_column: at
    time_format: unix_seconds
    acceleration: {%ENGINE%, retention_check_enabled: true, retention_check_interval: 1h, retention_period: 1h}
`, map[string]string{"a.csv": rows}, func(t *testing.T, b *bed) {
		for _, n := range []string{"window", "append", "period"} {
			b.ready(n, 1)
		}
	})
}

func TestChangedRefreshSQLIsAppliedAfterARestart(t *testing.T) {
	pod := func(where string) string {
		return `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {engine: sqlite, mode: file, refresh_sql: SELECT * FROM d WHERE ` + where + `}}
`
	}
	b := newBed(t, map[string]string{"spicepod.yml": pod("id < 5"), "a.csv": cities(10)}).start()
	b.ready("d", 5)
	b.stop()
	b.start()
	if d := b.dataset("d", "is ready", func(d *api.Dataset) bool { return d.HasData }); len(d.Refreshes) != 0 || d.Rows != 5 {
		t.Fatalf("%d refreshes, %d rows: unchanged settings must not load anew", len(d.Refreshes), d.Rows)
	}
	b.stop()
	b.write("spicepod.yml", pod("id < 8"))
	b.start()
	b.ready("d", 8)
}

func TestPatchedRefreshSQLIsTemporary(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {engine: duckdb, mode: file}}
`, "a.csv": cities(10)}).start()
	b.ready("d", 10)
	if task := b.do(api.SetRefreshSQL{Dataset: "d", SQL: "SELECT id FROM d WHERE id < 3"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	if d := b.Runtime.State().Dataset("d"); !d.Patched || d.Rows != 10 {
		t.Errorf("patched %v, %d rows: only the next refresh uses it", d.Patched, d.Rows)
	}
	if d := b.refresh("d"); d.Rows != 3 || len(d.Schema) != 1 {
		t.Errorf("%d rows of %v", d.Rows, d.Schema)
	}
	if _, err := b.Runtime.Do(t.Context(), api.SetRefreshSQL{Dataset: "d", SQL: "SELECT id FROM other"}); api.ReasonOf(err) != api.Invalid {
		t.Errorf("a refresh_sql of another table: %v", err)
	}
	b.stop()
	b.start()
	if d := b.ready("d", 10); d.Patched {
		t.Error("still patched after a restart")
	}
}

func TestOverridesOfOneRun(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, time_column: id, time_format: unix_seconds, acceleration: {refresh_mode: append}}
`, "a.csv": cities(10)}).start()
	b.ready("d", 10)
	if task := b.do(api.RefreshNow{Dataset: "d", Mode: "full", SQL: "SELECT * FROM d WHERE id >= 8"}); task.State != api.TaskDone {
		t.Fatalf("%+v", task)
	}
	if d := b.Runtime.State().Dataset("d"); d.Rows != 2 || d.Patched || !strings.Contains(d.Refreshes[0].SQL, "id >= 8") {
		t.Errorf("%d rows, %+v", d.Rows, d.Refreshes[0])
	}
}

func TestUnchangedSourceIsSkippedByTheScheduleOnly(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {refresh_check_interval: 50ms}}
`, "a.csv": cities(10)})
	b.age("a.csv", time.Hour)
	b.start()
	d := b.dataset("d", "skips", func(d *api.Dataset) bool { return d.Totals.Skipped > 1 })
	if d.Refreshes[0].Outcome != api.Skipped || d.Rows != 10 || d.Status == api.Error {
		t.Errorf("%+v", d.Refreshes[0])
	}
	b.do(api.RefreshNow{Dataset: "d"})
	b.dataset("d", "was really read", func(d *api.Dataset) bool {
		for _, r := range d.Refreshes {
			if r.Trigger == "manual" && r.Outcome == api.Succeeded {
				return true
			}
		}
		return false
	})
	b.write("a.csv", cities(12))
	b.ready("d", 12)
}

func TestCronStartsRefreshes(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {refresh_cron: '* * * * * *'}}
`, "a.csv": cities(10)}).start()
	d := b.dataset("d", "was started by cron", func(d *api.Dataset) bool {
		return len(d.Refreshes) > 1 && d.Refreshes[0].Trigger == "cron"
	})
	if len(d.Upcoming) != 5 || d.NextRefresh.IsZero() || d.Upcoming[1].Sub(d.Upcoming[0]) != time.Second {
		t.Errorf("upcoming %v, next %v", d.Upcoming, d.NextRefresh)
	}
}

func TestManualRefreshWaitsForItsJitter(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, acceleration: {}}
`, "a.csv": cities(10)}).start(func(o *launch.Options) { o.Seed = 1 }) // its first jitter of 24h is 23h56m; every second seed has none
	b.ready("d", 10)
	most := 24 * time.Hour
	id := b.send(api.RefreshNow{Dataset: "d", JitterMax: &most})
	d := b.dataset("d", "waits", func(d *api.Dataset) bool { return !d.NextRefresh.IsZero() || len(d.Refreshes) > 1 })
	if wait := time.Until(d.NextRefresh); len(d.Refreshes) != 1 || wait < 23*time.Hour || wait > most {
		t.Fatalf("%d refreshes, the next in %s", len(d.Refreshes), wait)
	}
	if task := b.do(api.CancelRefresh{Dataset: "d"}); task.State != api.TaskDone {
		t.Errorf("%+v", task)
	}
	if task := b.task(id); task.State != api.TaskCancelled {
		t.Errorf("%+v", task)
	}
}

func TestRetentionEvictsByPeriodAndBySQL(t *testing.T) {
	now := time.Now().Unix()
	rows := fmt.Sprintf("at,v,gone\n%d,1,false\n%d,2,false\n%d,3,true\n%d,4,\n", now-7200, now-60, now-60, now-60)
	each(t, `
datasets:
  - from: file:a.csv
    name: d
    time_column: at
    time_format: unix_seconds
    acceleration: {%ENGINE%, refresh_mode: append, refresh_data_window: 30d, retention_check_enabled: true, retention_check_interval: 50ms, retention_period: 1h, retention_sql: DELETE FROM d WHERE gone}
`, map[string]string{"a.csv": rows}, func(t *testing.T, b *bed) {
		d := b.ready("d", 2) // in the commit of the first load
		if d.Retention == nil || d.Retention.Evicted != 2 || d.Refreshes[0].Evicted != 2 {
			t.Errorf("%+v, %+v", d.Retention, d.Refreshes[0])
		}
		b.dataset("d", "was checked", func(d *api.Dataset) bool { return !d.Retention.Last.IsZero() && d.Retention.Err == "" })
	})
}

// age makes a file look as if it was written some time ago.
func (b *bed) age(name string, ago time.Duration) {
	b.t.Helper()
	at := time.Now().Add(-ago)
	if err := os.Chtimes(filepath.Join(b.dir, name), at, at); err != nil {
		b.t.Fatal(err)
	}
}

// send begins a command.
func (b *bed) send(c api.Command) api.CommandID {
	b.t.Helper()
	id, err := b.Runtime.Do(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}
