package enginetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pitwall/engines"
)

// noTemp fails if an unfinished file is left beside the database.
func noTemp(t testing.TB, h Harness) {
	t.Helper()
	if h.Dir == "" {
		return
	}
	entries, err := os.ReadDir(h.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.Contains(entry.Name(), ".tmp") || strings.Contains(entry.Name(), ".spill") {
			t.Errorf("left over: %s", entry.Name())
		}
	}
}

func testPersistence(t *testing.T, h Harness) {
	e := h.Open(t)
	want := total(1, 0, 1000)
	write(t, e, engines.Replace, rows(1, 0, 1000, 1000))
	for gen := int64(2); gen < 6; gen++ {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		info, cp, err := h.Opener.Check(t.Context(), h.Path(), Dataset)
		if err != nil || cp == nil || cp.RefreshSQL == "" || !cp.UpdatedAt.Equal(at()) || info.Bytes <= 0 || !info.Schema.Equal(schema()) {
			t.Fatalf("check: %+v, %+v, %v", info, cp, err)
		}
		e = h.Open(t)
		expect(t, e, want)
		write(t, e, engines.Append, rows(gen, 0, 10, 10))
		want = want.plus(total(gen, 0, 10))
		expect(t, e, want)
	}
	_, _, err := h.Opener.Check(t.Context(), h.Path(), "another")
	wantKind(t, err, engines.NotFound)
	_, _, err = h.Opener.Check(t.Context(), filepath.Join(h.Dir, "none"), Dataset)
	wantKind(t, err, engines.NotFound)
}

// testLeftOvers plants what a killed process leaves, and files that are not ours.
func testLeftOvers(t *testing.T, h Harness) {
	base := h.Path()
	ours := []string{base + ".0123456789abcdef.tmp", base + ".0123456789abcdef.tmp-journal", base + ".0123456789abcdef.tmp.wal"}
	others := []string{base + ".old.tmp", base + ".backup", filepath.Join(h.Dir, "other.0123456789abcdef.tmp")}
	for _, p := range append(append([]string{}, ours...), others...) {
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(base+".aaaaaaaaaaaaaaaa.tmp.spill", 0o700); err != nil {
		t.Fatal(err)
	}
	h.Open(t)
	for _, p := range append(ours, base+".aaaaaaaaaaaaaaaa.tmp.spill") {
		if _, err := os.Stat(p); !os.IsNotExist(err) {
			t.Errorf("%s: %v", p, err)
		}
	}
	for _, p := range others {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}

func testCorrupt(t *testing.T, h Harness) {
	e := h.Open(t)
	write(t, e, engines.Replace, rows(1, 0, 200_000, 200_000))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(h.Path())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": {}, "garbage": bytes.Repeat([]byte("garbage "), 100_000), "short": []byte("x"),
		"cut in the middle": sound[:len(sound)/2], "cut at the end": sound[:len(sound)-1], "header only": sound[:4096],
	} {
		t.Run(name, func(t *testing.T) {
			h.Dir = t.TempDir()
			if err := os.WriteFile(h.Path(), content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := h.Opener.Open(t.Context(), engines.Options{Dataset: Dataset, Path: h.Path()})
			wantKind(t, err, engines.Corrupt)
			_, _, err = h.Opener.Check(t.Context(), h.Path(), Dataset)
			wantKind(t, err, engines.Corrupt)
			after, err := os.ReadFile(h.Path())
			if err != nil || !bytes.Equal(content, after) {
				t.Errorf("the file was changed: %d bytes, %v", len(after), err)
			}
			if entries, err := os.ReadDir(h.Dir); err != nil || len(entries) != 1 {
				t.Errorf("files beside it: %v, %v", entries, err)
			}
		})
	}
	t.Run("directory", func(t *testing.T) {
		h.Dir = t.TempDir()
		if err := os.Mkdir(h.Path(), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := h.Opener.Open(t.Context(), engines.Options{Dataset: Dataset, Path: h.Path()})
		wantKind(t, err, engines.Corrupt)
	})
}

// testNoOpenFilesLeft counts the process's handles of the database before and after a busy life.
func testNoOpenFilesLeft(t *testing.T, h Harness) {
	e := h.Open(t)
	for gen := range int64(20) {
		write(t, e, engines.Replace, rows(gen, 0, 100, 100))
		mustRead(t, e)
		write(t, e, engines.Append, rows(gen, 100, 100, 100))
		x := filepath.Join(h.Dir, "copy")
		if _, err := e.(engines.FileEngine).Export(t.Context(), x, gen%2 == 1); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(x); err != nil {
			t.Fatal(err)
		}
		if n := handles(t, h.Dir); n > 16 {
			t.Fatalf("%d open files after %d refreshes", n, gen+1)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n := handles(t, h.Dir); n != 0 {
		t.Errorf("%d open files after Close", n)
	}
}

// handles counts open files below dir, deleted ones included.
func handles(t testing.TB, dir string) int {
	t.Helper()
	const fds = "/proc/self/fd"
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Skipf("cannot list open files: %v", err)
	}
	n := 0
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(fds, entry.Name())); err == nil && strings.HasPrefix(target, dir+"/") {
			n++
		}
	}
	return n
}
