package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/postgres/pgvalue"
)

// wholeAdder appends integers and times, which are integers of some unit.
func wholeAdder(b array.Builder) func([]byte) error {
	if b, ok := b.(*array.Uint64Builder); ok {
		return func(v []byte) error {
			n, err := numeric(v, 0)
			if err == nil && !n.IsUint64() {
				err = fmt.Errorf("%s does not fit uint64", n)
			}
			if err == nil {
				b.Append(n.Uint64())
			}
			return err
		}
	}
	t := b.Type()
	low, high, add := target(b)
	if add == nil {
		return func([]byte) error { return fmt.Errorf("no decoder for %s", t) }
	}
	return func(v []byte) error {
		n, err := whole(v, t)
		if err != nil {
			return err
		}
		if n < low || n > high {
			return fmt.Errorf("%d does not fit %s", n, t)
		}
		add(n)
		return nil
	}
}

// target returns what appends an integer to a builder, and between which values.
func target(b array.Builder) (low, high int64, add func(int64)) {
	switch b := b.(type) {
	case *array.Int8Builder:
		return math.MinInt8, math.MaxInt8, func(n int64) { b.Append(int8(n)) }
	case *array.Int16Builder:
		return math.MinInt16, math.MaxInt16, func(n int64) { b.Append(int16(n)) }
	case *array.Int32Builder:
		return math.MinInt32, math.MaxInt32, func(n int64) { b.Append(int32(n)) }
	case *array.Int64Builder:
		return math.MinInt64, math.MaxInt64, b.Append
	case *array.Uint8Builder:
		return 0, math.MaxUint8, func(n int64) { b.Append(uint8(n)) }
	case *array.Uint16Builder:
		return 0, math.MaxUint16, func(n int64) { b.Append(uint16(n)) }
	case *array.Uint32Builder:
		return 0, math.MaxUint32, func(n int64) { b.Append(uint32(n)) }
	case *array.Date32Builder:
		return math.MinInt32, math.MaxInt32, func(n int64) { b.Append(arrow.Date32(n)) }
	case *array.Date64Builder:
		return math.MinInt32, math.MaxInt32, func(n int64) { b.Append(arrow.Date64(n * 86_400_000)) }
	case *array.Time32Builder:
		return 0, math.MaxInt32, func(n int64) { b.Append(arrow.Time32(n)) }
	case *array.Time64Builder:
		return 0, math.MaxInt64, func(n int64) { b.Append(arrow.Time64(n)) }
	case *array.TimestampBuilder:
		return math.MinInt64, math.MaxInt64, func(n int64) { b.Append(arrow.Timestamp(n)) }
	}
	return 0, 0, nil
}

// whole reads the integer behind a value, in the unit of its recorded type; dates in days.
func whole(v []byte, t arrow.DataType) (n int64, err error) {
	be := binary.BigEndian
	switch len(v) {
	case 2:
		n = int64(int16(be.Uint16(v)))
	case 4:
		n = int64(int32(be.Uint32(v)))
	case 8:
		n = int64(be.Uint64(v))
	default:
		return 0, pgvalue.ErrShort
	}
	switch t.ID() {
	case arrow.DATE32, arrow.DATE64:
		n += pgvalue.DaysTo2000
	case arrow.TIMESTAMP:
		if n > math.MaxInt64-pgvalue.MicrosTo2000 || n == math.MinInt64 {
			return 0, errors.New("the timestamp is beyond what Arrow has")
		}
		n += pgvalue.MicrosTo2000
		fallthrough
	case arrow.TIME32, arrow.TIME64:
		per := convert.Nanos(t) / 1000
		if n%per != 0 {
			return 0, fmt.Errorf("%d us is not a whole number of %s", n, t)
		}
		n /= per
	}
	return n, nil
}
