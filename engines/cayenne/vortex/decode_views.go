package vortex

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// byteBool decodes vortex.bytebool: a byte for every row, true where it is not zero.
func (d *decoder) byteBool(n *node, t *dtype, rows int) (arrow.Array, error) {
	raw, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindBool || len(raw) != rows {
		return nil, n.wrong("values do not fill the rows")
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	bits := make([]byte, (rows+7)/8)
	for i, b := range raw {
		if b != 0 {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return fixed(t, rows, v, bits)
}

// viewSize is the size of a view of text: its length, then the text, or its beginning, buffer and offset.
const viewSize = 16

// varbinview decodes vortex.varbinview: buffers of text, the last one of views.
func (d *decoder) varbinview(n *node, t *dtype, rows int) (arrow.Array, error) {
	if len(n.buffers) == 0 {
		return nil, n.wrong("no views")
	}
	buffers, views := n.buffers[:len(n.buffers)-1], n.buffers[len(n.buffers)-1].data
	if t.kind != kindUtf8 && t.kind != kindBinary || len(views) != rows*viewSize {
		return nil, n.wrong("views do not fill the rows")
	}
	v, err := d.validity(n, 0, t, rows)
	if err != nil {
		return nil, err
	}
	size := 0
	for i := range rows {
		if !v.valid(i) {
			continue
		}
		text, err := n.view(views[i*viewSize:], buffers)
		if err != nil {
			return nil, err
		}
		size += len(text)
	}
	x, err := d.textOfSize(rows, size)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if !v.valid(i) {
			x.null()
			continue
		}
		text, err := n.view(views[i*viewSize:], buffers)
		if err != nil {
			return nil, err
		}
		x.append(text)
	}
	return x.array(t, v)
}

// view is the text of a view.
func (n *node) view(view []byte, buffers []buffer) ([]byte, error) {
	length := int(binary.LittleEndian.Uint32(view))
	if length <= 12 {
		return view[4 : 4+length], nil
	}
	buffer, off := binary.LittleEndian.Uint32(view[8:]), int(binary.LittleEndian.Uint32(view[12:]))
	if uint64(buffer) >= uint64(len(buffers)) {
		return nil, n.wrong("view of no buffer")
	}
	data := buffers[buffer].data
	need(data, off, length)
	return data[off : off+length], nil
}

// sizedText collects texts whose size together is known, so that it is accounted for once.
type sizedText struct {
	offs []int32
	data []byte
}

// textOfSize prepares for rows texts of exactly size bytes together.
func (d *decoder) textOfSize(rows, size int) (*sizedText, error) {
	if size < 0 || size > math.MaxInt32 {
		return nil, corrupt("over 2 GiB of text in one array")
	}
	if err := d.take(rows+1, 4); err != nil {
		return nil, err
	}
	if err := d.take(size, 1); err != nil {
		return nil, err
	}
	return &sizedText{offs: make([]int32, 1, rows+1), data: make([]byte, 0, size)}, nil
}

func (x *sizedText) append(s []byte) {
	x.data = append(x.data, s...)
	x.offs = append(x.offs, int32(len(x.data)))
}

func (x *sizedText) null() { x.offs = append(x.offs, int32(len(x.data))) }

func (x *sizedText) array(t *dtype, v validity) (arrow.Array, error) {
	return assemble(t, len(x.offs)-1, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(x.offs)), memory.NewBufferBytes(x.data)})
}
