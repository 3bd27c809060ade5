package snapshots

import (
	"bytes"
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
	"pitwall/snapshots/objstore"
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

// CreateSet stores the partitions that are not as the newest set has them, and last the set. One replica at a time does
// so: the lease of the dataset comes before those of its partitions. Kind Unchanged: all are as they were; Standby:
// another replica writes; Superseded: another one took over meanwhile. After another error partitions may have been
// stored, but no set names them: nobody loads them.
func (m *Manager) CreateSet(ctx context.Context, r SetRequest) (Created, error) {
	out, err := m.createSet(ctx, r)
	return out, wrap("create snapshot of", r.Dataset, err)
}

func (m *Manager) createSet(ctx context.Context, r SetRequest) (Created, error) {
	if len(r.Parts) > maxSetPartitions {
		return Created{}, &Error{Op: "create snapshot of", Kind: Invalid, Err: fmt.Errorf("%d partitions, and snapshots by partition are of at most %d", len(r.Parts), maxSetPartitions),
			Hint: "use fewer partitions, such as bucket(100, id), or snapshots_by: dataset"}
	}
	own, _, err := m.loadOwn(ctx, r.Dataset)
	if err != nil {
		return Created{}, err
	}
	var held *Held
	if r.Lease != nil {
		h, err := m.acquire(ctx, r.Dataset, *r.Lease, own.SetGeneration)
		if err != nil {
			return Created{}, err
		}
		held = &h
		if r.Leased != nil {
			r.Leased(h)
		}
	}
	out, err := m.writeSet(ctx, r, own.Sets, held)
	if err != nil && held != nil && KindOf(err) != Unchanged {
		// Somebody else may have more luck.
		ctx, cancel := objstore.Settling(ctx, settleTimeout)
		defer cancel()
		err = errors.Join(err, m.ReleasePartitions(ctx, r.Dataset), m.Release(ctx, r.Dataset))
	}
	return out, err
}

func (m *Manager) writeSet(ctx context.Context, r SetRequest, sets setList, held *Held) (Created, error) {
	set := metadata.Set{Engine: r.Engine, AtMs: time.Now().UnixMilli(), Checkpoint: r.Checkpoint, Partitions: make([]metadata.SetPart, len(r.Parts))}
	if !r.LastUpdated.IsZero() {
		set.LastUpdatedMs = r.LastUpdated.UnixMilli()
	}
	there, err := m.stillThere(ctx, r, sets)
	if err != nil {
		return Created{}, err
	}
	var todo []int
	for i, p := range r.Parts {
		if old, _ := sets.newest(p.Path); there[i] && old.Version == p.Version {
			set.Partitions[i] = old
			continue
		}
		todo = append(todo, i)
	}
	if !r.Force && sets.sameRows(r) && !slices.Contains(there, false) {
		return Created{}, &Error{Op: "create snapshot of", Kind: Unchanged, Err: fmt.Errorf("no partition changed since set %d", sets[len(sets)-1].ID)}
	}
	stored, err := m.storeParts(ctx, r, todo, &set)
	if err != nil {
		return Created{}, err
	}
	if err := m.recordSet(ctx, r.Dataset, &set, held); err != nil {
		return Created{}, err
	}
	s := m.setSnapshot(set, r.Dataset)
	s.Stored, s.Current = stored, true
	return Created{Set: s, Written: len(todo)}, nil
}

// recordSet makes a set the newest one, unless another replica took over.
func (m *Manager) recordSet(ctx context.Context, dataset string, set *metadata.Set, held *Held) error {
	return m.changeOwn(ctx, dataset, func(o *metadata.Own) error {
		if n := len(o.Sets); n > 0 && o.Sets[n-1].AtMs == set.AtMs && versions(o.Sets[n-1]) == versions(*set) {
			*set = o.Sets[n-1] // an earlier try did write it
			return errSame
		}
		if held != nil && o.SetGeneration > held.Generation {
			return superseded(o.SetGeneration, held)
		}
		if held != nil {
			o.SetGeneration = held.Generation
		}
		*set = o.AddSet(*set)
		return nil
	})
}

// storeParts stores partitions side by side, and enters them into the set.
func (m *Manager) storeParts(ctx context.Context, r SetRequest, todo []int, set *metadata.Set) (stored int64, err error) {
	var mu sync.Mutex
	done := map[int]int64{}
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(setsOnce)
	for _, i := range todo {
		p, one := r.Parts[i], r.CreateRequest
		one.Dataset, one.Rows, one.Content, one.Force, one.Leased = metadata.PartitionKey(r.Dataset, p.Path), p.Rows, nil, true, nil
		if r.Lease != nil {
			terms := *r.Lease
			terms.above = true
			one.Lease = &terms
		}
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
			set.Partitions[i] = metadata.SetPart{Path: p.Path, Snapshot: s.ID, Checksum: s.Checksum, Version: p.Version, Rows: p.Rows, Bytes: p.Bytes}
			stored += s.Stored
			return nil
		})
	}
	return stored, g.Wait()
}

// stillThere tells of which partitions the store holds what the newest set names.
func (m *Manager) stillThere(ctx context.Context, r SetRequest, sets setList) ([]bool, error) {
	f, _, err := m.load(ctx)
	if err != nil {
		return nil, err
	}
	there := make([]bool, len(r.Parts))
	g, all := errgroup.WithContext(ctx)
	g.SetLimit(2 * setsOnce)
	for i, p := range r.Parts {
		old, ok := sets.newest(p.Path)
		if !ok {
			continue
		}
		g.Go(func() error {
			v, err := m.viewOf(all, f, metadata.PartitionKey(r.Dataset, p.Path))
			if err == nil {
				there[i] = m.holds(all, v, old)
			}
			return err
		})
	}
	return there, g.Wait()
}

// holds tells whether a snapshot that a set names is there and was not found damaged.
func (m *Manager) holds(ctx context.Context, v view, p metadata.SetPart) bool {
	s, ok := v.find(p.Snapshot)
	if c, checked := v.own.Checks[p.Snapshot]; !ok || s.Checksum != p.Checksum || checked && c.Result != Sound {
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

// sameRows tells whether the newest set has the rows of a request: the checkpoint is of the same write, and no
// partition has fewer rows by a delete. What may differ is how they lie in files.
func (l setList) sameRows(r SetRequest) bool {
	if len(l) == 0 || !bytes.Equal(l[len(l)-1].Checkpoint, r.Checkpoint) || len(l[len(l)-1].Partitions) != len(r.Parts) {
		return false
	}
	return !slices.ContainsFunc(r.Parts, func(p Part) bool {
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
func (m *Manager) setSnapshot(s metadata.Set, dataset string) Snapshot {
	out := Snapshot{ID: s.ID, Created: time.UnixMilli(s.AtMs).UTC(), Engine: s.Engine, Checksum: versions(s), Algorithm: "set",
		URI: metadata.URI(m.Location(), metadata.OwnKey(dataset)), Partitions: len(s.Partitions)}
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
func (m *Manager) Sets(ctx context.Context, dataset string) ([]Snapshot, error) {
	sets, err := m.sets(ctx, dataset)
	if err != nil {
		return nil, wrap("list", dataset, err)
	}
	return m.listSets(sets, dataset), nil
}

func (m *Manager) listSets(sets setList, dataset string) []Snapshot {
	var out []Snapshot
	for i, s := range slices.Backward(sets) {
		x := m.setSnapshot(s, dataset)
		x.Current = i == len(sets)-1
		out = append(out, x)
	}
	return out
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

// StoredPartitions are the datasets under which partitions of a dataset are stored: those that its sets name, and those
// that they did, and do not any more.
func (m *Manager) StoredPartitions(ctx context.Context, dataset string) (named, abandoned []string, err error) {
	own, _, err := m.loadOwn(ctx, dataset)
	if err != nil {
		return nil, nil, wrap("list", dataset, err)
	}
	for _, s := range own.Sets {
		for _, p := range s.Partitions {
			named = append(named, metadata.PartitionKey(dataset, p.Path))
		}
	}
	for _, path := range own.LeftPartitions {
		abandoned = append(abandoned, metadata.PartitionKey(dataset, path))
	}
	slices.Sort(named)
	return slices.Compact(named), abandoned, nil
}

// usedBySets tells which snapshots of a dataset are those of a partition that sets name.
func (m *Manager) usedBySets(ctx context.Context, key string) (func(id uint64) bool, error) {
	used := map[uint64]bool{}
	if at := strings.LastIndexByte(key, '@'); at > 0 {
		sets, err := m.sets(ctx, key[:at])
		if err != nil {
			return nil, err
		}
		for _, s := range sets {
			for _, p := range s.Partitions {
				if metadata.PartitionKey(key[:at], p.Path) == key {
					used[p.Snapshot] = true
				}
			}
		}
	}
	return func(id uint64) bool { return used[id] }, nil
}
