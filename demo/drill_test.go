package demo_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pitwall/demo"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
	"pitwall/ui"
	"pitwall/ui/uitest"
	"pitwall/views"
)

// A drill may take that many keys to the cause, and from there to the remedy.
const (
	causeKeys  = 6
	remedyKeys = 4
)

var update = flag.Bool("update", false, "write the table of the README")

// patience is how long a drill waits for something on a busy machine.
const patience = time.Minute

// ownProcess are the drills that change more than their folder: disk-full sets a limit for the whole process.
var ownProcess = []string{"disk-full"}

// alone names, in the environment, the drill that a process of its own is started for.
const alone = "PITWALL_DRILL"

// TestDrills plays every incident on the real runtime and presses its keys on the real console.
func TestDrills(t *testing.T) {
	for _, i := range demo.Incidents() {
		t.Run(i.Name, func(t *testing.T) {
			if only := os.Getenv(alone); only != "" && only != i.Name {
				t.Skip("another one was asked for")
			}
			t.Parallel()
			if len(i.Cause) > causeKeys || len(i.Remedy) > remedyKeys {
				t.Errorf("%d keys to the cause, %d to the remedy", len(i.Cause), len(i.Remedy))
			}
			for _, name := range ownProcess {
				if i.Name == name && os.Getenv(alone) == "" {
					apart(t, name)
					return
				}
			}
			drill(t, &i)
		})
	}
}

// apart runs a drill in a process of its own.
func apart(t *testing.T, name string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestDrills$/^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), alone+"="+name)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestDrills/"+name) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func drill(t *testing.T, i *demo.Incident) {
	w, err := demo.Prepare(demo.Options{Dir: t.TempDir(), Seed: 1, Scenario: i.Name, Pace: 20})
	if err != nil {
		t.Fatal(err)
	}
	r := play(t, w)
	seen(t, r, "the incident", i.Begun)
	scr := uitest.Start(t, r, views.All(), 80, 24, ui.Options{Version: "test", Editor: editor(t, i)})
	scr.Patience = patience
	scr.Wait(i.Dataset, "? help")
	if i.Home != "" { // told in words, by a mark in the row, and counted in the head line
		scr.Until(i.Home, func(screen string) bool {
			return strings.Contains(read(screen), "▲ "+i.Home) && strings.Contains(screen, "▲ Ready") && strings.Contains(screen, "▲1")
		})
	}
	press(scr, i.Cause)
	for _, text := range i.Shows {
		scr.Until(text, func(screen string) bool { return strings.Contains(read(screen), text) })
	}
	if i.Mend != nil {
		if err := i.Mend(w); err != nil {
			t.Fatal(err)
		}
	}
	press(scr, i.Remedy)
	seen(t, r, i.Holds, func(s *api.State) bool {
		d := s.Dataset(i.Dataset)
		return d != nil && i.After(d, s)
	})
}

// read is a screen as one text: what is in front of each line, without its frame and where it was wrapped.
func read(screen string) string {
	var all []string
	for l := range strings.Lines(screen) {
		front := ""
		for _, part := range strings.Split(l, "│") {
			if len(strings.TrimSpace(part)) > len(front) {
				front = strings.TrimSpace(part)
			}
		}
		all = append(all, strings.Fields(front)...)
	}
	return strings.Join(all, " ")
}

// press presses keys as a person does: the next when the one before has done its work.
func press(s *uitest.Screen, steps []demo.Step) {
	for _, k := range steps {
		s.Press(k.Key)
		s.Wait(k.Sees)
	}
}

// play runs a workspace until the test ends.
func play(t *testing.T, w *demo.Workspace) *runtime.Runtime {
	t.Helper()
	s, err := launch.Open(t.Context(), launch.Options{Pod: w.Pod, Sources: w.Sources(runtime.Connect)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("the runtime: %v", err)
		}
	})
	wg.Go(func() {
		if err := w.Run(ctx, func(int64, int64, error) {}); err != nil {
			t.Errorf("the scenario: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s.Runtime
}

// seen waits until the runtime is as it should be.
func seen(t *testing.T, r *runtime.Runtime, what string, ok func(*api.State) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cur, next := r.Watch(ctx)
	last := cur
	for !ok(cur) {
		var open bool
		if cur, open = <-next; !open {
			t.Fatalf("never came: %s\n%s", what, told(last))
		}
		last = cur
	}
}

// told is what a State says, for a test that failed.
func told(s *api.State) string {
	var b strings.Builder
	for _, d := range s.Datasets {
		fmt.Fprintf(&b, "%s %s: %d rows, newest %+v, err %q\n", d.Name, d.Status, d.Rows, d.Snapshots.Newest, d.Err)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "%s %s %s %v\n", e.Level, e.Dataset, e.Message, e.Fields)
	}
	return b.String()
}

// editor is an editor that makes the change of a drill.
func editor(t *testing.T, i *demo.Incident) string {
	t.Helper()
	if i.Edit.Old == "" {
		return ""
	}
	dir := t.TempDir()
	edit := func(s string) string { return strings.ReplaceAll(s, "\n", "\x01") }
	// sed has no lines here: the change may be of several.
	script := fmt.Sprintf(`set -e
name="$(dirname "$1")/%s"
tr '\n' '\001' <"$name" | sed "s|$(cat %s)|$(cat %s)|" | tr '\001' '\n' >"$name.new"
mv "$name.new" "$name"
`, fileOf(i), filepath.Join(dir, "old"), filepath.Join(dir, "new"))
	quoted := strings.NewReplacer("*", `\*`, ".", `\.`).Replace(edit(i.Edit.Old))
	for name, text := range map[string]string{"edit.sh": script, "old": quoted, "new": edit(i.Edit.New)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "sh " + filepath.Join(dir, "edit.sh")
}

func fileOf(i *demo.Incident) string {
	if i.Edit.File != "" {
		return i.Edit.File
	}
	return "spicepod.yml"
}

// The table of the drills in the README is made of the incidents.
func TestReadmeListsTheDrills(t *testing.T) {
	const from, to, path = "<!-- drills: written by go test ./demo -run Readme -update -->\n", "<!-- /drills -->", "../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	old, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatal("the README has no place for the drills")
	}
	table := "| incident | what happened | cause | remedy | afterwards |\n|---|---|---|---|---|\n"
	for _, i := range demo.Incidents() {
		table += i.Line() + "\n"
	}
	if old == table {
		return
	}
	if !*update {
		t.Fatal("the drills in the README are others than the incidents: go test ./demo -run Readme -update writes them")
	}
	if err := os.WriteFile(path, []byte(head+from+table+to+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The list of the scenarios has them all, and each has its spicepod.
func TestListHasTheDrills(t *testing.T) {
	var b strings.Builder
	if err := demo.List(&b); err != nil {
		t.Fatal(err)
	}
	if n := len(demo.Incidents()); n < 15 {
		t.Errorf("%d incidents", n)
	}
	for _, i := range demo.Incidents() {
		if !strings.Contains(b.String(), i.Name+" ") {
			t.Errorf("%s is not listed", i.Name)
		}
	}
}
