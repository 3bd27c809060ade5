package enginetest

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"pitwall/engines"
)

// testReadOnlyDirectory makes the file system read-only (for root, permissions would not do).
func testReadOnlyDirectory(t *testing.T, h Harness) {
	h.Dir = t.TempDir()
	readOnly, again := protect(t, h.Dir)
	e := h.Open(t)
	defer func() {
		if err := errors.Join(e.Close(), again()); err != nil {
			t.Error(err)
		}
	}()
	write(t, e, engines.Replace, rows(1, 0, 100, 100))
	write(t, e, engines.Append, rows(3, 0, 100, 100))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := readOnly(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Opener.Check(t.Context(), h.Path(), Dataset); err != nil {
		t.Errorf("check of a file that cannot be written: %v", err)
	}
	e = h.Open(t)
	for _, mode := range []engines.WriteMode{engines.Replace, engines.Append} {
		r := rows(2, 0, 100, 100)
		_, err := e.Write(t.Context(), engines.Write{Mode: mode, Rows: r, At: at()})
		r.Release()
		wantKind(t, err, engines.Denied)
	}
	testCompact(t, e, false)
	expect(t, e, total(1, 0, 100).plus(total(3, 0, 100)))
}

// protect prepares dir; the functions make it read-only, and clean up.
func protect(t *testing.T, dir string) (readOnly, cleanUp func() error) {
	t.Helper()
	if os.Geteuid() != 0 {
		return func() error { return os.Chmod(dir, 0o500) }, func() error { return os.Chmod(dir, 0o700) }
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	return func() error { return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") },
		func() error { return syscall.Unmount(dir, 0) }
}
