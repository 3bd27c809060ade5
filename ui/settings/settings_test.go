package settings

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

const good = `
theme: light
ascii: true
mouse: false
restore: true
keys: {dataset.refresh: [R, f5]}
columns: {datasets: [state, rows]}
commands:
  logs: {key: ctrl+l, run: "less +G /var/log/$PITWALL_DATASET.log", confirm: true, changes: true, no_pause: true}
contexts:
  prod: {url: "https://prod:8090", api_key: "${env:PITWALL_TEST_KEY}", read_only: true}
  spice: {url: "http://spice:8090", metrics: "http://spice:9090/metrics"}
`

func TestSettingsAndTheirSchemaAgree(t *testing.T) {
	s, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if !s.ASCII || *s.Mouse || s.Theme != "light" || len(s.Keys["dataset.refresh"]) != 2 || !s.Contexts["prod"].ReadOnly {
		t.Errorf("%+v", s)
	}
	if _, err := s.Contexts["prod"].Key(); err == nil || !strings.Contains(err.Error(), "PITWALL_TEST_KEY") {
		t.Error(err)
	}
	t.Setenv("PITWALL_TEST_KEY", "k")
	if k, err := s.Contexts["prod"].Key(); k != "k" || err != nil {
		t.Error(k, err)
	}
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("s.json")
	for text, ok := range map[string]bool{good: true, "theme: pink\n": false, "contexts: {a: {}}\n": false, "nope: 1\n": false, "commands: {a: {key: x}}\n": false, "{}": true} {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		_, perr := Parse([]byte(text))
		if serr := schema.Validate(v); (serr == nil) != ok || (perr == nil) != ok {
			t.Errorf("%q: schema %v, parser %v", text, serr, perr)
		}
	}
	if _, err := Parse(nil); err != nil {
		t.Error(err)
	}
	if _, err := Parse([]byte("keys: {quit: [ctrl+c]}")); err == nil {
		t.Error("ctrl+c was given away")
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yml")); err != nil {
		t.Error(err)
	}
}

// Each save is told once, in place or by a rename, and a broken one with its error.
func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte("theme: dark\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	updates, done := make(chan Update), make(chan error, 1)
	go func() { done <- Watch(ctx, path, updates) }()
	t.Cleanup(func() { cancel(); <-done })
	// The watch begins some time after Watch does: a save before that is not seen, so it is done again.
	save := func(text string, rename bool) Update {
		t.Helper()
		for i := 0; ; i++ {
			name := path
			if rename {
				name += ".new"
			}
			if err := os.WriteFile(name, []byte(text+strings.Repeat("\n", i)), 0o600); err != nil {
				t.Fatal(err)
			}
			if rename {
				if err := os.Rename(name, path); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case u := <-updates:
				return u
			case <-time.After(2 * time.Second):
				if i == 10 {
					t.Fatal("no update came")
				}
			}
		}
	}
	if u := save("theme: light\n", false); u.Err != nil || u.Settings.Theme != "light" {
		t.Errorf("%+v", u)
	}
	if u := save("theme: mono\n", true); u.Err != nil || u.Settings.Theme != "mono" {
		t.Errorf("%+v", u)
	}
	if u := save("theme: [\n", false); u.Err == nil || !strings.Contains(u.Err.Error(), "config.yml") {
		t.Errorf("%+v", u)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := Parse(text); (s == nil) == (err == nil) {
			t.Error("neither settings nor an error")
		}
	})
}
