package filter

import (
	"cmp"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/convert"
)

// Greatest returns the index of the greatest value of an array of an ordered type (see
// convert.Ordered), or -1 when all are NULL.
func Greatest(c arrow.Array) int {
	best := -1
	for i := range c.Len() {
		if !isNull(c, i) && (best < 0 || Less(c, best, c, i)) {
			best = i
		}
	}
	return best
}

// Less says whether value i of a is less than value j of b, two arrays of the same ordered type.
func Less(a arrow.Array, i int, b arrow.Array, j int) bool {
	switch id := a.DataType().ID(); {
	case arrow.IsDecimal(id):
		return convert.Unscaled(a, i).Cmp(convert.Unscaled(b, j)) < 0
	case arrow.IsUnsignedInteger(id):
		return Uints(a)(i) < Uints(b)(j)
	case id == arrow.FLOAT32 || id == arrow.FLOAT64:
		return CompareFloats(Floats(a)(i), Floats(b)(j)) < 0
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		return cmp.Less(a.(interface{ Value(int) string }).Value(i), b.(interface{ Value(int) string }).Value(j))
	default:
		return Ints(a)(i) < Ints(b)(j)
	}
}
