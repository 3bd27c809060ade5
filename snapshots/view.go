package snapshots

import (
	"cmp"
	"context"
	"slices"

	"pitwall/snapshots/metadata"
)

// view is all that the store records of the snapshots of a dataset: those of metadata.json, and the incremental
// ones of the own state.
type view struct {
	d   *metadata.Dataset // never nil
	own *metadata.Own     // never nil
}

// view reads both. Without the own state, or with one that can't be read, there are no incremental snapshots.
func (m *Manager) view(ctx context.Context, dataset string) (view, error) {
	f, _, err := m.load(ctx)
	if err != nil {
		return view{}, err
	}
	return m.viewOf(ctx, f, dataset)
}

func (m *Manager) viewOf(ctx context.Context, f *metadata.File, dataset string) (view, error) {
	v := view{d: f.Datasets[dataset]}
	if v.d == nil {
		v.d = &metadata.Dataset{}
	}
	var err error
	v.own, _, err = m.loadOwn(ctx, dataset)
	if KindOf(err) == BadMetadata {
		v.own, err = &metadata.Own{}, nil
	}
	return v, err
}

// increment returns the record of an incremental snapshot, or nil.
func (v view) increment(id uint64) *metadata.Increment {
	if v.d.Snapshot(id) != nil { // of a writer that does not know how ids are reserved
		return nil
	}
	return v.own.Increment(id)
}

// pinned is the id that stays current, or nil.
func (v view) pinned() *uint64 {
	if p := v.d.Pinned(); p != nil {
		return p
	}
	if p := v.own.Increments.PinnedID; p != nil && v.increment(*p) != nil {
		return p
	}
	return nil
}

// target is the id that a new replica loads, or nil. The pointer of the incremental snapshots counts for as long as
// the one of metadata.json is where it was when it was set.
func (v view) target() *uint64 {
	if p := v.pinned(); p != nil {
		return p
	}
	x := v.own.Increments
	if x.CurrentID != nil && v.increment(*x.CurrentID) != nil && same(x.OverID, v.d.CurrentID) {
		return x.CurrentID
	}
	if t := v.d.Target(); t != nil {
		return &t.ID
	}
	return nil
}

func same(a, b *uint64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// list returns all snapshots, newest first.
func (v view) list() []Snapshot {
	out := make([]Snapshot, 0, len(v.d.Snapshots)+len(v.own.Increments.List))
	target, pinned := v.target(), v.pinned()
	add := func(s Snapshot) {
		s.Current, s.Pinned = target != nil && *target == s.ID, pinned != nil && *pinned == s.ID
		s.pointed = same(v.d.CurrentID, &s.ID)
		out = append(out, s)
	}
	for _, r := range slices.Backward(v.d.Snapshots) {
		add(fromRecord(r))
	}
	if len(v.own.Increments.List) > 0 {
		ids := make(map[uint64]bool, len(out))
		for _, s := range out {
			ids[s.ID] = true
		}
		for _, x := range slices.Backward(v.own.Increments.List) {
			if !ids[x.ID] {
				add(fromIncrement(x))
			}
		}
		slices.SortStableFunc(out, func(a, b Snapshot) int { return cmp.Compare(b.ID, a.ID) })
	}
	return out
}

// find returns a snapshot.
func (v view) find(id uint64) (Snapshot, bool) {
	var s Snapshot
	if r := v.d.Snapshot(id); r != nil {
		s = fromRecord(*r)
	} else if x := v.own.Increment(id); x != nil {
		s = fromIncrement(*x)
	} else {
		return s, false
	}
	target, pinned := v.target(), v.pinned()
	s.Current, s.Pinned = target != nil && *target == id, pinned != nil && *pinned == id
	return s, true
}

func fromIncrement(x metadata.Increment) Snapshot {
	s := fromRecord(x.Snapshot)
	s.Incremental, s.Stored, s.objects = true, int64(x.Stored), x.Objects
	return s
}
