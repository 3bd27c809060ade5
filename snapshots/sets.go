package snapshots

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pitwall/snapshots/metadata"
)

// A dataset can be stored partition by partition: every partition has snapshots, a pointer and a lease of its own,
// under PartitionKey, and loads alone. Which of them are of one state of the dataset, sets tell.

// maxSetPartitions is how many partitions a set may have: each is a dataset in metadata.json.
const maxSetPartitions = 1000

// setsOnce is how many partitions are transferred side by side.
const setsOnce = 4

// Part is one partition to store.
type Part struct {
	// Path is the folder of the partition in Hive form. Version is the same as long as its content is.
	Path, Version string
	Rows, Bytes   int64
	// Export makes a copy of the partition, which is removed when it was stored.
	Export func(ctx context.Context) (Copy, error)
}

// SetRequest asks for the partitions of one state to be stored.
type SetRequest struct {
	// CreateRequest is what is the same for all partitions; its Export and Content are not used.
	CreateRequest
	Parts []Part
	// Checkpoint is kept with the set.
	Checkpoint []byte
}

// Created is a set that was stored.
type Created struct {
	Set Snapshot
	// Written is how many partitions were stored; the others were as they are in the set before.
	Written int
}

// CreateSet stores the partitions that are not as the newest set has them, and last the set. Kind Unchanged: all are
// as they were; Standby: another replica writes one of them. After another error partitions may have been stored, but
// no set names them: nobody loads them.
func (m *Manager) CreateSet(ctx context.Context, r SetRequest) (Created, error) {
	out, err := m.createSet(ctx, r)
	return out, wrap("create snapshot of", r.Dataset, err)
}

func (m *Manager) createSet(ctx context.Context, r SetRequest) (Created, error) {
	if len(r.Parts) > maxSetPartitions {
		return Created{}, &Error{Op: "create snapshot of", Kind: Invalid, Err: fmt.Errorf("%d partitions, and snapshots by partition are of at most %d", len(r.Parts), maxSetPartitions),
			Hint: "use fewer partitions, such as bucket(100, id), or snapshots_by: dataset"}
	}
	started := time.Now().UTC()
	sets, err := m.sets(ctx, r.Dataset)
	if err != nil {
		return Created{}, err
	}
	f, _, err := m.load(ctx)
	if err != nil {
		return Created{}, err
	}
	set := metadata.Set{AtMs: started.UnixMilli(), Checkpoint: r.Checkpoint, Partitions: make([]metadata.SetPart, len(r.Parts))}
	if !r.LastUpdated.IsZero() {
		set.LastUpdatedMs = r.LastUpdated.UnixMilli()
	}
	var stored int64
	var todo []int
	same := !r.Force && sets.sameRows(set.LastUpdatedMs, r.Parts)
	compacted := false
	for i, p := range r.Parts {
		set.Partitions[i] = metadata.SetPart{Path: p.Path, Version: p.Version, Rows: p.Rows, Bytes: p.Bytes}
		if old, ok := sets.newest(p.Path); ok && (same || old.Version == p.Version) && !r.Force {
			compacted = compacted || old.Version != p.Version
			v, err := m.viewOf(ctx, f, metadata.PartitionKey(r.Dataset, p.Path))
			if err != nil {
				return Created{}, err
			}
			if m.holds(ctx, v, old.Snapshot) {
				set.Partitions[i].Snapshot = old.Snapshot
				continue
			}
		}
		todo = append(todo, i)
	}
	if len(todo) > 0 && compacted { // what is named together must be of one state
		for i := range set.Partitions {
			if !slices.Contains(todo, i) {
				todo = append(todo, i)
			}
		}
	}
	if len(todo) == 0 && len(sets) > 0 && len(sets[len(sets)-1].Partitions) == len(r.Parts) {
		return Created{}, &Error{Op: "create snapshot of", Kind: Unchanged, Err: fmt.Errorf("no partition changed since set %d", sets[len(sets)-1].ID)}
	}
	var mu sync.Mutex
	done := map[int]int64{}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(setsOnce)
	for _, i := range todo {
		p, one := r.Parts[i], r.CreateRequest
		one.Dataset, one.Rows, one.Content, one.Force = metadata.PartitionKey(r.Dataset, p.Path), p.Rows, nil, true
		var copied string
		one.Export = func(ctx context.Context) (Copy, error) {
			c, err := p.Export(ctx)
			copied = c.Path
			return c, err
		}
		one.Progress = func(phase string, n, _ int64) {
			mu.Lock()
			defer mu.Unlock()
			if phase == "upload" {
				done[i] = n
			}
			r.progress(phase, sum(done), total(r.Parts, todo))
		}
		g.Go(func() error {
			s, err := m.create(all, one)
			if copied != "" {
				_ = os.Remove(copied) // the next start removes what is left
			}
			if err != nil {
				return wrap("create snapshot of", one.Dataset, err)
			}
			mu.Lock()
			defer mu.Unlock()
			set.Partitions[i].Snapshot = s.ID
			stored += s.Stored
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Created{}, err
	}
	err = m.changeOwn(ctx, r.Dataset, func(o *metadata.Own) error {
		if n := len(o.Sets); n > 0 && o.Sets[n-1].AtMs == set.AtMs && versions(o.Sets[n-1]) == versions(set) {
			set = o.Sets[n-1] // an earlier try did write it
			return errSame
		}
		set = o.AddSet(set)
		return nil
	})
	if err != nil {
		return Created{}, err
	}
	s := setSnapshot(set, r.Engine, m.Location(), r.Dataset)
	s.Stored, s.Current = stored, true
	return Created{Set: s, Written: len(todo)}, nil
}

// holds tells whether a snapshot is there and was not found damaged.
func (m *Manager) holds(ctx context.Context, v view, id uint64) bool {
	s, ok := v.find(id)
	if c, checked := v.own.Checks[id]; !ok || checked && c.Result != Sound {
		return false
	}
	size, err := m.Size(ctx, s)
	return err == nil && size == s.Bytes
}

func sum(done map[int]int64) (n int64) {
	for _, v := range done {
		n += v
	}
	return n
}

func total(parts []Part, of []int) (n int64) {
	for _, i := range of {
		n += parts[i].Bytes
	}
	return n
}

// setList are sets, oldest first.
type setList []metadata.Set

// sameRows tells whether partitions hold the rows that the newest set has: it was stored after the last write, and
// what changed since is how they lie in files.
func (l setList) sameRows(updatedMs int64, parts []Part) bool {
	if len(l) == 0 || updatedMs == 0 || l[len(l)-1].LastUpdatedMs != updatedMs || len(l[len(l)-1].Partitions) != len(parts) {
		return false
	}
	return !slices.ContainsFunc(parts, func(p Part) bool {
		old, ok := l.newest(p.Path)
		return !ok || old.Rows != p.Rows
	})
}

// newest is what the newest set has of a partition.
func (l setList) newest(path string) (metadata.SetPart, bool) {
	if len(l) == 0 {
		return metadata.SetPart{}, false
	}
	all := l[len(l)-1].Partitions
	i := slices.IndexFunc(all, func(p metadata.SetPart) bool { return p.Path == path })
	if i < 0 {
		return metadata.SetPart{}, false
	}
	return all[i], true
}

func (m *Manager) sets(ctx context.Context, dataset string) (setList, error) {
	o, _, err := m.loadOwn(ctx, dataset)
	if err != nil {
		return nil, err
	}
	return o.Sets, nil
}

// versions is what a set holds, as one checksum.
func versions(s metadata.Set) string {
	h := sha256.New()
	for _, p := range s.Partitions {
		fmt.Fprintf(h, "%s %d %s\n", p.Path, p.Snapshot, p.Version)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// setSnapshot is a set as a snapshot of the dataset.
func setSnapshot(s metadata.Set, engine, location, dataset string) Snapshot {
	out := Snapshot{ID: s.ID, Created: time.UnixMilli(s.AtMs).UTC(), Engine: engine, Checksum: versions(s), Algorithm: "set",
		URI: metadata.URI(location, metadata.OwnKey(dataset)), Partitions: len(s.Partitions)}
	if s.LastUpdatedMs != 0 {
		out.LastUpdated = time.UnixMilli(s.LastUpdatedMs).UTC()
	}
	for _, p := range s.Partitions {
		out.Rows += p.Rows
		out.Bytes += p.Bytes
	}
	out.Stored = out.Bytes
	return out
}

// Sets returns the sets of a dataset as snapshots of it, newest first; none when it is not stored by partition.
func (m *Manager) Sets(ctx context.Context, dataset, engine string) ([]Snapshot, error) {
	sets, err := m.sets(ctx, dataset)
	if err != nil {
		return nil, wrap("list", dataset, err)
	}
	var out []Snapshot
	for i, s := range slices.Backward(sets) {
		x := setSnapshot(s, engine, m.Location(), dataset)
		x.Current = i == len(sets)-1
		out = append(out, x)
	}
	return out, nil
}

// ReleasePartitions gives up the leases of the partitions of a dataset; see Release.
func (m *Manager) ReleasePartitions(ctx context.Context, dataset string) error {
	m.mu.Lock()
	var mine []string
	for name := range m.leases {
		if strings.HasPrefix(name, metadata.PartitionKey(dataset, "")) {
			mine = append(mine, name)
		}
	}
	m.mu.Unlock()
	var err error
	for _, name := range mine {
		err = errors.Join(err, m.Release(ctx, name))
	}
	return err
}

// SetPaths are the partitions that the sets of a dataset name, each with what tells whether a set names a snapshot
// of it.
func (m *Manager) SetPaths(ctx context.Context, dataset string) (map[string]func(id uint64) bool, error) {
	sets, err := m.sets(ctx, dataset)
	if err != nil {
		return nil, wrap("list", dataset, err)
	}
	used := map[string]map[uint64]bool{}
	for _, s := range sets {
		for _, p := range s.Partitions {
			if used[p.Path] == nil {
				used[p.Path] = map[uint64]bool{}
			}
			used[p.Path][p.Snapshot] = true
		}
	}
	out := map[string]func(id uint64) bool{}
	for path, ids := range used {
		out[path] = func(id uint64) bool { return ids[id] }
	}
	return out, nil
}
