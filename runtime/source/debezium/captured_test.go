package debezium

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Debezium 3.0.8 wrote about a table of PostgreSQL 15 is read: snapshot, changes, tombstones, a truncate, a value that
// an update does not tell, and a column that is added. .ci/debezium/run makes a topic like it.
func TestCaptured(t *testing.T) {
	f, err := os.Open("testdata/postgres.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	r := NewReader()
	var got []string
	for lines.Scan() {
		var m struct{ Key, Value json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		e, err := r.Event(m.Key, m.Value)
		if err != nil {
			t.Fatal(err)
		}
		line := strings.Join(e.Keys, ",") + " "
		if e.Tombstone {
			got = append(got, line+"tombstone")
			continue
		}
		line += e.Op.String()
		if e.Snapshot {
			line += " of more"
		}
		if !e.Row.None() {
			rows := NewRows(e.Type)
			err := rows.Append(e.Row, e.Op == Delete)
			var kept *UnavailableError
			switch {
			case errors.As(err, &kept):
				line += " without " + kept.Column
			case err != nil:
				t.Fatal(err)
			default:
				b := rows.Batch()
				for i, c := range b.Columns() {
					if name := b.ColumnName(i); c.IsValid(0) && name != "u" && name != "at" && (name != "note" || len(c.ValueStr(0)) < 50) {
						line += " " + name + "=" + c.ValueStr(0)
					}
				}
				b.Release()
			}
			rows.Release()
		}
		got = append(got, line)
	}
	want := []string{
		`id snapshot read of more id=1 state=new amount=-1.01 day=2026-11-23 tags=["a","b"] note=x ok=false f=0.3333333333333333 j={"g": 1} b=AP8= t=12:34:56.789000`,
		`id snapshot read of more id=2 state=new amount=-2.02 day=2026-11-23 tags=["a","b"] note=xx ok=true f=0.6666666666666666 j={"g": 2} b=AP8= t=12:34:56.789000`,
		`id update id=1 state=paid 1 amount=1.11 day=2026-11-23 tags=["a","b"] note=x ok=false f=0.3333333333333333 j={"g": 1} b=AP8= t=12:34:56.789000`,
		`id update id=38 state=paid 1 amount=42.22 day=2026-11-23 tags=["a","b"] note=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ok=true f=12.666666666666666 j={"g": 38} b=AP8= t=12:34:56.789000`,
		`id delete id=42 state=`,
		`id tombstone`,
		`id delete id=83 state=`,
		`id tombstone`,
		`id insert id=101001 state=new amount=0.14 note=y`,
		`id insert id=101002 state=new amount=0.29 note=yy`,
		`id tombstone`,
		`id insert id=1125003 state=new amount=0.43 note=yyy`,
		` truncate`,
		`id insert id=1 state=new amount=-0.01`,
		`id insert id=2 state=new amount=12345.67 note=short`,
		`id update without note`,
		`id update id=2 state=sent amount=12345.67 note=short`,
		`id update id=2 state=sent amount=12345.67 note=short more=5`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
