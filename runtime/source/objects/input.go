package objects

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"pitwall/runtime/source"
	"pitwall/runtime/source/objects/store"
)

// input is an open object. It counts the bytes that are read from it, reads ahead what is planned, and
// stops when the context ends.
type input struct {
	ctx   context.Context
	place string // for messages
	path  string
	// size is that of the listing: what a writer appends meanwhile is left for the next refresh. It is
	// less where the end was cut to whole records.
	size    int64
	remote  bool
	content store.Content
	read    *atomic.Int64 // bytes read from the store, by all inputs of a reader
	kept    []*span       // what an earlier look at the object left in memory
	plans   plans
	partial bool // only what is planned is wanted

	cancel context.CancelFunc
	failed atomic.Pointer[error] // the first error of the store
	entry  *entry
	scan   *source.Scan
	codec  string // how the object is compressed
	off    int64  // of Seek, which Parquet's reader asks for the size
}

// openInput opens an object as it was listed.
func (r *run) openInput(ctx context.Context, e *entry) (*input, error) {
	ctx, cancel := context.WithCancel(ctx)
	c, err := r.store.Open(ctx, e.Object)
	if err != nil {
		cancel()
		return nil, err
	}
	in := &input{ctx: ctx, cancel: cancel, place: r.store.Place(e.Path), path: e.Path, size: e.Size, remote: r.store.Remote(), content: c, read: &r.read, kept: e.kept}
	in.entry, in.scan = e, &r.scan
	in.codec = r.o.codec(e.Path)
	if s, ok := c.(store.Sized); ok {
		in.size, in.remote = s.Size(), false
	}
	in.plans.in = in
	return in, nil
}

// Close may be called more than once: Parquet's reader closes its input, too.
func (in *input) Close() error {
	in.cancel()
	in.plans.stop()
	if in.content == nil {
		return nil
	}
	c := in.content
	in.content = nil
	return c.Close()
}

// fetch reads from the store.
func (in *input) fetch(p []byte, off int64) error {
	if err := in.ctx.Err(); err != nil {
		return err
	}
	n, err := in.content.ReadAt(p, off)
	in.read.Add(int64(n))
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = &source.Error{Kind: source.Unavailable, Place: in.place, Err: errors.New("it was shortened while it was read"), Hint: "it is read again by the next try"}
	}
	in.failed.CompareAndSwap(nil, &err)
	return err
}

// ReadAt serves what is kept or planned from memory. With partial set, where a plan ends it returns less
// than was asked for and no error, unlike other readers: those behind it fill buffers, and nothing beyond
// the plan is wanted.
func (in *input) ReadAt(p []byte, off int64) (n int, err error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	for planned := false; n < len(p); {
		at := off + int64(n)
		if at >= in.size {
			return n, io.EOF
		}
		rest := p[n:min(int64(len(p)), int64(n)+in.size-at)]
		if s := covering(in.kept, at); s != nil {
			n += copy(rest, s.buf[at-s.off:])
			continue
		}
		s, next, err := in.plans.load(at)
		if err != nil {
			return n, err
		}
		switch {
		case s != nil:
			planned = true
			n += copy(rest, s)
			continue
		case planned && in.partial:
			return n, nil
		}
		rest = rest[:min(int64(len(rest)), next-at)]
		if err := in.fetch(rest, at); err != nil {
			return n, err
		}
		n += len(rest)
	}
	return n, nil
}

// Seek only serves readers that ask for the size.
func (in *input) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += in.off
	case io.SeekEnd:
		offset += in.size
	}
	if offset < 0 {
		return 0, os.ErrInvalid
	}
	in.off = offset
	return offset, nil
}

// Read goes on from where Seek or Read left off.
func (in *input) Read(p []byte) (int, error) {
	if in.off >= in.size {
		return 0, io.EOF
	}
	n, err := in.ReadAt(p[:min(int64(len(p)), in.size-in.off)], in.off)
	in.off += int64(n)
	return n, err
}

// keep holds a range in memory, for this reading and, through the entry, for the next.
func (in *input) keep(off, size int64) error {
	if s := covering(in.kept, off); s != nil && s.off+int64(len(s.buf)) >= off+size {
		return nil
	}
	s := &span{off: off, buf: make([]byte, size)}
	if _, err := io.ReadFull(io.NewSectionReader(in, off, size), s.buf); err != nil {
		return err
	}
	in.kept = append(in.kept, s)
	return nil
}

// covering returns the span that has a position, or nil.
func covering(spans []*span, at int64) *span {
	for _, s := range spans {
		if at >= s.off && at < s.off+int64(len(s.buf)) {
			return s
		}
	}
	return nil
}
