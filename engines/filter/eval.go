package filter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
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

// Evaluate computes a condition in SQL over a batch: a boolean array; see engines.Options.
type Evaluate func(ctx context.Context, sql string, b arrow.RecordBatch) (arrow.Array, error)

// Eval returns the truth of a predicate of Bind for every row of a batch of the schema it was bound to.
func Eval(n Node, batch arrow.RecordBatch) []Truth {
	truths, _ := Truths(context.Background(), n, batch) // only conditions in SQL fail, and Bind takes none
	return truths
}

// Truths returns the truth of a predicate for every row of a batch of the schema it was bound to. The
// errors are those of conditions in SQL.
func Truths(ctx context.Context, n Node, batch arrow.RecordBatch) ([]Truth, error) {
	e := evaluation{ctx: ctx, batch: batch, rows: int(batch.NumRows())}
	truths := e.truths(n)
	return truths, e.err
}

// evaluation is one predicate over one batch. After an error the truths are of no use.
type evaluation struct {
	ctx   context.Context
	batch arrow.RecordBatch
	rows  int
	err   error
}

func (e *evaluation) truths(n Node) []Truth {
	batch, rows := e.batch, e.rows
	switch n := n.(type) {
	case And:
		return e.fold(n, True, func(a, b Truth) Truth { return min(a, b) })
	case Or:
		return e.fold(n, False, func(a, b Truth) Truth { return max(a, b) })
	case Not:
		out := e.truths(n.Of)
		for i := range out {
			out[i] = True - out[i]
		}
		return out
	case IsNull:
		return each(rows, func(i int) Truth { return truth(isNull(batch.Column(n.Column), i)) })
	case Const:
		c := batch.Column(n.Column)
		return each(rows, func(i int) Truth { return constant(c, i, n.Truth) })
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
	case Instant:
		return e.instants(n)
	case Free:
		return e.free(n)
	case Among:
		return n.truths(e.batch)
	default:
		return each(rows, func(int) Truth { return Null })
	}
}

// instants compares texts that hold times.
func (e *evaluation) instants(n Instant) []Truth {
	c := e.batch.Column(n.Column)
	text := c.(interface{ Value(int) string })
	ok := accepts(n.Op)
	return each(e.rows, func(i int) Truth {
		if isNull(c, i) {
			return Null
		}
		at, is := ParseInstant(text.Value(i))
		if !is {
			return Null
		}
		return truth(ok(at.Compare(n.Value)))
	})
}

// free has a condition evaluated; all is NULL after an error.
func (e *evaluation) free(n Free) []Truth {
	none := func() []Truth { return each(e.rows, func(int) Truth { return Null }) }
	if e.err != nil || e.rows == 0 {
		return none()
	}
	got, err := n.run(e.ctx, n.Text, e.batch)
	if err != nil {
		if e.err = err; e.ctx.Err() == nil {
			e.err = &engines.Error{Op: "filter", Kind: engines.Invalid, Err: err}
		}
		return none()
	}
	defer got.Release()
	b, ok := got.(*array.Boolean)
	if !ok || b.Len() != e.rows {
		e.err = fmt.Errorf("the condition %s gave %d values of %s for %d rows", n.Text, got.Len(), got.DataType(), e.rows)
		return none()
	}
	return each(e.rows, func(i int) Truth { return constant(b, i, !b.IsNull(i) && b.Value(i)) })
}

// isNull knows that an array of type null has nothing but NULL, which arrow-go's IsNull does not.
func isNull(c arrow.Array, i int) bool { return c.DataType().ID() == arrow.NULL || c.IsNull(i) }

// constant is v where a column is not NULL.
func constant(c arrow.Array, i int, v bool) Truth {
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

func (e *evaluation) fold(parts []Node, start Truth, join func(a, b Truth) Truth) []Truth {
	out := each(e.rows, func(int) Truth { return start })
	for _, p := range parts {
		for i, v := range e.truths(p) {
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
