// Package stream moves the bytes of large files: SHA-256 beside the reading and writing instead of between, and
// files that are on their way to the disk before somebody waits for it. What it starts, it waits for.
package stream

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"sync"
)

const (
	// pieceBytes is how much is read, hashed and written at a time; a transfer has as many of them as pieces. Larger
	// writes get larger pages, which a virtual machine may have to fetch from its host first: up to 3 times slower.
	pieceBytes = 128 << 10
	pieces     = 16
)

// Reader hashes and counts what is read through it. It is an io.WriterTo whose hashing runs beside the reading and
// writing. Not safe for concurrent use.
type Reader struct {
	ctx    context.Context // of the transfer
	r      io.Reader
	hash   hash.Hash
	bytes  int64
	report func(bytes int64)
}

// NewReader returns a reader of r, which ends with an error when ctx does. report is told the bytes so far; it may be
// nil.
func NewReader(ctx context.Context, r io.Reader, report func(bytes int64)) *Reader {
	if report == nil {
		report = func(int64) {}
	}
	return &Reader{ctx: ctx, r: r, hash: sha256.New(), report: report}
}

// Bytes is how many bytes were read.
func (r *Reader) Bytes() int64 { return r.bytes }

// Sum is the SHA-256 of what was read.
func (r *Reader) Sum() [sha256.Size]byte { return [sha256.Size]byte(r.hash.Sum(nil)) }

// Read reads and then hashes.
func (r *Reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	r.hash.Write(p[:n])
	r.bytes += int64(n)
	r.report(r.bytes)
	return n, err
}

// WriteTo reads to the end and writes to w. Hashing runs beside it.
func (r *Reader) WriteTo(w io.Writer) (written int64, err error) {
	free, full := make(chan []byte, pieces), make(chan []byte, pieces)
	free <- make([]byte, pieceBytes)
	made := 1
	var hashing sync.WaitGroup
	hashing.Go(func() {
		for p := range full {
			r.hash.Write(p)
			free <- p[:cap(p)]
		}
	})
	defer hashing.Wait()
	defer close(full)
	for {
		if err := r.ctx.Err(); err != nil {
			return written, err
		}
		if len(free) == 0 && made < pieces {
			free <- make([]byte, pieceBytes)
			made++
		}
		p := <-free // nobody takes it again before it is written
		n, end := fill(r.r, p)
		r.bytes += int64(n)
		full <- p[:n]
		if n > 0 {
			wrote, err := w.Write(p[:n])
			written += int64(wrote)
			if err != nil {
				return written, err
			}
			r.report(r.bytes)
		}
		if end == io.EOF { //nolint:errorlint // as io.Copy
			return written, nil
		}
		if end != nil {
			return written, end
		}
	}
}

// fill reads until p is full, or to the end.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = r.Read(p[n:])
		n += got
	}
	return n, err
}
