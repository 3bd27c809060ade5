package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"pitwall/runtime"
	"pitwall/runtime/api"
)

// soon is how long a person sees that all is well before it is not.
const soon = 2 * time.Second

func cronTypo() Incident {
	const good, bad = "'*/10 * * * *'", "'*/10 * *'"
	return Incident{
		Name: "cron-typo", Dataset: dataset,
		About: "2 seconds after the start somebody saves a refresh_cron of three fields; pitwall keeps the version before",
		Begun: func(s *api.State) bool { return s.Config.Broken },
		Cause: []Step{{"5", "not applied"}}, Shows: []string{"orders", "refresh_cron", "g1 keeps running", "hint:"},
		Edit: Edit{"", bad, good}, Remedy: []Step{{"e", "g1 runs"}},
		Holds: "the file on disk is what runs", After: func(d *api.Dataset, s *api.State) bool { return !s.Config.Broken && len(d.Upcoming) > 0 },
		prepare: func(w *Workspace) error { return w.put(ordersFile, orders(2_000)) },
		run:     func(ctx context.Context, w *Workspace) error { return w.later(ctx, Edit{Old: good, New: bad}) },
	}
}

// later saves a change of the spicepod when a person has seen that all is well, and the orders are loaded.
func (w *Workspace) later(ctx context.Context, e Edit) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(soon):
		return w.Change(e)
	}
}

func localFileCorrupt() Incident {
	return Incident{
		Name: "local-file-corrupt", Dataset: dataset,
		About: "the first bytes of the database file were overwritten while pitwall was down; it sets the file aside and loads the newest snapshot, which is older",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && d.Snapshots.Booted != nil
		},
		Home:  "the local file was damaged and rebuilt from snapshot #",
		Cause: why(), Shows: []string{"orders", "the local file is damaged and was set aside", "came from snapshot", "r loads"},
		Remedy: []Step{{"r", ""}},
		Holds:  "all 2,500 orders are there again; the damaged file is kept beside the new one",
		After:  func(d *api.Dataset, s *api.State) bool { return rows(2_500)(d, s) && d.Damage == nil },
		prepare: func(w *Workspace) error {
			if err := w.put(ordersFile, orders(2_000)); err != nil {
				return err
			}
			err := w.earlier(func(ctx context.Context, r *runtime.Runtime) error {
				if err := until(ctx, r, func(s *api.State) bool { return written(s) > 0 }); err != nil {
					return err
				}
				if err := w.put(ordersFile, orders(2_500)); err != nil {
					return err
				}
				return done(ctx, r, api.RefreshNow{Dataset: dataset})
			})
			if err != nil {
				return err
			}
			files, err := filepath.Glob(filepath.Join(w.Dir, ".spice", "data", "*.duckdb"))
			if err == nil && len(files) != 1 {
				err = fmt.Errorf("there are %d database files", len(files))
			}
			if err != nil {
				return err
			}
			b, err := os.ReadFile(files[0])
			if err != nil {
				return err
			}
			copy(b, strings.Repeat("not a database ", 300))
			return os.WriteFile(files[0], b, 0o644)
		},
	}
}

func retentionTooMuch() Incident {
	const good, bad = "retention_period: 30d", "retention_period: 30m"
	return Incident{
		Name: "retention-too-much", Dataset: dataset,
		About: "2 seconds after the start somebody saves a retention_period of 30m where 30d was meant, and nearly all orders are removed",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && d.Err == "" && d.Rows < 100
		},
		Home:  "retention removed 1997 of 2000 rows at once: it keeps those of the last 30m",
		Cause: why(), Shows: []string{"orders", "Retention removed 1997 of 2000 rows", "acceleration.retention_period"},
		Edit: Edit{"", bad, good}, Remedy: []Step{{"5", "g2 runs"}, {"e", "g3 runs"}, {"1", "Datasets"}, {"r", ""}},
		Holds: "the orders of 30 days are back, from the source", After: rows(2_000),
		prepare: func(w *Workspace) error {
			var b strings.Builder
			b.WriteString("id,ordered_at\n")
			const n = 2_000
			now := time.Now().UTC()
			for i := range n {
				fmt.Fprintf(&b, "%d,%s\n", i+1, now.Add(-time.Duration(n-1-i)*10*time.Minute).Format("2006-01-02 15:04:05"))
			}
			return w.put(ordersFile, b.String())
		},
		run: func(ctx context.Context, w *Workspace) error { return w.later(ctx, Edit{Old: good, New: bad}) },
	}
}

func diskFull() Incident {
	return Incident{
		Name: "disk-full", Dataset: dataset,
		About: "no file can grow while the file `ballast` is in the folder: a limit of the kernel on the size of files, which refuses the writes of the engine as a full disk does",
		Begun: failing,
		Cause: why(), Shows: []string{"orders", "too large", "free space on the disk"},
		Outside: "`rm ballast`", Mend: func(w *Workspace) error { return os.Remove(filepath.Join(w.Dir, ballast)) },
		Remedy: []Step{{"r", ""}},
		Holds:  "all orders are loaded; until then the old ones answered", After: rows(moreOrders),
		prepare: func(w *Workspace) error {
			if err := w.before(2_000); err != nil {
				return err
			}
			if err := errors.Join(w.put(ordersFile, orders(moreOrders)), w.put(ballast, "remove me\n")); err != nil {
				return err
			}
			var err error
			w.space, err = limitFiles(room)
			return err
		},
		run: func(ctx context.Context, w *Workspace) error {
			defer w.space()
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				if _, err := os.Stat(filepath.Join(w.Dir, ballast)); err != nil {
					w.space()
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-tick.C:
				}
			}
		},
	}
}

const (
	ballast = "ballast"
	// moreOrders do not fit into room bytes, whatever the engine.
	moreOrders = 100_000
	room       = 1 << 20
)

// limitFiles has the kernel refuse to let a file of this process grow beyond some bytes; space takes that back.
func limitFiles(bytes uint64) (space func(), err error) {
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return nil, err
	}
	signal.Ignore(syscall.SIGXFSZ) // which would end the process in place of an error
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: was.Max}); err != nil {
		return nil, err
	}
	return func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) }, nil
}
