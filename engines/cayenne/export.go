package cayenne

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// Export writes an archive of the current state to dst; see engines.FileEngine. Writers go on meanwhile: files are
// never changed. With compact the rows are written anew, without those that are deleted and in full files.
func (e *Engine) Export(ctx context.Context, dst string, compact bool) (engines.Export, error) {
	x, err := e.export(ctx, dst, compact)
	return x, e.wrap("export", err)
}

func (e *Engine) export(ctx context.Context, dst string, compact bool) (engines.Export, error) {
	if err := dbfile.CheckExport(e.o.Path, dst); err != nil {
		return engines.Export{}, err
	}
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Export{}, err
	}
	defer l.Release()
	v := l.Store
	if compact {
		return e.exportCompact(ctx, v, dst)
	}
	return e.exportVersion(ctx, v, dst)
}

func (e *Engine) exportVersion(ctx context.Context, v *version, dst string) (x engines.Export, err error) {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return x, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(dst)
		}
	}()
	w := bufio.NewWriterSize(out, 1<<20)
	err = v.archive(ctx, w, e.o.Dataset, e.options().Keys)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return x, err
	}
	return engines.Export{Bytes: dbfile.Size(dst), Rows: v.info().Rows, Schema: v.schema}, dbfile.Sync(filepath.Dir(dst))
}

// exportCompact rewrites the rows into a store beside dst, and archives that.
func (e *Engine) exportCompact(ctx context.Context, v *version, dst string) (engines.Export, error) {
	if _, err := os.Stat(filepath.Dir(dst)); err != nil {
		return engines.Export{}, err
	}
	o := e.options()
	o.Path = dbfile.TempPath(dst, "")
	o.TempDir = ""
	defer os.RemoveAll(o.Path)
	other, err := open(ctx, o)
	if err != nil {
		return engines.Export{}, err
	}
	defer other.Close()
	d, err := other.draft(nil, v.schema, true)
	if err != nil {
		return engines.Export{}, err
	}
	d.next.cp = v.cp
	if err := d.reshape(ctx, v); err != nil {
		d.abort()
		return engines.Export{}, err
	}
	defer d.abort()
	return other.exportVersion(ctx, d.next, dst)
}

// Adopt makes the archive src the content; see engines.FileEngine. Every file is compared with its digest before
// anything changes.
func (e *Engine) Adopt(ctx context.Context, src string) (engines.Info, error) {
	info, err := e.adopt(ctx, src)
	return info, e.wrap("adopt", err)
}

func (e *Engine) adopt(ctx context.Context, src string) (engines.Info, error) {
	return e.replaceBy(ctx, func() (*draft, error) {
		c, in, err := e.openedArchive(ctx, src)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		d := e.received(c)
		if err := d.extract(ctx, c, in); err != nil {
			d.abort()
			return nil, err
		}
		return d, nil
	}, src)
}

// replaceBy makes what archives hold, as receive reads them, the content, and removes them then.
func (e *Engine) replaceBy(ctx context.Context, receive func() (*draft, error), srcs ...string) (engines.Info, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Info{}, err
	}
	defer e.writer.Unlock()
	if err := e.writable(); err != nil {
		return engines.Info{}, err
	}
	l, err := e.slot.Acquire(ctx, nil)
	var base *version
	if err == nil {
		defer l.Release()
		base = l.Store
	} else if engines.KindOf(err) != engines.NotFound {
		return engines.Info{}, err
	}
	if base == nil {
		if err := e.makeMetastore(); err != nil {
			return engines.Info{}, err
		}
	}
	d, err := receive()
	if err != nil {
		return engines.Info{}, err
	}
	if err := d.commit(ctx, base); err != nil {
		d.abort()
		return engines.Info{}, err
	}
	for _, src := range srcs {
		_ = os.Remove(src) // the content is adopted, whatever becomes of the archive
	}
	return d.next.info(), nil
}

// received starts a draft of what an archive holds, without its files.
func (e *Engine) received(c contents) *draft {
	return &draft{e: e, next: &version{disk: e.disk, root: c.v.root, sequence: c.v.sequence, schema: c.v.schema, cp: c.v.cp}, deletes: map[*dataFile]bitmap{}}
}

// extract brings the files of an archive to their places in the store. They count as used before they are there, so
// that no reader of an older state that had them takes them away.
func (d *draft) extract(ctx context.Context, c contents, in io.ReadSeeker) error {
	before := len(d.next.files)
	for _, f := range c.v.files {
		n := *f
		var err error
		n.file, err = d.take(f.file)
		n.gone = nil
		d.next.files = append(d.next.files, &n)
		n.more = nil
		for _, g := range f.deletions() {
			if err == nil {
				err = d.takeDeletion(&n, *g)
			}
		}
		if err != nil {
			return err
		}
	}
	keyed := map[*diskFile]*keyDeletion{}
	for _, g := range c.v.keyed {
		keyed[g.file] = g
	}
	err := c.each(ctx, in, func(f *diskFile, r io.Reader) error {
		if g := keyed[f]; g != nil {
			return g.read(r)
		}
		return d.receive(f, r)
	})
	if err != nil {
		return err
	}
	for _, f := range d.next.files[before:] {
		if err := d.examine(ctx, f); err != nil {
			return err
		}
	}
	return d.deleteByKey(ctx, c.v, d.next.files[before:])
}

// take makes a file of the archive one of the store.
func (d *draft) take(f *diskFile) (*diskFile, error) {
	x, fresh := d.e.disk.use(f.path, f.size, f.digest)
	if fresh {
		d.fresh = append(d.fresh, x)
		return x, nil
	}
	if x.size != f.size || f.digest != "" && x.digest != "" && f.digest != x.digest {
		return x, dbfile.Fail(engines.Corrupt, fmt.Errorf("archive: %s is there with another content", filepath.Base(f.path)))
	}
	return x, nil
}

// examine reads what a received file says of itself.
func (d *draft) examine(ctx context.Context, f *dataFile) error {
	r, err := f.open(ctx, scanOf{columns: []int{}}, arrow.NewSchema(nil, nil), d.next.schema)
	if err != nil {
		return err
	}
	r.Release()
	if f.gone == nil {
		return nil
	}
	if f.gone.rows, err = readDeletion(f.gone.file.path, f.rows, f.gone.count); err != nil {
		return err
	}
	return d.unite(f)
}

// receive writes a file beside its place, compares it with its digest, and moves it there.
func (d *draft) receive(f *diskFile, r io.Reader) error {
	tmp := dbfile.TempPath(f.path, "")
	out, err := d.e.disk.create(tmp, string(d.e.folder))
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), r)
	if err == nil {
		err = f.same(n, hex.EncodeToString(h.Sum(nil)))
	}
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	x := d.e.disk.of(f.path)
	if x.digest != "" && x.digest != f.digest {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("archive: %s is there with another content", filepath.Base(f.path)))
	}
	if err := os.Rename(tmp, f.path); err != nil {
		return err
	}
	x.check.Lock()
	x.digest, x.checked = f.digest, true
	x.check.Unlock()
	return dbfile.Sync(filepath.Dir(f.path))
}
