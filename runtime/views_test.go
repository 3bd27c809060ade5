package runtime_test

import (
	"strings"
	"testing"

	"pitwall/runtime/api"
)

func TestViewsReadAndRefreshLikeDatasets(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
runtime: {dataset_load_parallelism: 1}
datasets:
  - {from: 'file:people.csv', name: people, acceleration: {engine: sqlite}}
  - {from: 'file:towns.csv', name: towns}
views:
  - name: per_town
    sql: SELECT t.name AS town, count(*) AS n, sum(p.id) AS ids FROM people p JOIN towns t ON p.town = t.id GROUP BY 1
    acceleration: {engine: duckdb, mode: file, refresh_check_interval: 1h}
  - {name: big, sql_ref: big.sql, acceleration: {refresh_sql: SELECT town FROM big WHERE n > 1}}
  - {name: plain, sql: "SELECT town, n + 1 AS m FROM per_town"}
`, "people.csv": "id,town\n1,10\n2,20\n3,10\n", "towns.csv": "id,name\n10,Seattle\n20,Bellevue\n",
		"big.sql": "SELECT * FROM per_town"}).start()
	if d := b.ready("per_town", 2); d.From != "view" || d.Engine != "duckdb" {
		t.Errorf("%+v", d)
	}
	b.ready("big", 1)
	b.wants("SELECT town, m FROM plain ORDER BY town", "town,m\nBellevue,2\nSeattle,3")
	b.wants("SELECT * FROM big", "town\nSeattle")
	b.write("people.csv", "id,town\n1,10\n2,20\n3,10\n4,20\n")
	b.refresh("people")
	b.refresh("per_town")
	b.wants("SELECT town, n FROM per_town ORDER BY town", "town,n\nBellevue,2\nSeattle,2")
}

func TestViewOfADatasetThatFailsSaysSo(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:missing.csv', name: base, acceleration: {}}
views:
  - {name: v, sql: SELECT id FROM base, acceleration: {}}
  - {name: wrong, sql: SELECT nope FROM other, acceleration: {}}
  - {name: bad, sql: SELECT nope FROM ok, acceleration: {}}
`}).start()
	if d := b.failing("v"); !strings.Contains(d.Err, "base") || d.Retry == nil {
		t.Errorf("%q, retry %v", d.Err, d.Retry)
	}
	if d := b.failing("wrong"); !strings.Contains(d.Err, "other") {
		t.Errorf("%q", d.Err)
	}
	b.write("missing.csv", "id\n1\n")
	b.do(api.RefreshNow{Dataset: "base"})
	b.do(api.RefreshNow{Dataset: "v"})
	b.ready("v", 1)
}
