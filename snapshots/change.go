package snapshots

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"pitwall/snapshots/metadata"
	"pitwall/snapshots/objstore"
)

// maxCommits bounds the compare-and-swap loop. Each lost race means that another writer committed, so
// with this many losses in a row the location has far more writers than it can serve.
const maxCommits = 100

// maxPause bounds how long a writer that lost a race waits, at random, before it tries again.
const maxPause = 250 * time.Millisecond

// settleTimeout bounds the look at what became of a write without an answer.
const settleTimeout = 10 * time.Second

// errSame is returned by a change that has nothing to do.
var errSame = errors.New("nothing to change")

// change applies fn to metadata.json by compare-and-swap, again on what another writer made of it in between.
// fn gets the file as it is and changes it, or returns errSame, which ends the change well, or another error,
// which ends it. A change without an answer counts as done when fn then finds nothing to do.
func (m *Manager) change(ctx context.Context, fn func(f *metadata.File) error) error {
	attempt := func(ctx context.Context, write bool) (bool, error) {
		f, version, err := m.load(ctx)
		if err != nil {
			return false, err
		}
		if err = fn(f); err != nil || !write {
			return false, err
		}
		f.LastUpdatedMs = time.Now().UnixMilli()
		if f.Location == "" {
			f.Location = m.Location()
		}
		body, err := f.Encode()
		if err != nil {
			return false, &Error{Op: "write metadata of", Kind: Invalid, Err: err}
		}
		return true, m.store.Replace(ctx, metadata.Name, version, body)
	}
	return swap(ctx, metadata.Name, attempt)
}

// changeOwn is change on the own state of a dataset.
func (m *Manager) changeOwn(ctx context.Context, dataset string, fn func(o *metadata.Own) error) error {
	key := metadata.OwnKey(dataset)
	return swap(ctx, key, func(ctx context.Context, write bool) (bool, error) {
		o, version, err := m.loadOwn(ctx, dataset)
		if err != nil {
			return false, err
		}
		if err = fn(o); err != nil || !write {
			return false, err
		}
		body, err := o.Encode()
		if err != nil {
			return false, &Error{Op: "write own state of", Kind: Invalid, Err: err}
		}
		return true, m.store.Replace(ctx, key, version, body)
	})
}

// loadOwn reads the own state of a dataset; a missing one is empty, with version "".
func (m *Manager) loadOwn(ctx context.Context, dataset string) (*metadata.Own, string, error) {
	key := metadata.OwnKey(dataset)
	b, version, err := m.store.Load(ctx, key)
	if objstore.KindOf(err) == objstore.KindNotFound {
		return &metadata.Own{Version: metadata.OwnVersion, Dataset: dataset}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	o, err := metadata.DecodeOwn(b)
	if err != nil {
		return nil, "", &Error{Op: "read own state of", Dataset: dataset, Kind: BadMetadata, Err: err,
			Hint: "it may be removed: " + metadata.URI(m.Location(), key) + " holds results of verifications and what waits for removal"}
	}
	return o, version, nil
}

// swap runs attempts until one is through. attempt reads and, with write, writes; wrote tells whether it came
// to the write.
func swap(ctx context.Context, key string, attempt func(ctx context.Context, write bool) (wrote bool, err error)) error {
	for n := range maxCommits {
		wrote, err := attempt(ctx, true)
		switch {
		case err == nil, errors.Is(err, errSame):
			return nil
		case !wrote:
			return err
		case objstore.KindOf(err) != objstore.KindConflict:
			return settle(ctx, err, attempt)
		}
		pause := min(maxPause, time.Millisecond<<min(n, 10))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(pause)):
		}
	}
	return &Error{Op: "commit to the snapshots of", Kind: Conflict, Hint: "try again",
		Err: fmt.Errorf("other writers changed %s %d times in a row", key, maxCommits)}
}

// settle finds out what became of a write whose answer was an error, and only then reports.
func settle(ctx context.Context, cause error, attempt func(ctx context.Context, write bool) (bool, error)) error {
	ctx, cancel := objstore.Settling(ctx, settleTimeout)
	defer cancel()
	switch _, err := attempt(ctx, false); {
	case errors.Is(err, errSame):
		return nil
	case err != nil:
		return fmt.Errorf("%w; whether it was committed could not be read: %w", cause, err)
	}
	return cause
}
