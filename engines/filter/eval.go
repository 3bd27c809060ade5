package filter

import (
	"bytes"
	"cmp"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
)

// Truth is a value of three-valued logic.
type Truth uint8

// The order matters: AND is the minimum, OR the maximum.
const (
	False Truth = iota
	Null
	True
)

// Eval returns the truth of the predicate for every row of a batch of the schema it was bound to.
func Eval(n Node, batch arrow.RecordBatch) []Truth {
	rows := int(batch.NumRows())
	switch n := n.(type) {
	case And:
		return fold(n, batch, True, func(a, b Truth) Truth { return min(a, b) })
	case Or:
		return fold(n, batch, False, func(a, b Truth) Truth { return max(a, b) })
	case Not:
		out := Eval(n.Of, batch)
		for i := range out {
			out[i] = True - out[i]
		}
		return out
	case IsNull:
		return each(rows, func(i int) Truth { return truth(isNull(batch.Column(n.Column), i)) })
	case Const:
		c := batch.Column(n.Column)
		return each(rows, func(i int) Truth { return known(c, i, n.Truth) })
	case Compare:
		c := batch.Column(n.Column)
		sign := comparer(c, n.Value)
		ok := accepts(n.Op)
		return each(rows, func(i int) Truth {
			if isNull(c, i) {
				return Null
			}
			return truth(ok(sign(i)))
		})
	default:
		return each(rows, func(int) Truth { return Null })
	}
}

// isNull knows that an array of type null has nothing but NULL, which arrow-go's IsNull does not.
func isNull(c arrow.Array, i int) bool { return c.DataType().ID() == arrow.NULL || c.IsNull(i) }

func known(c arrow.Array, i int, v bool) Truth {
	if isNull(c, i) {
		return Null
	}
	return truth(v)
}

func truth(v bool) Truth {
	if v {
		return True
	}
	return False
}

func each(rows int, f func(int) Truth) []Truth {
	out := make([]Truth, rows)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func fold(parts []Node, batch arrow.RecordBatch, start Truth, join func(a, b Truth) Truth) []Truth {
	out := each(int(batch.NumRows()), func(int) Truth { return start })
	for _, p := range parts {
		for i, v := range Eval(p, batch) {
			out[i] = join(out[i], v)
		}
	}
	return out
}

func accepts(op engines.Op) func(sign int) bool {
	switch op {
	case engines.Eq:
		return func(s int) bool { return s == 0 }
	case engines.Ne:
		return func(s int) bool { return s != 0 }
	case engines.Lt:
		return func(s int) bool { return s < 0 }
	case engines.Le:
		return func(s int) bool { return s <= 0 }
	case engines.Gt:
		return func(s int) bool { return s > 0 }
	default:
		return func(s int) bool { return s >= 0 }
	}
}

// comparer returns the sign of row i compared with the bound value.
func comparer(c arrow.Array, value any) func(int) int {
	switch v := value.(type) {
	case bool:
		b := c.(*array.Boolean)
		return func(i int) int { return bit(b.Value(i)) - bit(v) }
	case int64:
		get := Ints(c)
		return func(i int) int { return cmp.Compare(get(i), v) }
	case uint64:
		get := Uints(c)
		return func(i int) int { return cmp.Compare(get(i), v) }
	case float64:
		get := Floats(c)
		return func(i int) int { return CompareFloats(get(i), v) }
	case string:
		s := c.(interface{ Value(int) string })
		return func(i int) int { return cmp.Compare(s.Value(i), v) }
	case []byte:
		s := c.(interface{ Value(int) []byte })
		return func(i int) int { return bytes.Compare(s.Value(i), v) }
	default:
		want := value.(*big.Int)
		return func(i int) int { return convert.Unscaled(c, i).BigInt().Cmp(want) }
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CompareFloats orders numbers with NaN equal to itself and above all others.
func CompareFloats(a, b float64) int {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return bit(math.IsNaN(a)) - bit(math.IsNaN(b))
	default:
		return cmp.Compare(a, b)
	}
}

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

// Keep returns the rows of a batch for which want is the truth of the predicate being True. The
// caller releases the result; it is nil when no row is left.
func Keep(n Node, batch arrow.RecordBatch, want bool) (arrow.RecordBatch, error) {
	rows := Eval(n, batch)
	matched := 0
	for i := range rows {
		if (rows[i] == True) == want {
			matched++
		}
	}
	switch matched {
	case 0:
		return nil, nil
	case len(rows):
		batch.Retain()
		return batch, nil
	}
	indices := make([]int, 0, matched)
	for i := range rows {
		if (rows[i] == True) == want {
			indices = append(indices, i)
		}
	}
	return convert.Take(batch, indices)
}
