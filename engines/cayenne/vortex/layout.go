package vortex

import (
	"encoding/binary"
	"math"
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// magic begins and ends every file.
const magic = "VTXF"

// version is the container version, which stands behind the postscript.
const version = 1

// tailSize is how many bytes at the end of a file hold the length of the postscript, the version and the magic.
const tailSize = 8

// maxPostscript is the longest postscript.
const maxPostscript = math.MaxUint16 - tailSize

// segmentSpec is where a segment lies.
type segmentSpec struct {
	offset uint64
	length uint32
	align  uint8
}

// The layouts that the writer makes.
const (
	layoutFlat    = "vortex.flat"
	layoutChunked = "vortex.chunked"
	layoutStruct  = "vortex.struct"
	layoutStats   = "vortex.stats"
)

// layout is a node of the tree that says which segments hold which rows.
type layout struct {
	encoding string
	rows     int64
	metadata []byte
	children []*layout
	segments []uint32
}

// build writes the table Layout of layout.fbs.
func (l *layout) build(b *flatbuffers.Builder, names *ids) flatbuffers.UOffsetT {
	var of []flatbuffers.UOffsetT
	for _, c := range l.children {
		of = append(of, c.build(b, names))
	}
	var metadata, children, segments flatbuffers.UOffsetT
	if len(l.metadata) > 0 {
		metadata = b.CreateByteVector(l.metadata)
	}
	if len(of) > 0 {
		children = offsets(b, of)
	}
	if len(l.segments) > 0 {
		b.StartVector(4, len(l.segments), 4)
		for _, s := range slices.Backward(l.segments) {
			b.PrependUint32(s)
		}
		segments = b.EndVector(len(l.segments))
	}
	b.StartObject(5)
	b.PrependUint16Slot(0, names.of(l.encoding), 0)
	b.PrependUint64Slot(1, uint64(l.rows), 0)
	b.PrependUOffsetTSlot(2, metadata, 0)
	b.PrependUOffsetTSlot(3, children, 0)
	b.PrependUOffsetTSlot(4, segments, 0)
	return b.EndObject()
}

// parseLayout reads a table Layout. names are the layouts of the file.
func parseLayout(t table, names []string, at nesting) (*layout, error) {
	encoding, rows := int(t.uint16(0)), t.uint64(1)
	if encoding >= len(names) || rows > math.MaxInt64 {
		return nil, corrupt("layout %d of %d rows", encoding, rows)
	}
	l := &layout{encoding: names[encoding], rows: int64(rows), metadata: t.bytes(2)}
	children, segments := t.vector(3, 4), t.vector(4, 4)
	below, err := at.deeper(4 * segments.n)
	if err != nil {
		return nil, err
	}
	for i := range children.n {
		c, err := parseLayout(children.table(i), names, below)
		if err != nil {
			return nil, err
		}
		l.children = append(l.children, c)
	}
	for i := range segments.n {
		l.segments = append(l.segments, le32(segments.buf, segments.pos+4*i))
	}
	return l, nil
}

// footer is what a reader needs of the table Footer of footer.fbs.
type footer struct {
	arrays, layouts []string
	segments        []segmentSpec
}

func (f footer) build(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	b.StartVector(16, len(f.segments), 8)
	for _, s := range slices.Backward(f.segments) {
		b.Prep(8, 16)
		b.PrependUint16(0) // not encrypted
		b.PrependByte(0)   // not compressed
		b.PrependByte(s.align)
		b.PrependUint32(s.length)
		b.PrependUint64(s.offset)
	}
	segments := b.EndVector(len(f.segments))
	arrays, layouts := buildNames(b, f.arrays), buildNames(b, f.layouts)
	b.StartObject(5)
	b.PrependUOffsetTSlot(0, arrays, 0)
	b.PrependUOffsetTSlot(1, layouts, 0)
	b.PrependUOffsetTSlot(2, segments, 0)
	return b.EndObject()
}

// buildNames writes a vector of tables ArraySpec or LayoutSpec.
func buildNames(b *flatbuffers.Builder, names []string) flatbuffers.UOffsetT {
	var of []flatbuffers.UOffsetT
	for _, n := range names {
		s := b.CreateString(n)
		b.StartObject(1)
		b.PrependUOffsetTSlot(0, s, 0)
		of = append(of, b.EndObject())
	}
	return offsets(b, of)
}

// maxName is the longest name of an encoding or layout in bytes.
const maxName = 256

func parseFooter(t table) (footer, error) {
	f := footer{arrays: parseNames(t.vector(0, 4)), layouts: parseNames(t.vector(1, 4))}
	v := t.vector(2, 16)
	for i := range v.n {
		s := v.buf[v.pos+16*i:][:16]
		if s[13] != 0 || le16(s, 14) != 0 {
			return f, corrupt("segment %d is compressed or encrypted", i)
		}
		f.segments = append(f.segments, segmentSpec{le64(s, 0), le32(s, 8), s[12]})
	}
	return f, nil
}

func parseNames(v vector) []string {
	names := make([]string, v.n)
	for i := range names {
		b := v.table(i).bytes(0)
		need(b[:min(len(b), maxName)], 0, len(b)) // many may share one
		names[i] = string(b)
	}
	return names
}

// The parts that a postscript points at, in its order.
const (
	partDType = iota
	partLayout
	partStatistics
	partFooter
	partCount
)

// buildPostscript writes the table Postscript, then what ends a file.
func buildPostscript(parts [partCount]segmentSpec) ([]byte, error) {
	b := flatbuffers.NewBuilder(256)
	var of [partCount]flatbuffers.UOffsetT
	for i, s := range parts {
		b.StartObject(5)
		b.PrependUint64Slot(0, s.offset, 0)
		b.PrependUint32Slot(1, s.length, 0)
		b.PrependByteSlot(2, s.align, 0)
		of[i] = b.EndObject()
	}
	b.StartObject(5)
	for i, o := range of {
		b.PrependUOffsetTSlot(i, o, 0)
	}
	b.Finish(b.EndObject())
	out := b.FinishedBytes()
	if len(out) > maxPostscript {
		return nil, corrupt("postscript of %d bytes", len(out))
	}
	length := uint16(len(out))
	out = binary.LittleEndian.AppendUint16(out, version)
	out = binary.LittleEndian.AppendUint16(out, length)
	return append(out, magic...), nil
}
