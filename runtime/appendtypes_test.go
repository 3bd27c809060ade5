package runtime_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pitwall/runtime/api"
)

// pod of an append dataset over a folder of text files.
func textPod(ext string) string {
	return `
datasets:
  - from: file:in/*.` + ext + `
    name: d
    time_column: at
    acceleration: {%ENGINE%, refresh_mode: append}
`
}

func TestAppendReadsLaterFilesWithTheTypesThatAreRecorded(t *testing.T) {
	for ext, file := range map[string][4]string{
		"csv": {
			"at,v,day,note\n2026-01-01T00:00:00,1.5,2026-01-01,a\n",
			"at,v,day,note\n2026-01-02T00:00:00,2,,7\n", // alone: an integer, text, an integer
			"at,v,day,note\n2026-01-03T00:00:00,,2026-01-03,\n",
			"at,v,day,note\n2026-01-04T00:00:00,much,2026-01-04,x\n",
		},
		"ndjson": {
			`{"at":1700000001,"v":1.5,"day":true}` + "\n",
			`{"at":1700000002,"v":2,"day":null}` + "\n",
			`{"at":1700000003,"v":null,"day":false}` + "\n",
			`{"at":1700000004,"v":"much","day":true}` + "\n",
		},
	} {
		pod := textPod(ext)
		if ext == "ndjson" {
			pod = strings.Replace(pod, "time_column: at", "time_column: at\n    time_format: unix_seconds", 1)
		}
		t.Run(ext, func(t *testing.T) {
			all := map[string]string{"in/1." + ext: file[0]}
			each(t, pod, all, func(t *testing.T, b *bed) {
				b.age("in/1."+ext, time.Hour)
				first := b.ready("d", 1)
				b.write("in/2."+ext, file[1])
				if d := b.refresh("d"); d.Rows != 2 {
					t.Fatalf("%d rows: %s", d.Rows, d.Err)
				}
				b.write("in/3."+ext, file[2])
				d := b.refresh("d")
				if d.Rows != 3 {
					t.Fatalf("%d rows: %s", d.Rows, d.Err)
				}
				for i, c := range first.Schema {
					if d.Schema[i].Type != c.Type {
						t.Errorf("%s was %s, is %s", c.Name, c.Type, d.Schema[i].Type)
					}
				}
				b.write("in/4."+ext, file[3])
				task := b.do(api.RefreshNow{Dataset: "d"})
				if task.State != api.TaskFailed || !strings.Contains(task.Detail, "4."+ext) {
					t.Errorf("a text among numbers: %+v", task)
				}
				if ext == "csv" && !strings.Contains(task.Detail, `column v is float64, but here it is "much"`) {
					t.Errorf("%+v", task)
				}
			})
		})
	}
}

func TestAFullRefreshMayChangeTheTypesOfTextFiles(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:a.csv', name: d, on_schema_change: sync_all_columns, acceleration: {engine: duckdb}}
`, "a.csv": "v\n1.5\n"}).start()
	b.ready("d", 1)
	b.write("a.csv", "v\n2\n3\n")
	if d := b.refresh("d"); d.Rows != 2 || d.Schema[0].Type != "int64" {
		t.Errorf("%d rows, %v", d.Rows, d.Schema)
	}
}

// A file without values in a column made text of it, and a full refresh of an emptied file, or one whose
// fractions happened to be whole, was refused as a change of the columns.
func TestColumnsWithoutValuesKeepTheirTypes(t *testing.T) {
	b := newBed(t, map[string]string{"spicepod.yml": `
datasets:
  - {from: 'file:in/*.csv', name: d, acceleration: {engine: duckdb}}
  - {from: 'file:in/*.ndjson', name: j, acceleration: {engine: duckdb}}
`, "in/1.csv": "id,v,note\n1,1.5,a\n", "in/2.csv": "id,v,note\n2,,\n", "in/3.csv": "id,v,note\n",
		"in/1.ndjson": `{"id":1,"v":1.5,"l":[1]}` + "\n", "in/2.ndjson": `{"id":2,"v":null,"l":[]}` + "\n"}).start()
	want := b.ready("d", 2).Schema
	if got := fmt.Sprint(want); got != "[{id int64 true} {v float64 true} {note utf8 true}]" {
		t.Errorf("%s", got)
	}
	if got := fmt.Sprint(b.ready("j", 2).Schema); !strings.Contains(got, "{v float64 true}") || !strings.Contains(got, "list<item: int64") {
		t.Errorf("%s", got)
	}
	b.write("in/1.csv", "id,v,note\n1,2,7\n")
	if got := b.refresh("d").Schema; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	b.write("in/1.csv", "id,v,note\n")
	b.write("in/2.csv", "id,v,note\n")
	if d := b.refresh("d"); d.Rows != 0 || !slices.Equal(d.Schema, want) {
		t.Errorf("%d rows, %v", d.Rows, d.Schema)
	}
}
