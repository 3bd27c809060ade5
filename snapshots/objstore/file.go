package objstore

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"pitwall/snapshots/stream"
)

// tempPrefix marks unfinished files; lockSuffix the lock beside an object that is replaced.
const (
	tempPrefix = ".tmp-"
	lockSuffix = ".lock"
	// lockPoll is how often a waiting writer looks whether the lock is free; a commit of metadata.json
	// holds it for a few milliseconds.
	lockPoll = 2 * time.Millisecond
	// sweepAge is how old an unfinished file must be before it is looked at: its writer locks it right
	// after it made it.
	sweepAge = time.Minute
)

// fileStore does the conditional writes on a local disk. gocloud's fileblob checks for existence and
// then renames, so two processes can both win, and it never syncs: a create here is temp file, fsync,
// link(2), fsync of the directory; a replace happens under a lock file.
type fileStore struct {
	root   string
	bucket *blob.Bucket
	// lasting are the folders that this process has seen to the disk, see folder.
	lasting sync.Map
}

// Folder returns the folder of a file location, whether it is there or not; ok is false for an object store.
// Relative locations are relative to dir.
func Folder(location, dir string) (root string, ok bool, err error) {
	root = location
	if strings.HasPrefix(location, "file://") {
		u, err := url.Parse(location)
		if err != nil {
			return "", true, err
		}
		// file://./snapshots is not a URL by the book, but people write it for a relative folder.
		root = u.Host + u.Path
		if u.RawQuery != "" || u.Fragment != "" {
			return "", true, errors.New("a file:// location has no ? or #")
		}
	} else if strings.Contains(location, "://") {
		return "", false, nil
	}
	if root == "" {
		return "", true, errors.New("no folder")
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	return root, true, nil
}

func openFile(location, dir string) (*Store, error) {
	root, _, err := Folder(location, dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	sweep(root, time.Now().Add(-sweepAge))
	b, err := fileblob.OpenBucket(root, &fileblob.Options{Metadata: fileblob.MetadataDontWrite, NoTempDir: true})
	if err != nil {
		return nil, err
	}
	return &Store{location: location, bucket: b, cond: &fileStore{root: root, bucket: b}}, nil
}

// path maps a key to its file. Keys are slash-separated without empty, "." or ".." elements.
func (f *fileStore) path(key string) (string, error) {
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || f.hidden(part) || strings.ContainsAny(part, "\\\x00") {
			return "", &Error{Op: "use", Key: key, Kind: KindInvalid, Err: fmt.Errorf("bad path element %q", part)}
		}
	}
	return filepath.Join(f.root, filepath.FromSlash(key)), nil
}

func (f *fileStore) hidden(key string) bool {
	if key == probeKey {
		return true
	}
	name := path.Base(key)
	return strings.HasPrefix(name, tempPrefix) || strings.HasSuffix(name, lockSuffix)
}

func (f *fileStore) create(ctx context.Context, key string, r io.Reader, _ int64) error {
	name, err := f.path(key)
	if err != nil {
		return err
	}
	return f.store(ctx, name, r, func(tmp string) error {
		err := os.Link(tmp, name)
		if errors.Is(err, fs.ErrExist) {
			return &Error{Op: "create", Key: key, Kind: KindExists, Err: err}
		}
		return err
	})
}

func (f *fileStore) replace(ctx context.Context, key, version string, body []byte) error {
	name, err := f.path(key)
	if err != nil {
		return err
	}
	if err := f.folder(filepath.Dir(name)); err != nil {
		return err
	}
	lock := flock.New(name + lockSuffix)
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	defer lock.Close()
	current, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if version != "" {
			return &Error{Op: "replace", Key: key, Kind: KindConflict, Err: errors.New("it is gone")}
		}
	case err != nil:
		return err
	case contentHash(current) != version:
		return &Error{Op: "replace", Key: key, Kind: KindConflict, Err: errors.New("it was changed meanwhile")}
	}
	return f.store(ctx, name, bytes.NewReader(body), func(tmp string) error { return os.Rename(tmp, name) })
}

func (f *fileStore) load(ctx context.Context, key string) ([]byte, string, error) {
	body, err := f.bucket.ReadAll(ctx, key)
	if err != nil {
		return nil, "", err
	}
	return body, contentHash(body), nil
}

// contentHash is the version of an object: two writers that store the same bytes agree anyway.
func contentHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (f *fileStore) open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	r, err := f.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, 0, err
	}
	return r, r.Size(), nil
}

func (f *fileStore) openRange(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	return f.bucket.NewRangeReader(ctx, key, from, n, nil)
}

// list passes over what goes away meanwhile, which gocloud's fileblob takes for a failure: the unfinished files of
// others come and go all the time.
func (f *fileStore) list(ctx context.Context, prefix string, fn func(key string, a Attrs) bool) error {
	type object struct {
		key string
		a   Attrs
	}
	var all []object
	err := filepath.WalkDir(f.root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && p != f.root {
			return nil
		}
		if err != nil || ctx.Err() != nil || p == f.root {
			return cmp.Or(err, ctx.Err())
		}
		rel, err := filepath.Rel(f.root, p)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if d.IsDir() {
			if !strings.HasPrefix(key+"/", prefix) && !strings.HasPrefix(prefix, key+"/") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		st, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			all = append(all, object{key, Attrs{Bytes: st.Size(), Modified: st.ModTime()}})
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.key, b.key) })
	for _, o := range all {
		if !fn(o.key, o.a) {
			break
		}
	}
	return nil
}

func (f *fileStore) explain(_ context.Context, op, key string, err error) error {
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

func (f *fileStore) close() error { return f.bucket.Close() }

// store writes r to a synced temp file beside name and lets publish give it its name.
func (f *fileStore) store(ctx context.Context, name string, r io.Reader, publish func(tmp string) error) (err error) {
	dir := filepath.Dir(name)
	if err := f.folder(dir); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	// Held until the file is closed or the process is gone; see sweep.
	if err := syscall.Flock(int(tmp.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock %s: %w", tmp.Name(), err)
	}
	if _, err := io.Copy(&ctxWriter{ctx: ctx, w: stream.NewWriter(tmp)}, r); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := publish(tmp.Name()); err != nil {
		return err
	}
	return syncDir(dir)
}

// sweep removes the unfinished files of killed processes: those made before a time that nobody holds a
// lock on. It does what it can: what it may not read (lost+found, another user's file) stays.
func sweep(root string, before time.Time) {
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || !strings.HasPrefix(d.Name(), tempPrefix) {
			return nil
		}
		f, err := os.Open(p)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		defer f.Close()
		st, err := f.Stat()
		if err == nil && st.ModTime().Before(before) && syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.Remove(p)
		}
		return nil
	})
}

// folder creates dir below root and syncs every folder that it is in. One that is there already may have been made by
// another process that did not come to that: it counts only once this process has synced it.
func (f *fileStore) folder(dir string) error {
	_, err := os.Stat(dir)
	if _, known := f.lasting.Load(dir); known && err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for d := filepath.Dir(dir); ; d = filepath.Dir(d) {
		// The root may be new, too; folders that it is in may be closed to this user, who did not make them then.
		if err := syncDir(d); err != nil && len(d) >= len(f.root) {
			return err
		}
		if d == filepath.Dir(d) {
			break
		}
	}
	f.lasting.Store(dir, nil)
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// ctxWriter ends a copy when the context does.
type ctxWriter struct {
	ctx context.Context // of the copy
	w   io.Writer
}

func (c *ctxWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

// fileKind classifies errors of the local file system; "" when it is none.
func fileKind(err error) Kind {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return KindFull
	case errors.Is(err, fs.ErrNotExist):
		return KindNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return KindDenied
	default:
		return ""
	}
}
