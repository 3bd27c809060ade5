package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pitwall/runtime"
	"pitwall/runtime/api"
	"pitwall/runtime/launch"
)

// stored writes n snapshots, of 500 orders more each, and forgets the local data, as a replica that starts elsewhere.
func (w *Workspace) stored(n int) error {
	if err := w.put(ordersFile, orders(1_000)); err != nil {
		return err
	}
	err := w.earlier(func(ctx context.Context, r *runtime.Runtime) error {
		for i := range n {
			if i > 0 {
				if err := w.put(ordersFile, orders(1_000+500*i)); err != nil {
					return err
				}
				if err := done(ctx, r, api.RefreshNow{Dataset: dataset}); err != nil {
					return err
				}
			}
			if err := until(ctx, r, func(s *api.State) bool { return written(s) > i }); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(filepath.Join(w.Dir, ".spice")))
}

// written is the number of snapshots that this process wrote.
func written(s *api.State) int {
	d := s.Dataset(dataset)
	if d == nil {
		return 0
	}
	n := 0
	for _, a := range d.Snapshots.Attempts {
		if a.Outcome == api.Succeeded {
			n++
		}
	}
	return n
}

// objects are the stored snapshots as files, oldest first.
func (w *Workspace) objects() ([]string, error) {
	var out []string
	err := filepath.WalkDir(filepath.Join(w.Dir, "snapshots"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".duckdb") {
			out = append(out, path)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = errors.New("no snapshot was written")
	}
	return out, err
}

// damage turns over some bytes in the middle of a file.
func damage(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i := len(b) / 2; i < len(b)/2+16; i++ {
		b[i] ^= 0xff
	}
	return os.WriteFile(name, b, 0o644)
}

func newestSnapshotCorrupt() Incident {
	return Incident{
		Name: "newest-snapshot-corrupt", Dataset: dataset,
		About: "bytes of the newest snapshot were turned over in the store, and a replica started",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && d.Snapshots.Booted != nil && len(d.Snapshots.Booted.Rejected) > 0
		},
		Cause: why(), Shows: []string{"orders", "A newer snapshot was passed over", "snapshot 2", "recorded is", "r loads it now", "s writes a sound one"},
		Remedy: []Step{{"r", ""}},
		Holds:  "all orders are loaded, and their snapshot, which follows by itself, is sound",
		After: func(d *api.Dataset, _ *api.State) bool {
			n := d.Snapshots.Newest
			return d.Rows == 2_000 && n != nil && n.ID > 2 && n.Rows == 2_000 && n.Verified.State != api.VerifyFailed
		},
		prepare: func(w *Workspace) error {
			if err := w.stored(3); err != nil {
				return err
			}
			all, err := w.objects()
			if err != nil {
				return err
			}
			return damage(all[len(all)-1])
		},
	}
}

func allSnapshotsCorrupt() Incident {
	return Incident{
		Name: "all-snapshots-corrupt", Dataset: dataset,
		About: "bytes of every snapshot were turned over in the store, and the export that the orders come from is late: there is no data at all",
		Begun: func(s *api.State) bool { return failing(s) && !s.Dataset(dataset).HasData },
		Cause: why(), Shows: []string{"orders", "never was loaded", "no snapshot could be loaded", "orders.csv"},
		Outside: "the export arrives", Mend: func(w *Workspace) error { return w.put(ordersFile, orders(2_500)) },
		Remedy: []Step{{"r", ""}},
		Holds:  "the orders are loaded from their source, and their snapshot, which follows by itself, is sound",
		After: func(d *api.Dataset, _ *api.State) bool {
			n := d.Snapshots.Newest
			return d.Err == "" && d.Rows == 2_500 && n != nil && n.ID > 1 && n.Rows == 2_500
		},
		prepare: func(w *Workspace) error {
			if err := w.stored(2); err != nil {
				return err
			}
			all, err := w.objects()
			for _, o := range all {
				err = errors.Join(err, damage(o))
			}
			return errors.Join(err, os.Remove(filepath.Join(w.Dir, ordersFile)))
		},
	}
}

func storeUnreachable() Incident {
	const outage = "outage"
	return Incident{
		Name: "store-unreachable", Dataset: dataset,
		About: "the object store drops all connections while the file `outage` is in the folder (a small S3 server in this process)",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && len(d.Snapshots.Attempts) > 0 && d.Snapshots.Attempts[0].Outcome == api.Failed
		},
		Cause: why(), Shows: []string{"orders", "s3://backups/pitwall/", "check params s3_endpoint", "s tries again"},
		Outside: "`rm outage`", Mend: func(w *Workspace) error { return os.Remove(filepath.Join(w.Dir, outage)) },
		Remedy: []Step{{"s", ""}},
		Holds:  "a snapshot is in the store, and no error is left",
		After: func(d *api.Dataset, _ *api.State) bool {
			return d.Snapshots.Newest != nil && d.Snapshots.Newest.Rows == 2_000 && d.Snapshots.LastErr == ""
		},
		prepare: func(w *Workspace) error {
			if err := w.openLake(); err != nil {
				return err
			}
			w.lake.fault = func(rw http.ResponseWriter, _ *http.Request) bool {
				if _, err := os.Stat(filepath.Join(w.Dir, outage)); err != nil {
					return false
				}
				if c, _, err := http.NewResponseController(rw).Hijack(); err == nil {
					_ = c.Close()
				}
				return true
			}
			return errors.Join(os.MkdirAll(filepath.Join(w.Dir, "lake", "backups"), 0o755), w.put(outage, "the store is down\n"), w.put(ordersFile, orders(2_000)))
		},
	}
}

func twoWriters() Incident {
	return Incident{
		Name: "two-writers", Dataset: dataset,
		About: "a second pitwall (in this process, over the folder `twin`) has the same SPICE_INSTANCE_ID, so that both write snapshots",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.Snapshots.Shared
		},
		Cause: why(), Shows: []string{"orders", "another process is called", "SPICE_INSTANCE_ID"},
		Edit: Edit{"", "snapshots: enabled", "snapshots: bootstrap_only"}, Remedy: []Step{{"5", "g1 runs"}, {"e", "g2 runs"}},
		Holds: "one writer is left: this replica only loads snapshots", After: func(d *api.Dataset, _ *api.State) bool {
			return d.Snapshots.Mode == "bootstrap_only" && !d.Snapshots.Shared
		},
		prepare: func(w *Workspace) error {
			pod, err := os.ReadFile(w.Pod)
			if err != nil {
				return err
			}
			twin := strings.NewReplacer("location: snapshots", "location: ../snapshots", "file:data", "file:../data").Replace(string(pod))
			return errors.Join(w.put("twin/spicepod.yml", twin), w.put(ordersFile, orders(2_000)))
		},
		run: func(ctx context.Context, w *Workspace) error {
			s, err := launch.Open(ctx, launch.Options{Pod: filepath.Join(w.Dir, "twin"), Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			return s.Run(ctx)
		},
	}
}

// skew is how far the clock of the other machine is ahead.
const skew = 3 * time.Hour

func clockSkew() Incident {
	return Incident{
		Name: "clock-skew", Dataset: dataset,
		About: "the newest snapshot is from the future: its writer's clock was 3 hours ahead (its times in metadata.json are moved by that)",
		Begun: func(s *api.State) bool {
			d := s.Dataset(dataset)
			return d != nil && d.HasData && d.Snapshots.Newest != nil
		},
		Home:  "the newest snapshot #1 is from the future (3h ahead): a clock is wrong",
		Cause: why(), Shows: []string{"orders", "is from the future", "a clock is wrong", "set the clocks by NTP"},
		Outside: "the other machine gets NTP", Mend: func(*Workspace) error { return nil },
		Remedy: []Step{{"s", ""}},
		Holds:  "the newest snapshot has the right time",
		After: func(d *api.Dataset, s *api.State) bool {
			n := d.Snapshots.Newest
			return n != nil && n.ID > 1 && !n.Created.After(s.At)
		},
		prepare: func(w *Workspace) error {
			if err := w.stored(2); err != nil {
				return err
			}
			return w.ahead(skew)
		},
	}
}

// ahead moves the times of the newest snapshot, as the clock of its writer would have.
func (w *Workspace) ahead(by time.Duration) error {
	name := filepath.Join(w.Dir, "snapshots", "metadata.json")
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var file map[string]any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&file); err != nil {
		return err
	}
	of, _ := file[dataset].(map[string]any)
	list, _ := of["snapshots"].([]any)
	if len(list) == 0 {
		return fmt.Errorf("%s has no snapshot of %s", name, dataset)
	}
	last, _ := list[len(list)-1].(map[string]any)
	for _, key := range []string{"timestamp-ms", "snapshot-last-updated-at-ms"} {
		if n, ok := last[key].(json.Number); ok {
			ms, err := n.Int64()
			if err != nil {
				return err
			}
			last[key] = ms + by.Milliseconds()
		}
	}
	out, err := json.Marshal(file)
	if err != nil {
		return err
	}
	return w.put("snapshots/metadata.json", string(out))
}
