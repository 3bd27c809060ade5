package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"pitwall/engines/postgres/pgvalue"
)

// small reads a numeric of at most 12 digits as numeric does, much faster; false leaves it to that.
func small(v []byte, scale, precision int32) (int64, bool) {
	if len(v) < 8 {
		return 0, false
	}
	be := binary.BigEndian
	count, weight, sign := int(be.Uint16(v)), int(int16(be.Uint16(v[2:]))), be.Uint16(v[4:])
	power := 4*(weight-count+1) + int(scale)
	if count > 3 || len(v) != 8+2*count || sign&^pgvalue.Negative != 0 || power < -4 || power > 4 || precision < 17 {
		return 0, false
	}
	var n int64
	for i := range count {
		n = n*10_000 + int64(be.Uint16(v[8+2*i:]))
	}
	for ; power > 0; power-- {
		n *= 10
	}
	for ; power < 0; power++ {
		if n%10 != 0 {
			return 0, false
		}
		n /= 10
	}
	if sign != 0 {
		n = -n
	}
	return n, true
}

// numeric reads PostgreSQL's numeric as an unscaled number: digits to the base of 10,000, a weight of the
// first, a sign and a display scale.
func numeric(v []byte, scale, precision int32) (*big.Int, error) {
	if len(v) < 8 {
		return nil, pgvalue.ErrShort
	}
	be := binary.BigEndian
	sign := be.Uint16(v[4:])
	if len(v) != 8+2*int(be.Uint16(v)) {
		return nil, pgvalue.ErrShort
	}
	switch sign {
	case pgvalue.Positive, pgvalue.Negative:
	case pgvalue.NaN:
		return nil, errors.New("NaN has no form in a decimal; leave such rows out with refresh_sql")
	default:
		return nil, errInfinity
	}
	n, exact := pgvalue.Unscaled(v, scale)
	if !exact {
		return nil, fmt.Errorf("a value has more than %d digits behind the point; give the column numeric(p,s), or cast it in a view", scale)
	}
	if digits := len(n.String()); digits > int(precision) && n.Sign() != 0 {
		return nil, fmt.Errorf("a value has more than %d digits; give the column numeric(p,s), or cast it in a view", precision)
	}
	if sign == pgvalue.Negative {
		n.Neg(n)
	}
	return n, nil
}
