package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBadFixtures loads every testdata/bad/*.yml and compares all problems with the .want beside it.
func TestBadFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures (%v)", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, ps := Load(f, LoadOptions{Env: noEnv})
			if c != nil || len(Errors(ps)) == 0 {
				t.Error("it loads")
			}
			var b strings.Builder
			for _, p := range ps {
				if p.Line > 0 && p.Excerpt == "" && len(strings.TrimSpace(p.Message)) > 0 && !strings.Contains(f, "yaml_") {
					t.Errorf("no excerpt: %s", p)
				}
				p.File = ""
				b.WriteString(strings.TrimPrefix(p.String(), ":") + "\n")
			}
			want := strings.TrimSuffix(f, ".yml") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			w, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(w), b.String()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestGoodFixturesLoad(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yml")
	for _, f := range append(files, "testdata/full.yml") {
		c, ps := Load(f, LoadOptions{Env: noEnv})
		if c == nil {
			t.Errorf("%s: %v", f, Errors(ps))
		}
	}
}

// TestFullUsesEveryKey keeps testdata/full.yml complete.
func TestFullUsesEveryKey(t *testing.T) {
	src, err := os.ReadFile("testdata/full.yml")
	if err != nil {
		t.Fatal(err)
	}
	// Other names of keys that are there, and what excludes another key.
	skip := map[string]bool{"num_of_parallel_loading_at_start_up": true, "results_cache": true, "ref": true}
	for _, typ := range []reflect.Type{reflect.TypeFor[rawPod](), reflect.TypeFor[rawRuntime](), reflect.TypeFor[rawSecret](),
		reflect.TypeFor[rawSnapshots](), reflect.TypeFor[rawDataset](), reflect.TypeFor[rawColumn](),
		reflect.TypeFor[rawAcceleration](), reflect.TypeFor[rawView]()} {
		for _, name := range keysOf(typ).names {
			if !skip[name] && !strings.Contains(string(src), name+":") {
				t.Errorf("full.yml does not use %s of %s", name, typ.Name())
			}
		}
	}
}
