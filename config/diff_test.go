package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pitwall/config/secrets"
)

const diffBase = `version: v1
kind: Spicepod
name: demo
snapshots:
  location: ./snaps
datasets:
  - from: ./a.parquet
    name: a
    params:
      file_format: parquet
      token: ${env:TOKEN}
    acceleration:
      engine: duckdb
      mode: file
      refresh_check_interval: 10m
      snapshots: enabled
  - from: ./b.csv
    name: b
`

func mustParse(t *testing.T, src string, env map[string]string) *Config {
	t.Helper()
	c, ps := Parse([]byte(src), "/pod/spicepod.yml", LoadOptions{Env: func(k string) (string, bool) {
		v, ok := env[k]
		return v, ok
	}})
	if c == nil {
		t.Fatalf("does not load: %v", Errors(ps))
	}
	return c
}

func TestDiff(t *testing.T) {
	env := map[string]string{"TOKEN": "s3cr3t-one"}
	tests := []struct {
		name     string
		old, new string // replaced in diffBase
		want     []string
		effect   Effect
	}{
		{"same", "", "", nil, EffectNone},
		{"comment", "name: a\n", "name: a # the first\n", nil, EffectNone},
		{"spelling", "10m", "600", nil, EffectNone},
		{"case of engine", "engine: duckdb", "engine: DuckDB", nil, EffectNone},
		{"explicit default", "engine: duckdb", "engine: duckdb\n      refresh_mode: full", nil, EffectNone},
		{"order", "engine: duckdb\n      mode: file", "mode: file\n      engine: duckdb", nil, EffectNone},
		{"interval", "10m", "5m", []string{"acceleration.refresh_check_interval: 10m -> 5m (live)"}, EffectLive},
		{"description", "name: a\n", "name: a\n    description: x\n", []string{"description: unset -> x (live)"}, EffectLive},
		{"retry", "mode: file", "mode: file\n      refresh_retry_max_attempts: 0",
			[]string{"acceleration.refresh_retry_max_attempts: unset -> 0 (live)"}, EffectLive},
		{"policy", "snapshots: enabled", "snapshots: enabled\n      snapshots_creation_policy: always",
			[]string{"acceleration.snapshots_creation_policy: on_change -> always (live)"}, EffectLive},
		{"trigger", "snapshots: enabled", "snapshots: enabled\n      snapshots_trigger: time_interval",
			[]string{"acceleration.snapshots_trigger: refresh_complete -> time_interval (live)",
				"acceleration.snapshots_trigger_threshold: unset -> 10m (live)"}, EffectLive},
		{"time column", "name: a\n", "name: a\n    time_column: ts\n",
			[]string{"time_column: unset -> ts (refresh)"}, EffectRefresh},
		{"engine", "engine: duckdb", "engine: sqlite", []string{"acceleration.engine: duckdb -> sqlite (restart)"}, EffectRestart},
		{"from", "./a.parquet", "./c.parquet", []string{"from: ./a.parquet -> ./c.parquet (restart)"}, EffectRestart},
		{"largest wins", "10m", "5m\n      refresh_sql: SELECT * FROM a",
			[]string{"acceleration.refresh_check_interval: 10m -> 5m (live)",
				"acceleration.refresh_sql: unset -> SELECT * FROM a (refresh)"}, EffectRefresh},
	}
	old := mustParse(t, diffBase, env)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Diff(old, mustParse(t, strings.Replace(diffBase, tt.old, tt.new, 1), env))
			var got []string
			effect := EffectNone
			for _, d := range c.Changed {
				if d.Name != "a" {
					continue
				}
				effect = d.Effect()
				for _, f := range d.Fields {
					got = append(got, f.String())
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" || effect != tt.effect {
				t.Errorf("effect %s, want %s; -want +got:\n%s", effect, tt.effect, d)
			}
			if len(c.Added)+len(c.Removed)+len(c.Top) != 0 {
				t.Errorf("more than the dataset changed: %+v", c)
			}
		})
	}
}

func TestDiffAddsRemovesAndTop(t *testing.T) {
	env := map[string]string{"TOKEN": "s3cr3t-one"}
	old := mustParse(t, diffBase, env)
	src := strings.Replace(diffBase, "name: b", "name: c", 1)
	src = strings.Replace(src, "./snaps", "./elsewhere\nruntime: {dataset_load_parallelism: 3}", 1)
	c := Diff(old, mustParse(t, src, env))
	if len(c.Added) != 1 || c.Added[0].Name != "c" || len(c.Removed) != 1 || c.Removed[0].Name != "b" || len(c.Changed) != 0 {
		t.Errorf("added %v, removed %v, changed %v", c.Added, c.Removed, c.Changed)
	}
	want := []FieldChange{
		{"runtime.dataset_load_parallelism", "", "3", EffectRestart},
		{"snapshots.location", "./snaps", "./elsewhere", EffectRestart},
	}
	if d := cmp.Diff(want, c.NeedsRestart()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if c := Diff(old, old); !c.Empty() {
		t.Errorf("a version differs from itself: %+v", c)
	}
	if c := Diff(nil, old); len(c.Added) != 2 {
		t.Errorf("nothing to the first version adds %d datasets, want 2", len(c.Added))
	}
	if c := Diff(old, nil); len(c.Removed) != 2 {
		t.Errorf("to nothing removes %d datasets, want 2", len(c.Removed))
	}
}

func TestDiffSeesRotatedSecretAndHidesIt(t *testing.T) {
	old := mustParse(t, diffBase, map[string]string{"TOKEN": "s3cr3t-one"})
	c := Diff(old, mustParse(t, diffBase, map[string]string{"TOKEN": "s3cr3t-two"}))
	if len(c.Changed) != 1 || c.Changed[0].Effect() != EffectRestart {
		t.Fatalf("a rotated secret is no change: %+v", c)
	}
	got := c.Changed[0].Fields[0].String()
	if want := "params.token: ${env:TOKEN} -> ${env:TOKEN} (another value) (restart)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDiffCoversEveryField changes every field of a Dataset by reflection: a field that Diff forgets
// would be silently ignored on reload.
func TestDiffCoversEveryField(t *testing.T) {
	// Derived from other fields, or the place in the file.
	derived := map[string]bool{"File": true, "Line": true, "Connector": true, "Source": true, "Name": true,
		"Unsupported": true, "Acceleration": true, "SnapshotsInterval": true, "SnapshotsBatches": true}
	check := func(name string, pick func(*Dataset) reflect.Value) {
		old, new := defaultDataset(), defaultDataset()
		old.Name, new.Name = "x", "x"
		change(t, pick(&new))
		c := Diff(&Config{Datasets: []*Dataset{&old}}, &Config{Datasets: []*Dataset{&new}})
		if len(c.Changed) != 1 || len(c.Changed[0].Fields) != 1 && name != "SnapshotsTrigger" {
			t.Errorf("a change of %s gives %+v, want one changed field", name, c.Changed)
		}
	}
	for i, typ := 0, reflect.TypeFor[Dataset](); i < typ.NumField(); i++ {
		if name := typ.Field(i).Name; !derived[name] {
			check(name, func(d *Dataset) reflect.Value { return reflect.ValueOf(d).Elem().Field(i) })
		}
	}
	for i, typ := 0, reflect.TypeFor[Acceleration](); i < typ.NumField(); i++ {
		if name := typ.Field(i).Name; !derived[name] {
			check(name, func(d *Dataset) reflect.Value { return reflect.ValueOf(&d.Acceleration).Elem().Field(i) })
		}
	}
}

func TestDiffOfThresholds(t *testing.T) {
	for trigger, set := range map[SnapshotTrigger]func(*Acceleration){
		TriggerTimeInterval:  func(a *Acceleration) { a.SnapshotsInterval = time.Hour },
		TriggerStreamBatches: func(a *Acceleration) { a.SnapshotsBatches = 7 },
	} {
		old, new := defaultDataset(), defaultDataset()
		old.Acceleration.SnapshotsTrigger, new.Acceleration.SnapshotsTrigger = trigger, trigger
		set(&new.Acceleration)
		c := Diff(&Config{Datasets: []*Dataset{&old}}, &Config{Datasets: []*Dataset{&new}})
		if len(c.Changed) != 1 || c.Changed[0].Fields[0].Path != "acceleration.snapshots_trigger_threshold" {
			t.Errorf("%s: a new threshold gives %+v", trigger, c.Changed)
		}
	}
}

func change(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *map[string]secrets.Value:
		*x = map[string]secrets.Value{"k": secrets.Plain("v")}
	case *map[string]string:
		*x = map[string]string{"k": "v"}
	case *map[string]any:
		*x = map[string]any{"k": "v"}
	case *[]Column:
		*x = []Column{{Name: "c"}}
	case *[]string:
		*x = []string{"c"}
	case *[]PartitionExpr:
		*x = []PartitionExpr{{Name: "p", Expr: "p"}}
	case *Drill:
		*x = Drill{Every: time.Hour}
	case *Retain:
		*x = Retain{Last: 3}
	case **int:
		n := 1
		*x = &n
	case *time.Duration:
		*x = time.Minute
	case *bool:
		*x = !*x
	case *int64:
		*x++
	default:
		if v.Kind() != reflect.String {
			t.Fatalf("no way to change a %s", v.Type())
		}
		v.SetString("changed")
	}
}
