package snapshots

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"pitwall/snapshots/metadata"
)

// Size returns the size in bytes of the object of a snapshot, as the store has it; of an incremental one the size of
// the file, if all its objects are there. Kind Missing: one is gone.
func (m *Manager) Size(ctx context.Context, s Snapshot) (int64, error) {
	for _, key := range s.objects {
		if _, err := m.store.Stat(ctx, key); err != nil {
			return 0, wrap("look at", "", err)
		}
	}
	key, err := metadata.KeyOf(m.Location(), s.URI)
	if err != nil {
		return 0, &Error{Op: "find", Kind: Corrupt, Err: err}
	}
	a, err := m.store.Stat(ctx, key)
	if err == nil && s.Incremental {
		return s.Bytes, nil
	}
	return a.Bytes, wrap("look at", "", err)
}

// SetCurrent moves the pointer of a dataset to a stored snapshot, whose object must be there with its size: it
// is what new replicas load until the next snapshot is written (spec acceleration-snapshots 6). Kind Missing:
// there is no such snapshot; Corrupt: its object is of another size; Invalid: another one is pinned.
func (m *Manager) SetCurrent(ctx context.Context, dataset string, id uint64) error {
	return about("set current", dataset, id, m.point(ctx, dataset, id, false))
}

// Pin makes a stored snapshot the one that new replicas load, and keeps it so, also when newer ones are written,
// until Unpin. Spice moves the pointer when it writes; pitwall goes by the pin nevertheless, and moves it back.
// The kinds of errors are those of SetCurrent.
func (m *Manager) Pin(ctx context.Context, dataset string, id uint64) error {
	return about("pin", dataset, id, m.point(ctx, dataset, id, true))
}

// point moves the pointer of a dataset, which is in metadata.json for the snapshots there, and in the own state for
// incremental ones.
func (m *Manager) point(ctx context.Context, dataset string, id uint64, pin bool) error {
	v, err := m.view(ctx, dataset)
	if err != nil {
		return err
	}
	if inSet, err := m.usedBySets(ctx, dataset); err != nil {
		return err
	} else if inSet(id) {
		return &Error{Kind: Invalid, Err: errors.New("it is one of a partition: new replicas load what the newest set names"), Hint: "load an older set with pitwall snapshots bootstrap, and store that"}
	}
	if v.increment(id) != nil {
		return m.pointIncrement(ctx, v, dataset, id, pin)
	}
	err = m.change(ctx, func(f *metadata.File) error {
		now := view{d: f.Datasets[dataset], own: v.own}
		if now.d == nil || now.d.Snapshot(id) == nil {
			return &Error{Kind: Missing, Err: errUnknown, Hint: "list them and choose another one"}
		}
		if err := m.mayPoint(ctx, now, id, pin); err != nil {
			return err
		}
		switch p := now.d.Pinned(); {
		case now.d.CurrentID != nil && *now.d.CurrentID == id && (!pin || p != nil && *p == id):
			return errSame
		case pin:
			now.d.Pin(id)
		default:
			now.d.CurrentID = &id
		}
		return nil
	})
	if err != nil || v.own.Increments.CurrentID == nil && v.own.Increments.PinnedID == nil {
		return err
	}
	return m.changeOwn(ctx, dataset, func(o *metadata.Own) error {
		x := &o.Increments
		if x.CurrentID == nil && (!pin || x.PinnedID == nil) {
			return errSame
		}
		x.CurrentID, x.OverID = nil, nil
		if pin {
			x.PinnedID = nil
		}
		return nil
	})
}

// mayPoint looks whether the pointer may go to a snapshot, and would not dangle.
func (m *Manager) mayPoint(ctx context.Context, v view, id uint64, pin bool) error {
	if p := v.pinned(); !pin && p != nil && *p != id {
		return &Error{Kind: Invalid, Err: fmt.Errorf("snapshot %d is pinned", *p), Hint: "unpin it first, or pin this one"}
	}
	s, _ := v.find(id)
	size, err := m.Size(ctx, s)
	switch {
	case KindOf(err) == Missing:
		return &Error{Kind: Missing, Err: fmt.Errorf("the object %s is gone", s.URI), Hint: "choose another one"}
	case err != nil:
		return err
	case size != s.Bytes:
		return &Error{Kind: Corrupt, Err: fmt.Errorf("its object has %d bytes, recorded are %d", size, s.Bytes), Hint: "choose another one"}
	}
	return nil
}

func (m *Manager) pointIncrement(ctx context.Context, v view, dataset string, id uint64, pin bool) error {
	if err := m.mayPoint(ctx, v, id, pin); err != nil {
		return err
	}
	over := v.d.CurrentID
	if pin && v.d.Pinned() != nil {
		err := m.change(ctx, func(f *metadata.File) error {
			d := f.Datasets[dataset]
			if d == nil || d.Pinned() == nil {
				return errSame
			}
			d.Unpin()
			over = d.CurrentID
			return nil
		})
		if err != nil {
			return err
		}
	}
	return m.changeOwn(ctx, dataset, func(o *metadata.Own) error {
		x := &o.Increments
		if o.Increment(id) == nil {
			return &Error{Kind: Missing, Err: errUnknown, Hint: "list them and choose another one"}
		}
		if same(x.CurrentID, &id) && same(x.OverID, over) && (!pin || same(x.PinnedID, &id)) {
			return errSame
		}
		x.CurrentID, x.OverID = &id, over
		if pin {
			x.PinnedID = &id
		}
		return nil
	})
}

// errUnknown is the cause of Missing where there is no record.
var errUnknown = errors.New("the store has no such snapshot")

// Unpin lets the newest snapshot be current again. It is no error when none is pinned.
func (m *Manager) Unpin(ctx context.Context, dataset string) error {
	v, err := m.view(ctx, dataset)
	if err == nil && v.pinned() != nil {
		err = m.unpin(ctx, dataset)
	}
	return wrap("unpin", dataset, err)
}

func (m *Manager) unpin(ctx context.Context, dataset string) error {
	var d metadata.Dataset
	err := m.change(ctx, func(f *metadata.File) error {
		is := f.Datasets[dataset]
		if is == nil {
			return errSame
		}
		pinned := is.Pinned() != nil
		is.Unpin()
		d = *is
		if !pinned {
			return errSame
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.changeOwn(ctx, dataset, func(o *metadata.Own) error {
		x := &o.Increments
		before := *x
		x.PinnedID, x.CurrentID, x.OverID = nil, nil, nil
		if n := len(x.List); n > 0 && !slices.ContainsFunc(d.Snapshots, func(s metadata.Snapshot) bool { return s.ID > x.List[n-1].ID }) {
			x.CurrentID, x.OverID = &x.List[n-1].ID, d.CurrentID
		}
		if before.PinnedID == nil && same(before.CurrentID, x.CurrentID) && same(before.OverID, x.OverID) {
			return errSame
		}
		return nil
	})
}

// about fills in what an error is about.
func about(op, dataset string, id uint64, err error) error {
	if err = wrap(op, dataset, err); err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if e.Op == "" {
			e.Op = op
		}
		if e.Snapshot == nil {
			e.Snapshot = &id
		}
	}
	return err
}
