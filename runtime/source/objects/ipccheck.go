package objects

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Limits of what an Arrow message may claim; arrow-go would try to allocate it.
const (
	maxIPCMetadata = 64 << 20
	maxIPCBody     = 2 << 30 // of a compressed file; of another, its size
	maxIPCPlain    = 1 << 30 // what the compressed buffers of a message become
	maxIPCRatio    = 1 << 15 // zstd writes 128 KiB of one byte as 4 bytes
	maxIPCRows     = 1 << 31
	maxIPCDepth    = 64
)

// checkedIPC hands on an Arrow stream after looking at the sizes that each message claims: a wrong byte
// in a file must not make arrow-go allocate until the process dies. It reads the flatbuffers by hand,
// because Go's library has no verifier and arrow-go's types are internal.
type checkedIPC struct {
	r    io.Reader
	max  int64 // bytes that a body can have
	buf  []byte
	rest []byte // of buf, not handed on yet
	err  error
}

func (c *checkedIPC) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.err = c.message()
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// message reads one whole message: the continuation marker, the length of its metadata, that, and the
// body. At the end of the stream it hands on what there is.
func (c *checkedIPC) message() error {
	head := make([]byte, 8)
	n, err := io.ReadFull(c.r, head[:4])
	if err != nil {
		c.rest = head[:n]
		return err
	}
	size, prefix := int64(int32(binary.LittleEndian.Uint32(head))), 4
	if size == -1 {
		if n, err = io.ReadFull(c.r, head[4:]); err != nil {
			c.rest = head[:4+n]
			return err
		}
		size, prefix = int64(int32(binary.LittleEndian.Uint32(head[4:]))), 8
	}
	if size == 0 { // the stream ends here
		c.rest = head[:prefix]
		return io.EOF
	}
	if size < 4 || size > maxIPCMetadata {
		return fmt.Errorf("a message has metadata of %d bytes", size)
	}
	meta := make(flat, size)
	if _, err := io.ReadFull(c.r, meta); err != nil {
		return cut(err)
	}
	header, kind, body, err := meta.message()
	if err != nil {
		return err
	}
	if body < 0 || body > c.max {
		return fmt.Errorf("a message has a body of %d bytes", body)
	}
	c.buf = append(append(append(c.buf[:0], head[:prefix]...), meta...), make([]byte, body)...)
	content := c.buf[prefix+len(meta):]
	if _, err := io.ReadFull(c.r, content); err != nil {
		return cut(err)
	}
	if err := meta.check(header, kind, content); err != nil {
		return err
	}
	c.rest = c.buf
	return nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// flat is a flatbuffer. Positions outside of it read as zero, so that checks of what they lead to fail.
type flat []byte

func (f flat) u16(at int64) int64 {
	if at < 0 || at+2 > int64(len(f)) {
		return 0
	}
	return int64(binary.LittleEndian.Uint16(f[at:]))
}

func (f flat) u32(at int64) int64 {
	if at < 0 || at+4 > int64(len(f)) {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(f[at:]))
}

func (f flat) i64(at int64) int64 {
	if at < 0 || at+8 > int64(len(f)) {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(f[at:]))
}

// field returns where field n of a table is, 0 when it is not set.
func (f flat) field(table int64, n int64) int64 {
	vtable := table - int64(int32(f.u32(table)))
	if 4+2*n >= f.u16(vtable) {
		return 0
	}
	if o := f.u16(vtable + 4 + 2*n); o != 0 {
		return table + o
	}
	return 0
}

// vector returns where the elements of a vector field are, and how many.
func (f flat) vector(at, size int64) (first, n int64, err error) {
	if at == 0 {
		return 0, 0, nil
	}
	first = at + f.u32(at) + 4
	n = f.u32(first - 4)
	if first+n*size > int64(len(f)) {
		return 0, 0, fmt.Errorf("a list in a message has %d elements", n)
	}
	return first, n, nil
}

// The kinds of a message.
const (
	ipcSchema     = 1
	ipcDictionary = 2
	ipcBatch      = 3
)

// message returns the table of the header, its kind and the size of the body in bytes.
func (f flat) message() (header, kind, body int64, err error) {
	root := f.u32(0)
	at := f.field(root, 2)
	if at == 0 {
		return 0, 0, 0, errors.New("a message has no header")
	}
	if k := f.field(root, 1); k > 0 && k < int64(len(f)) {
		kind = int64(f[k])
	}
	if b := f.field(root, 3); b > 0 {
		body = f.i64(b)
	}
	return at + f.u32(at), kind, body, nil
}

func (f flat) check(header, kind int64, body []byte) error {
	switch kind {
	case ipcSchema:
		return f.fields(header, 1, 2, 0)
	case ipcDictionary:
		if at := f.field(header, 1); at > 0 {
			return f.batch(at+f.u32(at), body)
		}
	case ipcBatch:
		return f.batch(header, body)
	}
	return nil
}

// fields checks the list of fields, and that of metadata, of a schema or a field.
func (f flat) fields(table, list, metadata int64, depth int) error {
	if depth > maxIPCDepth {
		return errors.New("its columns are nested too deeply")
	}
	if _, _, err := f.vector(f.field(table, metadata), 4); err != nil {
		return err
	}
	first, n, err := f.vector(f.field(table, list), 4)
	if err != nil {
		return err
	}
	for at := first; at < first+4*n; at += 4 {
		if err := f.fields(at+f.u32(at), 5, 6, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// batch checks the lists of a record batch, and how large its compressed buffers say they become.
func (f flat) batch(table int64, body []byte) error {
	if at := f.field(table, 0); at > 0 && (f.i64(at) < 0 || f.i64(at) > maxIPCRows) {
		return fmt.Errorf("a record batch has %d rows", f.i64(at))
	}
	if _, _, err := f.vector(f.field(table, 1), 16); err != nil {
		return err
	}
	first, n, err := f.vector(f.field(table, 2), 16)
	if err != nil {
		return err
	}
	compressed, sum := f.field(table, 3) > 0, int64(0)
	for at := first; at < first+16*n; at += 16 {
		off, size := f.i64(at), f.i64(at+8)
		if off < 0 || size < 0 || off > int64(len(body)) || size > int64(len(body))-off {
			return fmt.Errorf("a buffer of %d bytes lies outside of its message", size)
		}
		if !compressed || size < 8 {
			continue
		}
		plain := int64(binary.LittleEndian.Uint64(body[off:])) // -1 is not compressed
		if sum += max(plain, 0); plain < -1 || sum > maxIPCPlain || plain > 1<<20+size*maxIPCRatio {
			return fmt.Errorf("a compressed buffer becomes %d bytes", plain)
		}
	}
	return nil
}
