package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzParse holds what must be true for any bytes: no panic, no hang, an error exactly when there is no
// Config, every problem placed inside the file, and no secret in any text.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/spicepods/*", "testdata/bad/*.yml", "testdata/good/*.yml", "testdata/full.yml"} {
		files, err := filepath.Glob(dir)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds %s (%v)", dir, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	const secret = "Xq7-zW9#kP2"
	env := func(string) (string, bool) { return secret, true }
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		start := time.Now()
		c, ps := Parse(src, filepath.Join(dir, "spicepod.yml"), LoadOptions{Env: env})
		if d := time.Since(start); d > 20*time.Second {
			t.Fatalf("took %s", d)
		}
		if (c == nil) != (len(Errors(ps)) > 0) {
			t.Fatalf("config %v with the errors %v", c != nil, Errors(ps))
		}
		lines := len(splitLines(string(src)))
		for _, p := range ps {
			if p.Message == "" || p.File == "" || p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 {
				t.Fatalf("a problem without text or place: %+v", p)
			}
			if !strings.Contains(string(src), secret) && strings.Contains(p.Detail(), secret) {
				t.Fatalf("a secret in %s", p.Detail())
			}
		}
		if c != nil {
			if text := fmt.Sprintf("%+v %#v", *c, *c); !strings.Contains(string(src), secret) && strings.Contains(text, secret) {
				t.Fatalf("a secret in %s", text)
			}
			if d := Diff(c, c); !d.Empty() {
				t.Fatalf("a version differs from itself: %+v", d)
			}
		}
	})
}
