package pco

import (
	"encoding/binary"
	"math/bits"
)

// bitReader reads unsigned numbers of any width, least significant bit first.
// Past the end of its bytes it gives zeros: whoever reads asks overrun when a
// batch is done, so that the inner loops need no error.
type bitReader struct {
	src []byte
	pos uint64 // in bits
}

// word returns the eight bytes at a byte position, zeros past the end.
func (r *bitReader) word(at uint64) uint64 {
	n := uint64(len(r.src))
	if at+8 <= n {
		return binary.LittleEndian.Uint64(r.src[at:])
	}
	var w uint64
	for i := uint64(0); at+i < n && i < 8; i++ {
		w |= uint64(r.src[at+i]) << (8 * i)
	}
	return w
}

// read takes the next width bits (0 to 64).
func (r *bitReader) read(width uint) uint64 {
	at, shift := r.pos>>3, uint(r.pos&7)
	w := r.word(at) >> shift
	if shift+width > 64 {
		w |= r.word(at+8) << (64 - shift)
	}
	r.pos += uint64(width)
	return w & mask(width)
}

// overrun reports whether more was read than there is.
func (r *bitReader) overrun() bool { return r.pos > uint64(len(r.src))*8 }

// align skips to the next whole byte; the skipped bits have to be zero.
func (r *bitReader) align() error {
	if rest := uint(-r.pos & 7); rest != 0 && r.read(rest) != 0 {
		return corrupt("bits between two parts are not zero")
	}
	if r.overrun() {
		return corrupt("the data ends too early")
	}
	return nil
}

// mask has the lowest width bits set (0 to 64).
func mask(width uint) uint64 {
	if width >= 64 {
		return ^uint64(0)
	}
	return uint64(1)<<width - 1
}

// ansNode is what one state of the entropy decoder says: the bin of the next
// number and how the state after it is found.
type ansNode struct {
	lower      uint64
	next       uint32
	bits       uint8
	offsetBits uint8
}

// bin is a range of numbers: from lower on, 2^offsetBits of them; weight is
// its share of the states.
type bin struct {
	weight     uint32
	lower      uint64
	offsetBits uint8
}

// ansTable spreads the bins over 2^sizeLog states in the order that the format
// prescribes: steps of about three fifths of the table, an odd number.
func ansTable(sizeLog uint, bins []bin) ([]ansNode, error) {
	if len(bins) == 0 {
		bins = []bin{{weight: 1}}
	}
	size := uint32(1) << sizeLog
	var sum uint64
	for _, b := range bins {
		sum += uint64(b.weight)
	}
	if sum != uint64(size) {
		return nil, corrupt("the weights of the bins add up to %d, the table has %d states", sum, size)
	}
	stride := 3 * size / 5
	if stride%2 == 0 {
		stride++
	}
	symbols := make([]uint16, size)
	step := uint32(0)
	for s, b := range bins {
		for range b.weight {
			symbols[(stride*step)&(size-1)] = uint16(s)
			step++
		}
	}
	seen := make([]uint32, len(bins))
	nodes := make([]ansNode, size)
	for i, s := range symbols {
		x := bins[s].weight + seen[s]
		seen[s]++
		n := bits.LeadingZeros32(x) - bits.LeadingZeros32(size)
		nodes[i] = ansNode{
			lower: bins[s].lower, offsetBits: bins[s].offsetBits,
			next: x<<n - size, bits: uint8(n),
		}
	}
	return nodes, nil
}
