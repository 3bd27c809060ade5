package pco

import (
	"encoding/binary"
	"math"
)

// join puts the numbers together from their variables.
func (c *Chunk) join(dst []byte, first, second []uint64) ([]byte, error) {
	width := c.kind.Bits()
	m, half := mask(width), uint64(1)<<(width-1)
	switch c.mode {
	case classic:
		for i, x := range first {
			first[i] = fromOrdered(c.kind, x)
		}
	case intMult:
		for i, x := range first {
			first[i] = fromOrdered(c.kind, (x*c.base+second[i])&m)
		}
	case floatMult:
		base := toFloat(c.kind, fromOrdered(c.kind, c.base))
		for i, x := range first {
			product := multiply(c.kind, intFloat(c.kind, x), base)
			first[i] = fromOrdered(c.kind, (toOrdered(c.kind, product)+second[i]+half)&m)
		}
	case floatQuant:
		cutoff, low := half>>c.quant, mask(c.quant)
		for i, x := range first {
			adjust := second[i]
			if x < cutoff { // a negative number: its low bits are stored flipped
				adjust ^= low
			}
			first[i] = fromOrdered(c.kind, ((x<<c.quant)&m)^adjust)
		}
	case dict:
		for i, x := range first {
			if x >= uint64(len(c.dict)) {
				return nil, corrupt("index %d in a dictionary of %d", x, len(c.dict))
			}
			first[i] = fromOrdered(c.kind, c.dict[x])
		}
	}
	for _, x := range first {
		switch width {
		case 8:
			dst = append(dst, byte(x))
		case 16:
			dst = binary.LittleEndian.AppendUint16(dst, uint16(x))
		case 32:
			dst = binary.LittleEndian.AppendUint32(dst, uint32(x))
		default:
			dst = binary.LittleEndian.AppendUint64(dst, x)
		}
	}
	return dst, nil
}

// fromOrdered turns a latent value, whose unsigned order is the order of the
// numbers, into the bits of the number.
func fromOrdered(k Kind, x uint64) uint64 {
	half := uint64(1) << (k.Bits() - 1)
	switch {
	case k <= U64:
		return x
	case !k.float() || x&half != 0:
		return x ^ half
	}
	return ^x & mask(k.Bits())
}

// toOrdered is the inverse of fromOrdered.
func toOrdered(k Kind, x uint64) uint64 {
	half := uint64(1) << (k.Bits() - 1)
	switch {
	case k <= U64:
		return x
	case !k.float() || x&half == 0:
		return x ^ half
	}
	return ^x & mask(k.Bits())
}

// precision is the number of stored bits of a float's fraction.
func precision(k Kind) uint {
	switch k {
	case F16:
		return 10
	case F32:
		return 23
	}
	return 52
}

// intFloat maps a latent value to the bits of a float without a fraction: up
// to 2^(precision+1) by value, above that every float counts.
func intFloat(k Kind, x uint64) uint64 {
	half := uint64(1) << (k.Bits() - 1)
	negative := x < half
	if negative {
		x = half - 1 - x
	} else {
		x -= half
	}
	limit := uint64(1) << (precision(k) + 1)
	var out uint64
	if x < limit {
		out = fromFloat(k, float64(x))
	} else {
		out = (x - limit + fromFloat(k, float64(limit))) & (half - 1)
	}
	if negative {
		out |= half
	}
	return out
}

// multiply gives the bits of a*base in the precision of the kind.
func multiply(k Kind, a uint64, base float64) uint64 {
	switch k {
	case F64:
		return math.Float64bits(math.Float64frombits(a) * base)
	case F32:
		return uint64(math.Float32bits(math.Float32frombits(uint32(a)) * float32(base)))
	}
	return fromFloat(F16, toFloat(F16, a)*base)
}

// toFloat widens the bits of a float.
func toFloat(k Kind, x uint64) float64 {
	switch k {
	case F64:
		return math.Float64frombits(x)
	case F32:
		return float64(math.Float32frombits(uint32(x)))
	}
	sign, exp, frac := x>>15, x>>10&31, x&1023
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(float64(frac), -24)
	case 31:
		// NaN keeps its fraction in the highest bits.
		return math.Float64frombits(sign<<63 | 0x7ff<<52 | frac<<42)
	default:
		f = math.Ldexp(float64(frac|1024), int(exp)-25)
	}
	if sign != 0 {
		f = -f
	}
	return f
}

// fromFloat narrows to the bits of a kind, to the nearest, ties to even.
func fromFloat(k Kind, f float64) uint64 {
	switch k {
	case F64:
		return math.Float64bits(f)
	case F32:
		return uint64(math.Float32bits(float32(f)))
	}
	b := math.Float64bits(f)
	sign := b >> 63 << 15
	abs := math.Abs(f)
	switch {
	case math.IsNaN(f):
		return sign | 0x7e00 | b>>42&1023
	case abs >= 65520:
		return sign | 0x7c00
	case abs < 0x1p-14:
		return sign | uint64(math.RoundToEven(abs*0x1p24))
	}
	frac, exp := math.Frexp(abs) // abs = frac * 2^exp, frac in [0.5, 1)
	units := uint64(math.RoundToEven(math.Ldexp(frac, 11)))
	return sign | (uint64(exp+13)<<10 + units)
}
