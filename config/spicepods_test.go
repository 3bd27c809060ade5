package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// placeholders are the spicepods with [text] where a person is to write a value: YAML reads a list.
var placeholders = map[string]bool{
	"mysql_planetscale_spicepod.yaml":    true,
	"mysql_rds-aurora_spicepod.yaml":     true,
	"postgres_accelerator_spicepod.yaml": true,
	"postgres_connector_spicepod.yaml":   true,
	"postgres_rds_spicepod.yaml":         true,
	"postgres_supabase_spicepod.yaml":    true,
}

func noEnv(string) (string, bool) { return "", false }

func TestRealSpicepodsLoad(t *testing.T) {
	files, err := filepath.Glob("testdata/spicepods/*")
	if err != nil || len(files) != 40 {
		t.Fatalf("want 40 spicepods, got %d (%v)", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, ps := Load(f, LoadOptions{Env: noEnv})
			if !placeholders[filepath.Base(f)] {
				if c == nil {
					for _, p := range Errors(ps) {
						t.Error(p.Detail())
					}
				}
				return
			}
			for _, p := range Errors(ps) {
				if !strings.Contains(p.Message, "not a list") {
					t.Errorf("an error that is not about the placeholder: %s", p)
				}
			}
			if c != nil {
				t.Error("a spicepod with a template placeholder loaded")
			}
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			filled := strings.NewReplacer("[", "", "]", "").Replace(string(src))
			if c, ps := Parse([]byte(filled), f, LoadOptions{Env: noEnv}); c == nil {
				t.Errorf("filled in, it does not load: %v", Errors(ps))
			}
		})
	}
}
