//go:build duckdb_arrow

package query

import (
	"bytes"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// maxMessage is the size in bytes that a message of an Arrow stream should stay below: gRPC takes 4 MiB unless told
// otherwise.
const maxMessage = 3 << 20

// arrow writes an Arrow IPC stream, see api.ArrowStream.
func (r *rows) arrow(w io.Writer) error {
	var out *ipc.Writer
	begin := func() {
		out = ipc.NewWriterWithPayloadWriter(&messages{w: w}, ipc.WithSchema(r.src.Schema()))
	}
	for r.Next() {
		if out == nil {
			begin()
		}
		if err := divided(r.cur, out.Write); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if out == nil {
		begin()
	}
	return out.Close()
}

// messages writes each message of a stream at once.
type messages struct {
	w   io.Writer
	buf bytes.Buffer
}

// Start implements ipc.PayloadWriter.
func (m *messages) Start() error { return nil }

// WritePayload implements ipc.PayloadWriter.
func (m *messages) WritePayload(p ipc.Payload) error {
	m.buf.Reset()
	if _, err := p.WritePayload(&m.buf); err != nil {
		return err
	}
	_, err := m.w.Write(m.buf.Bytes())
	return err
}

// Close implements ipc.PayloadWriter: it writes the mark at the end of a stream.
func (m *messages) Close() error {
	_, err := m.w.Write([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	return err
}

// divided hands on a batch in parts that make messages of less than maxMessage, or of one row.
func divided(b arrow.RecordBatch, write func(arrow.RecordBatch) error) error {
	size, err := encodedSize(b)
	if err != nil {
		return err
	}
	n := b.NumRows()
	if size <= maxMessage || n <= 1 {
		return write(b)
	}
	parts := min(n, size/maxMessage+1)
	step := (n + parts - 1) / parts
	for at := int64(0); at < n; at += step {
		part := b.NewSlice(at, min(at+step, n))
		err := divided(part, write) // rows differ in size
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// encodedSize is how many bytes a batch has as a message; the buffers of a batch that is surely small enough are
// not gone through twice.
func encodedSize(b arrow.RecordBatch) (int64, error) {
	var held int64
	for _, c := range b.Columns() {
		held += int64(c.Data().SizeInBytes())
	}
	if held <= maxMessage/2 {
		return held, nil
	}
	p, err := ipc.GetRecordBatchPayload(b)
	if err != nil {
		return 0, err
	}
	defer p.Release()
	var n counter
	_, err = p.WritePayload(&n)
	return int64(n), err
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
