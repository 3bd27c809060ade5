package runtime_test

import (
	"strings"
	"testing"

	"pitwall/engines/postgres/pgtest"
	"pitwall/runtime/api"
)

// TestAcceleratedInPostgres keeps a dataset at a server: it is there again after a restart, goes through an
// outage of the server, and takes newer versions of rows.
func TestAcceleratedInPostgres(t *testing.T) {
	s := pgtest.Start(t)
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - from: file:a.csv
    name: lake.cities
    acceleration:
      engine: postgresql
      primary_key: id
      params: ` + params(s) + `
      retention_check_enabled: true
      retention_check_interval: 1h
      retention_sql: DELETE FROM lake.cities WHERE city ~ '^Belle'
`, "a.csv": cities(20)}).start()
	b.ready("lake.cities", 10)
	s.Exec(t, `SELECT 1 / (count(*) = 10)::int FROM "lake.cities"; SELECT 1 / count(*) FROM pitwall_state WHERE dataset_name = 'lake.cities'`)
	b.stop()
	again := &bed{t: t, dir: b.dir}
	again.start()
	again.ready("lake.cities", 10)
	s.Down(t)
	task := again.do(api.RefreshNow{Dataset: "lake.cities"})
	if d := again.failing("lake.cities"); task.State != api.TaskFailed || d.Retry == nil || !strings.Contains(d.Err, "lake.cities") || d.Hint == "" {
		t.Errorf("%+v, retry %v, %q / %q", task, d.Retry, d.Err, d.Hint)
	}
	s.Up(t)
	again.dataset("lake.cities", "recovers by itself", func(d *api.Dataset) bool { return d.Status == api.Ready && d.Err == "" && d.Rows == 10 })
}
