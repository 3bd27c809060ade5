package cayenne

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

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
	err = v.archive(ctx, w, e.o.Dataset, e.o.Keys)
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
	o := e.o
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
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Info{}, err
	}
	defer e.writer.Unlock()
	if err := e.writable(); err != nil {
		return engines.Info{}, err
	}
	in, err := os.Open(src)
	if err != nil {
		return engines.Info{}, err
	}
	defer in.Close()
	c, err := readArchive(ctx, in, e.o.Dataset, e.folder.data())
	if err != nil {
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
	d := e.received(c)
	if err := d.extract(ctx, c, in); err != nil {
		d.abort()
		return engines.Info{}, err
	}
	if err := d.commit(ctx, base); err != nil {
		d.abort()
		return engines.Info{}, err
	}
	if err := os.Remove(src); err != nil {
		return engines.Info{}, err
	}
	return d.next.info(), dbfile.Sync(filepath.Dir(src))
}

// received starts a draft of what an archive holds, without its files.
func (e *Engine) received(c contents) *draft {
	return &draft{e: e, next: &version{disk: e.disk, table: c.v.table, snapshot: c.v.snapshot, sequence: c.v.sequence, schema: c.v.schema, cp: c.v.cp}}
}

// extract brings the files of an archive to their places in the store.
func (d *draft) extract(ctx context.Context, c contents, in io.ReadSeeker) error {
	err := c.each(ctx, in, func(f *diskFile, r io.Reader) error {
		dir := filepath.Dir(f.path)
		if err := makeFolders(dir, string(d.e.folder)); err != nil {
			return err
		}
		return f.receive(r, dir)
	})
	if err != nil {
		return err
	}
	for _, f := range c.v.files {
		n := *f
		n.file = d.take(f.file)
		if f.gone != nil {
			g := *f.gone
			g.file = d.take(f.gone.file)
			n.gone = &g
		}
		d.next.files = append(d.next.files, &n)
		if n.gone == nil {
			continue
		}
		if n.gone.rows, err = readDeletion(n.gone.file.path, n.rows, n.gone.count); err != nil {
			return err
		}
	}
	return nil
}

// take makes a file of the archive one of the store.
func (d *draft) take(f *diskFile) *diskFile {
	before := d.e.disk.known(f.path)
	x := d.e.disk.use(f.path, f.size, f.digest)
	x.checked = true
	if !before {
		d.fresh = append(d.fresh, x)
	}
	return x
}

// known tells whether some version uses a file.
func (d *disk) known(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[path] != nil
}

// receive writes a file beside its place, compares it with its digest, and moves it there.
func (f *diskFile) receive(r io.Reader, dir string) error {
	tmp := dbfile.TempPath(f.path, "")
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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
	if err := os.Rename(tmp, f.path); err != nil {
		return err
	}
	return dbfile.Sync(dir)
}
