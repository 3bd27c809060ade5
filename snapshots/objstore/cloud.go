package objstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"pitwall/snapshots/objstore/bucket"
)

const (
	// ownPrefix begins the keys that are pitwall's own, beside the format that others read.
	ownPrefix = "pitwall/"
	probeKey  = ownPrefix + "probe"
	// uploadMark is the metadata by which an upload knows its object again.
	uploadMark = "pitwallupload"

	// An upload is sent in parts, several at a time; S3 takes at most 10,000 parts, of at least 5 MiB. Memory
	// bounds how many large ones are under way.
	minPart     = 5 << 20
	maxParts    = 10_000
	uploadsOnce = 4
	uploadBytes = 32 << 20
	// answerTimeout bounds the look at what became of a write without an answer.
	answerTimeout = 10 * time.Second
)

// cloudStore does the conditional writes on an object store: its own preconditions decide. A lost answer
// looks like a lost race, so that what was written is looked at before a race is reported as lost.
type cloudStore struct {
	loc    bucket.Location
	bucket *bucket.Bucket // of the location
	fast   int64          // see fastPerSecond

	mu     sync.Mutex
	proven bool // the store obeys conditions
	exists bool // the bucket is there
}

func openCloud(location, scheme, path string, params map[string]string) (*Store, error) {
	p := bucket.NewParams(params)
	loc, ok := bucket.Locate(scheme, path, p, bucket.ReadWrite)
	if !ok {
		return nil, fmt.Errorf("scheme %q is not known; use s3://, gs://, abfss:// or file:///path", scheme)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return &Store{location: location, connect: func(ctx context.Context) (*blob.Bucket, conditional, error) {
		b, err := loc.Open(ctx)
		if err != nil {
			var f *bucket.Fault
			errors.As(err, &f)
			return nil, nil, (&cloudStore{loc: loc}).fail("open", loc.Name, err, f)
		}
		c := &cloudStore{loc: loc, bucket: b, fast: fastPerSecond}
		if prefix := strings.TrimSuffix(loc.Key, "/"); prefix != "" {
			b.Within(prefix + "/")
		}
		return b.Bucket, c, nil
	}}, nil
}

// Defaults fills in what differs for snapshots: without keys S3 is asked by the role of the machine (seed
// acceleration-snapshots, "Top-level snapshots"), never anonymously.
func Defaults(scheme string, params map[string]string) map[string]string {
	if scheme != "s3" && scheme != "s3a" || params["s3_auth"] != "" || params["s3_key"] != "" {
		return params
	}
	params = maps.Clone(params)
	if params == nil {
		params = map[string]string{}
	}
	params["s3_auth"] = "iam_role"
	return params
}

func (c *cloudStore) close() error { return c.bucket.Close() }

func (c *cloudStore) hidden(key string) bool { return key == probeKey }

func (c *cloudStore) list(ctx context.Context, prefix string, fn func(key string, a Attrs) bool) error {
	for it := c.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || !fn(o.Key, Attrs{Bytes: o.Size, Modified: o.ModTime}) {
			return err
		}
	}
}

// parts says how an object of that size is sent.
func parts(size int64) bucket.Multipart {
	part := max(minPart, (size+maxParts-1)/maxParts)
	return bucket.Multipart{PartBytes: part, Parallel: int(min(uploadsOnce, max(2, uploadBytes/part)))}
}

func (c *cloudStore) create(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := c.prove(ctx); err != nil {
		return err
	}
	mark := rand.Text()
	m := parts(size)
	m.Metadata = map[string]string{uploadMark: mark}
	err := c.bucket.Create(ctx, key, r, m)
	if err == nil {
		return nil
	}
	there, ours := c.ours(ctx, key, mark, size)
	if ours {
		return nil
	}
	// A server may refuse before it has read the body, and close the connection: then only the broken connection is
	// seen. What is there and not ours is somebody else's in any case.
	if there || c.lost(err) {
		return &Error{Op: "create", Key: key, Kind: KindExists, Err: errors.New("somebody else holds the key")}
	}
	return err
}

// ours tells whether the object is there, and the one that was uploaded with a mark.
func (c *cloudStore) ours(ctx context.Context, key, mark string, size int64) (there, ours bool) {
	ctx, cancel := Settling(ctx, answerTimeout)
	defer cancel()
	a, err := c.bucket.Attributes(ctx, key)
	return err == nil, err == nil && a.Metadata[uploadMark] == mark && a.Size == size
}

func (c *cloudStore) replace(ctx context.Context, key, version string, body []byte) error {
	if err := c.prove(ctx); err != nil {
		return err
	}
	err := c.swap(ctx, key, version, body)
	if err != nil && (c.lost(err) || version != "" && gcerrors.Code(err) == gcerrors.NotFound) {
		return &Error{Op: "replace", Key: key, Kind: KindConflict, Err: errors.New("it was changed meanwhile")}
	}
	return err
}

func (c *cloudStore) swap(ctx context.Context, key, version string, body []byte) error {
	o := &blob.WriterOptions{ContentType: "application/json"}
	if version == "" {
		o.IfNotExist = true
	} else {
		o.BeforeWrite = c.bucket.IfVersion(version)
	}
	return c.bucket.Upload(ctx, key, bytes.NewReader(body), o)
}

// lost tells whether a write was refused because of its condition. S3 also answers 409 when two writers
// meet.
func (c *cloudStore) lost(err error) bool {
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return true
	}
	f := c.bucket.Fault(err)
	return f != nil && (f.Status == http.StatusPreconditionFailed || f.Status == http.StatusConflict)
}

// prove finds out, before the first write, whether the store obeys conditions: two writers would overwrite
// each other on one that does not.
func (c *cloudStore) prove(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proven {
		return nil
	}
	bad := &Error{Op: "write to", Key: c.loc.Name, Kind: KindInvalid,
		Err: errors.New("the store ignores conditional writes, so that writers would overwrite each other; use one that has them, such as S3, GCS, Azure, MinIO or versitygw")}
	probe := []byte("{}")
	for range 2 { // the first may create it, the second may not
		err := c.swap(ctx, probeKey, "", probe)
		if err != nil && !c.lost(err) {
			return err
		}
		if c.proven = err != nil; c.proven {
			break
		}
	}
	if !c.proven {
		return bad
	}
	err := c.swap(ctx, probeKey, c.bucket.NoVersion(), probe)
	c.proven = err != nil && c.lost(err)
	if err != nil && !c.proven {
		return err
	}
	if !c.proven {
		return bad
	}
	return nil
}

// loadTries bounds how often an object is read whose body and version may be of two moments.
const loadTries = 5

// load reads until body and version belong together. Some servers keep the ETag beside the object, and give
// out an old body with a new ETag while somebody writes: a replace after that would lose what was written.
// An ETag that is not the MD5 of the body may also be the store's way; then two reads agree.
func (c *cloudStore) load(ctx context.Context, key string) ([]byte, string, error) {
	var last []byte
	var lastVersion string
	for try := range loadTries {
		r, err := c.bucket.NewReader(ctx, key, nil)
		if err != nil {
			return nil, "", err
		}
		body, err := io.ReadAll(r)
		version := c.bucket.VersionRead(r)
		if err = errors.Join(err, r.Close()); err != nil {
			if ctx.Err() != nil || try >= bucket.Attempts-1 || errors.Is(err, bucket.ErrIdle) {
				return nil, "", err
			}
			continue // the connection broke
		}
		if !c.bucket.Suspicious(version, body) || try > 0 && version == lastVersion && bytes.Equal(body, last) {
			return body, version, nil
		}
		last, lastVersion = body, version
	}
	return nil, "", &Error{Op: "read", Key: key, Kind: KindUnavailable, Err: errors.New("it changes all the time while it is read")}
}

// explain classifies an error of the store.
func (c *cloudStore) explain(ctx context.Context, op, key string, err error) error {
	f := c.bucket.Fault(err)
	if gcerrors.Code(err) == gcerrors.NotFound && !c.there(ctx) {
		return &Error{Op: op, Key: c.loc.Name, Kind: KindInvalid, Err: errors.New("there is no such bucket")}
	}
	return c.fail(op, key, err, f)
}

// there tells whether the bucket exists, as far as that can be told.
func (c *cloudStore) there(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.exists {
		ok, err := c.bucket.IsAccessible(ctx)
		c.exists = ok || err != nil
	}
	return c.exists
}

func (c *cloudStore) fail(op, key string, err error, f *bucket.Fault) error {
	e := &Error{Op: op, Key: key, Kind: KindUnavailable, Err: bucket.Cause(err, f, c.loc.Secrets)}
	status := 0
	if f != nil {
		status = f.Status
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Kind = KindDenied
		e.Err = fmt.Errorf("%w; check %s", e.Err, c.loc.Credentials)
	case status == http.StatusNotFound || gcerrors.Code(err) == gcerrors.NotFound:
		e.Kind = KindNotFound
	case status == 0:
		e.Err = fmt.Errorf("%w; check %s and the network", e.Err, c.loc.Endpoint)
	}
	return e
}
