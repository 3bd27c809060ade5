package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func put(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const head = "version: v1\nkind: Spicepod\nname: t\n"

func TestLoadFindsTheFile(t *testing.T) {
	dir := t.TempDir()
	fails := func(path, want string) {
		t.Helper()
		c, ps := Load(path, LoadOptions{})
		if c != nil || len(ps) != 1 || !strings.Contains(ps[0].Message, want) || ps[0].File == "" {
			t.Errorf("%s: got %v, want one problem with %q", filepath.Base(path), ps, want)
		}
	}
	fails(filepath.Join(dir, "nope.yml"), "does not exist")
	fails(dir, "has no spicepod.yaml or spicepod.yml")
	file := put(t, filepath.Join(dir, "spicepod.yml"), head)
	c, ps := Load(dir, LoadOptions{})
	if c == nil || c.Path != file || c.Dir != dir || len(c.Hash) != 64 || len(c.Files) != 1 {
		t.Errorf("a directory with spicepod.yml: %+v, %v", c, ps)
	}
	put(t, filepath.Join(dir, "spicepod.yaml"), head)
	fails(dir, "has both spicepod.yaml and spicepod.yml")
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d", "spicepod.yml"), 0o700); err != nil {
		t.Fatal(err)
	}
	fails(filepath.Join(dir, "d"), "is a directory")
	if os.Getuid() != 0 {
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		fails(file, "permission denied")
	}
	if c, _ := Parse([]byte("\xef\xbb\xbf"+strings.ReplaceAll(head, "\n", "\r\n")), "x.yml", LoadOptions{}); c == nil || c.Name != "t" {
		t.Error("a file with byte order mark and CRLF does not load")
	}
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, head+"datasets:\n  - {from: ./a.csv, name: a}\n  - {from: ./b.csv, name: b, acceleration: {}}\n  - {from: sink, name: c, acceleration: {}}\n", nil)
	a, b := c.Dataset("a"), c.Dataset("b")
	if a.Acceleration.Enabled || !b.Acceleration.Enabled {
		t.Error("an absent block is off, an empty one is on")
	}
	want := Acceleration{Enabled: true, Engine: "arrow", Mode: "memory", RefreshMode: "full", RefreshRetryEnabled: true,
		RefreshOnStartup: "auto", OnZeroResults: "return_empty", Snapshots: "disabled", SnapshotsTrigger: "refresh_complete",
		SnapshotsInterval: 10 * time.Minute, SnapshotsBatches: 100, SnapshotsCreationPolicy: "on_change", SnapshotsUpload: "full", SnapshotsBy: "dataset", SnapshotsFullEvery: 10}
	if d := cmp.Diff(want, b.Acceleration); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if a.Access != "read" || a.TimeFormat != "timestamp" || a.ReadyState != "on_load" || a.UnsupportedTypeAction != "error" || a.OnSchemaChange != "block" {
		t.Errorf("dataset defaults: %+v", a)
	}
	if m := c.Dataset("c").Acceleration.RefreshMode; m != RefreshDisabled {
		t.Errorf("a sink has the mode %s", m)
	}
	if s := c.Snapshots; s.Present || !s.Enabled || s.BootstrapOnFailureBehavior != "warn" {
		t.Errorf("snapshots defaults: %+v", s)
	}
	if d := cmp.Diff([]SecretStore{{From: "env", Name: "env"}}, c.Secrets); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// accelerated loads one accelerated dataset x.
func accelerated(t *testing.T, from, dataset, acceleration string) (*Dataset, []Problem) {
	t.Helper()
	src := head + "snapshots: {location: ./s}\ndatasets:\n  - {from: '" + from + "', name: x" + dataset + ", acceleration: {" + acceleration + "}}\n"
	c, ps := Parse([]byte(src), "spicepod.yml", LoadOptions{Env: noEnv})
	if c == nil {
		return nil, ps
	}
	return c.Dataset("x"), ps
}

func TestTriggerMatrix(t *testing.T) {
	const file = "engine: duckdb, mode: file, snapshots: enabled"
	tests := []struct {
		from, dataset, mode string
		want                map[SnapshotTrigger]bool
		def                 SnapshotTrigger
	}{
		{"./a.csv", "", "full", map[SnapshotTrigger]bool{TriggerRefreshComplete: true, TriggerTimeInterval: true}, TriggerRefreshComplete},
		{"./a.csv", ", time_column: ts", "append", map[SnapshotTrigger]bool{TriggerRefreshComplete: true, TriggerTimeInterval: true}, TriggerRefreshComplete},
		{"kafka:a", "", "append", map[SnapshotTrigger]bool{TriggerTimeInterval: true, TriggerStreamBatches: true}, TriggerTimeInterval},
		{"debezium:a", "", "changes", map[SnapshotTrigger]bool{TriggerTimeInterval: true, TriggerStreamBatches: true}, TriggerTimeInterval},
		{"http:a", "", "caching", map[SnapshotTrigger]bool{TriggerTimeInterval: true}, TriggerTimeInterval},
		// snapshot never creates: every setting is accepted and none matters.
		{"./a.csv", "", "snapshot", map[SnapshotTrigger]bool{TriggerRefreshComplete: true, TriggerTimeInterval: true, TriggerStreamBatches: true}, TriggerRefreshComplete},
	}
	for _, tt := range tests {
		ds, ps := accelerated(t, tt.from, tt.dataset, file+", refresh_mode: "+tt.mode)
		if ds == nil || ds.Acceleration.SnapshotsTrigger != tt.def {
			t.Errorf("%s of %s: default %+v, %v", tt.mode, tt.from, ds, Errors(ps))
		}
		for _, trigger := range []SnapshotTrigger{TriggerRefreshComplete, TriggerTimeInterval, TriggerStreamBatches} {
			ds, ps := accelerated(t, tt.from, tt.dataset, file+", refresh_mode: "+tt.mode+", snapshots_trigger: "+string(trigger))
			if (ds != nil) != tt.want[trigger] {
				t.Errorf("%s of %s with %s: %v", tt.mode, tt.from, trigger, Errors(ps))
			}
		}
	}
	ds, _ := accelerated(t, "./a.csv", "", file+", snapshots_trigger: time_interval, snapshots_trigger_threshold: 30s")
	if ds == nil || ds.Acceleration.SnapshotsInterval != 30*time.Second {
		t.Errorf("threshold 30s: %+v", ds)
	}
	for _, n := range []string{"7", "'7'"} {
		ds, _ = accelerated(t, "kafka:a", "", file+", refresh_mode: append, snapshots_trigger: stream_batches, snapshots_trigger_threshold: "+n)
		if ds == nil || ds.Acceleration.SnapshotsBatches != 7 {
			t.Errorf("threshold %s: %+v", n, ds)
		}
	}
}

func TestSnapshotsOffWithoutPlace(t *testing.T) {
	for _, top := range []string{"", "snapshots: {enabled: false, location: ./s}\n", "snapshots: {}\n", "snapshots: {location: 'ftp://b/p/'}\n"} {
		src := head + top + "datasets: [{from: ./a.csv, name: x, acceleration: {engine: sqlite, mode: file, snapshots: enabled}}]\n"
		c, ps := Parse([]byte(src), "spicepod.yml", LoadOptions{Env: noEnv})
		if c == nil || c.Dataset("x").Acceleration.Snapshots != SnapshotsDisabled || len(ps) == 0 {
			t.Errorf("%q: %+v %v", top, c, ps)
		}
	}
	for _, loc := range []string{"./s", "/s", "file:///s", "s/t", "s3://bucket/x/", "gs://bucket/", "abfss://box@account.dfs.core.windows.net/x"} {
		src := head + "snapshots: {location: '" + loc + "'}\ndatasets: [{from: ./a.csv, name: x, acceleration: {engine: sqlite, mode: file, snapshots: enabled}}]\n"
		c, ps := Parse([]byte(src), "spicepod.yml", LoadOptions{Env: noEnv})
		if c == nil || c.Dataset("x").Acceleration.Snapshots != SnapshotsEnabled || len(ps) != 0 {
			t.Errorf("%s: %v", loc, ps)
		}
	}
}

func TestJitterDefault(t *testing.T) {
	for acc, want := range map[string]time.Duration{
		"refresh_check_interval: 10s, refresh_jitter_enabled: true":                         time.Second,
		"refresh_check_interval: 10s, refresh_jitter_enabled: true, refresh_jitter_max: 3s": 3 * time.Second,
		"refresh_check_interval: 10s":                                                       0,
		"refresh_jitter_enabled: true":                                                      0,
	} {
		ds, ps := accelerated(t, "./a.csv", "", acc)
		if ds == nil || ds.Acceleration.RefreshJitterMax != want {
			t.Errorf("%s: %+v %v, want %v", acc, ds, ps, want)
		}
	}
}

func TestSharedFilesWarn(t *testing.T) {
	c, ps := Parse([]byte(head+`datasets:
  - {from: ./a.csv, name: a, acceleration: {engine: duckdb, mode: file, params: {duckdb_file: x.db}}}
  - {from: ./b.csv, name: b, acceleration: {engine: duckdb, mode: file, params: {duckdb_file: ./x.db}}}
`), "spicepod.yml", LoadOptions{Env: noEnv})
	if c == nil || len(ps) != 1 || !strings.Contains(ps[0].Message, "one file per dataset") || ps[0].Line != 6 {
		t.Errorf("got %v", ps)
	}
}

func TestUnsupportedDatasetsLoad(t *testing.T) {
	for _, acc := range []string{"engine: turso", "refresh_mode: caching"} {
		ds, ps := accelerated(t, "./a.csv", "", acc)
		if ds == nil || ds.Unsupported == "" || len(Warnings(ps)) == 0 {
			t.Errorf("%s: %+v %v", acc, ds, ps)
		}
	}
	ds, ps := accelerated(t, "snowflake:t", ", params: {pg_pass: '${env:NOT_SET}'}", "")
	if ds == nil || !strings.Contains(ds.Unsupported, "snowflake") || len(Warnings(ps)) != 2 {
		t.Errorf("postgres: %+v %v", ds, ps)
	}
	ds, ps = accelerated(t, "./a.csv", "", "engine: sqlite, mode: file, refresh_check_interval: 1m, snapshots: enabled")
	if ds == nil || ds.Unsupported != "" || len(ps) != 0 {
		t.Errorf("a supported dataset: %+v %v", ds, ps)
	}
}

func TestDisabledAccelerationIsIgnored(t *testing.T) {
	ds, ps := accelerated(t, "./a.csv", "", "enabled: false, engine: arrow, mode: file, refresh_cron: bad, ready_state: on_registration")
	if ds == nil || ds.Acceleration.Enabled || ds.ReadyState != ReadyOnRegistration {
		t.Fatalf("%+v %v", ds, ps)
	}
	if !strings.Contains(ps[0].Message, "no effect: engine, mode, refresh_cron") {
		t.Errorf("got %v", ps)
	}
}

func TestRef(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "datasets/y/dataset.yml"), "from: ./y.csv\nname: Y\nacceleration:\n  refresh_check_interval: 5m\n")
	pod := put(t, filepath.Join(dir, "spicepod.yml"), head+"datasets:\n  - {ref: datasets/y, dependsOn: [z]}\n  - {from: ./z.csv, name: z}\n")
	c, ps := Load(pod, LoadOptions{Env: noEnv})
	if c == nil {
		t.Fatal(ps)
	}
	y := c.Dataset("y")
	if y == nil || y.File != filepath.Join(dir, "datasets/y/dataset.yml") || y.Acceleration.RefreshCheckInterval != 5*time.Minute || len(y.DependsOn) != 1 {
		t.Errorf("got %+v", y)
	}
	if len(c.Files) != 2 {
		t.Errorf("files %q", c.Files)
	}
	before := c.Hash
	put(t, filepath.Join(dir, "datasets/y/dataset.yml"), "from: ./y.csv\nname: z\nacceleration: {engine: ducdb}\n")
	r := Inspect(pod, LoadOptions{Env: noEnv})
	if r.Config != nil || r.Hash == before || len(r.Files) != 2 {
		t.Errorf("a broken ref: %+v", r)
	}
	var got []string
	for _, p := range Errors(r.Problems) {
		got = append(got, strings.TrimPrefix(p.String(), dir))
	}
	want := []string{
		`/spicepod.yml:6:27: datasets[1].name: duplicate dataset "z", first on line 1 of dataset.yml`,
		`/datasets/y/dataset.yml:3:24: acceleration.engine: unknown engine "ducdb" (did you mean "duckdb"?)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestProblemText(t *testing.T) {
	src := head + "datasets:\n  - from: ./a.csv\n    name: a\n    params: {pg_pass: hunter22, fil_format: csv}\n    acceleration:\n      engine: ducdb\n"
	_, ps := Parse([]byte(src), "spicepod.yml", LoadOptions{Env: noEnv})
	p := Errors(ps)[0]
	want := `spicepod.yml:9:15: datasets[0].acceleration.engine: unknown engine "ducdb" (did you mean "duckdb"?)
    9 |       engine: ducdb
      |               ^
  hint: allowed: arrow, duckdb, sqlite, postgres, cayenne, turso`
	if d := cmp.Diff(want, p.Detail()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for _, p := range ps {
		if strings.Contains(p.Detail(), "hunter22") {
			t.Errorf("a password in clear text is shown: %s", p.Detail())
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := `{"severity":"error","file":"spicepod.yml","line":9,"column":15,"path":"datasets[0].acceleration.engine","message":"unknown engine \"ducdb\" (did you mean \"duckdb\"?)","hint":"allowed: arrow, duckdb, sqlite, postgres, cayenne, turso"}`
	if d := cmp.Diff(wantJSON, string(b)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMaskLine(t *testing.T) {
	for in, want := range map[string]string{
		"pg_pass: hunter22":                            "pg_pass: ****",
		"  a: {token: abc, x: y}":                      "  a: {token: ****",
		"pg_pass: ${env:PG_PASS}":                      "pg_pass: ${env:PG_PASS}",
		`{pg_pass: "${env:A}", s3_secret: abcd}`:       `{pg_pass: "${env:A}", s3_secret: ****`,
		"pg_pass: abc${env:A}":                         "pg_pass: ****",
		"primary_key: id":                              "primary_key: id",
		"from: postgres://me:pw@host/db":               "from: postgres://me:****@host/db",
		"mssql_connection_string: Server=x;Password=y": "mssql_connection_string: ****",
		"name: a": "name: a",
	} {
		if got := maskLine(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestRealDatesAndNumbersAsText(t *testing.T) {
	c := mustParse(t, head+"metadata: {n: 1, f: 1.5, b: true, x: null, l: [a], m: {k: v}}\ndatasets: [{from: ./a.csv, name: a, description: 2024-01-01}]\n", nil)
	if c.Dataset("a").Description != "2024-01-01" {
		t.Errorf("description %q", c.Dataset("a").Description)
	}
	want := map[string]any{"n": int64(1), "f": 1.5, "b": true, "x": nil, "l": []any{"a"}, "m": map[string]any{"k": "v"}}
	if d := cmp.Diff(want, c.Metadata); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestManyWarningsHideNoError: the limit of problems once counted both kinds together, and a file with
// an error behind many warnings loaded.
func TestManyWarningsHideNoError(t *testing.T) {
	src := head + strings.Repeat("# pad\n", 3)
	for i := range 2 * maxProblems {
		src += fmt.Sprintf("x%d: 1\n", i)
	}
	src += "datasets: [{from: ./a.csv, name: a, acceleration: {engine: ducdb}}]\n"
	c, ps := Parse([]byte(src), "spicepod.yml", LoadOptions{Env: noEnv})
	if c != nil || len(Errors(ps)) != 1 || len(Warnings(ps)) != maxProblems {
		t.Errorf("loaded %v, %d errors, %d warnings", c != nil, len(Errors(ps)), len(Warnings(ps)))
	}
}
