package vortex

import (
	"math"
	"math/bits"
	"strconv"
)

// ALP (adaptive lossless floating-point compression): a float that came from a decimal is a whole number times a
// power of ten. A float v is kept as the whole number n = round(v * 10^e * 10^-f) where n * 10^f * 10^-e is v again,
// bit by bit; the others are patches.

// powers are 10^i and 10^-i, each the float next to it.
type powers[T float32 | float64] struct{ up, down []T }

func powersOfTen[T float32 | float64](n int) powers[T] {
	p := powers[T]{}
	for i := range n + 1 {
		p.up, p.down = append(p.up, tenTo[T](i)), append(p.down, tenTo[T](-i))
	}
	return p
}

// tenTo is the float next to 10^i, without the rounding of a calculation.
func tenTo[T float32 | float64](i int) T {
	v, _ := strconv.ParseFloat("1e"+strconv.Itoa(i), bitsOf[T]())
	return T(v)
}

// alpSample is how many values are tried to choose the exponents.
const alpSample = 128

// maxExceptions is the share of values that may be patches: one in this many.
const maxExceptions = 8

// floats encodes floats, raw being their bits: as a constant, as runs, by a dictionary, or by ALP.
func floats[T float32 | float64, U uint32 | uint64](e *encoder, v []T, raw []U, p ptype, null nulls) *node {
	if e.plain || len(v) < minEncoded {
		return primitiveNode(v, null.child(e))
	}
	s := survey(raw, u64, null)
	if !s.any {
		return constantNode(proto(nil).always(scalarNull, 0))
	}
	if s.lo == s.hi && !null.any() {
		return constantNode(floatScalar(s.lo, p))
	}
	width := bitsOf[T]()
	best := len(v) * width
	var out *node
	if n := alp(e, v, raw, p, null); n != nil && n.size()*8 < best {
		out, best = n, n.size()*8
	}
	if n := dictionaryOf(e, raw, p, null, 1, best, width); n != nil {
		out, best = n, n.size()*8
	}
	if s.runs < len(v)/4 && s.runs*(width/2+bits.Len(uint(len(v)))) < best {
		n := runEnd(e, raw, p, null, 1, func(values []U, null nulls) *node {
			return floats(&encoder{plain: len(values) > len(v)/8, zstd: e.zstd}, valuesOf[T](bytesOf(values)), values, p, null)
		})
		if n.size()*8 < best {
			out = n
		}
	}
	if out == nil {
		return primitiveNode(v, null.child(e))
	}
	return out
}

// floatScalar is the bits of a float as a message ScalarValue.
func floatScalar[U uint32 | uint64](v U, p ptype) []byte {
	if p == f32 {
		return proto(nil).fixed32(scalarFloat, uint32(v))
	}
	return proto(nil).fixed64(scalarDouble, uint64(v))
}

// exponents choose the decimal that a float came from.
type exponents struct{ e, f int }

// alpRange is the greatest exponent, and the number beyond which floats have no fraction any more.
func alpRange[T float32 | float64]() (maxExponent int, sweet T) {
	var z T
	if _, ok := any(z).(float32); ok {
		return 10, T(1<<23 + 1<<22)
	}
	return 18, T(float64(1<<52 + 1<<51))
}

// alp is nil where too few values are decimals.
func alp[T float32 | float64, U uint32 | uint64](e *encoder, v []T, raw []U, p ptype, null nulls) *node {
	maxExponent, sweet := alpRange[T]()
	pow := powersOfTen[T](maxExponent)
	x, ok := chooseExponents(v, raw, null, pow, maxExponent, sweet)
	if !ok {
		return nil
	}
	whole := make([]U, len(v))
	var at []uint32
	var wide []T
	hasNulls := null.any()
	fill := U(0) // stands for patches and nulls, so that they widen nothing
	filled := false
	var later []uint32
	for i, f := range v {
		if hasNulls && null.at(i) {
			later = append(later, uint32(i))
			continue
		}
		n, ok := alpEncode[T, U](f, raw[i], x, pow, sweet)
		if !ok {
			if at = append(at, uint32(i)); len(at) > len(v)/maxExceptions {
				return nil
			}
			wide, later = append(wide, f), append(later, uint32(i))
			continue
		}
		whole[i] = n
		if !filled {
			fill, filled = n, true
		}
	}
	for _, i := range later {
		whole[i] = fill
	}
	ip := i64
	if p == f32 {
		ip = i32
	}
	m := proto(nil).uint(1, uint64(x.e)).uint(2, uint64(x.f))
	children := []*node{integers(e, whole, ip, null, 1)}
	if len(at) > 0 {
		m = m.bytes(3, patchesMetadata(len(at)))
		children = append(children, primitiveNode(at, nil), primitiveNode(wide, nil))
	}
	return &node{encoding: "vortex.alp", metadata: m, children: children}
}

// alpEncode is the whole number of a float; ok is false where the float does not come back from it.
func alpEncode[T float32 | float64, U uint32 | uint64](v T, raw U, x exponents, pow powers[T], sweet T) (n U, ok bool) {
	r := (T(v*pow.up[x.e])*pow.down[x.f] + sweet) - sweet
	if !(r > -sweet && r < sweet) {
		return 0, false
	}
	whole := int64(r)
	back := T(T(T(whole)*pow.up[x.f]) * pow.down[x.e])
	return U(whole), bitsOfFloat[T, U](back) == raw
}

func bitsOfFloat[T float32 | float64, U uint32 | uint64](v T) U {
	switch v := any(v).(type) {
	case float32:
		return U(math.Float32bits(v))
	case float64:
		return U(math.Float64bits(v))
	}
	return 0
}

// chooseExponents tries all on a sample.
func chooseExponents[T float32 | float64, U uint32 | uint64](v []T, raw []U, null nulls, pow powers[T], maxExponent int, sweet T) (best exponents, ok bool) {
	var sample []int
	for step, i := max(len(v)/alpSample, 1), 0; i < len(v); i += step {
		if !null.at(i) {
			sample = append(sample, i)
		}
	}
	least := math.MaxInt
	for e := maxExponent; e >= 0; e-- {
		for f := e; f >= 0; f-- {
			x, lo, hi, missed := exponents{e, f}, int64(math.MaxInt64), int64(math.MinInt64), 0
			for _, i := range sample {
				n, ok := alpEncode[T, U](v[i], raw[i], x, pow, sweet)
				if !ok {
					missed++
					continue
				}
				lo, hi = min(lo, signExtend(n)), max(hi, signExtend(n))
			}
			if missed*maxExceptions > len(sample) || missed == len(sample) {
				continue
			}
			size := len(sample)*bits.Len64(uint64(hi-lo)) + missed*(bitsOf[T]()+exceptionBits)
			if size < least {
				best, least, ok = x, size, true
			}
		}
	}
	return best, ok
}
