package objects

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pitwall/runtime/source"
)

// codecs by the ending of a name.
var codecs = map[string]string{".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}

// codec tells how an object is compressed: by file_compression_type, else by its name; "" is not.
func (o *Options) codec(name string) string {
	switch o.Compression {
	case "":
		return codecs[strings.ToLower(path.Ext(name))]
	case "none":
		return ""
	default:
		return o.Compression
	}
}

// extension is the ending of a name that tells the format, in lower case: .csv for a.csv.gz.
func extension(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if codecs[ext] != "" {
		ext = strings.ToLower(path.Ext(name[:len(name)-len(ext)]))
	}
	return ext
}

// text is an object from front to back, without compression and byte order mark.
type text struct {
	*bufio.Reader
	bytes int64 // read so far, without compression
	in    *input
	close func()
}

// text begins to read the object anew. ahead is set when all of it will be read.
func (in *input) text(ahead bool) (*text, error) {
	in.plans.set([]byteRange{{0, in.size}}, ahead)
	raw := io.Reader(io.NewSectionReader(in, 0, in.size))
	t := &text{in: in, close: func() {}}
	var err error
	switch in.codec {
	case "gzip":
		raw, err = gzip.NewReader(bufio.NewReaderSize(raw, 1<<16))
	case "zstd":
		// one decoder without goroutines of its own; 128 MiB bounds what a crafted file can claim
		var d *zstd.Decoder
		if d, err = zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20)); err == nil {
			raw, t.close = d, d.Close
		}
	case "bz2":
		raw = bzip2.NewReader(raw)
	}
	if err != nil {
		return nil, in.undecodable(err)
	}
	t.Reader = bufio.NewReaderSize(&counted{raw, t}, 1<<16)
	if head, _ := t.Peek(3); string(head) == "\ufeff" {
		t.Discard(3)
	}
	return t, nil
}

func (t *text) Close() { t.close() }

// counted counts what text delivers, and names the object when it can't be decompressed.
type counted struct {
	io.Reader
	t *text
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.t.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = c.t.in.undecodable(err)
	}
	return n, err
}

// undecodable explains an error of a decompressor; one of the store stays as it is.
func (in *input) undecodable(err error) error {
	var e *source.Error
	if errors.As(err, &e) || in.ctx.Err() != nil || in.codec == "" {
		return err
	}
	return &source.Error{Kind: source.Damaged, Place: in.place, Err: fmt.Errorf("it is not whole %s: %w", in.codec, err),
		Hint: "the file is unfinished or damaged; write it again, or set params.file_compression_type"}
}
