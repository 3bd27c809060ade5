package debezium

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
)

// unavailableBytes is Unavailable in a column of bytes.
var unavailableBytes = base64.StdEncoding.EncodeToString([]byte(Unavailable))

// appendText appends what JSON has as a text.
func (r *Rows) appendText(to array.Builder, f *field, text []byte) bool {
	switch f.form {
	case asText, asZonedInstant, asZonedTime:
		return f.appendString(to, text)
	case asBase64:
		b, ok := r.base64(text)
		if ok {
			to.(*array.BinaryBuilder).Append(b)
		}
		return ok
	case asDecimal:
		b, ok := r.base64(text)
		return ok && f.appendDecimal(to, b)
	case asFloat:
		return appendFloat(to, string(text)) && (string(text) == "NaN" || string(text) == "Infinity" || string(text) == "-Infinity")
	case asJSON:
		b, err := json.Marshal(string(text))
		return err == nil && appendString(to, b)
	}
	return false
}

// base64 returns the bytes, until the next call.
func (r *Rows) base64(text []byte) ([]byte, bool) {
	n := base64.StdEncoding.DecodedLen(len(text))
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	n, err := base64.StdEncoding.Decode(r.buf[:n], text)
	return r.buf[:n], err == nil
}

// appendString appends a text to a column of the form of texts.
func (f *field) appendString(to array.Builder, text []byte) bool {
	switch f.form {
	case asZonedInstant:
		at, err := time.Parse(time.RFC3339Nano, string(text))
		if err == nil {
			to.(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		}
		return err == nil
	case asZonedTime:
		at, err := time.Parse("15:04:05.999999999Z07:00", string(text))
		if err == nil {
			at = at.UTC()
			to.(*array.Time64Builder).Append(arrow.Time64(at.Sub(at.Truncate(24 * time.Hour)).Microseconds()))
		}
		return err == nil
	case asText:
		return appendString(to, text)
	}
	return false
}

func appendString(to array.Builder, text []byte) bool {
	to.(*array.StringBuilder).BinaryBuilder.Append(text)
	return true
}

// appendNumber appends a whole number that the type has room for.
func appendNumber(to array.Builder, n int64) bool {
	fits := func(bits int) bool { return n == n<<(64-bits)>>(64-bits) }
	ok := true
	switch to := to.(type) {
	case *array.Int64Builder:
		to.Append(n)
	case *array.TimestampBuilder:
		to.Append(arrow.Timestamp(n))
	case *array.Int32Builder:
		if ok = fits(32); ok {
			to.Append(int32(n))
		}
	case *array.Date32Builder:
		if ok = fits(32); ok {
			to.Append(arrow.Date32(n))
		}
	case *array.Time32Builder:
		if ok = fits(32); ok {
			to.Append(arrow.Time32(n))
		}
	case *array.Time64Builder:
		to.Append(arrow.Time64(n))
	case *array.Int16Builder:
		if ok = fits(16); ok {
			to.Append(int16(n))
		}
	case *array.Int8Builder:
		if ok = fits(8); ok {
			to.Append(int8(n))
		}
	default:
		ok = false
	}
	return ok
}

// appendFloat appends a number; what JSON has no number for is a text.
func appendFloat(to array.Builder, text string) bool {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	appendFloat64(to, x)
	return true
}

func appendFloat64(to array.Builder, x float64) {
	switch to := to.(type) {
	case *array.Float32Builder:
		to.Append(float32(x))
	case *array.Float64Builder:
		to.Append(x)
	}
}

// unscaled is a number in two's complement, the first byte the highest: its sign is that of the first bit.
func unscaled(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// appendDecimal appends a number in two's complement.
func (f *field) appendDecimal(to array.Builder, b []byte) bool {
	switch to := to.(type) {
	case *array.Decimal128Builder:
		var d decimal128.Num
		if len(b) <= 8 {
			n := int64(0)
			if len(b) > 0 {
				n = int64(int8(b[0]))
				for _, x := range b[1:] {
					n = n<<8 | int64(x)
				}
			}
			d = decimal128.FromI64(n)
		} else {
			n := unscaled(b)
			if n.BitLen() > 127 {
				return false
			}
			d = decimal128.FromBigInt(n)
		}
		if !d.FitsInPrecision(f.Type.(*arrow.Decimal128Type).Precision) {
			return false
		}
		to.Append(d)
	case *array.Decimal256Builder:
		n := unscaled(b)
		if n.BitLen() > 255 {
			return false
		}
		d := decimal256.FromBigInt(n)
		if !d.FitsInPrecision(f.Type.(*arrow.Decimal256Type).Precision) {
			return false
		}
		to.Append(d)
	}
	return true
}

// maxScale bounds the scale of a number that has it with it, and so its text.
const maxScale = 1 << 14

// variable is the text of a number that has its scale with it.
func variable(scale int, value []byte) (string, bool) {
	if scale > maxScale || scale < -maxScale {
		return "", false
	}
	n := unscaled(value)
	if scale <= 0 {
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-scale)), nil))
		return n.String(), true
	}
	digits := new(big.Int).Abs(n).String()
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	at := len(digits) - scale
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:at] + "." + digits[at:], true
}

// finite tells whether a number is one that a double has room for.
func finite(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsInf(x, 0)
}
