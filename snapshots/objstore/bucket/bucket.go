// Package bucket opens buckets of S3, Google Cloud Storage and Azure Blob Storage by gocloud.dev, from the
// params of a spicepod, and knows what gocloud leaves to the vendors: versions of objects, conditions on
// reads and writes, and what an error means. It starts no goroutines of its own; those of idle connections
// end with Close.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"gocloud.dev/blob"
)

// Location is a bucket and a key or a prefix in it. Making one needs no network.
type Location struct {
	// Name is such as s3://bucket/, Key what follows it.
	Name, Key string
	// Credentials and Endpoint name the params to check when access is denied, or nobody answers.
	Credentials, Endpoint string
	// Secrets must not be in a message.
	Secrets []string

	open func(context.Context) (*Bucket, error)
}

// Open connects. An error is a *Fault. The caller closes the bucket.
func (l Location) Open(ctx context.Context) (*Bucket, error) { return l.open(ctx) }

// Access says what a bucket is opened for.
type Access int

// The kinds of access.
const (
	Read Access = iota
	ReadWrite
)

// Locate reads a path such as bucket/key with the params of its connector; false for a connector that is no
// bucket. What is wrong is told by p.
func Locate(connector, path string, p *Params, a Access) (Location, bool) {
	switch connector {
	case "s3", "s3a":
		return locateS3(p, path), true
	case "gs", "gcs":
		return locateGCS(p, path, a), true
	case "abfs", "abfss", "az", "azure":
		return locateAzure(p, path), true
	default:
		return Location{}, false
	}
}

// Bucket is an open bucket.
type Bucket struct {
	*blob.Bucket
	transport *Transport
	vendor    vendor
	login     func(context.Context) (Login, error)
	prefix    string
}

// Within narrows the bucket to the keys below a prefix, which ends with a slash.
func (b *Bucket) Within(prefix string) {
	b.Bucket, b.prefix = blob.PrefixedBucket(b.Bucket, prefix), b.prefix+prefix
}

// Multipart says how a large object is sent.
type Multipart struct {
	// PartBytes is the size of a part; Parallel of them are under way at a time, and one more in memory.
	PartBytes int64
	Parallel  int
	Metadata  map[string]string
}

// uploader is a vendor whose library takes less memory than gocloud lets it.
type uploader interface {
	create(ctx context.Context, key string, r io.Reader, m Multipart) error
}

// Create stores an object that must not exist.
func (b *Bucket) Create(ctx context.Context, key string, r io.Reader, m Multipart) error {
	if u, ok := b.vendor.(uploader); ok {
		return u.create(ctx, b.prefix+key, r, m)
	}
	return b.Upload(ctx, key, r, &blob.WriterOptions{IfNotExist: true, ContentType: binary, BufferSize: int(m.PartBytes),
		MaxConcurrency: m.Parallel, Metadata: m.Metadata})
}

// binary is the content type of an object that Create stores.
const binary = "application/octet-stream"

// vendor is what differs between the stores.
type vendor interface {
	// version is what pins the content of a listed object, "" if unknown.
	version(o *blob.ListObject) string
	// versionOf is the same of a described object, versionRead of one that is read.
	versionOf(a *blob.Attributes) string
	versionRead(r *blob.Reader) string
	// pin makes a read fail when the object does not have the version any more.
	pin(as func(any) bool, version string)
	// ifVersion makes a write fail when the object does not have the version any more; false when the
	// library does not let it.
	ifVersion(as func(any) bool, version string) bool
	// suspicious tells whether a body may not be the one that a version belongs to.
	suspicious(version string, body []byte) bool
	// none is a version that no object has.
	none() string
	// fault explains an error of the vendor's library; nil when the store did not answer.
	fault(b *blob.Bucket, err error) *Fault
	// inspect fills in all but the login; key is an object that may be looked at.
	inspect(ctx context.Context, b *blob.Bucket, key string, s *Settings)
}

// Version is what pins the content of a listed object; "" if unknown.
func (b *Bucket) Version(o *blob.ListObject) string { return b.vendor.version(o) }

// VersionOf is Version of a described object.
func (b *Bucket) VersionOf(a *blob.Attributes) string { return b.vendor.versionOf(a) }

// VersionRead is Version of an object that is being read.
func (b *Bucket) VersionRead(r *blob.Reader) string { return b.vendor.versionRead(r) }

// Pin returns options of a read that fails when the object does not have the version any more; "" is any.
func (b *Bucket) Pin(version string) *blob.ReaderOptions {
	return &blob.ReaderOptions{BeforeRead: func(as func(any) bool) error {
		if version != "" {
			b.vendor.pin(as, version)
		}
		return nil
	}}
}

// IfVersion has a write fail when the object does not have the version any more (WriterOptions.BeforeWrite).
func (b *Bucket) IfVersion(version string) func(as func(any) bool) error {
	return func(as func(any) bool) error {
		if !b.vendor.ifVersion(as, version) {
			return errors.New("the library of this store can't replace an object under a condition")
		}
		return nil
	}
}

// Suspicious tells whether a body may not be the one that a version belongs to.
func (b *Bucket) Suspicious(version string, body []byte) bool {
	return b.vendor.suspicious(version, body)
}

// NoVersion is a version that no object has.
func (b *Bucket) NoVersion() string { return b.vendor.none() }

// Fault explains an error of the bucket; nil when the store did not answer.
func (b *Bucket) Fault(err error) *Fault { return b.vendor.fault(b.Bucket, err) }

// Close ends all connections.
func (b *Bucket) Close() error {
	err := b.Bucket.Close()
	b.transport.Close()
	return err
}

// Fault is what a store's library says of an error: the HTTP status if there was one, the store's own code,
// and its message.
type Fault struct {
	Status  int
	Code    string
	Message string
	// Err is the error itself, when Open returned the fault.
	Err error
}

// Error returns the message, or that of the cause.
func (f *Fault) Error() string {
	if f.Message != "" || f.Err == nil {
		return f.Message
	}
	return f.Err.Error()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// StatusFault is a fault that is no more than an HTTP status.
func StatusFault(status int) *Fault { return &Fault{Status: status, Message: http.StatusText(status)} }

// Cause is an error in short and without secrets; what may be nil.
func Cause(err error, what *Fault, secrets []string) error {
	if what == nil {
		what = &Fault{}
	}
	text := what.Message
	var u *url.Error
	var dial *net.OpError
	switch {
	case errors.Is(err, ErrIdle):
		text = ErrIdle.Error()
		if i := strings.Index(err.Error(), text); i >= 0 {
			text = firstLine(err.Error()[i:])
		}
	case text != "":
	case errors.As(err, &dial):
		text = dial.Error()
	case errors.As(err, &u):
		text = u.Err.Error()
	default:
		text = err.Error()
	}
	if what.Code != "" && !strings.Contains(text, what.Code) {
		text = what.Code + ": " + text
	}
	return errors.New(Redact(firstLine(text), secrets))
}

// Redact masks secrets, also as they stand in a URL.
func Redact(text string, secrets []string) string {
	for _, s := range secrets {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		text = strings.ReplaceAll(text, s, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(s), "***")
	}
	return text
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// split splits "bucket/key".
func split(p *Params, scheme, path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(path, "/")
	if bucket == "" {
		p.Problem(fmt.Errorf("there is no bucket in %s://%s", scheme, path))
	}
	return bucket, key
}
