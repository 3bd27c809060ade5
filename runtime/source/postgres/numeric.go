package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// small reads a numeric of at most 12 digits as numeric does, much faster; false leaves it to that.
func small(v []byte, scale, precision int32) (int64, bool) {
	if len(v) < 8 {
		return 0, false
	}
	be := binary.BigEndian
	count, weight, sign := int(be.Uint16(v)), int(int16(be.Uint16(v[2:]))), be.Uint16(v[4:])
	power := 4*(weight-count+1) + int(scale)
	if count > 3 || len(v) != 8+2*count || sign&^0x4000 != 0 || power < -4 || power > 4 || precision < 17 {
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
		return nil, errShort
	}
	be := binary.BigEndian
	count, weight, sign := int(be.Uint16(v)), int(int16(be.Uint16(v[2:]))), be.Uint16(v[4:])
	if len(v) != 8+2*count {
		return nil, errShort
	}
	switch sign {
	case 0x0000, 0x4000:
	case 0xc000:
		return nil, errors.New("NaN has no form in a decimal; leave such rows out with refresh_sql")
	default:
		return nil, errInfinity
	}
	n := new(big.Int)
	base := big.NewInt(10_000)
	for i := range count {
		n.Mul(n, base)
		n.Add(n, big.NewInt(int64(be.Uint16(v[8+2*i:]))))
	}
	// n has its last digit at the power of 10,000 that follows from the weight; move that to the scale.
	power := 4*(weight-count+1) + int(scale)
	shift := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power >= 0 {
		n.Mul(n, shift)
	} else {
		rest := new(big.Int)
		if n.QuoRem(n, shift, rest); rest.Sign() != 0 {
			return nil, fmt.Errorf("a value has more than %d digits behind the point; give the column numeric(p,s), or cast it in a view", scale)
		}
	}
	if digits := len(strings.TrimPrefix(n.String(), "-")); digits > int(precision) && n.Sign() != 0 {
		return nil, fmt.Errorf("a value has more than %d digits; give the column numeric(p,s), or cast it in a view", precision)
	}
	if sign == 0x4000 {
		n.Neg(n)
	}
	return n, nil
}
