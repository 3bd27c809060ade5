package snapshots

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
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
// there is no such snapshot; Corrupt: its object is of another size.
func (m *Manager) SetCurrent(ctx context.Context, dataset string, id uint64) error {
	fail := func(kind Kind, err error, hint string) error {
		return &Error{Op: "set current", Dataset: dataset, Snapshot: &id, Kind: kind, Err: err, Hint: hint}
	}
	for range maxCommits {
		f, version, err := m.load(ctx)
		if err != nil {
			return wrap("set current", dataset, err)
		}
		d := f.Datasets[dataset]
		if d == nil || d.Snapshot(id) == nil {
			return fail(Missing, errors.New("metadata.json has no such snapshot"), "list them and choose another one")
		}
		if d.CurrentID != nil && *d.CurrentID == id {
			return nil
		}
		s := fromRecord(*d.Snapshot(id), d)
		size, err := m.Size(ctx, s)
		switch {
		case KindOf(err) == Missing:
			return fail(Missing, fmt.Errorf("the object %s is gone", s.URI), "choose another one")
		case err != nil:
			return wrap("set current", dataset, err)
		case size != s.Bytes:
			return fail(Corrupt, fmt.Errorf("its object has %d bytes, recorded are %d", size, s.Bytes), "choose another one")
		}
		d.CurrentID, f.LastUpdatedMs = &id, time.Now().UnixMilli()
		body, err := f.Encode()
		if err != nil {
			return fail(Invalid, err, "")
		}
		if err = m.store.Replace(ctx, metadata.Name, version, body); objstore.KindOf(err) != objstore.KindConflict {
			return wrap("set current", dataset, err)
		}
	}
	return fail(Conflict, fmt.Errorf("other writers changed metadata.json %d times in a row", maxCommits), "try again")
}
