package cayenne

import (
	"archive/tar"
	"io"
	"strings"
	"time"
)

// tarWriter writes an archive whose large files begin at multiples of blockBytes: what stores archives by blocks finds
// a file that was in the one before again, wherever it lies now.
type tarWriter struct {
	*tar.Writer
	out *counter
}

const (
	// blockBytes is the size of the blocks of incremental snapshots.
	blockBytes = 256 << 10
	// alignedBytes is the size from which a file is aligned: the padding is at most a sixteenth of it then.
	alignedBytes = 16 * blockBytes
)

// counter counts what is written.
type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}

func newTarWriter(out io.Writer) *tarWriter {
	c := &counter{Writer: out}
	return &tarWriter{tar.NewWriter(c), c}
}

// begin starts a file.
func (w *tarWriter) begin(name string, size int64) error {
	h := &tar.Header{Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatGNU}
	if size >= alignedBytes {
		if err := w.Flush(); err != nil {
			return err
		}
		if err := align(h, w.out.n); err != nil {
			return err
		}
	}
	return w.WriteHeader(h)
}

// align gives a header that is written at an offset a comment, of which readers take no notice, so that what follows
// it begins at a multiple of blockBytes.
func align(h *tar.Header, at int64) error {
	h.Format = tar.FormatPAX
	comment := int64(1)
	for {
		h.PAXRecords = map[string]string{"comment": strings.Repeat(" ", int(comment))}
		size := &counter{Writer: io.Discard}
		if err := tar.NewWriter(size).WriteHeader(h); err != nil {
			return err
		}
		rest := (at + size.n) % blockBytes
		if rest == 0 {
			return nil
		}
		// The records fill up whole sectors, so that a few bytes less than what is missing make it.
		comment += max(blockBytes-rest-16, 1)
	}
}
