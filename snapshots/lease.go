package snapshots

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
)

// LeaseTerms are those under which a process writes the snapshots of a dataset: one writer at a time, the others
// stand by (spec acceleration-snapshots 2.6).
type LeaseTerms struct {
	// Identity is the replica's, the same after a restart; Process is new for every process.
	Identity, Process string
	// Duration is how long the others wait for a sign of life.
	Duration time.Duration

	// above says that this process has the lease that comes before this one: whoever else has this one lost that.
	above bool
}

// LeaseDuration is the duration for writers that publish every interval: twice that, from 30 s to a day.
func LeaseDuration(interval time.Duration) time.Duration {
	if interval > metadata.MaxLease/2 {
		return metadata.MaxLease
	}
	return max(metadata.MinLease, 2*interval)
}

// Held is a lease that this process has.
type Held struct {
	Generation uint64
	// From is the identity that it was taken over from; Shared tells that another living process has the same
	// identity, so that both write.
	From   string
	Shared bool
}

// watched is a lease of somebody else, as it was first seen unchanged by this process' own clock.
type watched struct {
	version string
	since   time.Time
}

// leaseTries bounds how often a lease is written for one snapshot.
const leaseTries = 3

// acquire takes or renews the lease of a dataset. Kind Standby: somebody else has it. published is the
// generation of the newest snapshot.
func (m *Manager) acquire(ctx context.Context, dataset string, t LeaseTerms, published uint64) (Held, error) {
	for range leaseTries {
		body, version, err := m.store.Load(ctx, metadata.LeaseKey(dataset))
		if err != nil && objstore.KindOf(err) != objstore.KindNotFound {
			return Held{}, err
		}
		var old *metadata.Lease
		if err == nil {
			old, err = metadata.DecodeLease(body)
			if err != nil { // of a version to come, or damaged: somebody else's
				old = &metadata.Lease{Identity: "a writer that pitwall does not know", DurationMs: t.Duration.Milliseconds()}
			}
		}
		held := Held{}
		next := metadata.Lease{Version: metadata.LeaseVersion, Identity: t.Identity, Process: t.Process, DurationMs: t.Duration.Milliseconds()}
		now := time.Now().UnixMilli()
		switch {
		case old == nil:
			next.Generation, next.AcquireMs = published+1, now
		case old.Identity == t.Identity:
			next.Generation, next.AcquireMs = max(old.Generation, published), old.AcquireMs
			held.Shared = old.Process != t.Process && m.wrote(dataset) && old.DurationMs > 0
		default:
			if left := old.Duration() - m.unchanged(dataset, version); left > 0 && !t.above {
				return Held{}, &Error{Op: "create snapshot of", Kind: Standby,
					Err:  fmt.Errorf("%s writes the snapshots of this dataset (lease generation %d)", old.Identity, old.Generation),
					Hint: fmt.Sprintf("this replica stands by, and takes over when there is no sign of it for %s", old.Duration())}
			}
			next.Generation, next.AcquireMs = max(old.Generation, published)+1, now
			held.From = old.Identity
		}
		next.RenewMs = now
		if old != nil && next.RenewMs <= old.RenewMs {
			next.RenewMs = old.RenewMs + 1 // stores know contents by their hash
		}
		held.Generation = next.Generation
		text, err := next.Encode()
		if err != nil {
			return Held{}, err
		}
		err = m.store.Replace(ctx, metadata.LeaseKey(dataset), version, text)
		if err != nil && m.isThere(ctx, dataset, text) {
			err = nil // the answer was lost
		}
		switch {
		case err == nil:
			m.note(dataset, next)
			return held, nil
		case objstore.KindOf(err) != objstore.KindConflict:
			return Held{}, err
		}
	}
	return Held{}, &Error{Op: "create snapshot of", Kind: Standby, Err: fmt.Errorf("others take the lease all the time"), Hint: "it is tried again with the next snapshot"}
}

// isThere tells whether the lease is this text.
func (m *Manager) isThere(ctx context.Context, dataset string, text []byte) bool {
	ctx, cancel := objstore.Settling(ctx, settleTimeout)
	defer cancel()
	body, _, err := m.store.Load(ctx, metadata.LeaseKey(dataset))
	return err == nil && bytes.Equal(body, text)
}

// unchanged is how long this process has seen the lease of somebody else at the same version.
func (m *Manager) unchanged(dataset, version string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.watching[dataset]
	if w.version != version {
		w = watched{version, time.Now()}
		m.watching[dataset] = w
	}
	delete(m.leases, dataset)
	return time.Since(w.since)
}

// note remembers a lease that this process wrote.
func (m *Manager) note(dataset string, l metadata.Lease) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leases[dataset] = l
	delete(m.watching, dataset)
}

func (m *Manager) wrote(dataset string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.leases[dataset]
	return ok
}

// Release gives up the lease of a dataset, if this process wrote it last: another replica takes over with its
// next snapshot. The own one just goes on.
func (m *Manager) Release(ctx context.Context, dataset string) error {
	m.mu.Lock()
	mine, ok := m.leases[dataset]
	delete(m.leases, dataset)
	m.mu.Unlock()
	if !ok {
		return nil
	}
	body, version, err := m.store.Load(ctx, metadata.LeaseKey(dataset))
	if err != nil {
		return wrap("release the lease of", dataset, err)
	}
	if l, err := metadata.DecodeLease(body); err != nil || *l != mine {
		return nil // somebody else's
	}
	mine.DurationMs, mine.RenewMs = 0, mine.RenewMs+1
	text, err := mine.Encode()
	if err == nil {
		err = m.store.Replace(ctx, metadata.LeaseKey(dataset), version, text)
	}
	if objstore.KindOf(err) == objstore.KindConflict {
		return nil
	}
	return wrap("release the lease of", dataset, err)
}
