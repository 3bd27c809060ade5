package cayenne

import (
	"bytes"
	"cmp"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/filter"
)

func alloc() memory.Allocator { return memory.DefaultAllocator }

// can is which truths a condition may have over some rows, by what bounds tell. What is not known is possible.
type can struct{ yes, no bool }

// may tells whether a condition may be true for one of rows rows.
func may(n filter.Node, rows int64, bounds func(int) vortex.Bounds) bool {
	return outcomes(n, rows, known{bounds: bounds}).yes
}

// known is what is known of rows: bounds of columns, and values that a column can't have.
type known struct {
	bounds   func(column int) vortex.Bounds
	excludes func(column int, value any) bool // nil: nothing is known
}

func outcomes(n filter.Node, rows int64, of known) can {
	switch n := n.(type) {
	case filter.And:
		out := can{yes: true}
		for _, p := range n {
			c := outcomes(p, rows, of)
			out.yes, out.no = out.yes && c.yes, out.no || c.no
		}
		return out
	case filter.Or:
		out := can{no: true}
		for _, p := range n {
			c := outcomes(p, rows, of)
			out.yes, out.no = out.yes || c.yes, out.no && c.no
		}
		return out
	case filter.Not:
		c := outcomes(n.Of, rows, of)
		return can{yes: c.no, no: c.yes}
	case filter.IsNull:
		b := of.bounds(n.Column)
		return can{yes: b.Nulls != 0, no: b.Nulls != rows}
	case filter.Const:
		if of.bounds(n.Column).Nulls == rows {
			return can{}
		}
		return can{yes: n.Truth, no: !n.Truth}
	case filter.Compare:
		c := compare(n, rows, of.bounds(n.Column))
		if of.excludes != nil && of.excludes(n.Column, n.Value) {
			switch n.Op {
			case engines.Eq:
				c.yes = false
			case engines.Ne:
				c.no = false
			}
		}
		return c
	default: // a free condition, or a time in a text
		return can{true, true}
	}
}

// compare reasons that all values lie in [Min, Max], where these are known.
func compare(n filter.Compare, rows int64, b vortex.Bounds) can {
	if b.Nulls == rows && rows > 0 {
		return can{}
	}
	if f, ok := n.Value.(float64); ok && math.IsNaN(f) {
		return can{true, true}
	}
	low, okLow := order(b.Min, n.Value)   // the sign of Min - value
	high, okHigh := order(b.Max, n.Value) // of Max - value
	below := !okLow || low < 0            // whether a value may lie below
	notAbove := !okLow || low <= 0
	above := !okHigh || high > 0
	notBelow := !okHigh || high >= 0
	switch n.Op {
	case engines.Lt:
		return can{below, notBelow}
	case engines.Le:
		return can{notAbove, above}
	case engines.Gt:
		return can{above, notAbove}
	case engines.Ge:
		return can{notBelow, below}
	case engines.Eq:
		return can{notAbove && notBelow, true}
	case engines.Ne:
		return can{true, notAbove && notBelow}
	default:
		return can{true, true}
	}
}

// order compares a bound with a value; ok is false where the bound is not known or of another type.
func order(bound, value any) (sign int, ok bool) {
	switch v := value.(type) {
	case bool:
		b, ok := bound.(bool)
		return cmp.Compare(number(b), number(v)), ok
	case int64:
		b, ok := bound.(int64)
		return cmp.Compare(b, v), ok
	case uint64:
		b, ok := bound.(uint64)
		return cmp.Compare(b, v), ok
	case float64:
		b, ok := bound.(float64)
		return cmp.Compare(b, v), ok
	case string:
		b, ok := bound.(string)
		return cmp.Compare(b, v), ok
	case []byte:
		b, ok := bound.([]byte)
		return bytes.Compare(b, v), ok
	case *big.Int:
		if b, ok := bound.(*big.Int); ok {
			return b.Cmp(v), true
		}
	}
	return 0, false
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
