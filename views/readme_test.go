package views_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// The table of keys in the README is made of the registry.
func TestReadmeListsTheKeys(t *testing.T) {
	const from, to, path = "<!-- keys: written by go test ./views -run Readme -update -->\n", "<!-- /keys -->", "../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	old, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the keys")
	}
	table := keyTable(t)
	if old == table {
		return
	}
	if !*update {
		t.Fatal("the keys in the README are others than those of the console: go test ./views -run Readme -update writes them")
	}
	if err := os.WriteFile(path, []byte(head+from+table+to+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// keyTable lists the actions of the screens, those of all screens last.
func keyTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| screen | keys | name | what it does |\n|---|---|---|---|\n")
	c := uitest.New(uitest.Sample(time.Now()))
	c.SetSnapshots("lake.sales_eu", uitest.Snapshots(time.Now()), nil, false)
	st := ui.NewStill(c, views.All(), ui.Options{Theme: "dark", StateDir: t.TempDir()}, 120, 40)
	seen := map[string]bool{}
	row := func(screen string, a ui.Action) {
		if seen[a.ID] {
			return
		}
		seen[a.ID] = true
		keys := make([]string, len(a.Keys))
		for i, k := range a.Keys {
			keys[i] = "`" + ui.KeyName(k) + "`"
		}
		help := a.Help
		if a.Kind == ui.Danger {
			help += " Asks for the name."
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", screen, strings.Join(keys, " "), a.ID, strings.ReplaceAll(help, "|", "\\|"))
	}
	global := map[string]bool{}
	st.Press("3") // the pulse has no actions of its own
	for _, x := range st.Actions() {
		global[x.ID] = true
	}
	for _, screen := range []struct {
		name string
		keys []string
	}{{"datasets", []string{"1"}}, {"dataset", []string{"1", "enter"}}, {"its events", []string{"l"}}, {"snapshots", []string{"2"}}, {"events", []string{"4"}},
		{"config", []string{"5"}}, {"doctor", []string{"6"}}, {"tree", []string{"7"}}, {"sql", []string{"8", "esc"}}} {
		st.Press(screen.keys...)
		for _, x := range st.Actions() {
			if !global[x.ID] {
				row(screen.name, x.Action)
			}
		}
	}
	st.Press("3")
	for _, x := range st.Actions() {
		row("all", x.Action)
	}
	return b.String()
}
