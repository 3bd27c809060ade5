package snapshots

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Stored is what a location has of one dataset.
type Stored struct {
	Dataset string
	// Engine is that of the latest writer; empty for writers older than the field.
	Engine string
	// Snapshots is how many there are, Bytes what was stored of them together.
	Snapshots int
	Bytes     int64
	// Newest is when the newest of them was created; zero without any.
	Newest time.Time
	// Current is the id of the one that a new replica loads, nil when there is none.
	Current *uint64
}

// Datasets returns what the location has, by name; nothing when no snapshot was ever written.
func (m *Manager) Datasets(ctx context.Context) ([]Stored, error) {
	f, _, err := m.load(ctx)
	if err != nil {
		return nil, wrap("list", "", err)
	}
	var out []Stored
	for _, name := range slices.Sorted(maps.Keys(f.Datasets)) {
		v, err := m.viewOf(ctx, f, name)
		if err != nil {
			return nil, wrap("list", name, err)
		}
		list := v.list()
		s := Stored{Dataset: name, Engine: v.d.Engine, Snapshots: len(list), Current: v.target()}
		for _, r := range list {
			s.Bytes += r.Stored
			if r.Created.After(s.Newest) {
				s.Newest = r.Created
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// Download writes the object of a listed snapshot to file, synced, and checks its size and SHA-256 on the way;
// after an error the file may hold a part of it. Kinds Missing and Corrupt speak of the object.
func (m *Manager) Download(ctx context.Context, dataset string, s Snapshot, file string, progress func(done, total int64)) error {
	err := m.fetch(ctx, s, file, func(n int64) {
		if progress != nil {
			progress(n, s.Bytes)
		}
	})
	return named(wrap("read", dataset, err), s.ID)
}

// looksOnce bounds how many objects are looked at at the same time.
const looksOnce = 10

// Look is what a small request for an object shows.
type Look struct {
	// Bytes is its size; Err says why that is not known, of Kind Missing when it is gone.
	Bytes int64
	Err   error
}

// Look asks for the objects of snapshots without reading them, several at a time, by the ids of the snapshots.
func (m *Manager) Look(ctx context.Context, list []Snapshot) map[uint64]Look {
	var mu sync.Mutex
	out := map[uint64]Look{}
	var looks errgroup.Group
	looks.SetLimit(looksOnce)
	for _, s := range list {
		looks.Go(func() error {
			n, err := m.Size(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			out[s.ID] = Look{n, err}
			return nil
		})
	}
	_ = looks.Wait() // none of them fails
	return out
}
