package vortex

import (
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"
)

// table is a flatbuffer table in a buffer that is not trusted. The library checks no bounds; these do, and
// panic with broken where a buffer is damaged: see guard.
type table struct {
	buf []byte
	pos int
}

func le16(b []byte, off int) int {
	need(b, off, 2)
	return int(binary.LittleEndian.Uint16(b[off:]))
}

func le32(b []byte, off int) uint32 {
	need(b, off, 4)
	return binary.LittleEndian.Uint32(b[off:])
}

func le64(b []byte, off int) uint64 {
	need(b, off, 8)
	return binary.LittleEndian.Uint64(b[off:])
}

func rootTable(b []byte) table { return table{b, int(le32(b, 0))} }

// slot is the position of a field; ok is false where the table lacks it.
func (t table) slot(i int) (pos int, ok bool) {
	vtable := t.pos - int(int32(le32(t.buf, t.pos)))
	entry := 4 + 2*i
	if entry >= le16(t.buf, vtable) {
		return 0, false
	}
	off := le16(t.buf, vtable+entry)
	return t.pos + off, off != 0
}

func (t table) uint8(i int) byte {
	pos, ok := t.slot(i)
	if !ok {
		return 0
	}
	need(t.buf, pos, 1)
	return t.buf[pos]
}

func (t table) bool(i int) bool { return t.uint8(i) != 0 }

func (t table) uint16(i int) uint16 {
	if pos, ok := t.slot(i); ok {
		return uint16(le16(t.buf, pos))
	}
	return 0
}

func (t table) uint32(i int) uint32 {
	if pos, ok := t.slot(i); ok {
		return le32(t.buf, pos)
	}
	return 0
}

func (t table) uint64(i int) uint64 {
	if pos, ok := t.slot(i); ok {
		return le64(t.buf, pos)
	}
	return 0
}

func (t table) table(i int) (table, bool) {
	pos, ok := t.slot(i)
	if !ok {
		return table{}, false
	}
	return table{t.buf, pos + int(le32(t.buf, pos))}, true
}

// vector is a flatbuffer vector of n elements from pos.
type vector struct {
	buf    []byte
	pos, n int
}

// vector is empty where the table lacks it. size is the size of an element in bytes.
func (t table) vector(i, size int) vector {
	pos, ok := t.slot(i)
	if !ok {
		return vector{}
	}
	pos += int(le32(t.buf, pos))
	n := int(le32(t.buf, pos))
	need(t.buf, pos+4, n*size)
	return vector{t.buf, pos + 4, n}
}

func (t table) bytes(i int) []byte {
	v := t.vector(i, 1)
	return v.buf[v.pos : v.pos+v.n : v.pos+v.n]
}

func (t table) string(i int) string { return string(t.bytes(i)) }

// table is element i of a vector of tables.
func (v vector) table(i int) table {
	pos := v.pos + 4*i
	return table{v.buf, pos + int(le32(v.buf, pos))}
}

// string is element i of a vector of strings.
func (v vector) string(i int) string {
	pos := v.pos + 4*i
	pos += int(le32(v.buf, pos))
	n := int(le32(v.buf, pos))
	need(v.buf, pos+4, n)
	return string(v.buf[pos+4 : pos+4+n])
}

// offsets writes a vector of tables or strings.
func offsets(b *flatbuffers.Builder, of []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(4, len(of), 4)
	for i := len(of) - 1; i >= 0; i-- {
		b.PrependUOffsetT(of[i])
	}
	return b.EndVector(len(of))
}
