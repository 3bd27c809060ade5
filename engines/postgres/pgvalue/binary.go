// Package pgvalue knows how PostgreSQL writes values, in SQL and in binary form, for the engine and for the
// source. It starts no goroutines.
package pgvalue

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow/array"
)

// ErrShort says that a value does not have the size of its type.
var ErrShort = errors.New("the server sent a value of another size")

// PostgreSQL counts days and microseconds from 2000-01-01.
const (
	DaysTo2000   = 10_957
	MicrosPerDay = 86_400_000_000
	MicrosTo2000 = DaysTo2000 * MicrosPerDay
)

// JSONVersion begins a jsonb.
const JSONVersion = 1

// Sized refuses values of another size.
func Sized(size int, add func(v []byte) error) func([]byte) error {
	return func(v []byte) error {
		if len(v) != size {
			return ErrShort
		}
		return add(v)
	}
}

// Adder returns what appends values that are the same in Arrow; nil for builders of others.
func Adder(b array.Builder) func([]byte) error {
	be := binary.BigEndian
	switch b := b.(type) {
	case *array.BooleanBuilder:
		return Sized(1, func(v []byte) error { b.Append(v[0] != 0); return nil })
	case *array.Float32Builder:
		return Sized(4, func(v []byte) error { b.Append(math.Float32frombits(be.Uint32(v))); return nil })
	case *array.Float64Builder:
		return Sized(8, func(v []byte) error { b.Append(math.Float64frombits(be.Uint64(v))); return nil })
	case *array.StringBuilder:
		return func(v []byte) error { b.BinaryBuilder.Append(v); return nil }
	case *array.BinaryBuilder:
		return func(v []byte) error { b.Append(v); return nil }
	}
	return nil
}

// Elements appends the n elements of an array, which begin at v, to the builder b; add appends one that is
// not NULL.
func Elements(v []byte, n uint32, b array.Builder, add func([]byte) error) error {
	for range n {
		if len(v) < 4 {
			return ErrShort
		}
		size := int32(binary.BigEndian.Uint32(v))
		v = v[4:]
		if size < 0 {
			b.AppendNull()
			continue
		}
		if len(v) < int(size) {
			return ErrShort
		}
		if err := add(v[:size]); err != nil {
			return err
		}
		v = v[size:]
	}
	return nil
}

// The signs of a numeric.
const (
	Positive = 0x0000
	Negative = 0x4000
	NaN      = 0xc000
)

// Unscaled reads the digits of a numeric, whose size is right, at a scale, without its sign. False means that
// there are more digits behind the point.
func Unscaled(v []byte, scale int32) (*big.Int, bool) {
	be := binary.BigEndian
	count, weight := int(be.Uint16(v)), int(int16(be.Uint16(v[2:])))
	n := new(big.Int)
	base := big.NewInt(10_000)
	for i := range count {
		n.Mul(n, base)
		n.Add(n, big.NewInt(int64(be.Uint16(v[8+2*i:]))))
	}
	// the last digit of n stands at a power of 10,000; move that to the scale
	power := 4*(weight-count+1) + int(scale)
	shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power >= 0 {
		return n.Mul(n, shift), true
	}
	rest := new(big.Int)
	n.QuoRem(n, shift, rest)
	return n, rest.Sign() == 0
}
