package vortex

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// File is an open Vortex file whose rows are a struct. It is safe for concurrent use; the caller closes what
// it was opened from.
type File struct {
	r      io.ReaderAt
	size   int64
	limit  int
	root   *layout
	footer footer
	dtype  *dtype
	schema *arrow.Schema
	stats  table
	hasAll bool // whether there are file statistics

	mu    sync.Mutex
	zones map[int]*zoneMap
}

// DefaultLimit is how much memory the decoding of one segment may take, in bytes.
const DefaultLimit = 2 << 30

// Open reads the footer of a file of size bytes. Errors wrap ErrCorrupt where the file is damaged or not a
// Vortex file, else they are those of r.
func Open(r io.ReaderAt, size int64) (*File, error) { return open(r, size, DefaultLimit) }

func open(r io.ReaderAt, size int64, limit int) (f *File, err error) {
	defer guard(&err)
	f = &File{r: r, size: size, limit: limit, zones: map[int]*zoneMap{}}
	tail, err := f.tail()
	if err != nil {
		return nil, err
	}
	end := tail[len(tail)-tailSize:]
	if string(end[4:]) != magic {
		return nil, corrupt("it does not end like one")
	}
	if v := le16(end, 0); v != version {
		return nil, fmt.Errorf("vortex: container version %d is not known", v)
	}
	length := le16(end, 2)
	need(tail, len(tail)-tailSize-length, length)
	if length == 0 {
		return nil, corrupt("no postscript")
	}
	postscript := rootTable(tail[len(tail)-tailSize-length : len(tail)-tailSize])
	return f, f.parse(postscript)
}

// tail reads the end of the file, as much as a postscript may take up.
func (f *File) tail() ([]byte, error) {
	if f.size < int64(len(magic)+tailSize) {
		return nil, corrupt("%d bytes", f.size)
	}
	return f.read(uint64(max(f.size-maxPostscript-tailSize, 0)), uint32(min(f.size, maxPostscript+tailSize)))
}

func (f *File) parse(postscript table) error {
	part := func(i int) (table, error) {
		t, ok := postscript.table(i)
		if !ok {
			return table{}, corrupt("postscript without part %d", i)
		}
		b, err := f.read(t.uint64(0), t.uint32(1))
		if err != nil {
			return table{}, err
		}
		return rootTable(b), nil
	}
	t, err := part(partFooter)
	if err != nil {
		return err
	}
	if f.footer, err = parseFooter(t); err != nil {
		return err
	}
	if t, err = part(partDType); err != nil {
		return err
	}
	if f.dtype, err = parseDType(t, nestingIn(t.buf)); err != nil {
		return err
	}
	if f.dtype.kind != kindStruct || f.dtype.nullable {
		return errors.New("vortex: the rows of the file are not a struct")
	}
	fields, err := f.dtype.arrowFields()
	if err != nil {
		return err
	}
	f.schema = arrow.NewSchema(fields, nil)
	if t, err = part(partLayout); err != nil {
		return err
	}
	if f.root, err = parseLayout(t, f.footer.layouts, nestingIn(t.buf)); err != nil {
		return err
	}
	if err = f.root.check(); err != nil {
		return err
	}
	if _, f.hasAll = postscript.table(partStatistics); f.hasAll {
		f.stats, err = part(partStatistics)
	}
	return err
}

// read returns bytes of the file.
func (f *File) read(off uint64, n uint32) ([]byte, error) {
	if off > uint64(f.size) || uint64(n) > uint64(f.size)-off {
		return nil, corrupt("%d bytes at %d of a file of %d", n, off, f.size)
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, int64(off)); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// segment reads the array tree of a flat layout.
func (f *File) segment(l *layout) (*node, error) {
	if len(l.segments) != 1 || int(l.segments[0]) >= len(f.footer.segments) {
		return nil, corrupt("%s without its segment", l.encoding)
	}
	s := f.footer.segments[l.segments[0]]
	b, err := f.read(s.offset, s.length)
	if err != nil {
		return nil, err
	}
	return parseSegment(b, f.footer.arrays)
}

// flat decodes all rows of a flat layout.
func (f *File) flat(l *layout, t *dtype) (a arrow.Array, err error) {
	defer guard(&err)
	n, err := f.segment(l)
	if err != nil {
		return nil, err
	}
	if l.rows > int64(f.limit) {
		return nil, corrupt("more rows than fit in memory")
	}
	d := &decoder{budget: f.limit}
	a, err = d.decode(n, t, int(l.rows))
	if err != nil {
		return nil, err
	}
	if int64(a.Len()) != l.rows {
		return nil, n.wrong("other rows than the layout has")
	}
	return a, nil
}

// Schema is the schema of the rows.
func (f *File) Schema() *arrow.Schema { return f.schema }

// Rows is the number of rows.
func (f *File) Rows() int64 { return f.root.rows }

// Size is the size in bytes.
func (f *File) Size() int64 { return f.size }

// Encodings are the names of the array encodings that the file may hold, in order.
func (f *File) Encodings() []string { return slices.Sorted(slices.Values(f.footer.arrays)) }

// Layouts are the names of its layouts.
func (f *File) Layouts() []string { return slices.Sorted(slices.Values(f.footer.layouts)) }
