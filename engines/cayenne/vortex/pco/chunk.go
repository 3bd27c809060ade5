// Package pco decompresses numbers that the Pcodec format (versions up to 4.1)
// holds in its "wrapped" form: a header, per chunk its metadata, and pages
// whose number of values the caller knows. It only reads.
package pco

import (
	"fmt"
	"math"
)

// Kind is a type of number that Pcodec stores.
type Kind uint8

// The kinds of numbers.
const (
	U8 Kind = iota
	U16
	U32
	U64
	I8
	I16
	I32
	I64
	F16
	F32
	F64
)

// Bits is the width of one number in bits, 0 for an unknown kind.
func (k Kind) Bits() uint {
	switch k {
	case U8, I8:
		return 8
	case U16, I16, F16:
		return 16
	case U32, I32, F32:
		return 32
	case U64, I64, F64:
		return 64
	}
	return 0
}

func (k Kind) float() bool { return k >= F16 }

func corrupt(format string, args ...any) error {
	return fmt.Errorf("pco: "+format, args...)
}

// Version is the version of the format that a header names.
type Version struct{ Major, Minor uint8 }

// ParseHeader reads the header of wrapped data. An unknown major version is an
// error; a newer minor one may turn out unreadable later.
func ParseHeader(header []byte) (Version, error) {
	if len(header) == 0 {
		return Version{}, corrupt("the header is empty")
	}
	v := Version{Major: header[0]}
	if v.Major > 4 {
		return Version{}, corrupt("format version %d is newer than this reader", v.Major)
	}
	if v.Major == 4 {
		if len(header) < 2 {
			return Version{}, corrupt("the header has no minor version")
		}
		v.Minor = header[1]
	}
	return v, nil
}

type mode uint8

const (
	classic mode = iota
	intMult
	floatMult
	floatQuant
	dict
)

type deltaKind uint8

const (
	deltaNone deltaKind = iota
	deltaConsecutive
	deltaLookback
	deltaConv
)

// delta says how a latent variable was made smaller by what came before it.
type delta struct {
	kind      deltaKind
	states    int // values stored as they are at the start of every page
	window    uint64
	secondary bool // the secondary variable is encoded like the primary one
	shift     uint
	bias      int64
	weights   []int64
}

// variable is one of the streams that a number is split into.
type variable struct {
	width   uint
	sizeLog uint
	bins    []bin
	nodes   []ansNode
	delta   delta
}

// Chunk is the metadata of a chunk, ready to decompress its pages. It is not
// changed by that: several goroutines may share it.
type Chunk struct {
	kind  Kind
	mode  mode
	base  uint64
	quant uint
	dict  []uint64
	delta delta
	// index, primary and secondary are nil where a chunk has none.
	lookback, primary, secondary *variable
}

// OpenChunk parses the metadata of a chunk of numbers of a kind. Damaged
// metadata is an error; the memory taken is bounded by the length of meta.
func OpenChunk(v Version, meta []byte, kind Kind) (*Chunk, error) {
	width := kind.Bits()
	if width == 0 {
		return nil, corrupt("unknown kind of number %d", kind)
	}
	r := &bitReader{src: meta}
	c := &Chunk{kind: kind}
	if err := c.readMode(r, v, width); err != nil {
		return nil, err
	}
	if err := c.readDelta(r, v); err != nil {
		return nil, err
	}
	var err error
	if c.delta.kind == deltaLookback {
		if c.lookback, err = readVariable(r, 32); err != nil {
			return nil, err
		}
		for _, b := range c.lookback.bins {
			if b.lower < 1 || b.lower > c.delta.window {
				return nil, corrupt("a lookback of %d is outside the window of %d", b.lower, c.delta.window)
			}
		}
	}
	primary := width
	if c.mode == dict {
		primary = 32
	}
	if c.primary, err = readVariable(r, primary); err != nil {
		return nil, err
	}
	c.primary.delta = c.delta
	if c.mode == intMult || c.mode == floatMult || c.mode == floatQuant {
		if c.secondary, err = readVariable(r, width); err != nil {
			return nil, err
		}
		if c.delta.secondary {
			c.secondary.delta = c.delta
		}
	}
	if c.delta.kind == deltaConv {
		if err := c.delta.checkConv(primary); err != nil {
			return nil, err
		}
	}
	return c, r.align()
}

func (c *Chunk) readMode(r *bitReader, v Version, width uint) error {
	c.mode = mode(r.read(4))
	switch c.mode {
	case classic:
	case intMult:
		if c.kind.float() || v.Major == 0 {
			return corrupt("integer multiples are not valid here")
		}
		if c.base = r.read(width); c.base == 0 {
			return corrupt("the base of integer multiples is 0")
		}
	case floatMult:
		if !c.kind.float() {
			return corrupt("float multiples are not valid for integers")
		}
		c.base = r.read(width)
		b := toFloat(c.kind, fromOrdered(c.kind, c.base))
		if b == 0 || math.IsInf(b, 0) || math.IsNaN(b) {
			return corrupt("the base of float multiples is not a usable number")
		}
	case floatQuant:
		if c.quant = uint(r.read(8)); !c.kind.float() || c.quant == 0 || c.quant > precision(c.kind) {
			return corrupt("floats cannot be quantised by %d bits", c.quant)
		}
	case dict:
		n := r.read(25)
		if err := r.align(); err != nil {
			return err
		}
		if n*uint64(width/8) > uint64(len(r.src)) {
			return corrupt("a dictionary of %d values is longer than its data", n)
		}
		c.dict = make([]uint64, n)
		for i := range c.dict {
			c.dict[i] = r.read(width)
		}
	default:
		return corrupt("unknown mode %d", c.mode)
	}
	if r.overrun() {
		return corrupt("the chunk's metadata ends too early")
	}
	return nil
}

func (c *Chunk) readDelta(r *bitReader, v Version) error {
	d := &c.delta
	if v.Major < 3 {
		if d.states = int(r.read(3)); d.states > 0 {
			d.kind = deltaConsecutive
		}
		return nil
	}
	switch d.kind = deltaKind(r.read(4)); d.kind {
	case deltaNone:
	case deltaConsecutive:
		if d.states = int(r.read(3)); d.states == 0 {
			return corrupt("deltas of order 0")
		}
		d.secondary = r.read(1) == 1
	case deltaLookback:
		window, state := 1+r.read(5), r.read(4)
		if window > 24 || state > window {
			return corrupt("a lookback window of 2^%d with a state of 2^%d", window, state)
		}
		d.window, d.states = 1<<window, 1<<state
		d.secondary = r.read(1) == 1
	case deltaConv:
		d.shift = uint(r.read(5))
		d.bias = int64(r.read(64) ^ 1<<63)
		d.states = 1 + int(r.read(5))
		for range d.states {
			d.weights = append(d.weights, int64(int32(uint32(r.read(32))^1<<31)))
		}
	default:
		return corrupt("unknown delta encoding %d", d.kind)
	}
	if r.overrun() {
		return corrupt("the chunk's metadata ends too early")
	}
	return nil
}

// checkConv makes sure that no prediction can leave the accumulator, which is
// twice as wide as the latent values.
func (d *delta) checkConv(width uint) error {
	if width > 32 {
		return corrupt("convolution deltas of %d bits", width)
	}
	sum := 0.0
	for _, w := range d.weights {
		sum += math.Abs(float64(w))
	}
	most := math.Abs(float64(d.bias)) + math.Ldexp(sum, int(width))
	if d.shift > min(31, 2*width-1) || most >= math.Ldexp(1, int(2*width)-1) {
		return corrupt("the weights of a convolution are too large")
	}
	return nil
}

func readVariable(r *bitReader, width uint) (*variable, error) {
	v := &variable{width: width, sizeLog: uint(r.read(4))}
	n := r.read(15)
	if v.sizeLog > 14 || uint64(1)<<v.sizeLog < n || (n == 1 && v.sizeLog > 0) {
		return nil, corrupt("%d bins do not fit a table of 2^%d states", n, v.sizeLog)
	}
	offset := uint(4)
	for 1<<offset <= width {
		offset++
	}
	if need := n * uint64(v.sizeLog+width+offset); r.pos+need > uint64(len(r.src))*8 {
		return nil, corrupt("the chunk's metadata ends too early")
	}
	v.bins = make([]bin, n)
	for i := range v.bins {
		b := bin{weight: uint32(r.read(v.sizeLog)) + 1, lower: r.read(width), offsetBits: uint8(r.read(offset))}
		if uint(b.offsetBits) > width {
			return nil, corrupt("an offset of %d bits in numbers of %d", b.offsetBits, width)
		}
		v.bins[i] = b
	}
	var err error
	v.nodes, err = ansTable(v.sizeLog, v.bins)
	return v, err
}
