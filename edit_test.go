package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// e on the config screen opens the editor on the line of the error, on the terminal of the console; the console comes
// back, and what was mended runs. A file that would drop local data waits until it is applied by key.
func TestConfigScreenEditsAndApplies(t *testing.T) {
	good := strings.Replace(pod, "50ms", "1h", 1)
	dir := folder(t, map[string]string{"spicepod.yml": good, "a.csv": "x\n1\n",
		"editor": "#!/bin/sh\n[ -t 0 ] && [ -t 1 ] || exit 9\necho \"$@\" > \"$0.args\"\nfor f; do :; done\nsed 's/1hour/2h/' \"$f\" > \"$f.new\" && mv \"$f.new\" \"$f\"\n"})
	editor := filepath.Join(dir, "vi-like")
	if err := os.Rename(filepath.Join(dir, "editor"), editor); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(editor, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "spicepod.yml")
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	c := pitwall(t, dir)
	c.Env = append(c.Env, "EDITOR="+editor+" -x", "VISUAL=")
	x := inWindow(t, c, 120, 32)
	x.wait("g1", "live")
	x.press("● Ready", "5")
	x.wait("the file on disk is the same")
	save(strings.Replace(good, "1h", "1hour", 1))
	x.press("not applied: 1 error", "e")
	x.wait("g2 runs, the file on disk is the same")
	args, err := os.ReadFile(editor + ".args")
	if err != nil || !strings.HasPrefix(string(args), "-x +") || !strings.Contains(string(args), "spicepod.yml") {
		t.Errorf("%s %v", args, err)
	}
	save(strings.Replace(good, "engine: duckdb", "engine: sqlite", 1))
	x.wait("~ pending", "DROPS local data")
	x.press("DROPS", "u")
	x.press("y yes", "y") // the dialog is awake
	x.wait("g2 runs, the file on disk is the same")
	if kept, err := os.ReadFile(file + ".rejected"); err != nil || !strings.Contains(string(kept), "sqlite") {
		t.Errorf("%s %v", kept, err)
	}
	save(strings.Replace(good, "engine: duckdb", "engine: sqlite", 1))
	x.press("DROPS", "A")
	x.press("esc cancels", "a", "\t", enter)
	x.wait("g3 runs, the file on disk is the same")
	x.press("g3", "q")
	for range x.drew { // to the end
	}
}
