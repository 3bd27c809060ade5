package vortex

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// FSST (fast static symbol table): each code stands for a symbol of one to eight bytes, so that texts are compressed
// one by one. Code 255 says that the next byte stands for itself.

const (
	maxSymbols    = 255
	escape        = 255
	maxSymbol     = 8 // bytes
	fsstSample    = 1 << 14
	fsstRounds    = 5
	fsstSlots     = 1 << 11
	minSampleGain = 10 // percent by which a sample must shrink
)

// symbol is up to eight bytes, the first the lowest.
type symbol struct {
	value  uint64
	length int
}

// symbols is a table of symbols and what finds the longest that a text begins with: those of one or two bytes by
// these bytes, a longer one by its first three, of which there is one.
//
// The Rust implementation builds the same table from a file's symbols, compresses what a column is compared with
// and compares the codes. So the order of the symbols, the slots and the choice of a symbol are those of FSST as it
// knows it: see newSymbols and slot.
type symbols struct {
	of    []symbol
	short [1 << 16]uint16 // code of the symbol of two bytes, else of one, that the bytes begin with; escape
	long  [fsstSlots]uint16
}

func (t *symbols) values() []uint64 {
	v := make([]uint64, len(t.of))
	for i, s := range t.of {
		v[i] = s.value
	}
	return v
}

func (t *symbols) lengths() []uint8 {
	v := make([]uint8, len(t.of))
	for i, s := range t.of {
		v[i] = uint8(s.length)
	}
	return v
}

// slot is where a symbol of three or more bytes is looked up. Other readers refuse tables with two in one slot.
func slot(v uint64) int {
	v &= 0xffffff
	return int((v*2971215073 ^ v>>15) & (fsstSlots - 1))
}

// newSymbols makes a table of candidates, best first. It leaves a longer symbol out whose slot is taken, and one that
// ends with a zero, which could not be told from the padding of a text's last word. Codes go by length: 2 to 8, 1.
func newSymbols(candidates []symbol) *symbols {
	t := &symbols{}
	for i := range t.short {
		t.short[i] = escape
	}
	for i := range t.long {
		t.long[i] = escape
	}
	for _, s := range candidates {
		if len(t.of) == maxSymbols {
			break
		}
		if s.length > 1 && s.value>>(8*(s.length-1)) == 0 {
			continue
		}
		if s.length > 2 {
			at := slot(s.value)
			if t.long[at] != escape {
				continue
			}
			t.long[at] = 0 // taken
		}
		t.of = append(t.of, s)
	}
	slices.SortStableFunc(t.of, func(a, b symbol) int { return cmp.Compare((a.length+6)%8, (b.length+6)%8) })
	for c, s := range slices.Backward(t.of) { // two bytes overwrite one
		switch s.length {
		case 1:
			for next := range 256 {
				t.short[int(s.value)|next<<8] = uint16(c)
			}
		case 2:
			t.short[s.value] = uint16(c)
		default:
			t.long[slot(s.value)] = uint16(c)
		}
	}
	return t
}

// find is the code of the symbol that a text's next bytes begin with and the symbol's length; escape and 1 where there
// is none.
func (t *symbols) find(word uint64) (code, length int) {
	if c := t.long[slot(word)]; c != escape {
		if s := t.of[c]; word&(^uint64(0)>>(64-8*s.length)) == s.value {
			return int(c), s.length
		}
	}
	if c := t.short[word&0xffff]; c != escape {
		return int(c), t.of[c].length
	}
	return escape, 1
}

// load is the next eight bytes of a text, zeros behind its end.
func load(s []byte) uint64 {
	if len(s) >= 8 {
		return binary.LittleEndian.Uint64(s)
	}
	var w [8]byte
	copy(w[:], s)
	return binary.LittleEndian.Uint64(w[:])
}

// compress appends the codes of a text.
func (t *symbols) compress(out, s []byte) []byte {
	for len(s) > 0 {
		c, n := t.find(load(s))
		out = append(out, byte(c))
		if c == escape {
			out = append(out, s[0])
		}
		s = s[n:]
	}
	return out
}

// trainSymbols finds a table for texts from a sample of them; nil where the sample does not shrink enough. Each round
// compresses the sample by the table so far, counts symbols and pairs of neighbours, and keeps what saves most.
func trainSymbols(offs []int32, data []byte) *symbols {
	var sample [][]byte
	rows, size := len(offs)-1, 0
	average := max(int(offs[rows]-offs[0])/rows, 1)
	step := max(rows*average/fsstSample, 1)
	for i := 0; i < rows && size < 2*fsstSample; i += step {
		if s := data[offs[i]:offs[i+1]]; len(s) > 0 {
			s = s[:min(len(s), 1<<10)]
			sample, size = append(sample, s), size+len(s)
		}
	}
	t := newSymbols(nil)
	for range fsstRounds {
		t = newSymbols(candidates(t, sample))
	}
	packed := 0
	var buf []byte
	for _, s := range sample {
		buf = t.compress(buf[:0], s)
		packed += len(buf)
	}
	if packed*100 > size*(100-minSampleGain) {
		return nil
	}
	return t
}

// candidates are the symbols that would save most bytes of the sample, best first.
func candidates(t *symbols, sample [][]byte) []symbol {
	saves := map[symbol]int{}
	for _, s := range sample {
		var before symbol
		for len(s) > 0 {
			word := load(s)
			_, n := t.find(word)
			now := symbol{word & (^uint64(0) >> (64 - 8*n)), n}
			saves[now] += n
			if n > 1 { // its first byte may be worth a symbol of its own
				saves[symbol{word & 0xff, 1}]++
			}
			if both := before.length + n; before.length > 0 && both <= maxSymbol {
				saves[symbol{before.value | now.value<<(8*before.length), both}] += both
			}
			before, s = now, s[n:]
		}
	}
	out := make([]symbol, 0, len(saves))
	for s := range saves {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(saves[b], saves[a]), cmp.Compare(b.length, a.length), cmp.Compare(a.value, b.value))
	})
	return out
}
