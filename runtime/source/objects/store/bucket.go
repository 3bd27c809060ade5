package store

import (
	"context"
	"errors"
	"io"
	"net/http"

	"gocloud.dev/blob"

	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/bucket"
)

// bucketStore is a bucket of an object store, opened by gocloud.dev.
type bucketStore struct {
	*bucket.Bucket
	// name is such as s3://bucket/.
	name   string
	faults faults
}

// locateBucket makes a Location of a bucket's.
func locateBucket(l bucket.Location) Location {
	f := faults{secrets: l.Secrets, params: l.Credentials, endpoint: l.Endpoint}
	return Location{Path: l.Key, Name: l.Name + l.Key, open: func(ctx context.Context) (Store, error) {
		b, err := l.Open(ctx)
		if err != nil {
			var what *bucket.Fault
			errors.As(err, &what)
			return nil, f.wrap(ctx, l.Name, err, what)
		}
		return &bucketStore{Bucket: b, name: l.Name, faults: f}, nil
	}}
}

func (s *bucketStore) Place(path string) string { return s.name + path }
func (s *bucketStore) Remote() bool             { return true }

func (s *bucketStore) wrap(ctx context.Context, path string, err error) error {
	if err == nil {
		return nil
	}
	return s.faults.wrap(ctx, s.Place(path), err, s.Fault(err))
}

func (s *bucketStore) Stat(ctx context.Context, path string) (source.Object, error) {
	a, err := s.Attributes(ctx, path)
	if f := s.Fault(err); err != nil && f != nil && f.Status == http.StatusForbidden {
		// The answer to HEAD has no body that could say why; that to GET has.
		r, cause := s.NewRangeReader(ctx, path, 0, 1, nil)
		if cause == nil {
			cause = r.Close()
		}
		if cause != nil {
			err = cause
		}
	}
	if err != nil {
		return source.Object{}, s.wrap(ctx, path, err)
	}
	return source.Object{Path: path, Size: a.Size, Modified: a.ModTime.UTC(), ETag: s.VersionOf(a)}, nil
}

func (s *bucketStore) List(ctx context.Context, prefix string, level bool, each func(Entry) error) error {
	opts := &blob.ListOptions{Prefix: prefix}
	if level {
		opts.Delimiter = "/"
	}
	for it := s.Bucket.Bucket.List(opts); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return s.wrap(ctx, prefix, err)
		}
		if hiddenFolder(o.Key, prefix) {
			continue
		}
		// Consoles create an empty object whose name ends in "/" to show an empty folder.
		if !o.IsDir && o.Key[len(o.Key)-1] == '/' {
			continue
		}
		e := Entry{Object: source.Object{Path: o.Key}, Folder: o.IsDir}
		if !o.IsDir {
			e.Size, e.Modified, e.ETag = o.Size, o.ModTime.UTC(), s.Version(o)
		}
		if err := each(e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Open needs no request: every read names the version that was listed.
func (s *bucketStore) Open(ctx context.Context, o source.Object) (Content, error) {
	return &bucketContent{s: s, ctx: ctx, o: o}, nil
}

type bucketContent struct {
	s   *bucketStore
	ctx context.Context // of the run that reads; ReadAt has none of its own
	o   source.Object
}

func (c *bucketContent) Check(bool) error { return nil }
func (c *bucketContent) Growing() bool    { return false }
func (c *bucketContent) Close() error     { return nil }

// ReadAt reads a range; when the connection breaks in the middle it goes on from there.
func (c *bucketContent) ReadAt(p []byte, off int64) (n int, err error) {
	return resumed(p, off, c.o.Size, func(p []byte, off int64) (int, error) {
		r, err := c.s.NewRangeReader(c.ctx, c.o.Path, off, int64(len(p)), c.s.Pin(c.o.ETag))
		if err != nil {
			return 0, refused{err}
		}
		defer r.Close()
		return io.ReadFull(r, p)
	}, c.wrap)
}

func (c *bucketContent) wrap(err error) error {
	err = c.s.wrap(c.ctx, c.o.Path, err)
	if source.KindOf(err) == source.Missing {
		return changed(c.s.Place(c.o.Path), "it was removed while it was read")
	}
	return err
}

// resumed fills p from a range of an object of the given size. get may end early, as a broken
// connection does: the rest is asked for anew, as long as every answer brings something.
func resumed(p []byte, off, size int64, get func(p []byte, off int64) (int, error), wrap func(error) error) (n int, err error) {
	if off >= size {
		return 0, io.EOF
	}
	short := int64(len(p)) > size-off
	if short {
		p = p[:size-off]
	}
	for empty := 0; n < len(p); {
		got, err := get(p[n:], off+int64(n))
		n += got
		if n == len(p) {
			break
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		if got > 0 {
			empty = 0
		}
		if empty++; empty >= bucket.Attempts || errors.As(err, new(refused)) || errors.Is(err, bucket.ErrIdle) {
			return n, wrap(err)
		}
	}
	if short {
		err = io.EOF
	}
	return n, err
}

// refused is an answer that did not begin, after the library's own attempts.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }
