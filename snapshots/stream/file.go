package stream

import "os"

// flushBytes is how much is written before it is sent to the disk.
const flushBytes = 8 << 20

// Writer writes a file from its beginning to its end, which starts for the disk meanwhile: a Sync afterwards has
// little left to wait for. Not safe for concurrent use.
type Writer struct {
	f             *os.File
	written, sent int64
}

// NewWriter writes to f, which must be empty. The caller syncs and closes it.
func NewWriter(f *os.File) *Writer { return &Writer{f: f} }

// Write appends.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.written += int64(n)
	if w.written-w.sent >= flushBytes {
		Send(w.f, w.sent, w.written-w.sent)
		w.sent = w.written
	}
	return n, err
}
