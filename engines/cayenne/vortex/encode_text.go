package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
)

// text encodes an array of text or bytes: as a constant, by a dictionary, by FSST or Zstandard, or as it is.
func (e *encoder) text(a arrow.Array, t *dtype) *node {
	offs, data := textOf(a)
	null := validOf(a)
	if e.plain || a.Len() < minEncoded {
		return varbin(e, offs, data, null)
	}
	if n := textDictionary(e, offs, data, null, t); n != nil {
		return n
	}
	plain := varbin(e, offs, data, null)
	best := plain
	if e.zstd != nil {
		if n := e.compressed(offs, data, null); n.size() < best.size() {
			best = n
		}
	} else if n := fsstNode(e, offs, data, null); n != nil && n.size() < best.size()*9/10 {
		best = n
	}
	return best
}

// varbin is texts as they are. offs may start anywhere in data.
func varbin(e *encoder, offs []int32, data []byte, null nulls) *node {
	from := make([]uint32, len(offs))
	for i, o := range offs {
		from[i] = uint32(o - offs[0])
	}
	children := append([]*node{integers(e, from, i32, nulls{}, 1)}, null.child(e)...)
	return &node{encoding: "vortex.varbin", metadata: proto(nil).uint(1, uint64(i32)), children: children, buffers: []buffer{{data[offs[0]:offs[len(offs)-1]], 0}}}
}

// maxTextDictionary is the most texts of a dictionary.
const maxTextDictionary = 1 << 16

// textDictionary stores each text once, where at most one row in four brings a new one; nil where it doesn't.
func textDictionary(e *encoder, offs []int32, data []byte, null nulls, t *dtype) *node {
	rows := len(offs) - 1
	limit := min(rows/4, maxTextDictionary)
	seen := make(map[string]uint16, 64)
	codes := make([]uint16, rows)
	var texts []byte
	ends := []int32{0}
	for i := range rows {
		if null.at(i) {
			continue
		}
		s := data[offs[i]:offs[i+1]]
		c, ok := seen[string(s)]
		if !ok {
			// A sample of the first rows tells soon that there are too many.
			if len(seen) >= limit || i < rows/8 && len(seen) > 64 && len(seen) > i*3/4 {
				return nil
			}
			c = uint16(len(seen))
			seen[string(s)] = c
			texts = append(texts, s...)
			ends = append(ends, int32(len(texts)))
		}
		codes[i] = c
	}
	if len(seen) == 1 && !null.any() {
		kind := scalarString
		if t.kind == kindBinary {
			kind = scalarBytes
		}
		return constantNode(proto(nil).bytes(kind, texts))
	}
	values := varbin(e, ends, texts, nulls{})
	if len(texts) > 1<<12 && e.zstd == nil {
		if n := fsstNode(e, ends, texts, nulls{}); n != nil && n.size() < values.size()*9/10 {
			values = n
		}
	}
	return dictNode(e, codes, values, len(seen), null, 1)
}

// compressed is vortex.zstd of core2025.06.0: one frame of all texts that are not null, each after its length.
func (e *encoder) compressed(offs []int32, data []byte, null nulls) *node {
	rows, count := len(offs)-1, 0
	plain := make([]byte, 0, int(offs[rows]-offs[0])+4*rows)
	for i := range rows {
		if null.at(i) {
			continue
		}
		s := data[offs[i]:offs[i+1]]
		plain = append(binary.LittleEndian.AppendUint32(plain, uint32(len(s))), s...)
		count++
	}
	frame := proto(nil).uint(1, uint64(len(plain))).uint(2, uint64(count))
	return &node{
		encoding: "vortex.zstd", metadata: proto(nil).bytes(2, frame), children: null.child(e),
		buffers: []buffer{{e.zstd.EncodeAll(plain, nil), 0}},
	}
}

// fsstNode compresses texts by a table of symbols that fits them; nil where a sample does not shrink. The codes are
// a varbin child, the form that readers of core2025.05.0 know.
func fsstNode(e *encoder, offs []int32, data []byte, null nulls) *node {
	all := data[offs[0]:offs[len(offs)-1]]
	if len(all) < 4*len(offs) {
		return nil
	}
	t := trainSymbols(offs, data)
	if t == nil {
		return nil
	}
	codes := make([]byte, 0, len(all)/2)
	ends, lengths := make([]int32, len(offs)), make([]uint32, len(offs)-1)
	for i := range lengths {
		s := data[offs[i]:offs[i+1]]
		if !null.at(i) {
			codes = t.compress(codes, s)
			lengths[i] = uint32(len(s))
		}
		ends[i+1] = int32(len(codes))
	}
	return &node{
		encoding: "vortex.fsst", metadata: proto(nil).uint(1, uint64(i32)),
		children: []*node{varbin(e, ends, codes, null), integers(e, lengths, i32, nulls{}, 1)},
		buffers:  []buffer{valueBuffer(t.values()), valueBuffer(t.lengths())},
	}
}
