package objects

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/filter"
)

// truths is the set of truth values that a condition may have for the rows of some part of a dataset.
// A part may be left out only when True is not among them.
type truths uint8

const (
	mayFalse truths = 1 << filter.False
	mayNull  truths = 1 << filter.Null
	mayTrue  truths = 1 << filter.True
	anything        = mayFalse | mayNull | mayTrue
)

// possible returns what a condition may be, from what its leaves may be. leaf is asked for a Compare or
// an IsNull; it answers anything when it doesn't know.
func possible(p engines.Predicate, leaf func(column string, p engines.Predicate) truths) truths {
	switch p := p.(type) {
	case nil:
		return mayTrue
	case engines.And:
		all := mayTrue
		for _, part := range p {
			all = combine(all, possible(part, leaf), func(a, b filter.Truth) filter.Truth { return min(a, b) })
		}
		return all
	case engines.Or:
		all := mayFalse
		for _, part := range p {
			all = combine(all, possible(part, leaf), func(a, b filter.Truth) filter.Truth { return max(a, b) })
		}
		return all
	case engines.Not:
		t := possible(p.Of, leaf)
		return t&mayNull | t&mayFalse<<(filter.True-filter.False) | t&mayTrue>>(filter.True-filter.False)
	case engines.Compare:
		return leaf(p.Column, p)
	case engines.IsNull:
		return leaf(p.Column, p)
	default:
		return anything
	}
}

func combine(a, b truths, join func(a, b filter.Truth) filter.Truth) truths {
	var out truths
	for x := filter.False; x <= filter.True; x++ {
		for y := filter.False; y <= filter.True; y++ {
			if a&(1<<x) != 0 && b&(1<<y) != 0 {
				out |= 1 << join(x, y)
			}
		}
	}
	return out
}

// columnsOf are the columns that a condition looks at.
func columnsOf(p engines.Predicate) map[string]bool {
	out := map[string]bool{}
	possible(p, func(c string, _ engines.Predicate) truths {
		out[c] = true
		return anything
	})
	return out
}

// bounds are what is known of the values of a column in some part of a dataset. The zero value is
// nothing. low and high are of the types of filter.Compare; nil is unbounded.
type bounds struct {
	low, high any
	noNulls   bool // none of the values is NULL
	allNulls  bool // all of them are
	mayNaN    bool // there may be NaN besides what is between low and high
	prefix    bool // high may be only the beginning of the highest text
}

// exactly are the bounds of one value; nil is NULL.
func exactly(v any) bounds {
	if v == nil {
		return bounds{allNulls: true}
	}
	return bounds{low: v, high: v, noNulls: true}
}

// bindable tells whether a leaf can be applied to a column of that type.
func bindable(f arrow.Field, p engines.Predicate) bool {
	_, err := filter.Bind(arrow.NewSchema([]arrow.Field{f}, nil), p)
	return err == nil
}

// truths returns what a leaf may be for values within the bounds.
func (b bounds) truths(f arrow.Field, p engines.Predicate) truths {
	n, err := filter.Bind(arrow.NewSchema([]arrow.Field{f}, nil), p)
	if err != nil {
		return anything // the caller finds out when it applies the condition
	}
	switch n := n.(type) {
	case filter.IsNull:
		switch {
		case b.allNulls:
			return mayTrue
		case b.noNulls:
			return mayFalse
		}
		return mayTrue | mayFalse
	case filter.Const:
		t := mayFalse
		if n.Truth {
			t = mayTrue
		}
		return b.withNulls(t)
	case filter.Compare:
		t := compareRange(n.Op, b.low, b.high, n.Value, b.prefix)
		if b.mayNaN {
			nan := math.NaN()
			t |= compareRange(n.Op, nan, nan, n.Value, false)
		}
		return b.withNulls(t)
	default:
		return anything
	}
}

func (b bounds) withNulls(t truths) truths {
	switch {
	case b.allNulls:
		return mayNull
	case b.noNulls:
		return t
	}
	return t | mayNull
}

// compareRange compares all values from low to high with v.
func compareRange(op engines.Op, low, high, v any, prefix bool) truths {
	below, above := false, false // some value may be less than v, greater than v
	equal := true
	if low == nil {
		below = true
	} else {
		c := order(low, v)
		below = c < 0
		equal = equal && c <= 0
		above = above || c > 0
	}
	if high == nil || prefix && beginsWith(v, high) {
		above = true
	} else {
		c := order(high, v)
		above = above || c > 0
		equal = equal && c >= 0
		below = below || c < 0
	}
	var t truths
	for _, possible := range []struct {
		is   bool
		sign int
	}{{below, -1}, {equal, 0}, {above, 1}} {
		if possible.is {
			t |= outcome(op, possible.sign)
		}
	}
	return t
}

func outcome(op engines.Op, sign int) truths {
	var is bool
	switch op {
	case engines.Eq:
		is = sign == 0
	case engines.Ne:
		is = sign != 0
	case engines.Lt:
		is = sign < 0
	case engines.Le:
		is = sign <= 0
	case engines.Gt:
		is = sign > 0
	case engines.Ge:
		is = sign >= 0
	default:
		return anything
	}
	if is {
		return mayTrue
	}
	return mayFalse
}

// beginsWith tells whether a value has what may be a cut-off maximum as its beginning.
func beginsWith(v, high any) bool {
	switch h := high.(type) {
	case string:
		s, ok := v.(string)
		return ok && strings.HasPrefix(s, h)
	case []byte:
		s, ok := v.([]byte)
		return ok && bytes.HasPrefix(s, h)
	}
	return false
}

// order compares two values of one type of filter.Compare.
func order(a, b any) int {
	switch a := a.(type) {
	case bool:
		b, _ := b.(bool)
		return truthOrder(a) - truthOrder(b)
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case uint64:
		b, _ := b.(uint64)
		return cmp.Compare(a, b)
	case float64:
		b, _ := b.(float64)
		return filter.CompareFloats(a, b)
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	case []byte:
		b, _ := b.([]byte)
		return bytes.Compare(a, b)
	case *big.Int:
		b, _ := b.(*big.Int)
		return a.Cmp(b)
	}
	return 0
}

func truthOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}
