package runtime_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pitwall/config"
	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// bare runs the runtime alone: the watcher of the spicepod waits for the kernel, which holds the time of a bubble.
func (b *bed) bare() {
	b.t.Helper()
	c, problems := config.Load(b.dir, config.LoadOptions{})
	if c == nil {
		b.t.Fatal(problems)
	}
	r, err := runtime.New(b.t.Context(), runtime.Options{Config: c, DataDir: filepath.Join(b.dir, "data"), Engines: launch.Engines()})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Session = &launch.Session{Runtime: r}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

// The fire drill finds a snapshot that was damaged in the store, and does not read one again that was verified.
func TestSnapshotsAreVerifiedOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, map[string]string{"spicepod.yml": `
snapshots: {location: ./snaps}
datasets:
  - from: file:a.csv
    name: d
    acceleration: {engine: sqlite, mode: file, snapshots: enabled, snapshots_verify: all daily}
`, "a.csv": cities(10)})
		b.bare()
		b.dataset("d", "its snapshot", func(d *api.Dataset) bool { return d.Snapshots.Kept == 1 && d.Snapshots.Run == nil })
		events := func(text string) (n int) {
			for _, e := range b.Runtime.State().Events {
				if strings.Contains(e.Message, text) {
					n++
				}
			}
			return n
		}
		const well, ill = "on schedule found all in order", "on schedule found: "
		verified := b.within(5*time.Minute, "a verification", func(*api.State) bool { return events(well) == 1 }).Dataset("d").Snapshots.Newest
		if verified.Verified.State != api.VerifiedSum {
			t.Errorf("%+v", verified)
		}
		time.Sleep(20 * time.Hour)
		if n := events(well); n != 1 {
			t.Errorf("%d verifications within a day", n)
		}
		path := b.dir + "/snaps/" + strings.TrimPrefix(verified.URI, "./snaps/")
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		body[100] ^= 4
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}
		b.within(10*time.Hour, "the damage", func(*api.State) bool { return events(ill) == 1 })
		if v := b.Runtime.State().Dataset("d").Snapshots.Newest.Verified; v.State != api.VerifyFailed {
			t.Errorf("%+v", v)
		}
		b.stop()
	})
}
