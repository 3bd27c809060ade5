// Package objstore is the object store under snapshots: gocloud.dev/blob for what is portable, plus
// the two conditional writes that the commit protocol needs and that hold on every store it opens:
// create-if-absent and compare-and-swap. A store that can't do them is refused.
//
// What a download starts ends when its reader is closed. Errors are *Error or wrap the context's.
package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
)

// Store is one location of an object store. All keys are relative to it. Methods are safe for
// concurrent use, by several processes too.
type Store struct {
	location string
	connect  func(context.Context) (*blob.Bucket, conditional, error)

	mu     sync.Mutex
	bucket *blob.Bucket // nil until it is needed
	cond   conditional
}

// open connects, unless that is done: a store that is away when pitwall starts is asked again.
func (s *Store) open(ctx context.Context) (*blob.Bucket, conditional, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bucket == nil {
		b, c, err := s.connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		s.bucket, s.cond = b, c
	}
	return s.bucket, s.cond, nil
}

// conditional are the writes for which stores differ.
type conditional interface {
	// create stores an object of size bytes that must not exist. It is atomic and durable: KindExists,
	// or the whole object is there when it returns.
	create(ctx context.Context, key string, r io.Reader, size int64) error
	// replace stores an object if its version is still the given one; version "" means that it must
	// not exist. KindConflict otherwise.
	replace(ctx context.Context, key, version string, body []byte) error
	// load reads an object whole and names its content for replace.
	load(ctx context.Context, key string) (body []byte, version string, err error)
	// open returns a reader of an object and its size in bytes.
	open(ctx context.Context, key string) (io.ReadCloser, int64, error)
	// openRange returns a reader of n bytes of an object, which has them.
	openRange(ctx context.Context, key string, from, n int64) (io.ReadCloser, error)
	// list calls fn for every key that begins with prefix, in order, until it returns false.
	list(ctx context.Context, prefix string, fn func(key string, a Attrs) bool) error
	// explain makes an *Error.
	explain(ctx context.Context, op, key string, err error) error
	close() error
	// prove finds out whether the conditions hold; mayWrite whether we may write at all.
	prove(ctx context.Context) error
	mayWrite(ctx context.Context) error
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

// Create stores a new object of size bytes from r; it never overwrites. KindExists: the key is taken.
func (s *Store) Create(ctx context.Context, key string, r io.Reader, size int64) error {
	_, c, err := s.open(ctx)
	if err == nil {
		err = c.create(ctx, key, r, size)
	}
	return s.wrap(ctx, "create", key, err)
}

// Load returns a small object whole, with the version that Replace needs. KindNotFound when absent.
func (s *Store) Load(ctx context.Context, key string) (body []byte, version string, err error) {
	_, c, err := s.open(ctx)
	if err == nil {
		body, version, err = c.load(ctx, key)
	}
	return body, version, s.wrap(ctx, "read", key, err)
}

// Replace stores body if the object still has the version that Load returned; version "" means that
// the object must not exist. KindConflict: somebody else was faster.
func (s *Store) Replace(ctx context.Context, key, version string, body []byte) error {
	_, c, err := s.open(ctx)
	if err == nil {
		err = c.replace(ctx, key, version, body)
	}
	return s.wrap(ctx, "replace", key, err)
}

// Open returns a reader of the object and its size in bytes. The caller closes it.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	_, c, err := s.open(ctx)
	if err != nil {
		return nil, 0, s.wrap(ctx, "read", key, err)
	}
	r, size, err := c.open(ctx, key)
	if err != nil {
		return nil, 0, s.wrap(ctx, "read", key, err)
	}
	return r, size, nil
}

// OpenRange returns a reader of n bytes of the object from an offset on, which it must have. The caller closes it.
func (s *Store) OpenRange(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	_, c, err := s.open(ctx)
	if err != nil {
		return nil, s.wrap(ctx, "read", key, err)
	}
	r, err := c.openRange(ctx, key, from, n)
	if err != nil {
		return nil, s.wrap(ctx, "read", key, err)
	}
	return r, nil
}

// Stat describes the object; KindNotFound when absent.
func (s *Store) Stat(ctx context.Context, key string) (Attrs, error) {
	b, _, err := s.open(ctx)
	if err != nil {
		return Attrs{}, s.wrap(ctx, "stat", key, err)
	}
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return Attrs{}, s.wrap(ctx, "stat", key, err)
	}
	return Attrs{Bytes: a.Size, Modified: a.ModTime}, nil
}

// List calls fn for every object below prefix, in the order of their keys, until fn returns false.
func (s *Store) List(ctx context.Context, prefix string, fn func(key string, a Attrs) bool) error {
	_, c, err := s.open(ctx)
	if err == nil {
		err = c.list(ctx, prefix, func(key string, a Attrs) bool { return c.hidden(key) || fn(key, a) })
	}
	return s.wrap(ctx, "list", prefix, err)
}

// Delete removes the object; a missing one is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	b, _, err := s.open(ctx)
	if err == nil {
		err = b.Delete(ctx, key)
	}
	if err = s.wrap(ctx, "delete", key, err); KindOf(err) == KindNotFound {
		return nil
	}
	return err
}

// Close releases the store's connections.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cond == nil {
		return nil
	}
	return s.cond.close()
}

// wrap classifies an error of gocloud or of a conditional write.
func (s *Store) wrap(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return err
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s %s: %w", op, key, cause)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return s.cond.explain(ctx, op, key, err)
}

// Open opens a location: s3://, gs:// or abfss://, with the params of a spicepod, file:///path, or a bare path
// relative to dir. It does not connect. KindInvalid says which locations and params can be used.
func Open(_ context.Context, location, dir string, params map[string]string) (*Store, error) {
	invalid := func(err error) error {
		return &Error{Op: "open snapshot location " + location, Kind: KindInvalid, Err: err}
	}
	if location == "" {
		return nil, invalid(errors.New("no location"))
	}
	scheme, path, ok := strings.Cut(location, "://")
	var s *Store
	var err error
	if ok && scheme != "file" {
		s, err = openCloud(location, scheme, path, Defaults(scheme, params))
	} else {
		s, err = openFile(location, dir)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return s, nil
}
