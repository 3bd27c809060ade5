// Package objstore is the object store under snapshots: gocloud.dev/blob for what is portable, plus
// the two conditional writes that the commit protocol needs and that hold on every store it opens:
// create-if-absent and compare-and-swap. A store that can't do them is refused.
//
// It starts no goroutines. Errors are *Error or wrap the context's.
package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Store is one location of an object store. All keys are relative to it. Methods are safe for
// concurrent use, by several processes too.
type Store struct {
	location string
	bucket   *blob.Bucket
	cond     conditional
}

// conditional are the writes for which stores differ.
type conditional interface {
	// create stores an object that must not exist. It is atomic and durable: KindExists, or the
	// whole object is there when it returns.
	create(ctx context.Context, key string, r io.Reader) error
	// replace stores an object if its version is still the given one; version "" means that it must
	// not exist. KindConflict otherwise.
	replace(ctx context.Context, key, version string, body []byte) error
	// version names the content of an object for replace.
	version(body []byte, a *blob.Attributes) string
	// hidden tells the store's own helper files from objects.
	hidden(key string) bool
}

// Kind classifies an error of the store.
type Kind string

// The kinds.
const (
	KindNotFound    Kind = "not found"
	KindExists      Kind = "exists"      // create: somebody else holds the key
	KindConflict    Kind = "conflict"    // replace: the version is not the current one
	KindDenied      Kind = "denied"      // permissions, credentials, read-only
	KindFull        Kind = "disk full"   // no space left
	KindUnavailable Kind = "unavailable" // worth another try
	KindInvalid     Kind = "invalid"     // the location can't be used at all
)

// Error is what the store returns.
type Error struct {
	Op, Key string
	Kind    Kind
	Err     error
}

// Error returns "op key: cause".
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Key, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in the chain; "" when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Attrs describes an object.
type Attrs struct {
	// Bytes is its size.
	Bytes    int64
	Modified time.Time
}

// Location is the location as it was opened.
func (s *Store) Location() string { return s.location }

// Create stores a new object from r; it never overwrites. KindExists: the key is taken.
func (s *Store) Create(ctx context.Context, key string, r io.Reader) error {
	return s.wrap("create", key, s.cond.create(ctx, key, r))
}

// Load returns a small object whole, with the version that Replace needs. KindNotFound when absent.
func (s *Store) Load(ctx context.Context, key string) (body []byte, version string, err error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", s.wrap("read", key, err)
	}
	defer r.Close()
	if body, err = io.ReadAll(r); err != nil {
		return nil, "", s.wrap("read", key, err)
	}
	return body, s.cond.version(body, nil), nil
}

// Replace stores body if the object still has the version that Load returned; version "" means that
// the object must not exist. KindConflict: somebody else was faster.
func (s *Store) Replace(ctx context.Context, key, version string, body []byte) error {
	return s.wrap("replace", key, s.cond.replace(ctx, key, version, body))
}

// Open returns a reader of the object and its size in bytes. The caller closes it.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, 0, s.wrap("read", key, err)
	}
	return r, r.Size(), nil
}

// Stat describes the object; KindNotFound when absent.
func (s *Store) Stat(ctx context.Context, key string) (Attrs, error) {
	a, err := s.bucket.Attributes(ctx, key)
	if err != nil {
		return Attrs{}, s.wrap("stat", key, err)
	}
	return Attrs{Bytes: a.Size, Modified: a.ModTime}, nil
}

// List calls fn for every object below prefix, in the order of their keys, until fn returns false.
func (s *Store) List(ctx context.Context, prefix string, fn func(key string, a Attrs) bool) error {
	it := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.wrap("list", prefix, err)
		}
		if s.cond.hidden(o.Key) {
			continue
		}
		if !fn(o.Key, Attrs{Bytes: o.Size, Modified: o.ModTime}) {
			return nil
		}
	}
}

// Delete removes the object; a missing one is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := s.bucket.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return s.wrap("delete", key, err)
}

// Close releases the store's connections.
func (s *Store) Close() error { return s.bucket.Close() }

// wrap classifies an error of gocloud or of a conditional write.
func (s *Store) wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	kind := fileKind(err)
	if kind == "" {
		switch gcerrors.Code(err) {
		case gcerrors.NotFound:
			kind = KindNotFound
		case gcerrors.PermissionDenied:
			kind = KindDenied
		default:
			kind = KindUnavailable
		}
	}
	return &Error{Op: op, Key: key, Kind: kind, Err: err}
}

// Open opens a location: file:///path, a bare path (relative to dir), and later s3://, gs:// and
// abfss://. KindInvalid says which locations can be used.
func Open(_ context.Context, location, dir string) (*Store, error) {
	invalid := func(err error) error {
		return &Error{Op: "open snapshot location " + location, Kind: KindInvalid, Err: err}
	}
	if location == "" {
		return nil, invalid(errors.New("no location"))
	}
	scheme, _, ok := strings.Cut(location, "://")
	if ok && scheme != "file" {
		return nil, invalid(fmt.Errorf("scheme %q is not supported yet; use file:///path", scheme))
	}
	s, err := openFile(location, dir)
	if err != nil {
		return nil, invalid(err)
	}
	return s, nil
}
