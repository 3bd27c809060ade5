package cayenne

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/dbfile"
)

// disk knows the files of a store that some version still uses, so that the last that lets go of an obsolete one
// removes it.
type disk struct {
	root  string // that folders are removed below of
	mu    sync.Mutex
	files map[string]*diskFile
}

func newDisk(f folder) *disk { return &disk{root: f.data(), files: map[string]*diskFile{}} }

// diskFile is one immutable file.
type diskFile struct {
	path   string
	size   int64
	digest string // SHA-256 in hex; empty when it was not recorded

	refs     int
	obsolete bool

	check   sync.Mutex
	checked bool // its content is known to have the digest
}

// use takes a reference to a file, which is not obsolete any more then; it is released by drop. fresh says that nobody
// else uses the file.
func (d *disk) use(path string, size int64, digest string) (f *diskFile, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f = d.files[path]; f == nil {
		f, fresh = &diskFile{path: path, size: size, digest: digest}, true
		d.files[path] = f
	}
	f.refs++
	f.obsolete = false
	return f, fresh
}

// create makes a new file and the folders above it, which drop does not take away in between.
func (d *disk) create(path, root string) (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := makeFolders(filepath.Dir(path), root); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// of is the file at a path that somebody uses.
func (d *disk) of(path string) *diskFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[path]
}

// retain takes one more reference.
func (d *disk) retain(f *diskFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.refs++
}

// drop releases a reference; the last one of an obsolete file removes it.
func (d *disk) drop(f *diskFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.refs--; f.refs > 0 {
		return
	}
	delete(d.files, f.path)
	if f.obsolete {
		_ = os.Remove(f.path) // else it is a stray, for the next start
		_ = os.Remove(filepath.Join(filepath.Dir(f.path), "deletions"))
		removeEmpty(filepath.Dir(f.path), d.root)
	}
}

// removeEmpty removes a folder and those above it, up to root, as far as they are empty.
func removeEmpty(dir, root string) {
	for dir != root && len(dir) > len(root) && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

// retire marks files as of no more use to anybody who comes later.
func (d *disk) retire(f *diskFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.obsolete = true
}

// verify reads a file once and compares it with its digest: the format has no checksums of its own, and a
// flipped bit must not become a wrong row. Kind Corrupt: it differs.
func (f *diskFile) verify(ctx context.Context) error {
	f.check.Lock()
	defer f.check.Unlock()
	if f.checked {
		return nil
	}
	in, err := os.Open(f.path)
	if err != nil {
		return missing(err)
	}
	defer in.Close()
	h := sha256.New()
	n, err := io.Copy(h, &reading{ctx, in})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != f.size || f.digest != "" && got != f.digest {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("%s is damaged: %d bytes with SHA-256 %s, the metastore has %d with %s", filepath.Base(f.path), n, got, f.size, f.digest))
	}
	f.checked = true
	return nil
}

// missing says that a file that the metastore names is not there.
func missing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("a data file that the metastore names: %w", err))
	}
	return err
}

// reading ends with its context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

func (r *reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// dataFile is rows in one Vortex file.
type dataFile struct {
	file     *diskFile
	in       *table
	name     string
	rows     int64
	sequence int64
	stats    []byte // FileStatistics
	bounds   []vortex.Bounds
	gone     *deletion   // nil: no row is deleted
	more     []*deletion // other delete files that an archive has of it; a store has one
}

// live is how many rows count.
func (f *dataFile) live() int64 {
	if f.gone == nil {
		return f.rows
	}
	return f.rows - f.gone.count
}

// deletion is the rows of a data file that are deleted.
type deletion struct {
	file     *diskFile
	id       string
	sequence int64
	count    int64
	rows     bitmap
}

// bitmap is a set of row numbers.
type bitmap []uint64

func newBitmap(rows int64) bitmap { return make(bitmap, (rows+63)/64) }

func (b bitmap) has(row int64) bool { return b[row/64]>>(row%64)&1 != 0 }
func (b bitmap) set(row int64)      { b[row/64] |= 1 << (row % 64) }

// version is one committed state of a store. It does not change.
type version struct {
	disk     *disk
	root     *table // of the dataset
	sequence int64
	schema   *arrow.Schema // recorded
	files    []*dataFile
	cp       engines.Checkpoint
	keyed    []*keyDeletion // of an archive; a store has none
}

var _ dbfile.Store = (*version)(nil)

// Close lets go of the files; the slot calls it when the last reader is done.
func (v *version) Close() error {
	for _, f := range v.files {
		v.disk.drop(f.file)
		for _, g := range f.deletions() {
			v.disk.drop(g.file)
		}
	}
	return nil
}

func (v *version) info() engines.Info {
	i := engines.Info{Schema: v.schema}
	for _, f := range v.files {
		i.Rows += f.live()
		i.Bytes += f.file.size
		if f.gone != nil {
			i.Bytes += f.gone.file.size
		}
	}
	return i
}

func (v *version) checkpoint() *engines.Checkpoint {
	cp := v.cp
	return &cp
}

// supersede marks the files of v that next does not use.
func (v *version) supersede(next *version) {
	used := map[*diskFile]bool{}
	for _, f := range next.files {
		used[f.file] = true
		if f.gone != nil {
			used[f.gone.file] = true
		}
	}
	for _, f := range v.files {
		if !used[f.file] {
			v.disk.retire(f.file)
		}
		if f.gone != nil && !used[f.gone.file] {
			v.disk.retire(f.gone.file)
		}
	}
}
