package filter

import (
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/convert"
)

// compare binds one comparison.
func compare(i int, f arrow.Field, op engines.Op, value any) (Node, error) {
	mismatch := invalid("column %q (%s) cannot be compared with a %T", f.Name, f.Type, value)
	node := func(v any) (Node, error) { return Compare{i, f, op, v}, nil }
	switch id := f.Type.ID(); {
	case id == arrow.NULL:
		return Const{i, f, false}, nil
	case id == arrow.BOOL:
		if v, ok := value.(bool); ok {
			return node(v)
		}
	case id == arrow.STRING || id == arrow.LARGE_STRING:
		if v, ok := value.(string); ok {
			return node(v)
		}
	case id == arrow.BINARY || id == arrow.LARGE_BINARY || id == arrow.FIXED_SIZE_BINARY:
		if v, ok := value.([]byte); ok {
			return node(v)
		}
	case id == arrow.FLOAT32 || id == arrow.FLOAT64:
		return float(i, f, op, value, mismatch)
	case arrow.IsInteger(id), arrow.IsDecimal(id):
		if v, ok := value.(float64); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return Const{i, f, outside(op, !math.IsInf(v, -1))}, nil
		}
		v, ok := number(value)
		if !ok {
			if s, text := value.(string); text && arrow.IsDecimal(id) {
				v, ok = new(big.Rat).SetString(s)
			}
		}
		if ok {
			return onGrid(i, f, op, v), nil
		}
	case id == arrow.DATE32, id == arrow.DATE64, id == arrow.TIMESTAMP, id == arrow.TIME32, id == arrow.TIME64:
		if v, ok := clock(f.Type, value); ok {
			return onGrid(i, f, op, v), nil
		}
	}
	return nil, mismatch
}

// number returns an int64, uint64 or finite float64 exactly.
func number(value any) (*big.Rat, bool) {
	switch v := value.(type) {
	case int64:
		return new(big.Rat).SetInt64(v), true
	case uint64:
		return new(big.Rat).SetUint64(v), true
	case float64:
		r := new(big.Rat).SetFloat64(v)
		return r, r != nil
	default:
		return nil, false
	}
}

// clock returns a time in the units of a date, time or timestamp column.
func clock(t arrow.DataType, value any) (*big.Rat, bool) {
	v, ok := value.(time.Time)
	if s, text := value.(string); text {
		v, ok = parseTime(s)
	}
	if !ok {
		return nil, false
	}
	v = v.UTC()
	seconds := big.NewInt(v.Unix())
	if id := t.ID(); id == arrow.TIME32 || id == arrow.TIME64 {
		seconds.SetInt64(int64(v.Hour()*3600 + v.Minute()*60 + v.Second()))
	}
	nanos := seconds.Mul(seconds, big.NewInt(1e9))
	nanos.Add(nanos, big.NewInt(int64(v.Nanosecond())))
	unit := convert.Nanos(t)
	if t.ID() == arrow.DATE64 { // milliseconds, but always whole days
		unit = 1e6
	}
	return new(big.Rat).SetFrac(nanos, big.NewInt(unit)), true
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339Nano, "2006-01-02T15:04:05", time.TimeOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// onGrid binds a comparison of a column of whole units with any rational number.
func onGrid(i int, f arrow.Field, op engines.Op, v *big.Rat) Node {
	low, high := domain(f.Type)
	if d, ok := f.Type.(arrow.DecimalType); ok {
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(abs(d.GetScale()))), nil)
		r := new(big.Rat).SetInt(scale)
		if d.GetScale() < 0 {
			r.Inv(r)
		}
		v = r.Mul(r, v)
	}
	below := new(big.Int)
	below.Div(v.Num(), v.Denom()) // Euclidean: for a positive divisor this is the floor
	exact := v.IsInt()
	switch {
	case below.Cmp(high) > 0 || below.Cmp(high) == 0 && !exact:
		return Const{i, f, outside(op, true)}
	case below.Cmp(low) < 0:
		return Const{i, f, outside(op, false)}
	}
	if !exact {
		switch op {
		case engines.Eq, engines.Ne:
			return Const{i, f, op == engines.Ne}
		case engines.Lt:
			op = engines.Le
		case engines.Ge:
			op = engines.Gt
		}
	}
	switch {
	case arrow.IsDecimal(f.Type.ID()):
		return Compare{i, f, op, below}
	case arrow.IsUnsignedInteger(f.Type.ID()):
		return Compare{i, f, op, below.Uint64()}
	default:
		return Compare{i, f, op, below.Int64()}
	}
}

// outside answers a comparison with a value above (or below) everything in the column.
func outside(op engines.Op, above bool) bool {
	switch op {
	case engines.Lt, engines.Le:
		return above
	case engines.Gt, engines.Ge:
		return !above
	default:
		return op == engines.Ne
	}
}

// domain returns the lowest and highest value of a column type.
func domain(t arrow.DataType) (low, high *big.Int) {
	one := big.NewInt(1)
	switch {
	case arrow.IsDecimal(t.ID()):
		high = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.(arrow.DecimalType).GetPrecision())), nil)
		high.Sub(high, one)
		return new(big.Int).Neg(high), high
	case arrow.IsUnsignedInteger(t.ID()):
		high = new(big.Int).Lsh(one, uint(t.(arrow.FixedWidthDataType).BitWidth()))
		return new(big.Int), high.Sub(high, one)
	default:
		high = new(big.Int).Lsh(one, uint(t.(arrow.FixedWidthDataType).BitWidth()-1))
		low = new(big.Int).Neg(high)
		return low, high.Sub(high, one)
	}
}

// float binds a comparison of a float column, done in float64. A number between two floats is
// replaced by the float below it.
func float(i int, f arrow.Field, op engines.Op, value any, mismatch error) (Node, error) {
	if v, ok := value.(float64); ok {
		return Compare{i, f, op, v}, nil
	}
	want, ok := number(value)
	if !ok {
		return nil, mismatch
	}
	v, exact := want.Float64()
	if exact {
		return Compare{i, f, op, v}, nil
	}
	if new(big.Rat).SetFloat64(v).Cmp(want) > 0 {
		v = math.Nextafter(v, math.Inf(-1))
	}
	switch op {
	case engines.Lt:
		op = engines.Le
	case engines.Ge:
		op = engines.Gt
	case engines.Eq, engines.Ne:
		return Const{i, f, op == engines.Ne}, nil
	}
	return Compare{i, f, op, v}, nil
}

func abs(n int32) int32 { return max(n, -n) }
