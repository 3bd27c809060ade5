package snapshots

import (
	"context"
	"errors"
	"fmt"

	"pitwall/snapshots/metadata"
)

// Size returns the size in bytes of the object of a snapshot, as the store has it. Kind Missing: it is gone.
func (m *Manager) Size(ctx context.Context, s Snapshot) (int64, error) {
	key, err := metadata.KeyOf(m.Location(), s.URI)
	if err != nil {
		return 0, &Error{Op: "find", Kind: Corrupt, Err: err}
	}
	a, err := m.store.Stat(ctx, key)
	return a.Bytes, wrap("look at", "", err)
}

// SetCurrent moves the pointer of a dataset to a stored snapshot, whose object must be there with its size: it
// is what new replicas load until the next snapshot is written (spec acceleration-snapshots 6). Kind Missing:
// there is no such snapshot; Corrupt: its object is of another size; Invalid: another one is pinned.
func (m *Manager) SetCurrent(ctx context.Context, dataset string, id uint64) error {
	return m.point(ctx, "set current", dataset, id, func(d *metadata.Dataset) error {
		if p := d.Pinned(); p != nil && *p != id {
			return &Error{Kind: Invalid, Err: fmt.Errorf("snapshot %d is pinned", *p), Hint: "unpin it first, or pin this one"}
		}
		if d.CurrentID != nil && *d.CurrentID == id {
			return errSame
		}
		d.CurrentID = &id
		return nil
	})
}

// Pin makes a stored snapshot the one that new replicas load, and keeps it so, also when newer ones are written,
// until Unpin. Spice moves the pointer when it writes; pitwall goes by the pin nevertheless, and moves it back.
// The kinds of errors are those of SetCurrent.
func (m *Manager) Pin(ctx context.Context, dataset string, id uint64) error {
	return m.point(ctx, "pin", dataset, id, func(d *metadata.Dataset) error {
		if p := d.Pinned(); p != nil && *p == id && d.CurrentID != nil && *d.CurrentID == id {
			return errSame
		}
		d.Pin(id)
		return nil
	})
}

// point changes where the pointer of a dataset goes.
func (m *Manager) point(ctx context.Context, op, dataset string, id uint64, fn func(d *metadata.Dataset) error) error {
	err := m.change(ctx, func(f *metadata.File) error {
		d := f.Datasets[dataset]
		if d == nil || d.Snapshot(id) == nil {
			return &Error{Kind: Missing, Err: errors.New("metadata.json has no such snapshot"), Hint: "list them and choose another one"}
		}
		if err := fn(d); err != nil {
			return err
		}
		s := fromRecord(*d.Snapshot(id), d)
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
	})
	return about(op, dataset, id, err)
}

// Unpin lets the newest snapshot be current again. It is no error when none is pinned.
func (m *Manager) Unpin(ctx context.Context, dataset string) error {
	return wrap("unpin", dataset, m.change(ctx, func(f *metadata.File) error {
		d := f.Datasets[dataset]
		if d == nil || d.Pinned() == nil {
			return errSame
		}
		d.Unpin()
		return nil
	}))
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
