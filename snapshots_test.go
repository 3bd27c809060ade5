package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestSnapshotsCommand(t *testing.T) {
	dir := folder(t, map[string]string{"a.csv": "x\n1\n", "spicepod.yml": head + `snapshots: {location: ./snaps}
datasets:
  - {from: 'file:a.csv', name: a, acceleration: {engine: duckdb, mode: file, snapshots: enabled}}
`})
	_, log, _ := serveLogging(t, dir, "snapshot 0 written", "--log-format", "json")
	at := regexp.MustCompile(`listening on http (127\.0\.0\.1:\d+)`).FindStringSubmatch(log)
	if at == nil {
		t.Fatalf("the first lines do not say where it listens:\n%s", log)
	}
	expect := func(code int, want string, args ...string) {
		t.Helper()
		out, errs, got := run(t, dir, append(append([]string{"snapshots"}, args...), "--http-endpoint", at[1])...)
		if got != code || !strings.Contains(out+errs, want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", args, got, out, errs, code, want)
		}
	}
	expect(0, "✓        verified", "list", "a")
	expect(0, "snapshot 1 written", "create", "a")
	expect(0, "is sound", "verify", "a", "0")
	expect(0, "verified, read: verified", "list", "a")
	expect(0, "verified, read: verified", "show", "a", "0")
	expect(0, `"verification":"verified"`, "show", "a", "0", "--format", "json")
	expect(0, "2 snapshots verified", "verify", "a", "--all")
	expect(2, "only a store can be listed", "list")
	expect(2, "no snapshot 7", "show", "a", "7")
	expect(0, "snapshot 0 is current", "set-current", "a", "0")
	expect(0, `"current_snapshot_id":0`, "list", "a", "--format", "json")
	expect(0, ",true,verified,", "list", "a", "--format", "csv")
	expect(0, "loaded snapshot 0", "bootstrap", "a", "0", "--hold")
	expect(2, "no snapshot 7", "verify", "a", "7")
	objects, err := filepath.Glob(filepath.Join(dir, "snaps", "month=*", "day=*", "dataset=a", "*"))
	if err != nil || len(objects) != 2 {
		t.Fatalf("%v, %v", objects, err)
	}
	if err := os.Truncate(objects[1], 100); err != nil {
		t.Fatal(err)
	}
	expect(1, "recorded are", "verify", "a", "1")
	expect(0, "unverified, read: mismatch", "list", "a")
	expect(1, "1 of 2 snapshots can't be used", "verify", "a", "--all")

	// The same store without the runtime.
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "a        duckdb  2", []string{"list", "--pod", "."}},
		{0, "unverified", []string{"list", "a", "--pod", "spicepod.yml"}},
		{1, "recorded are", []string{"verify", "a", "1", "--location", "./snaps"}},
		{0, "duckdb opens it, 1 row as recorded", []string{"verify", "a", "0", "--location", "file://" + filepath.Join(dir, "snaps")}},
		{0, "is in a.duckdb", []string{"export", "a", "0", "--to", "a.duckdb"}},
		{2, "--force", []string{"export", "a", "0", "--to", "a.duckdb"}},
		{3, "no runtime answers", []string{"list", "a", "--http-endpoint", "127.0.0.1:1"}},
	} {
		out, errs, got := run(t, dir, append([]string{"snapshots"}, c.args...)...)
		if got != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", c.args, got, out, errs, c.code, c.want)
		}
	}
}
