package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pitwall/runtime/source"
)

// local is the disk of this machine. Paths are absolute.
type local struct{}

func locateFile(path, dir string) (Location, error) {
	if strings.HasPrefix(path, "file:") {
		u, err := url.Parse(path)
		if err != nil {
			return Location{}, err
		}
		path = u.Host + u.Path
		if u.Opaque != "" {
			path = u.Opaque
		}
	}
	if path == "" {
		return Location{}, errors.New("no path")
	}
	folder := strings.HasSuffix(path, "/")
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path = filepath.Clean(path)
	if folder && path != "/" {
		path += "/"
	}
	return Location{Path: path, Name: path, open: func(context.Context) (Store, error) { return local{}, nil }}, nil
}

func (local) Place(path string) string { return path }
func (local) Remote() bool             { return false }
func (local) Close() error             { return nil }

func (local) Stat(_ context.Context, path string) (source.Object, error) {
	st, err := os.Stat(path)
	if err != nil {
		return source.Object{}, localFault(path, err)
	}
	if st.IsDir() {
		return source.Object{}, localFault(path, fs.ErrNotExist)
	}
	return object(path, st), nil
}

func object(path string, st fs.FileInfo) source.Object {
	return source.Object{Path: path, Size: st.Size(), Modified: st.ModTime().UTC()}
}

// List follows symbolic links, to folders as well; one that leads back to a folder above is passed over.
func (l local) List(ctx context.Context, prefix string, level bool, each func(Entry) error) error {
	dir, name := filepath.Split(prefix)
	err := l.list(ctx, filepath.Clean(dir), name, level, nil, each)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return localFault(prefix, err)
}

func (l local) list(ctx context.Context, dir, begin string, level bool, above []fs.FileInfo, each func(Entry) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	here, err := os.Stat(dir)
	if err != nil {
		return localFault(dir, err)
	}
	for _, up := range above {
		if os.SameFile(up, here) {
			return nil
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return localFault(dir, err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), begin) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile, or a link to nowhere
		}
		if err != nil {
			return localFault(path, err)
		}
		switch {
		case !st.IsDir():
			err = each(Entry{Object: object(path, st)})
		case begin == "" && Hidden(e.Name()):
		case level:
			err = each(Entry{Object: source.Object{Path: path + "/"}, Folder: true})
		default:
			err = l.list(ctx, path, "", false, append(above[:len(above):len(above)], here), each)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (local) Open(_ context.Context, o source.Object) (Content, error) {
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, localFault(o.Path, err)
	}
	c := &localContent{File: f, o: o}
	if err := c.Check(false); err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

// localContent is an open file. That it grows is fine: what a writer appends is left for the next
// refresh. One that was replaced by rename is still read as it was.
type localContent struct {
	*os.File
	o source.Object
}

func (c *localContent) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(p, off)
	switch {
	case !errors.Is(err, io.EOF):
		return n, localFault(c.o.Path, err)
	case off+int64(n) < c.o.Size:
		return n, changed(c.o.Path, "it was shortened while it was read")
	default:
		return n, err
	}
}

// Check looks at the open file: one that was rewritten in place meanwhile was read half old, half new.
func (c *localContent) Check(strict bool) error {
	st, err := c.Stat()
	switch {
	case err != nil:
		return localFault(c.o.Path, err)
	case st.Size() < c.o.Size:
		return changed(c.o.Path, "it was shortened while it was read")
	case strict && (st.Size() != c.o.Size || !st.ModTime().Equal(c.o.Modified)):
		return changed(c.o.Path, "it changed while it was read")
	}
	return nil
}

// settled is how long a file must be left alone before its end counts as its end.
const settled = 3 * time.Second

// Growing reports whether the file was touched a moment ago or has grown since it was listed.
func (c *localContent) Growing() bool {
	st, err := c.Stat()
	return err != nil || time.Since(st.ModTime()) < settled || st.Size() != c.o.Size
}
