package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A pitwall that serves is attached to from another process, by its address and by the name of a context; what was
// seen of it is recorded, and played when it is gone.
func TestAttachRecordAndReplay(t *testing.T) {
	dir := folder(t, map[string]string{"spicepod.yml": pod, "a.csv": "x\n1\n"})
	there, log, rest := serveLogging(t, dir, "loaded 1 rows", "--record", "seen.jsonl")
	at := regexp.MustCompile(`listening on http (127\.0\.0\.1:\d+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("the first lines do not say where it listens:\n%s", log)
	}
	x := onTerminal(t, pitwall(t, dir, "attach", at[1]), 120, 32)
	x.wait(at[1])
	x.wait("Ready")
	x.press("8")
	x.wait("type a statement")
	x.press("select x + 41 as answer from a\r")
	x.wait("42")
	x.press("\x03")
	x.end()

	if err := os.MkdirAll(filepath.Join(dir, ".config", "pitwall"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".config", "pitwall", "config.yml"), []byte("contexts: {mine: {url: "+at[1]+", read_only: true}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	x = onTerminal(t, pitwall(t, dir, "attach", "mine", "--record", "mine.jsonl"), 120, 32)
	x.wait("mine")
	x.press("r")
	x.wait("read-only")
	x.press("q")
	x.end()

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"why", "a"}, 0, "spicepod.yml:7 acceleration.refresh_check_interval"}, {[]string{"why", "a", "--format", "json"}, 0, `"question": "Is it ready?"`},
		{[]string{"why", "nope"}, 2, "not found"}, {[]string{"incident", "a"}, 0, "# Incident: a"}, {[]string{"incident", "a", "--format", "json", "--since", "1h"}, 0, `"timeline"`},
		{[]string{"incident", "a", "--since", "soon"}, 2, "since is a duration"}, {[]string{"incident", "a", "-o", "a.csv"}, 2, "exists"},
	} {
		out, errs, code := run(t, dir, append(c.args, "--http-endpoint", at[1])...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", c.args, code, out, errs, c.code, c.want)
		}
	}
	if err := there.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log = rest()
	if err := there.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	for _, file := range []string{"seen.jsonl", "mine.jsonl"} {
		x = onTerminal(t, pitwall(t, dir, "replay", file, "--held"), 120, 32)
		x.wait("recording " + file)
		x.press("}")
		x.press("q")
		x.end()
	}
	if _, errs, code := run(t, dir, "replay", "a.csv"); code != 2 || !strings.Contains(errs, "terminal") {
		t.Errorf("%d %s", code, errs)
	}
	for _, c := range [][2]string{{"replay", "a.csv"}, {"attach", "127.0.0.1:1"}} {
		x := onTerminal(t, pitwall(t, dir, c[0], c[1]), 120, 32)
		x.wait(map[string]string{"replay": "no recording", "attach": "no runtime answers at http://127.0.0.1:1"}[c[0]])
		for range x.drawn {
		}
		_ = x.c.Wait()
		if code := x.c.ProcessState.ExitCode(); code != map[string]int{"replay": 1, "attach": 3}[c[0]] {
			t.Errorf("%v: exit code %d", c, code)
		}
	}
}
