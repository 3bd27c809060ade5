package vortex

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python is the interpreter of a virtual environment with vortex-data, the Rust implementation.
func python(t *testing.T) string {
	t.Helper()
	p := os.Getenv("VORTEX_PYTHON")
	if p == "" {
		t.Skip("VORTEX_PYTHON does not name a Python with vortex-data: see .ci/run")
	}
	return p
}

// rust runs testdata/rust.py and gives what it prints.
func rust(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python(t), append([]string{filepath.Join("testdata", "rust.py")}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("rust.py %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Every file that the Rust writer makes is read, value by value as it was written.
func TestFilesOfRust(t *testing.T) {
	python(t)
	dir := os.Getenv("VORTEX_FILES")
	if dir == "" {
		dir = t.TempDir()
		t.Log(rust(t, "write", dir))
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.vortex"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no files were written", err)
	}
	values, seen, bad := 0, map[string]int{}, 0
	for _, path := range paths {
		p := readPair(t, path)
		n, differences := p.check(t)
		values += n
		bad += len(differences)
		for i, d := range differences {
			if i < 12 {
				t.Error(d)
			}
		}
		for name, n := range used(t, p.file) {
			seen[name] += n
		}
	}
	t.Logf("vortex-data %s: %d files read, %d values compared, %d differences; encodings and layouts: %v", rust(t, "version"), len(paths), values, bad, seen)
}
