package cayenne

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/cayenne/vortex"
)

// part is a data file that is being written.
type part struct {
	in     *table
	path   string
	file   *os.File
	buf    *bufio.Writer
	sum    interface{ Sum([]byte) []byte }
	vortex *vortex.Writer
	done   bool
}

func (d *draft) part(in *table, stored *arrow.Schema) (*part, error) {
	id, err := newID()
	if err != nil {
		return nil, err
	}
	p := &part{in: in, path: d.e.folder.path(in, "part-"+id+".vortex")}
	if p.file, err = d.e.disk.create(p.path, string(d.e.folder)); err != nil {
		return nil, err
	}
	h := sha256.New()
	p.sum, p.buf = h, bufio.NewWriterSize(io.MultiWriter(p.file, h), 1<<20)
	if p.vortex, err = vortex.NewWriter(p.buf, stored, d.e.set.options()); err != nil {
		p.abort()
		return nil, err
	}
	return p, nil
}

// size is about how large the file is so far, in bytes.
func (p *part) size() int64 { return p.vortex.Size() }

// abort removes an unfinished file.
func (p *part) abort() {
	if p.done {
		return
	}
	if p.vortex != nil {
		p.vortex.Abort()
	}
	_ = p.file.Close()
	_ = os.Remove(p.path)
}

// finish makes a data file durable and part of the draft.
func (d *draft) finish(p *part) error {
	s, err := p.vortex.Close()
	if err == nil {
		err = p.buf.Flush()
	}
	if err == nil {
		err = p.file.Sync()
	}
	if err == nil {
		err = p.file.Close()
	}
	if err != nil {
		p.abort()
		return err
	}
	p.done = true
	f, _ := d.e.disk.use(p.path, s.Bytes, hex.EncodeToString(p.sum.Sum(nil)))
	f.checked = true
	d.fresh = append(d.fresh, f)
	d.next.files = append(d.next.files, &dataFile{
		file: f, in: p.in, name: filepath.Base(p.path), rows: s.Rows, sequence: d.next.sequence, stats: s.Statistics, bounds: s.Bounds,
	})
	return nil
}
