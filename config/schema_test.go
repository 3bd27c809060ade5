package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the golden files")

func TestSchemaIsUpToDate(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	const file = "spicepod.schema.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date; run go test ./config -run TestSchemaIsUpToDate -update", file)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	src, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("spicepod.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("spicepod.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// jsonValue is a YAML file as the values a JSON Schema sees.
func jsonValue(t *testing.T, file string) any {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(src, &n); err != nil {
		t.Fatal(err)
	}
	return plain(n.Content[0])
}

func TestSchemaAcceptsWhatLoads(t *testing.T) {
	s := compileSchema(t)
	var files []string
	for _, dir := range []string{"testdata/spicepods/*", "testdata/good/*.yml", "testdata/full.yml"} {
		m, err := filepath.Glob(dir)
		if err != nil || len(m) == 0 {
			t.Fatalf("no files %s (%v)", dir, err)
		}
		files = append(files, m...)
	}
	for _, f := range files {
		err := s.Validate(jsonValue(t, f))
		if placeholder := placeholders[filepath.Base(f)]; (err != nil) != placeholder {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// TestSchemaRejectsBadKeysAndValues runs the fixtures about the form of the file, which a schema can
// express; all of them are rejected by Load in TestBadFixtures.
func TestSchemaRejectsBadKeysAndValues(t *testing.T) {
	s := compileSchema(t)
	files, err := filepath.Glob("testdata/bad/form_*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures (%v)", err)
	}
	for _, f := range files {
		if err := s.Validate(jsonValue(t, f)); err == nil {
			t.Errorf("%s: the schema accepts it", filepath.Base(f))
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s: rejected without a reason", filepath.Base(f))
		}
	}
}
