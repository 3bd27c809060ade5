package objstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"gocloud.dev/gcerrors"

	"pitwall/snapshots/objstore/bucket"
)

// Prove finds out whether the store obeys conditional writes, as it does before its first write: two writers
// would overwrite each other on one that does not. It may leave an object of a few bytes below pitwall/.
// KindInvalid: it does not obey them.
func (s *Store) Prove(ctx context.Context) error {
	_, c, err := s.open(ctx)
	if err == nil {
		err = c.prove(ctx)
	}
	if err == nil { // it may have been proven long ago, when we were still allowed to
		err = c.mayWrite(ctx)
	}
	return s.wrap(ctx, "write to", "", err)
}

// MayWrite tells whether the credentials allow to write. It writes nothing, unless the store does not obey
// conditions.
func (s *Store) MayWrite(ctx context.Context) (bool, error) {
	_, c, err := s.open(ctx)
	if err == nil {
		err = c.mayWrite(ctx)
	}
	if err = s.wrap(ctx, "write to", "", err); KindOf(err) == KindDenied {
		return false, nil
	}
	return err == nil, err
}

// Inspect asks how the bucket of the location is set up; ok is false for a folder.
func (s *Store) Inspect(ctx context.Context, key string) (b bucket.Settings, ok bool, err error) {
	_, c, err := s.open(ctx)
	if err != nil {
		return b, false, s.wrap(ctx, "look at", "", err)
	}
	cloud, ok := c.(*cloudStore)
	if !ok {
		return b, false, nil
	}
	return cloud.bucket.Inspect(ctx, key, cloud.loc.Secrets), true, nil
}

// Prefix begins the keys of the location in its bucket; empty for the whole bucket, and for a folder.
func (s *Store) Prefix(ctx context.Context) (string, error) {
	_, c, err := s.open(ctx)
	if err != nil {
		return "", s.wrap(ctx, "look at", "", err)
	}
	if cloud, ok := c.(*cloudStore); ok {
		return cloud.loc.Key, nil
	}
	return "", nil
}

// mayWrite replaces an object under a condition that never holds.
func (c *cloudStore) mayWrite(ctx context.Context) error {
	err := c.swap(ctx, probeKey, c.bucket.NoVersion(), []byte("{}"))
	if err == nil || c.lost(err) {
		return nil
	}
	if f := c.bucket.Fault(err); gcerrors.Code(err) == gcerrors.NotFound || f != nil && f.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// prove does what two writers would.
func (f *fileStore) prove(ctx context.Context) error {
	for _, version := range []string{"", "none"} {
		err := f.replace(ctx, probeKey, version, []byte("{}"))
		switch {
		case KindOf(err) == KindConflict:
		case err != nil:
			return err
		case version != "":
			return &Error{Op: "write to", Key: f.root, Kind: KindInvalid, Err: errors.New("a condition was not obeyed")}
		}
	}
	return nil
}

func (f *fileStore) mayWrite(context.Context) error {
	tmp, err := os.CreateTemp(f.root, tempPrefix+"*")
	if err != nil {
		return err
	}
	if err := errors.Join(tmp.Close(), os.Remove(tmp.Name())); err != nil {
		return fmt.Errorf("%s: %w", tmp.Name(), err)
	}
	return nil
}
