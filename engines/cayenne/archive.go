package cayenne

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// An archive is a tar without compression (spec 1.4): the files of the current snapshot below data/, then, below
// metadata/, what pitwall keeps besides, and the slice of the metastore.

const (
	dataPrefix, metadataPrefix = "data/", "metadata/"
	sliceSuffix, besideSuffix  = ".slice.json", ".pitwall.json"
)

// maxDocument is the largest document of an archive that is read, in bytes.
const maxDocument = 256 << 20

// beside is what a slice has no table for.
type beside struct {
	UpdatedAt  time.Time         `json:"updated_at"`
	RefreshSQL string            `json:"refresh_sql,omitempty"`
	State      []byte            `json:"state,omitempty"`
	Deletes    map[string]string `json:"delete_digests,omitempty"` // SHA-256 by id
}

// entryName is the name of a dataset within a file name.
func entryName(dataset string) string {
	return strings.NewReplacer("/", "_", "\\", "_").Replace(dataset)
}

// archive writes a state as a tar. Every file is compared with its digest on the way.
func (v *version) archive(ctx context.Context, out io.Writer, dataset string, keys engines.Keys) error {
	doc, err := v.slice(dataset, keys)
	if err != nil {
		return err
	}
	w := newTarWriter(out)
	extra := beside{UpdatedAt: v.cp.UpdatedAt, RefreshSQL: v.cp.RefreshSQL, State: v.cp.State, Deletes: map[string]string{}}
	for _, f := range v.files {
		if err := pack(ctx, w, path.Join("data", f.in.dir(), f.name), f.file); err != nil {
			return err
		}
	}
	for _, f := range v.files { // behind them, which stay where they are when rows are deleted
		if g := f.gone; g != nil {
			extra.Deletes[g.id] = g.file.digest
			if err := pack(ctx, w, path.Join("data", g.archived(f)), g.file); err != nil {
				return err
			}
		}
	}
	for _, d := range []struct {
		suffix string
		value  any
	}{{besideSuffix, extra}, {sliceSuffix, doc}} {
		b, err := json.Marshal(d.value)
		if err != nil {
			return err
		}
		if err := w.begin(metadataPrefix+entryName(dataset)+d.suffix, int64(len(b))); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return w.Close()
}

func pack(ctx context.Context, w *tarWriter, name string, f *diskFile) error {
	in, err := os.Open(f.path)
	if err != nil {
		return missing(err)
	}
	defer in.Close()
	if err := w.begin(name, f.size); err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(&reading{ctx, in}, f.size))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != f.size || f.digest != "" && got != f.digest {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("%s is damaged: %d bytes with SHA-256 %s, the metastore has %d with %s", filepath.Base(f.path), n, got, f.size, f.digest))
	}
	return nil
}

// contents is what an archive says of itself.
type contents struct {
	v       *version
	members map[string]bool // names of the data files
}

// readArchive reads the documents of an archive, whose files would lie below a data folder. Kind Corrupt: it is not
// one, or lacks files that it names.
func readArchive(ctx context.Context, r io.Reader, dataset, data string) (contents, error) {
	bad := func(err error) (contents, error) {
		if ctx.Err() != nil {
			return contents{}, ctx.Err()
		}
		return contents{}, dbfile.Fail(engines.Corrupt, fmt.Errorf("archive: %w", err))
	}
	c := contents{members: map[string]bool{}}
	var doc *sliceDocument
	var extra beside
	for t := tar.NewReader(&reading{ctx, r}); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bad(err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return bad(fmt.Errorf("entry %q is no file within the archive", h.Name))
		}
		switch {
		case strings.HasPrefix(h.Name, dataPrefix):
			c.members[strings.TrimPrefix(h.Name, dataPrefix)] = true
		case strings.HasPrefix(h.Name, metadataPrefix) && (strings.HasSuffix(h.Name, sliceSuffix) || strings.HasSuffix(h.Name, besideSuffix)):
			b, err := io.ReadAll(io.LimitReader(t, maxDocument))
			if err != nil {
				return bad(err)
			}
			if strings.HasSuffix(h.Name, besideSuffix) {
				err = json.Unmarshal(b, &extra)
			} else {
				doc = &sliceDocument{}
				err = json.Unmarshal(b, doc)
			}
			if err != nil {
				return bad(fmt.Errorf("%s: %w", h.Name, err))
			}
		}
	}
	if doc == nil {
		return bad(errors.New("missing slice: it has no metadata/*.slice.json"))
	}
	v, err := fromSlice(*doc, dataset, data)
	if err != nil {
		return contents{}, err
	}
	if len(v.files) == 0 {
		for name := range c.members {
			if strings.HasPrefix(name, v.root.dir()+"/") && strings.HasSuffix(name, ".vortex") {
				return bad(fmt.Errorf("%s is in it, and its metastore names no file", name))
			}
		}
	}
	v.cp = engines.Checkpoint{RefreshSQL: extra.RefreshSQL, UpdatedAt: extra.UpdatedAt, State: extra.State}
	for _, f := range v.files {
		if !c.members[path.Join(f.in.dir(), f.name)] {
			return bad(fmt.Errorf("%s is not in it", f.name))
		}
		for _, g := range f.deletions() {
			g.file.digest = extra.Deletes[g.id]
			if !c.members[g.archived(f)] {
				return bad(fmt.Errorf("delete file %s is not in it", g.id))
			}
		}
	}
	for _, g := range v.keyed {
		g.file.digest = extra.Deletes[g.id]
		if !c.members[g.place] {
			return bad(fmt.Errorf("delete file %s is not in it", g.id))
		}
	}
	c.v = v
	return c, nil
}

// checkArchive reads an archive and compares every file with its digest.
func checkArchive(ctx context.Context, name, dataset string) (engines.Info, *engines.Checkpoint, error) {
	in, err := os.Open(name)
	if err != nil {
		return engines.Info{}, nil, err
	}
	defer in.Close()
	c, err := readArchive(ctx, in, dataset, "")
	if err != nil {
		return engines.Info{}, nil, err
	}
	if len(c.v.keyed) > 0 {
		return checkUnpacked(ctx, name, dataset)
	}
	u := c.v.unions()
	err = c.each(ctx, in, func(f *diskFile, r io.Reader) error {
		h := sha256.New()
		r, err := u.read(f, r)
		if err != nil {
			return err
		}
		n, err := io.Copy(h, r)
		if err != nil {
			return err
		}
		return f.same(n, hex.EncodeToString(h.Sum(nil)))
	})
	u.apply()
	return c.v.info(), c.v.checkpoint(), err
}

// same compares what an archive holds of a file with what its metastore says.
func (f *diskFile) same(size int64, digest string) error {
	if size == f.size && (f.digest == "" || digest == f.digest) {
		f.digest = digest
		return nil
	}
	return dbfile.Fail(engines.Corrupt, fmt.Errorf("archive: %s has %d bytes with SHA-256 %s, its metastore has %d with %s", filepath.Base(f.path), size, digest, f.size, f.digest))
}

// each visits the files of the archive that its state names.
func (c contents) each(ctx context.Context, in io.ReadSeeker, visit func(f *diskFile, r io.Reader) error) error {
	by := map[string]*diskFile{}
	for _, f := range c.v.files {
		by[path.Join(f.in.dir(), f.name)] = f.file
		for _, g := range f.deletions() {
			by[g.archived(f)] = g.file
		}
	}
	for _, g := range c.v.keyed {
		by[g.place] = g.file
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for t := tar.NewReader(&reading{ctx, in}); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if f := by[strings.TrimPrefix(h.Name, dataPrefix)]; f != nil && strings.HasPrefix(h.Name, dataPrefix) {
			if err := visit(f, t); err != nil {
				return err
			}
		}
	}
}
