package snapshots

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
)

const (
	// Grace is how long the object of a removed snapshot stays: somebody may be loading it.
	Grace = time.Hour
	// orphanAge is how old an object must be that no record names before it is taken for the rest of an upload
	// that failed (design: the longest of a day and twice the longest upload).
	orphanAge = 24 * time.Hour
)

// CollectRequest asks for the removal of older snapshots.
type CollectRequest struct {
	Dataset string
	Rule    Rule
	// Now is the time that ages are measured at; Grace how long objects stay after their record went.
	Now   time.Time
	Grace time.Duration
	// DryRun only tells what would be done.
	DryRun bool
	// Abandoned removes all, the current one too, of a partition that no set names, when nothing was stored of it for
	// a day.
	Abandoned bool
	// InUse tells that a snapshot is being read; may be nil.
	InUse func(id uint64) bool

	// only is the one snapshot that Delete is about, whose object goes at once.
	only *uint64
}

// Collected tells what a collection did, or would do.
type Collected struct {
	Kept []Kept
	// Removed are the snapshots that are not listed any more.
	Removed []Snapshot
	// Deleted are the objects that went, and the bytes that they freed; Orphans of them were named by no record.
	Deleted, Orphans int
	Bytes            int64
	// Waiting are the objects that go when Grace has passed.
	Waiting int
}

// String is a sentence such as "2 snapshots removed (#1, #2), 1 object deleted (12 bytes), 2 waiting".
func (c Collected) String() string {
	s := fmt.Sprintf("%d kept, %d removed", len(c.Kept), len(c.Removed))
	if len(c.Removed) > 0 {
		var ids []string
		for _, r := range c.Removed {
			ids = append(ids, fmt.Sprintf("#%d", r.ID))
		}
		s += " (" + strings.Join(ids, ", ") + ")"
	}
	s += fmt.Sprintf("; %d objects deleted, %d bytes", c.Deleted, c.Bytes)
	if c.Orphans > 0 {
		s += fmt.Sprintf(", %d of them of unfinished uploads", c.Orphans)
	}
	if c.Waiting > 0 {
		s += fmt.Sprintf("; %d objects wait for their readers", c.Waiting)
	}
	return s
}

// Collect removes the snapshots of a dataset that the rule does not keep: first their records, then, when nobody
// can be reading them any more, their objects; and what failed uploads left behind. It never touches the current,
// the pinned or the newest snapshot. A process that dies on the way leaves nothing that the next call does not
// find again.
func (m *Manager) Collect(ctx context.Context, r CollectRequest) (Collected, error) {
	out, err := m.collect(ctx, r, func(list []Snapshot, inSet func(uint64) bool) ([]Kept, []Snapshot, error) {
		if r.Abandoned {
			if len(list) == 0 || r.Now.Sub(list[0].Created) < orphanAge || slices.ContainsFunc(list, func(s Snapshot) bool { return s.Pinned || inSet(s.ID) }) {
				return nil, nil, nil
			}
			return nil, list, nil
		}
		keep, remove := r.Rule.Choose(list, r.Now, func(id uint64) bool { return inSet(id) || r.InUse != nil && r.InUse(id) })
		return keep, remove, nil
	})
	return out, wrap("collect snapshots of", r.Dataset, err)
}

// Delete removes one snapshot, which must not be the current or the pinned one. Its object goes at once. Kind
// Missing: there is no such snapshot; Invalid: it is current, pinned or in use.
func (m *Manager) Delete(ctx context.Context, dataset string, id uint64, inUse func(id uint64) bool) error {
	_, err := m.collect(ctx, CollectRequest{Dataset: dataset, Now: time.Now(), Grace: Grace, only: &id}, func(list []Snapshot, inSet func(uint64) bool) ([]Kept, []Snapshot, error) {
		i := slices.IndexFunc(list, func(s Snapshot) bool { return s.ID == id })
		switch {
		case i < 0:
			return nil, nil, &Error{Kind: Missing, Err: errors.New("metadata.json has no such snapshot"), Hint: "list them and choose another one"}
		case list[i].Pinned:
			return nil, nil, &Error{Kind: Invalid, Err: errors.New("it is pinned"), Hint: "unpin it first"}
		case list[i].Current:
			return nil, nil, &Error{Kind: Invalid, Err: errors.New("it is the current one, which new replicas load"), Hint: "make another one current first"}
		case list[i].pointed:
			return nil, nil, &Error{Kind: Invalid, Err: errors.New("the pointer of metadata.json is at it, which readers that know no incremental snapshots load"),
				Hint: "make another one current first that is not incremental"}
		case inSet(id):
			return nil, nil, &Error{Kind: Invalid, Err: errors.New("a set of partitions names it, which would not load any more"), Hint: "the last ten sets are kept"}
		case inUse != nil && inUse(id):
			return nil, nil, &Error{Kind: Invalid, Err: errors.New("it is in use"), Hint: "try again later"}
		}
		return nil, list[i : i+1], nil
	})
	return about("delete", dataset, id, err)
}

// collect removes what choose says. The objects are noted in the own state before their records go, so that they
// are found again whatever happens in between.
func (m *Manager) collect(ctx context.Context, r CollectRequest, choose func(list []Snapshot, inSet func(uint64) bool) ([]Kept, []Snapshot, error)) (Collected, error) {
	f, _, err := m.load(ctx)
	if err != nil {
		return Collected{}, err
	}
	own, _, err := m.loadOwn(ctx, r.Dataset)
	if err != nil {
		return Collected{}, err
	}
	var out Collected
	plan := func(d *metadata.Dataset) error {
		inSet, err := m.usedBySets(ctx, r.Dataset)
		if err != nil {
			return err
		}
		out.Kept, out.Removed, err = choose(view{d, own}.list(), inSet)
		return err
	}
	if d := f.Datasets[r.Dataset]; d != nil {
		if err := plan(d); err != nil {
			return Collected{}, err
		}
	} else if err := plan(&metadata.Dataset{}); err != nil {
		return Collected{}, err
	}
	if !r.DryRun && len(out.Removed) > 0 {
		if err := m.intend(ctx, r, out.Removed); err != nil {
			return Collected{}, err
		}
		intended := out.Removed
		err := m.change(ctx, func(f *metadata.File) error {
			d := f.Datasets[r.Dataset]
			if d == nil || !slices.ContainsFunc(intended, func(s Snapshot) bool { return d.Snapshot(s.ID) != nil }) {
				return errSame // they went with a write whose answer was lost
			}
			if err := plan(d); err != nil {
				return err
			}
			ids := map[uint64]bool{}
			for _, s := range out.Removed {
				// What another writer made removable meanwhile is noted next time.
				ids[s.ID] = slices.ContainsFunc(intended, func(i Snapshot) bool { return i.ID == s.ID && i.URI == s.URI })
			}
			out.Removed = slices.DeleteFunc(out.Removed, func(s Snapshot) bool { return !ids[s.ID] })
			if len(out.Removed) == 0 {
				return errSame
			}
			d.Remove(ids)
			if d.CurrentID != nil && ids[*d.CurrentID] { // of an abandoned partition
				d.CurrentID = nil
			}
			return nil
		})
		if err != nil {
			return Collected{}, err
		}
		if err := m.dropIncrements(ctx, own, intended); err != nil {
			return Collected{}, err
		}
		out.Removed = intended // as far as they went; see clean
	}
	err = m.clean(ctx, r, &out)
	return out, err
}

// intend notes objects in the own state.
func (m *Manager) intend(ctx context.Context, r CollectRequest, remove []Snapshot) error {
	return m.changeOwn(ctx, r.Dataset, func(o *metadata.Own) error {
		added := false
		for _, s := range remove {
			key, err := metadata.KeyOf(m.Location(), s.URI)
			if err != nil {
				continue // an object that is not ours to delete: only its record goes
			}
			// One that is noted was not removed then: a process died on the way.
			// What other snapshots are made of, too, is named by them and stays; see clean.
			keys := append([]string{key}, s.objects...)
			o.Removing = slices.DeleteFunc(o.Removing, func(x metadata.Removing) bool { return slices.Contains(keys, x.Key) })
			for i, k := range keys {
				o.Retire(k, r.Now.Add(orphanAge))
				x := metadata.Removing{ID: s.ID, Key: k, SinceMs: r.Now.UnixMilli()}
				if i == 0 {
					x.Bytes = uint64(s.Stored)
				}
				o.Removing = append(o.Removing, x)
			}
			added = true
		}
		if !added {
			return errSame
		}
		o.Removals++
		return nil
	})
}

// clean deletes the objects whose time has come and that no record names.
func (m *Manager) clean(ctx context.Context, r CollectRequest, out *Collected) error {
	f, _, err := m.load(ctx)
	if err != nil {
		return err
	}
	own, _, err := m.loadOwn(ctx, r.Dataset)
	if err != nil {
		return err
	}
	v := view{f.Datasets[r.Dataset], own}
	if v.d == nil {
		v.d = &metadata.Dataset{}
	}
	there := func(id uint64) bool { _, ok := v.find(id); return ok }
	if !r.DryRun {
		out.Removed = slices.DeleteFunc(out.Removed, func(s Snapshot) bool { return there(s.ID) })
	}
	named := m.named(f, own)
	gone := map[string]bool{} // of the list in the own state: dealt with
	for _, x := range own.Removing {
		switch {
		case named[x.Key]: // its record is there, so it was not removed after all
			gone[x.Key] = true
		case r.Now.Sub(time.UnixMilli(x.SinceMs)) < r.Grace && (r.only == nil || *r.only != x.ID):
			out.Waiting++
		default:
			out.Deleted++
			out.Bytes += int64(x.Bytes)
			gone[x.Key] = true
			if r.DryRun {
				continue
			}
			if err := m.store.Delete(ctx, x.Key); err != nil {
				return err
			}
		}
	}
	if r.only == nil {
		if err := m.sweepOrphans(ctx, r, f, own, named, out); err != nil {
			return err
		}
	}
	if r.DryRun {
		return nil
	}
	return m.changeOwn(ctx, r.Dataset, func(o *metadata.Own) error {
		before := len(o.Removing) + len(o.Checks) + len(o.Contents)
		o.Removing = slices.DeleteFunc(o.Removing, func(x metadata.Removing) bool { return gone[x.Key] })
		o.Forget(there)
		if len(o.Removing)+len(o.Checks)+len(o.Contents) == before {
			return errSame
		}
		return nil
	})
}

// named are the keys that records name, of whatever dataset, and what the incremental snapshots of one are made of.
func (m *Manager) named(f *metadata.File, own *metadata.Own) map[string]bool {
	keys := map[string]bool{}
	for name, d := range f.Datasets {
		for _, s := range d.Snapshots {
			if key, err := metadata.KeyOf(m.Location(), s.URI); err == nil {
				keys[key] = true
				if name == own.Dataset {
					keys[metadata.FullIndexKey(name, key, s.Checksum)] = true
				}
			}
		}
	}
	for i := range own.Increments.List {
		for _, key := range own.Increments.List[i].Keys(m.Location()) {
			keys[key] = true
		}
	}
	return keys
}

// sweepOrphans deletes what uploads left behind that never came to their record. Without a record of the dataset
// it does nothing: then it is more likely that metadata.json was lost.
func (m *Manager) sweepOrphans(ctx context.Context, r CollectRequest, f *metadata.File, own *metadata.Own, named map[string]bool, out *Collected) error {
	if d := f.Datasets[r.Dataset]; d == nil || len(d.Snapshots) == 0 {
		return nil
	}
	waiting := map[string]bool{}
	for _, x := range own.Removing {
		waiting[x.Key] = true
	}
	type orphan struct {
		key   string
		bytes int64
	}
	var found []orphan
	look := func(prefix, part string) error {
		return m.store.List(ctx, prefix, func(key string, a objstore.Attrs) bool {
			if strings.Contains(key, part) && !named[key] && !waiting[key] && r.Now.Sub(a.Modified) > orphanAge {
				found = append(found, orphan{key, a.Bytes})
			}
			return true
		})
	}
	if err := look("month=", "/dataset="+r.Dataset+"/"); err != nil {
		return err
	}
	if len(own.Increments.List) > 0 { // otherwise it is more likely that the own state was lost
		for _, folder := range []string{metadata.PacksFolder, metadata.IndexesFolder} {
			if err := look(folder+r.Dataset+"/", ""); err != nil {
				return err
			}
		}
	}
	for _, o := range found {
		out.Deleted++
		out.Orphans++
		out.Bytes += o.bytes
		if r.DryRun {
			continue
		}
		if err := m.store.Delete(ctx, o.key); err != nil {
			return err
		}
	}
	return nil
}
