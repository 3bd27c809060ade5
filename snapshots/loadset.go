package snapshots

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"pitwall/snapshots/metadata"
)

// Stored lists the snapshots of a dataset, newest first, of the kind that the newest one is of: sets of partitions, or
// snapshots of the whole.
func (m *Manager) Stored(ctx context.Context, dataset string) (list []Snapshot, sets bool, err error) {
	v, err := m.view(ctx, dataset)
	if err != nil {
		return nil, false, wrap("list", dataset, err)
	}
	whole, parts := v.list(), m.listSets(v.own.Sets, dataset)
	if len(parts) > 0 && (len(whole) == 0 || parts[0].Created.After(whole[0].Created)) {
		return parts, true, nil
	}
	return whole, false, nil
}

// LoadRequest asks for the partitions of a set.
type LoadRequest struct {
	// BootstrapRequest is as for a dataset; Install is handed none of the files.
	BootstrapRequest
	// InstallSet is handed the verified files of all partitions.
	InstallSet func(ctx context.Context, files []string, s Snapshot, checkpoint []byte) error
	// Damaged is told of a snapshot of a partition, under its PartitionKey, that is damaged or gone; may be nil.
	Damaged func(key string, id uint64, err error)
}

// BootstrapSet loads the partitions of a set, side by side, and hands them over together: a chosen set, or what
// OnFailure gives. ErrNone: there is none.
func (m *Manager) BootstrapSet(ctx context.Context, r LoadRequest) (Bootstrapped, error) {
	var out Bootstrapped
	for attempt := 1; ; attempt++ {
		sets, err := m.candidateSets(ctx, r)
		if errors.Is(err, ErrNone) {
			return out, err
		}
		out.Rejected = nil
		for _, s := range sets {
			x := m.setSnapshot(s, r.Dataset)
			if err = m.loadSet(ctx, r, s, x); err == nil {
				out.Snapshot = x
				return out, nil
			}
			var e *Error
			if err = wrap("bootstrap", r.Dataset, err); errors.As(err, &e) {
				e = &Error{Op: "bootstrap", Dataset: r.Dataset, Snapshot: &x.ID, Kind: e.Kind, Hint: e.Hint, Err: err}
				out.Rejected = append(out.Rejected, e)
			}
			if k := KindOf(err); k == Canceled || k == LocalFailed || k == DiskFull {
				break
			}
		}
		err = wrap("bootstrap", r.Dataset, err)
		if !curable(KindOf(err)) || r.Wait == nil {
			return out, err
		}
		if werr := r.Wait(ctx, attempt, err); werr != nil {
			return out, err
		}
	}
}

func (m *Manager) candidateSets(ctx context.Context, r LoadRequest) ([]metadata.Set, error) {
	sets, err := m.sets(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		return nil, ErrNone
	}
	slices.Reverse(sets)
	switch {
	case r.ID != nil:
		i := slices.IndexFunc(sets, func(s metadata.Set) bool { return s.ID == *r.ID })
		if i < 0 {
			return nil, &Error{Op: "bootstrap", Snapshot: r.ID, Kind: Missing, Err: errUnknown}
		}
		return sets[i : i+1], nil
	case r.OnFailure != Fallback:
		return sets[:1], nil
	}
	return sets, nil
}

// loadSet downloads the partitions of a set, and installs them.
func (m *Manager) loadSet(ctx context.Context, r LoadRequest, s metadata.Set, x Snapshot) error {
	dir, err := os.MkdirTemp(r.Dir, fmt.Sprintf(".%s.*.download.tmp", strings.ReplaceAll(r.Dataset, "/", "_")))
	if err != nil {
		return localError("write", err)
	}
	defer os.RemoveAll(dir)
	files := make([]string, len(s.Partitions))
	for i := range files {
		files[i] = filepath.Join(dir, fmt.Sprintf("%d.partition", i))
	}
	report := func(phase string, done int64) {
		if r.Progress != nil {
			r.Progress(x, phase, min(done, x.Bytes), x.Bytes)
		}
	}
	if err := m.fetchSet(ctx, r, s, x, func(i int) string { return files[i] }, func(n int64) { report("download", n) }); err != nil {
		return err
	}
	report("open", x.Bytes)
	return r.InstallSet(ctx, files, x, s.Checkpoint)
}

// fetchSet downloads the snapshots of a set, and checks size and checksum. With an empty name the bytes are only
// checked.
func (m *Manager) fetchSet(ctx context.Context, r LoadRequest, s metadata.Set, x Snapshot, file func(i int) string, progress func(done int64)) error {
	var mu sync.Mutex
	done := map[int]int64{}
	f, _, err := m.load(ctx)
	if err != nil {
		return err
	}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(setsOnce)
	for i, p := range s.Partitions {
		g.Go(func() error {
			v, err := m.viewOf(all, f, metadata.PartitionKey(r.Dataset, p.Path))
			if err != nil {
				return err
			}
			one, ok := v.find(p.Snapshot)
			if !ok || one.Checksum != p.Checksum {
				return &Error{Op: "find " + p.Path + " of", Kind: Missing, Err: fmt.Errorf("metadata.json has no snapshot %d of it", p.Snapshot)}
			}
			if r.Engine != "" && one.Engine != "" && !strings.EqualFold(one.Engine, r.Engine) {
				return &Error{Op: "bootstrap " + p.Path + " of", Kind: WrongEngine, Err: fmt.Errorf("it was written by %s, the dataset uses %s", one.Engine, r.Engine)}
			}
			err = m.fetch(all, one, file(i), func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				done[i] = n
				progress(sum(done))
			})
			if k := KindOf(err); r.Damaged != nil && (k == Corrupt || k == Missing) {
				r.Damaged(metadata.PartitionKey(r.Dataset, p.Path), p.Snapshot, err)
			}
			var e *Error
			if errors.As(err, &e) && e.Op != "" {
				e.Op += " " + p.Path + " of"
			}
			return err
		})
	}
	return g.Wait()
}

// VerifySet reads the snapshots of a set, and compares them with their records. Kinds Missing and Corrupt speak of
// one of them, of which damaged is told.
func (m *Manager) VerifySet(ctx context.Context, dataset string, id uint64, damaged func(key string, id uint64, err error), progress func(done, total int64)) error {
	r := LoadRequest{BootstrapRequest: BootstrapRequest{Dataset: dataset, ID: &id}, Damaged: damaged}
	sets, err := m.candidateSets(ctx, r)
	if errors.Is(err, ErrNone) {
		err = &Error{Op: "verify", Kind: Missing, Err: errUnknown}
	}
	if err != nil {
		return named(wrap("verify", dataset, err), id)
	}
	x := m.setSnapshot(sets[0], dataset)
	err = m.fetchSet(ctx, r, sets[0], x, func(int) string { return "" }, func(done int64) {
		if progress != nil {
			progress(done, x.Bytes)
		}
	})
	return named(wrap("verify", dataset, err), id)
}
