package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDoctorCommand(t *testing.T) {
	dir := folder(t, map[string]string{"a.csv": "x\n1\n", "spicepod.yml": head + `snapshots: {location: ./snaps, bootstrap_on_failure_behavior: fallback}
datasets:
  - {from: 'file:a.csv', name: a, acceleration: {engine: duckdb, mode: file, refresh_check_interval: 1h, snapshots: enabled}}
`})
	_, log, _ := serveLogging(t, dir, "snapshot 0 written", "--log-format", "json")
	at := regexp.MustCompile(`listening on http (127\.0\.0\.1:\d+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("the first lines do not say where it listens:\n%s", log)
	}
	expect := func(code int, want string, args ...string) string {
		t.Helper()
		out, errs, got := run(t, dir, append([]string{"doctor"}, args...)...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", args, got, out, errs, code, want)
		}
		return out
	}
	expect(0, "0 problems, 0 warnings")
	expect(0, "✓ ok              failures            a        none", "--http-endpoint", at[1])
	text := expect(0, "", "--format", "json", "--pod", "spicepod.yml")
	var d struct {
		Problems int
		Findings []struct{ Check, State, Title, Found string }
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil || len(d.Findings) < 10 || d.Findings[0].Check != "store" || d.Findings[0].State != "ok" {
		t.Errorf("%v: %s", err, text)
	}
	expect(0, "ok,current,a,snapshot 0 is there with its size,", "--format", "csv")
	expect(0, `dataset="a"}) > 7`, "--alerts")
	expect(0, `"title": "pitwall"`, "--dashboard")
	expect(2, "give one of them", "--alerts", "--dashboard")
	expect(1, "nix.yml", "--pod", "nix.yml")
	expect(1, "nix.yml", "--pod", "nix.yml", "--alerts")
	expect(3, "no runtime answers", "--http-endpoint", "127.0.0.1:1")
	objects, err := filepath.Glob(filepath.Join(dir, "snaps", "month=*", "day=*", "dataset=a", "*"))
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v, %v", objects, err)
	}
	if err := os.Remove(objects[0]); err != nil {
		t.Fatal(err)
	}
	expect(1, "✗ problem         current             a        the object of snapshot 0 is gone")
	expect(1, "1 problem, 0 warnings", "--http-endpoint", at[1])
	if err := os.RemoveAll(filepath.Join(dir, "snaps")); err != nil {
		t.Fatal(err)
	}
	expect(1, "there is no folder")
	if _, err := os.Stat(filepath.Join(dir, "snaps")); err == nil {
		t.Error("the doctor has made the folder")
	}
}
