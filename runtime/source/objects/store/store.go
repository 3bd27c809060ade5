// Package store lists and opens the objects that a dataset is made of: files of a local disk, or
// objects of S3, Google Cloud Storage, Azure Blob Storage or a web server. It knows nothing of what is
// in them. It starts no goroutines of its own; those of idle connections end with Close.
package store

import (
	"context"
	"fmt"
	"io"
	"strings"

	"pitwall/runtime/source"
	"pitwall/snapshots/objstore/bucket"
)

// Store is one place with objects. Their paths are unique within it and have "/" between folders.
// Methods are safe for concurrent use. Errors are *source.Error or wrap the context's.
type Store interface {
	// List calls each for every object whose path begins with prefix, in no particular order, until it
	// returns an error, which List returns, or io.EOF, which ends the listing. With level set, what
	// lies below the next "/" behind the prefix is told as one folder, whose path ends in "/".
	// Folders with a Hidden name behind the prefix are left out.
	List(ctx context.Context, prefix string, level bool, each func(Entry) error) error
	// Stat describes one object; Kind Missing when there is none of that path.
	Stat(ctx context.Context, path string) (source.Object, error)
	// Open opens an object as it was listed.
	Open(ctx context.Context, o source.Object) (Content, error)
	// Place is how messages name a path.
	Place(path string) string
	// Remote tells that a request costs milliseconds, so that few large ones beat many small ones.
	Remote() bool
	// Close ends idle connections.
	Close() error
}

// Entry is what a listing found.
type Entry struct {
	source.Object
	Folder bool
}

// Content is one open object. A read of what is no longer as it was listed is an error of Kind
// Unavailable. ReadAt is safe for concurrent use.
type Content interface {
	io.ReaderAt
	// Check tells, after reading, whether the object was cut short meanwhile; with strict set, whether
	// it changed at all.
	Check(strict bool) error
	// Growing tells that somebody may still be writing its end.
	Growing() bool
	io.Closer
}

// Location is where a dataset's objects are, from the connector, the path and the params. Making one
// needs no network.
type Location struct {
	// Path is the path within the store; empty is all of it.
	Path string
	// Single is set for a store that can't list, so that Path is one object and never a pattern.
	Single bool
	// Name is how messages name the location.
	Name string

	open func(context.Context) (Store, error)
}

// Open connects to the store. The caller closes it.
func (l Location) Open(ctx context.Context) (Store, error) { return l.open(ctx) }

// Locate checks the params of a location. path is what follows the connector in from:, without "//";
// dir is the folder to which a relative local path is relative. Errors name the wrong param.
func Locate(connector, path, dir string, params map[string]string) (Location, error) {
	p := bucket.NewParams(params)
	var l Location
	switch connector {
	case "", "file":
		return locateFile(path, dir)
	case "http", "https":
		l = locateHTTP(p, connector, path)
	default:
		b, ok := bucket.Locate(connector, path, p, bucket.Read)
		if !ok {
			return l, fmt.Errorf("pitwall can't read files from %s", connector)
		}
		l = locateBucket(b)
	}
	return l, p.Err()
}

// Hidden tells names of files and folders that are not data: those that begin with a dot or an
// underscore, unless they are a partition such as _day=1.
func Hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") && !strings.Contains(name, "=")
}

// hiddenFolder tells whether a path has a hidden folder behind the prefix.
func hiddenFolder(path, prefix string) bool {
	from := strings.LastIndexByte(prefix, '/') + 1
	parts := strings.Split(path[min(from, len(path)):], "/")
	for i, name := range parts[:len(parts)-1] {
		if Hidden(name) && !(i == 0 && from < len(prefix)) {
			return true
		}
	}
	return false
}
