package vortex

import (
	"encoding/binary"
	"math/bits"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// node is one array of the tree that a flat segment holds. Length and type are not stored: the parent says them.
type node struct {
	encoding string
	metadata []byte // protobuf, or nothing
	children []*node
	buffers  []buffer
}

// buffer is a run of bytes of a segment, aligned to 1<<align bytes in the file.
type buffer struct {
	data  []byte
	align uint8
}

// valueBuffer is a buffer of numbers.
func valueBuffer[T any](v []T) buffer {
	return buffer{bytesOf(v), uint8(bits.TrailingZeros(uint(bitsOf[T]() / 8)))}
}

// size is about the number of bytes that the tree takes up in a file.
func (n *node) size() int {
	s := 32 + len(n.metadata)
	for _, b := range n.buffers {
		s += len(b.data)
	}
	for _, c := range n.children {
		s += c.size()
	}
	return s
}

// ids numbers the names of encodings in the order of their first use.
type ids struct {
	number map[string]uint16
	names  []string
}

func (c *ids) of(name string) uint16 {
	if n, ok := c.number[name]; ok {
		return n
	}
	if c.number == nil {
		c.number = map[string]uint16{}
	}
	n := uint16(len(c.names))
	c.number[name], c.names = n, append(c.names, name)
	return n
}

// segment is the form of a tree in a file: buffers with their padding, then the flatbuffer Array of array.fbs
// that describes them, then its length. align is that of the widest buffer, at least 8 bytes.
func (n *node) segment(names *ids) (out []byte, align uint8) {
	var placed []placement
	align = 3
	out = make([]byte, 0, n.size()+256)
	var place func(*node)
	place = func(n *node) {
		for _, b := range n.buffers {
			pad := -len(out) & (1<<b.align - 1)
			out = append(append(out, make([]byte, pad)...), b.data...)
			placed = append(placed, placement{uint16(pad), b.align, uint32(len(b.data))})
			align = max(align, b.align)
		}
		for _, c := range n.children {
			place(c)
		}
	}
	place(n)
	b := flatbuffers.NewBuilder(1024)
	next := uint16(0)
	root := n.build(b, names, &next)
	b.StartVector(8, len(placed), 4)
	for _, p := range slices.Backward(placed) {
		b.Prep(4, 8)
		b.PrependUint32(p.length)
		b.PrependByte(0) // not compressed
		b.PrependByte(p.align)
		b.PrependUint16(p.padding)
	}
	buffers := b.EndVector(len(placed))
	b.StartObject(2)
	b.PrependUOffsetTSlot(0, root, 0)
	b.PrependUOffsetTSlot(1, buffers, 0)
	b.Finish(b.EndObject())
	out = append(out, make([]byte, -len(out)&7)...)
	out = append(out, b.FinishedBytes()...)
	return binary.LittleEndian.AppendUint32(out, uint32(len(b.FinishedBytes()))), align
}

// placement tells where a buffer lies, after the one before it.
type placement struct {
	padding uint16
	align   uint8
	length  uint32
}

// build writes the table ArrayNode. Buffers are numbered in the order in which segment placed them.
func (n *node) build(b *flatbuffers.Builder, names *ids, next *uint16) flatbuffers.UOffsetT {
	first := *next
	*next += uint16(len(n.buffers))
	var metadata, children, buffers flatbuffers.UOffsetT
	if len(n.children) > 0 {
		var of []flatbuffers.UOffsetT
		for _, c := range n.children {
			of = append(of, c.build(b, names, next))
		}
		children = offsets(b, of)
	}
	if len(n.metadata) > 0 {
		metadata = b.CreateByteVector(n.metadata)
	}
	if len(n.buffers) > 0 {
		b.StartVector(2, len(n.buffers), 2)
		for i := len(n.buffers) - 1; i >= 0; i-- {
			b.PrependUint16(first + uint16(i))
		}
		buffers = b.EndVector(len(n.buffers))
	}
	b.StartObject(5)
	b.PrependUint16Slot(0, names.of(n.encoding), 0)
	b.PrependUOffsetTSlot(1, metadata, 0)
	b.PrependUOffsetTSlot(2, children, 0)
	b.PrependUOffsetTSlot(3, buffers, 0)
	return b.EndObject()
}

// parseSegment reads a tree back. names are the encodings of the file.
func parseSegment(b []byte, names []string) (*node, error) {
	need(b, len(b)-4, 4)
	length := int(le32(b, len(b)-4))
	at := len(b) - 4 - length
	need(b, at, length)
	root := rootTable(b[at : at+length])
	list := root.vector(1, 8)
	buffers := make([]buffer, list.n)
	off := 0
	for i := range buffers {
		entry := list.buf[list.pos+8*i:][:8]
		if entry[3] != 0 {
			return nil, corrupt("a buffer compressed by scheme %d", entry[3])
		}
		off += le16(entry, 0)
		length := int(le32(entry, 4))
		need(b[:at], off, length)
		buffers[i] = buffer{b[off : off+length : off+length], entry[2]}
		off += length
	}
	t, ok := root.table(0)
	if !ok {
		return nil, corrupt("segment without an array")
	}
	return parseNode(t, names, buffers, nestingIn(t.buf))
}

func parseNode(t table, names []string, buffers []buffer, at nesting) (*node, error) {
	encoding := int(t.uint16(0))
	if encoding >= len(names) {
		return nil, corrupt("array of encoding %d", encoding)
	}
	n := &node{encoding: names[encoding], metadata: t.bytes(1)}
	children, list := t.vector(2, 4), t.vector(3, 2)
	below, err := at.deeper(2 * list.n)
	if err != nil {
		return nil, err
	}
	for i := range children.n {
		c, err := parseNode(children.table(i), names, buffers, below)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, c)
	}
	for i := range list.n {
		b := le16(list.buf, list.pos+2*i)
		if b >= len(buffers) {
			return nil, corrupt("buffer %d of %d", b, len(buffers))
		}
		n.buffers = append(n.buffers, buffers[b])
	}
	return n, nil
}
