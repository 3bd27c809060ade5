package views_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pitwall/runtime/api"
	"pitwall/ui/uitest"
)

// answering gives a console that has rows.
func answering(t *testing.T) (*uitest.Console, *uitest.Screen) {
	c, s := start(t, 120, 32)
	c.Dataset("ref.fx", func(d *api.Dataset) {
		d.Schema = []api.Column{{Name: "currency", Type: "utf8"}, {Name: "rate", Type: "float64"}}
	})
	c.Answer(func(_ context.Context, sql string) (api.Rows, error) {
		if strings.Contains(sql, "nope") {
			return nil, &api.QueryError{Reason: api.BadQuery, Message: "there is no table nope", Hint: "SHOW TABLES lists them"}
		}
		var many [][]string
		for i := range 500 {
			many = append(many, []string{fmt.Sprint(i), fmt.Sprintf("name %d", i), "NULL"})
		}
		return &uitest.Rows{Cols: []api.Column{{Name: "id", Type: "int64"}, {Name: "name", Type: "utf8"}, {Name: "note", Type: "utf8"}},
			Batches: [][][]string{many[:200], many[200:]}, From: []api.Served{{Dataset: "ref.fx", From: api.FromAcceleration}, {Dataset: "lake.sales_ap", From: api.FromSource}}}, nil
	})
	return c, s
}

// A statement is typed, completed and run; its rows are looked at, copied and exported.
func TestSQLRunsAndShowsRows(t *testing.T) {
	_, s := answering(t)
	s.Press("8")
	s.Wait("type a statement and press enter")
	s.Type("sel")
	s.Press("tab")
	s.Type("* from ref.f")
	s.Press("tab")
	s.Type("where cur")
	s.Press("tab")
	s.Wait("select * from ref.fx where currency")
	s.Press("enter")
	s.Wait("500 rows in", "ref.fx from acceleration", "lake.sales_ap from source", "name 3", "NULL", "Rows 1/500")
	s.Press("esc")
	s.Press("G")
	s.Wait("name 499", "Rows 500/500")
	s.Press("g", "right", "c")
	s.Wait("copied the value of name (6 bytes)")
	s.Press("C")
	s.Wait("copied the row")
	s.Press("E")
	s.Wait("Export all rows")
	s.Press("ctrl+u")
	path := filepath.Join(t.TempDir(), "out.parquet")
	s.Type(path)
	s.Press("enter")
	s.Wait("exported")
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "as parquet\n0,name 0,NULL\n") || strings.Count(string(text), "\n") != 501 {
		t.Errorf("%.60q %v", text, err)
	}
	s.Press("E")
	s.Wait("Export all rows")
	s.Press("ctrl+u")
	s.Type(path)
	s.Press("enter")
	s.Wait("there is such a file already")
	s.Press("E")
	s.Wait("Export all rows")
	s.Press("ctrl+u")
	s.Type("x.txt")
	s.Press("enter")
	s.Wait("the name ends with .csv")
	s.Press("esc")
	s.Gone("Export all rows")
	s.Press("i")
	s.Type(" nope")
	s.Press("enter")
	s.Wait("✗ there is no table nope", "hint: SHOW TABLES lists them")
	s.Press("up")
	s.Press("up")
	s.Gone("currency nope")
	// While typing, letters are letters: none of them is a key.
	s.Type("qqq")
	s.Wait("qqq")
}

// A statement that takes long shows what it has, and can be stopped.
func TestSQLStops(t *testing.T) {
	c, s := answering(t)
	gate := make(chan struct{})
	c.Answer(func(ctx context.Context, _ string) (api.Rows, error) {
		return &uitest.Rows{Cols: []api.Column{{Name: "x", Type: "int64"}}, Batches: [][][]string{{{"41"}}, {{"42"}}}, Gate: gate, Ctx: ctx}, nil
	})
	s.Press(":")
	s.Type("sql select x from slow")
	s.Press("enter")
	gate <- struct{}{}
	s.Wait("1 row so far", "41", "x stops it")
	s.Press("x")
	s.Wait("stopped after", "1 row")
}

// A click selects the row under it also in a low window, whose editor is lower.
func TestSQLClickInALowWindow(t *testing.T) {
	c, s := start(t, 120, 17)
	c.Answer(func(context.Context, string) (api.Rows, error) {
		return &uitest.Rows{Cols: []api.Column{{Name: "n", Type: "int64"}}, Batches: [][][]string{{{"11"}, {"22"}, {"33"}, {"44"}, {"55"}}}}, nil
	})
	s.Press("8")
	s.Type("select n")
	s.Press("enter", "esc")
	s.Wait("22", "1/5")
	for y, l := range strings.Split(s.Text(), "\n") {
		if strings.Contains(l, " 22 ") {
			s.Click(5, y)
		}
	}
	s.Wait("2/5")
}
