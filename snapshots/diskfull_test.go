package snapshots

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// small mounts a file system of that size over a folder; only root can.
func small(t *testing.T, dir, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a tmpfs needs root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mounting a tmpfs is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// leave fills a file system but for some pages.
func leave(t *testing.T, dir string, pages int) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	page := make([]byte, st.Bsize)
	for range int(st.Bavail) - pages {
		if _, err := f.Write(page); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// The disk of the location, and that of the data directory, gets full anywhere in what an operation writes: what was
// stored can be loaded, the error says what is full, of which dataset, and what to do, nothing unfinished is left, and
// the same manager goes on when there is room.
func TestDiskFullAnywhere(t *testing.T) {
	for name, op := range map[string]func(b *bed) error{
		"create": func(b *bed) error {
			r := childRequest(os.TempDir(), "host-a", content(6)) // the copy itself is elsewhere
			_, err := b.Create(b.t.Context(), r)
			return err
		},
		"increment": func(b *bed) error {
			r := childRequest(os.TempDir(), "host-a", content(6))
			r.Incremental, r.FullEvery = true, 100
			_, err := b.Create(b.t.Context(), r)
			return err
		},
		"bootstrap": func(b *bed) error {
			_, _, err := b.boot(func(r *BootstrapRequest) { r.Dir, r.OnFailure = b.store, Fallback })
			return err
		},
		"bootstrap a full one": func(b *bed) error {
			_, _, err := b.boot(func(r *BootstrapRequest) { id := uint64(0); r.Dir, r.ID = b.store, &id })
			return err
		},
		"collect": func(b *bed) error {
			_, err := b.Collect(b.t.Context(), CollectRequest{Dataset: "o", Rule: Rule{Last: 2}, Now: time.Now()})
			return err
		},
		"pin": func(b *bed) error { return b.Pin(b.t.Context(), "o", 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			failed := 0
			for pages := 0; ; {
				b := newBed(t)
				small(t, b.store, "24m")
				b.chain(4)
				free := leave(t, b.store, pages)
				err := op(b)
				if left := unfinished(t, b.store); len(left) > 0 {
					t.Errorf("%d pages: left behind: %v", pages, left)
				}
				if err == nil {
					free()
					break
				}
				failed++
				if KindOf(err) != DiskFull || !strings.Contains(err.Error(), " o") || !strings.Contains(err.Error(), "no space left") || !strings.Contains(HintOf(err), "free space") {
					t.Errorf("%d pages: %s, %v; %s", pages, KindOf(err), err, HintOf(err))
				}
				list := b.list()
				if len(list) < 2 || list[0].ID != 3 || !list[0].Current {
					t.Errorf("%d pages: %+v", pages, list)
				}
				for _, s := range list {
					if err := b.Verify(t.Context(), "o", s.ID, nil); err != nil {
						t.Errorf("%d pages: %v", pages, err)
					}
				}
				free()
				if err := op(b); err != nil {
					t.Errorf("%d pages: with room again: %v", pages, err)
				}
				if pages += 1 + pages/3; testing.Short() { // near enough: what is written later is small
					pages += pages
				}
			}
			if failed == 0 {
				t.Error("the disk was never full")
			}
			t.Logf("failed %d times", failed)
		})
	}
}

// unfinished are the temporary files below a folder.
func unfinished(t *testing.T, dir string) (left []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.Contains(d.Name(), "tmp") {
			left = append(left, p)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	return left
}
