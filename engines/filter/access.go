package filter

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
)

// Ints returns a function giving the values of a signed integer or time array.
func Ints(c arrow.Array) func(int) int64 {
	switch c := c.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int64:
		return c.Value
	default:
		return convert.Clock(c)
	}
}

// Uints returns a function giving the values of an unsigned integer array.
func Uints(c arrow.Array) func(int) uint64 {
	switch c := c.(type) {
	case *array.Uint8:
		return func(i int) uint64 { return uint64(c.Value(i)) }
	case *array.Uint16:
		return func(i int) uint64 { return uint64(c.Value(i)) }
	case *array.Uint32:
		return func(i int) uint64 { return uint64(c.Value(i)) }
	default:
		return c.(*array.Uint64).Value
	}
}

// Floats returns a function giving the values of a float array as float64.
func Floats(c arrow.Array) func(int) float64 {
	if c, ok := c.(*array.Float32); ok {
		return func(i int) float64 { return float64(c.Value(i)) }
	}
	return c.(*array.Float64).Value
}
