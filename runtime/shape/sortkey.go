package shape

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
)

// sortKey writes values as bytes that sort as the values do: as SQL compares them, NaN above all numbers,
// texts by their bytes. Equal values have equal bytes.
type sortKey func(key []byte, i int) []byte

// newSortKey returns the encoder of an array of a recorded type; an *Error when the type has no order.
func newSortKey(name string, c arrow.Array, desc, nullsFirst bool) (sortKey, error) {
	value, err := valueKey(name, c)
	if err != nil {
		return nil, err
	}
	null, known := byte(2), byte(1)
	if nullsFirst {
		null = 0
	}
	isNull := c.IsNull
	if c.DataType().ID() == arrow.NULL {
		isNull = func(int) bool { return true }
	}
	return func(key []byte, i int) []byte {
		if isNull(i) {
			return append(key, null)
		}
		from := len(key) + 1
		key = value(append(key, known), i)
		if desc {
			for j := from; j < len(key); j++ {
				key[j] = ^key[j]
			}
		}
		return key
	}, nil
}

func valueKey(name string, c arrow.Array) (sortKey, error) {
	whole := func(get func(int) int64) sortKey {
		return func(key []byte, i int) []byte { return binary.BigEndian.AppendUint64(key, uint64(get(i))^(1<<63)) }
	}
	switch id := c.DataType().ID(); {
	case id == arrow.NULL:
		return func(key []byte, _ int) []byte { return key }, nil
	case id == arrow.BOOL:
		return func(key []byte, i int) []byte {
			if c.(*array.Boolean).Value(i) {
				return append(key, 1)
			}
			return append(key, 0)
		}, nil
	case arrow.IsUnsignedInteger(id):
		get := filter.Uints(c)
		return func(key []byte, i int) []byte { return binary.BigEndian.AppendUint64(key, get(i)) }, nil
	case arrow.IsInteger(id), id == arrow.DATE32, id == arrow.DATE64, id == arrow.TIME32, id == arrow.TIME64,
		id == arrow.TIMESTAMP, id == arrow.DURATION:
		return whole(filter.Ints(c)), nil
	case id == arrow.FLOAT32, id == arrow.FLOAT64:
		get := filter.Floats(c)
		return func(key []byte, i int) []byte { return binary.BigEndian.AppendUint64(key, floatKey(get(i))) }, nil
	case arrow.IsDecimal(id):
		return func(key []byte, i int) []byte {
			a := convert.Unscaled(c, i).Array() // from the lowest 64 bits up, two's complement
			a[3] ^= 1 << 63
			for j := 3; j >= 0; j-- {
				key = binary.BigEndian.AppendUint64(key, a[j])
			}
			return key
		}, nil
	case id == arrow.STRING, id == arrow.LARGE_STRING:
		s := c.(interface{ Value(int) string })
		return func(key []byte, i int) []byte { return bytesKey(key, s.Value(i)) }, nil
	case id == arrow.BINARY, id == arrow.LARGE_BINARY, id == arrow.FIXED_SIZE_BINARY:
		s := c.(interface{ Value(int) []byte })
		return func(key []byte, i int) []byte { return bytesKey(key, s.Value(i)) }, nil
	default:
		return nil, &Error{Message: fmt.Sprintf("column %q (%s) has no order", name, c.DataType())}
	}
}

// floatKey maps a float to a number of the same order; all NaNs are one, and so are the zeros.
func floatKey(f float64) uint64 {
	switch {
	case math.IsNaN(f):
		return math.MaxUint64
	case f == 0:
		return 1 << 63
	case f < 0:
		return ^math.Float64bits(f)
	default:
		return math.Float64bits(f) | 1<<63
	}
}

// bytesKey ends a text so that no other begins with it: 0 is 0 255 inside of it, and 0 0 at its end.
func bytesKey[T string | []byte](key []byte, s T) []byte {
	for i := range len(s) {
		if key = append(key, s[i]); s[i] == 0 {
			key = append(key, 255)
		}
	}
	return append(key, 0, 0)
}
