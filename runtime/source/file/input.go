package file

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"pitwall/runtime/source"
)

// input is an open file that counts the bytes read from it and stops when the context ends.
type input struct {
	ctx  context.Context
	path string
	// size is that of the listing: what a writer appends meanwhile is left for the next refresh.
	size int64
	// listed is the size of the listing, also where size was cut to whole records.
	listed int64
	f      *os.File
	read   atomic.Int64
	// off is the position of Read; ReadAt has none.
	off int64
}

func openInput(ctx context.Context, e entry) (*input, error) {
	f, err := os.Open(e.path)
	if err != nil {
		return nil, err
	}
	return &input{ctx: ctx, path: e.path, size: e.size, listed: e.size, f: f}, nil
}

// Close may be called more than once: Parquet's reader closes its input, too.
func (in *input) Close() error {
	if in.f == nil {
		return nil
	}
	f := in.f
	in.f = nil
	return f.Close()
}

func (in *input) Read(p []byte) (int, error) {
	if in.off >= in.size {
		return 0, io.EOF
	}
	n, err := in.ReadAt(p[:min(int64(len(p)), in.size-in.off)], in.off)
	in.off += int64(n)
	return n, err
}

func (in *input) ReadAt(p []byte, off int64) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := in.f.ReadAt(p, off)
	in.read.Add(int64(n))
	if errors.Is(err, io.EOF) && off+int64(n) < in.size {
		err = in.changed("it was shortened while it was read")
	}
	return n, err
}

// whole checks, at the end, that the file was not shortened: one that was rewritten in place meanwhile
// was read half old and half new. That it grew is fine, and one that was replaced by rename was read
// whole, as it was.
func (in *input) whole() error {
	st, err := in.f.Stat()
	if err != nil {
		return err
	}
	if st.Size() < in.listed {
		return in.changed("it was shortened while it was read")
	}
	return nil
}

func (in *input) changed(what string) error {
	return &source.Error{Kind: source.Unavailable, Place: in.path, Err: errors.New(what), Hint: "it is read again by the next try; write source files under another name and rename them"}
}

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
