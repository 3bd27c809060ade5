package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
	"pitwall/engines/postgres/pgvalue"
)

// encoder appends value i of an array, which is not NULL, in PostgreSQL's binary form.
type encoder func(b []byte, i int) ([]byte, error)

// The days that a date has, from 4714-11-24 BC to the end of 5874897, counted from 1970 (PostgreSQL's
// manual, "Date/Time Types"). Timestamps have the same first day; their last is beyond what Arrow has.
const firstDay, afterLastDay = -2_440_588, 2_145_031_948 + pgvalue.DaysTo2000

// encoderOf returns the encoder of a column of a recorded type.
func encoderOf(c arrow.Array) encoder {
	be := binary.BigEndian
	t := c.DataType()
	switch f := formOf(t); {
	case f.json:
		return func(b []byte, i int) ([]byte, error) { return appendJSON(b, c, i) }
	case f.elem != 0:
		return arrayEncoder(c.(array.ListLike), f.elem)
	}
	switch c := c.(type) {
	case *array.Null:
		return nil // appendSized never asks for a value
	case *array.Boolean:
		return func(b []byte, i int) ([]byte, error) {
			if c.Value(i) {
				return append(b, 1), nil
			}
			return append(b, 0), nil
		}
	case *array.String:
		return func(b []byte, i int) ([]byte, error) { return appendText(b, c.Value(i)) }
	case *array.LargeString:
		return func(b []byte, i int) ([]byte, error) { return appendText(b, c.Value(i)) }
	case interface{ Value(int) []byte }:
		return func(b []byte, i int) ([]byte, error) { return append(b, c.Value(i)...), nil }
	case *array.Float32:
		return func(b []byte, i int) ([]byte, error) { return be.AppendUint32(b, math.Float32bits(c.Value(i))), nil }
	case *array.Float64:
		return func(b []byte, i int) ([]byte, error) { return be.AppendUint64(b, math.Float64bits(c.Value(i))), nil }
	case *array.Uint64:
		return func(b []byte, i int) ([]byte, error) {
			return appendNumeric(b, new(big.Int).SetUint64(c.Value(i)), 0), nil
		}
	case *array.Decimal128, *array.Decimal256:
		scale := t.(arrow.DecimalType).GetScale()
		return func(b []byte, i int) ([]byte, error) {
			return appendNumeric(b, convert.Unscaled(c, i).BigInt(), scale), nil
		}
	case *array.MonthInterval:
		return func(b []byte, i int) ([]byte, error) { return appendInterval(b, 0, 0, int32(c.Value(i))), nil }
	case *array.DayTimeInterval:
		return func(b []byte, i int) ([]byte, error) {
			v := c.Value(i)
			return appendInterval(b, int64(v.Milliseconds)*1000, v.Days, 0), nil
		}
	}
	var get func(int) int64
	if arrow.IsUnsignedInteger(t.ID()) {
		wide := filter.Uints(c)
		get = func(i int) int64 { return int64(wide(i)) }
	} else {
		get = filter.Ints(c)
	}
	if arrow.IsInteger(t.ID()) {
		switch _, oid := scalarOf(t); oid {
		case 21: // smallint
			return func(b []byte, i int) ([]byte, error) { return be.AppendUint16(b, uint16(get(i))), nil }
		case 23: // integer
			return func(b []byte, i int) ([]byte, error) { return be.AppendUint32(b, uint32(get(i))), nil }
		}
		return func(b []byte, i int) ([]byte, error) { return be.AppendUint64(b, uint64(get(i))), nil }
	}
	return func(b []byte, i int) ([]byte, error) { return appendClock(b, get(i), t) }
}

// appendClock writes a date, a time of day, a timestamp or a duration.
func appendClock(b []byte, v int64, t arrow.DataType) ([]byte, error) {
	be := binary.BigEndian
	switch t.ID() {
	case arrow.DATE64:
		if v%86_400_000 != 0 {
			return nil, fmt.Errorf("%d ms is not a whole day", v)
		}
		v /= 86_400_000
		fallthrough
	case arrow.DATE32:
		if v < firstDay || v >= afterLastDay {
			return nil, fmt.Errorf("day %d is none that PostgreSQL has", v)
		}
		return be.AppendUint32(b, uint32(int32(v-pgvalue.DaysTo2000))), nil
	}
	micros, ok := inMicros(v, t)
	switch id := t.ID(); {
	case !ok:
		return nil, fmt.Errorf("%d %s is beyond what PostgreSQL has", v, t)
	case id == arrow.DURATION:
		return appendInterval(b, micros, 0, 0), nil
	case id == arrow.TIMESTAMP:
		if micros < firstDay*pgvalue.MicrosPerDay {
			return nil, fmt.Errorf("%d %s is beyond what PostgreSQL has", v, t)
		}
		return be.AppendUint64(b, uint64(micros-pgvalue.MicrosTo2000)), nil
	default:
		if micros < 0 || micros >= pgvalue.MicrosPerDay {
			return nil, fmt.Errorf("%d is no time of day in %s", v, t)
		}
		return be.AppendUint64(b, uint64(micros)), nil
	}
}

// inMicros returns a time in microseconds; false when they do not fit.
func inMicros(v int64, t arrow.DataType) (int64, bool) {
	per := convert.Nanos(t) / 1000
	return v * per, v <= math.MaxInt64/per && v >= math.MinInt64/per
}

func appendInterval(b []byte, micros int64, days, months int32) []byte {
	be := binary.BigEndian
	return be.AppendUint32(be.AppendUint32(be.AppendUint64(b, uint64(micros)), uint32(days)), uint32(months))
}

var errNUL = errors.New("PostgreSQL keeps no text with a NUL")

func appendText(b []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, errNUL
	}
	if !utf8.ValidString(s) {
		return nil, errors.New("the text is not UTF-8")
	}
	return append(b, s...), nil
}

func appendJSON(b []byte, c arrow.Array, i int) ([]byte, error) {
	text, err := convert.JSON(c, i)
	if err != nil {
		return nil, err
	}
	if strings.Contains(text, `\u0000`) {
		return nil, errNUL
	}
	return append(append(b, pgvalue.JSONVersion), text...), nil
}

// arrayEncoder writes lists of scalars as arrays of one dimension: their number of dimensions, whether
// there are NULLs, the type of the elements, their number, the first index, and each with its length.
func arrayEncoder(c array.ListLike, elem uint32) encoder {
	be := binary.BigEndian
	values := c.ListValues()
	one := encoderOf(values)
	return func(b []byte, i int) ([]byte, error) {
		start, end := c.ValueOffsets(i)
		if start == end {
			return be.AppendUint32(be.AppendUint64(b, 0), elem), nil
		}
		b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, 1), 1), elem)
		b = be.AppendUint32(be.AppendUint32(b, uint32(end-start)), 1)
		var err error
		for k := int(start); k < int(end); k++ {
			if b, err = appendSized(b, values, k, one); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
}

// appendSized writes a value behind its length; that of NULL is -1.
func appendSized(b []byte, c arrow.Array, i int, value encoder) ([]byte, error) {
	be := binary.BigEndian
	if c.DataType().ID() == arrow.NULL || c.IsNull(i) {
		return be.AppendUint32(b, math.MaxUint32), nil
	}
	at := len(b)
	b, err := value(be.AppendUint32(b, 0), i)
	if err != nil {
		return nil, err
	}
	be.PutUint32(b[at:], uint32(len(b)-at-4))
	return b, nil
}
