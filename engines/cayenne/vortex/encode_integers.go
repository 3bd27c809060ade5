package vortex

import (
	"math/bits"

	"google.golang.org/protobuf/encoding/protowire"
)

// integers encodes whole numbers of type p, given as unsigned values of its width: as a constant, as runs, as a
// dictionary, or as bit-packed differences from the least, with the few that are too wide apart. depth counts how
// many encodings are around it.
func integers[U unsigned](e *encoder, v []U, p ptype, null nulls, depth int) *node {
	if e.plain || len(v) < minEncoded {
		return primitiveNode(v, null.child(e))
	}
	look := survey(v, p, null)
	if !look.any {
		return constantNode(proto(nil).always(scalarNull, 0))
	}
	if look.lo == look.hi && !null.any() {
		return constantNode(wholeScalar(look.lo, p))
	}
	packed := choosePacking(v, look, null)
	best := packed.bits
	runs := depth < maxCascade && look.runs < len(v)/4
	if runBits := look.runs * (packed.width + bits.Len(uint(len(v)))); runs && runBits < best {
		best = runBits
	} else {
		runs = false
	}
	if depth < maxCascade && packed.width > 8 {
		if n := dictionaryOf(e, v, p, null, depth, best, packed.width); n != nil {
			return n
		}
	}
	switch {
	case runs:
		return runEnd(e, v, p, null, depth, func(values []U, null nulls) *node { return integers(e, values, p, null, depth+1) })
	case packed.bits >= len(v)*bitsOf[U]():
		return primitiveNode(v, null.child(e))
	}
	return packed.node(e, v, look, p, null)
}

// wholeScalar is a whole number as a message ScalarValue.
func wholeScalar[U unsigned](v U, p ptype) []byte {
	if p.signed() {
		return proto(nil).always(scalarInt, protowire.EncodeZigZag(signExtend(v)))
	}
	return proto(nil).always(scalarUint, uint64(v))
}

func signExtend[U unsigned](v U) int64 {
	shift := 64 - bitsOf[U]()
	return int64(uint64(v)<<shift) >> shift
}

// look is what one pass over the values tells.
type look[U unsigned] struct {
	any    bool // whether there is a value that is not null
	lo, hi U    // as unsigned values: hi - lo is the span also of signed ones
	runs   int  // of equal neighbours, nulls among them
}

// survey finds the least and the greatest value, in the order of type p, and counts runs.
func survey[U unsigned](v []U, p ptype, null nulls) look[U] {
	var flip U // turns the order of signed values into that of unsigned ones
	if p.signed() {
		flip = U(1) << (bitsOf[U]() - 1)
	}
	if !null.any() {
		lo, hi, runs, last := v[0]^flip, v[0]^flip, 1, v[0]
		for _, x := range v {
			k := x ^ flip
			lo, hi = min(lo, k), max(hi, k)
			if x != last {
				runs++
				last = x
			}
		}
		return look[U]{true, lo ^ flip, hi ^ flip, runs}
	}
	var s look[U]
	lastNull, last := null.at(0), v[0]
	s.runs = 1
	for i, x := range v {
		isNull := null.at(i)
		if isNull != lastNull || !isNull && x != last {
			s.runs++
		}
		lastNull, last = isNull, x
		if isNull {
			continue
		}
		k := x ^ flip
		if !s.any {
			s.lo, s.hi, s.any = k, k, true
			continue
		}
		s.lo, s.hi = min(s.lo, k), max(s.hi, k)
	}
	s.lo, s.hi = s.lo^flip, s.hi^flip
	return s
}

// packing is how values are bit-packed.
type packing[U unsigned] struct {
	ref    U   // subtracted from all
	width  int // in bits
	beyond int // how many values are wider
	bits   int // about what it takes
}

// exceptionBits is what a patch takes besides its value.
const exceptionBits = 24

// choosePacking finds the width that takes the least, exceptions reckoned in. Small values that are not negative
// are packed as they are: a reference would gain them nothing.
func choosePacking[U unsigned](v []U, s look[U], null nulls) packing[U] {
	var widths [65]int
	ref := s.lo
	if null.any() {
		for i, x := range v {
			if !null.at(i) {
				widths[bits.Len64(uint64(x-ref))]++
			}
		}
	} else {
		for _, x := range v {
			widths[bits.Len64(uint64(x-ref))]++
		}
	}
	top := bits.Len64(uint64(s.hi - ref))
	best, beyond := packing[U]{ref: ref, width: max(top, 1), bits: len(v) * max(top, 1)}, 0
	for w := top - 1; w >= 1; w-- {
		beyond += widths[w+1]
		if size := len(v)*w + beyond*(bitsOf[U]()+exceptionBits); size < best.bits {
			best = packing[U]{ref: ref, width: w, beyond: beyond, bits: size}
		}
	}
	return best
}

// node packs the values.
func (p packing[U]) node(e *encoder, v []U, s look[U], typ ptype, null nulls) *node {
	diff := make([]U, len(v))
	limit := ^U(0) >> (bitsOf[U]() - p.width)
	var at []uint32
	var wide []U
	hasNulls := null.any()
	for i, x := range v {
		if hasNulls && null.at(i) {
			continue
		}
		d := x - p.ref
		diff[i] = d
		if d > limit {
			at, wide = append(at, uint32(i)), append(wide, d)
		}
	}
	m := proto(nil).uint(1, uint64(p.width))
	var children []*node
	if len(at) > 0 {
		m = m.bytes(3, patchesMetadata(len(at)))
		children = []*node{primitiveNode(at, nil), primitiveNode(wide, nil)}
	}
	n := &node{encoding: "fastlanes.bitpacked", metadata: m, children: append(children, null.child(e)...), buffers: []buffer{valueBuffer(pack(diff, p.width))}}
	if p.ref == 0 {
		return n
	}
	return &node{encoding: "fastlanes.for", metadata: wholeScalar(p.ref, typ), children: []*node{n}}
}

// patchesMetadata is a message PatchesMetadata of count patches with indices of type u32.
func patchesMetadata(count int) []byte {
	return proto(nil).uint(1, uint64(count)).uint(3, uint64(u32))
}

// runEnd stores where each run of equal values ends, and the values.
func runEnd[U unsigned](e *encoder, v []U, p ptype, null nulls, depth int, encode func([]U, nulls) *node) *node {
	var ends []uint32
	var rows []int
	var values []U
	for i, x := range v {
		if i+1 < len(v) && null.at(i) == null.at(i+1) && (null.at(i) || x == v[i+1]) {
			continue
		}
		ends, values, rows = append(ends, uint32(i+1)), append(values, x), append(rows, i)
	}
	inner := nulls{}
	if null.any() {
		inner = null.take(rows)
	}
	return &node{encoding: "vortex.runend", metadata: proto(nil).uint(1, uint64(u32)).uint(2, uint64(len(ends))), children: []*node{
		integers(e, ends, u32, nulls{}, depth+1), encode(values, inner),
	}}
}

// maxDictionary is the most values of a dictionary of numbers.
const maxDictionary = 4096

// dictionaryOf stores each value once, and numbers, where that takes less than limit bits; nil where it doesn't, or
// where a sample says that it can't. width is that of a value in bits.
func dictionaryOf[U unsigned](e *encoder, v []U, p ptype, null nulls, depth, limit, width int) *node {
	seen := make(map[U]uint16, 256)
	step := max(len(v)/1024, 1)
	for i := 0; i < len(v); i += step {
		seen[v[i]] = 0
	}
	if n := len(seen); n*4 > 1024 || len(v)*bits.Len(uint(n))+n*width >= limit {
		return nil
	}
	clear(seen)
	codes := make([]uint16, len(v))
	var values []U
	hasNulls := null.any()
	last, lastCode, started := U(0), uint16(0), false
	for i, x := range v {
		if hasNulls && null.at(i) {
			continue
		}
		if started && x == last {
			codes[i] = lastCode
			continue
		}
		c, ok := seen[x]
		if !ok {
			if len(values) == maxDictionary {
				return nil
			}
			c = uint16(len(values))
			seen[x], values = c, append(values, x)
		}
		codes[i], last, lastCode, started = c, x, c, true
	}
	if len(v)*max(bits.Len(uint(len(values)-1)), 1)+len(values)*bitsOf[U]() >= limit {
		return nil
	}
	return dictNode(e, codes, primitiveNode(values, nil), len(values), null, depth)
}

// dictNode is a dictionary of count values; the codes carry the nulls.
func dictNode(e *encoder, codes []uint16, values *node, count int, null nulls, depth int) *node {
	p, child := u16, (*node)(nil)
	if count <= 256 {
		small := make([]uint8, len(codes))
		for i, c := range codes {
			small[i] = uint8(c)
		}
		p, child = u8, integers(e, small, u8, null, depth+1)
	} else {
		child = integers(e, codes, u16, null, depth+1)
	}
	m := proto(nil).uint(1, uint64(count)).uint(2, uint64(p)).always(3, uint64(bit(null.any())))
	return &node{encoding: "vortex.dict", metadata: m, children: []*node{child, values}}
}
