package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"pitwall/engines/postgres/pgvalue"
)

// appendNumeric writes an unscaled number as PostgreSQL sends a numeric: the count of digits to the base
// of 10,000, the weight of the first, a sign, the digits behind the point, and the digits.
func appendNumeric(b []byte, n *big.Int, scale int32) []byte {
	sign := uint16(pgvalue.Positive)
	if n.Sign() < 0 {
		sign = pgvalue.Negative
	}
	pad := (4 - scale%4) % 4
	rest := new(big.Int).Abs(n)
	rest.Mul(rest, big.NewInt([]int64{1, 10, 100, 1000}[pad]))
	behind := int((scale + pad) / 4) // digits of 10,000 behind the point
	var digits []uint16              // the last first
	base, digit := big.NewInt(10_000), new(big.Int)
	for rest.Sign() > 0 {
		rest.QuoRem(rest, base, digit)
		digits = append(digits, uint16(digit.Uint64()))
	}
	weight := len(digits) - 1 - behind
	for len(digits) > 0 && digits[0] == 0 {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		weight = 0
	}
	be := binary.BigEndian
	b = be.AppendUint16(b, uint16(len(digits)))
	b = be.AppendUint16(b, uint16(int16(weight)))
	b = be.AppendUint16(b, sign)
	b = be.AppendUint16(b, uint16(scale))
	for i := len(digits) - 1; i >= 0; i-- {
		b = be.AppendUint16(b, digits[i])
	}
	return b
}

// numeric reads the unscaled number of a numeric.
func numeric(v []byte, scale int32) (*big.Int, error) {
	if len(v) < 8 {
		return nil, pgvalue.ErrShort
	}
	be := binary.BigEndian
	sign := be.Uint16(v[4:])
	if len(v) != 8+2*int(be.Uint16(v)) || sign != pgvalue.Positive && sign != pgvalue.Negative {
		return nil, errors.New("the numeric is no number")
	}
	n, exact := pgvalue.Unscaled(v, scale)
	if !exact {
		return nil, fmt.Errorf("more than %d digits behind the point", scale)
	}
	if sign == pgvalue.Negative {
		n.Neg(n)
	}
	return n, nil
}
