package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/runtime/api"
	"pitwall/ui/uitest"
)

// give has a runtime answer with rows of an id and a city.
func give(c *uitest.Console, rows [][]string) {
	c.Answer(func(context.Context, string) (api.Rows, error) {
		return &uitest.Rows{Cols: []api.Column{{Name: "id"}, {Name: "city"}}, Batches: [][][]string{rows}}, nil
	})
}

// all reads a result as a person would see it.
func all(t *testing.T, c api.Console, sql string) string {
	t.Helper()
	rows, err := c.Query(t.Context(), sql, api.QueryOptions{})
	if err != nil {
		return "refused: " + err.Error()
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		for i := range rows.Len() {
			for j := range rows.Columns() {
				text, ok := rows.Text(i, j)
				if !ok {
					text = "NULL"
				}
				b.WriteString(text + "|")
			}
			b.WriteByte('\n')
		}
	}
	if err := rows.Err(); err != nil {
		b.WriteString(err.Error())
	}
	return b.String()
}

// With rows, a recording answers the statements that were run while it was made, with what they had then; without,
// it holds no rows at all.
func TestStatementsAreAnsweredAsTheyWere(t *testing.T) {
	for _, keep := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "r.jsonl")
		const sql = "SELECT id, city FROM ref.fx;"
		var before, after string
		synctest.Test(t, func(t *testing.T) {
			c := uitest.New(uitest.Sample(time.Now()))
			rec, run, err := Record(c, Options{Path: path, Rows: keep})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- run(ctx) }()
			give(c, [][]string{{"1", "Lyon"}, {"2", "NULL"}})
			before = all(t, rec, sql)
			time.Sleep(10 * time.Second)
			give(c, [][]string{{"3", "Graz"}})
			after = all(t, rec, sql)
			time.Sleep(10 * time.Second)
			c.Dataset("ref.fx", func(d *api.Dataset) { d.Rows++ })
			time.Sleep(time.Second)
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		if before == after || !strings.Contains(before, "2|NULL|") {
			t.Fatalf("%q %q", before, after)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !keep && bytes.Contains(text, []byte("Lyon")) {
			t.Error("rows were recorded, and nobody had asked for that")
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(text)
		_ = z.Close()
		for _, in := range [][]byte{text, packed.Bytes()} {
			p, err := read(bytes.NewReader(in), "r")
			if err != nil {
				t.Fatal(err)
			}
			p.Hold(true)
			if !keep {
				if got := all(t, p, sql); !strings.Contains(got, "no rows") || p.hub.State().Link.Rows {
					t.Error(got)
				}
				continue
			}
			if got := all(t, p, "select nothing"); !strings.Contains(got, "not run") || !p.hub.State().Link.Rows {
				t.Error(got)
			}
			p.Seek(5 * time.Second)
			if got := all(t, p, "SELECT id, city\nFROM ref.fx"); got != before {
				t.Errorf("%q, and was %q", got, before)
			}
			p.Seek(6 * time.Second)
			if got := all(t, p, sql); got != after {
				t.Errorf("%q, and was %q", got, after)
			}
			rows, err := p.Query(t.Context(), sql, api.QueryOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if e := (*api.QueryError)(nil); !errors.As(rows.Encode(&packed, api.CSV), &e) {
				t.Error("the first rows were written as if they were all")
			}
		}
	}
}
