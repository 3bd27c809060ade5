package runtime_test

import (
	"strings"
	"testing"

	"pitwall/runtime/api"
)

// TestUpsertKeepsTheNewestVersion appends newer versions of rows by their primary key (spec data-refresh 2.2
// and 2.7), and refuses a row without one.
func TestUpsertKeepsTheNewestVersion(t *testing.T) {
	each(t, `
datasets:
  - from: file:a.csv
    name: d
    time_column: at
    time_format: unix_seconds
    acceleration: {%ENGINE%, refresh_mode: append, primary_key: id, on_conflict: {id: upsert}}
`, map[string]string{"a.csv": "id,at,v\n1,100,a\n2,101,b\n"}, func(t *testing.T, b *bed) {
		b.ready("d", 2)
		b.write("a.csv", "id,at,v\n1,100,a\n2,101,b\n2,200,new\n3,201,c\n")
		if d := b.refresh("d"); d.Rows != 3 {
			t.Fatalf("%d rows", d.Rows)
		}
		b.write("a.csv", "id,at,v\n4,300,x\n,301,y\n")
		task := b.do(api.RefreshNow{Dataset: "d"})
		d := b.Runtime.State().Dataset("d")
		if task.State != api.TaskFailed || d.Rows != 3 || !strings.Contains(task.Detail+d.Err, `"id"`) {
			t.Errorf("%+v, %d rows, %s", task, d.Rows, d.Err)
		}
	})
}
