package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/jackc/pgx/v5/pgtype"

	"pitwall/engines/postgres/pgvalue"
)

// signature begins a COPY in binary form (PostgreSQL's manual, "COPY", "Binary Format"); 8 bytes of flags
// and the length of an extension follow.
var signature = []byte("PGCOPY\n\xff\r\n\x00")

const headerBytes = 19

// decoder makes record batches of a COPY in binary form, which is written to it in pieces.
type decoder struct {
	schema  *arrow.Schema
	columns []column
	build   *array.RecordBuilder
	append  []func([]byte) error
	emit    func(arrow.RecordBatch) bool
	count   *atomic.Int64

	rest  []byte // an unfinished row
	begun bool
	ended bool
	rows  int
	err   error
}

func newDecoder(columns []column) (*decoder, error) {
	d := &decoder{columns: columns}
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		t, err := c.arrowType()
		if err != nil {
			return nil, err
		}
		fields[i] = arrow.Field{Name: c.name, Type: t, Nullable: c.nullable}
	}
	d.schema = arrow.NewSchema(fields, nil)
	d.build = newBuilder(d.schema)
	for i, c := range columns {
		d.append = append(d.append, c.appender(d.build.Field(i)))
	}
	return d, nil
}

var errGone = errors.New("the reader went away")

// Write takes the next piece of the COPY.
func (d *decoder) Write(p []byte) (int, error) {
	d.count.Add(int64(len(p)))
	data := p
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		data = d.rest
	}
	left, err := d.decode(data)
	if err != nil {
		d.err = err
		return 0, err
	}
	d.rest = append(d.rest[:0], left...)
	return len(p), nil
}

// decode takes whole rows off data and returns what is left.
func (d *decoder) decode(data []byte) ([]byte, error) {
	if !d.begun {
		if len(data) < headerBytes {
			return data, nil
		}
		if !bytes.Equal(data[:len(signature)], signature) {
			return nil, errors.New("the server sent no binary COPY")
		}
		extension := int(binary.BigEndian.Uint32(data[15:]))
		if len(data) < headerBytes+extension {
			return data, nil
		}
		data, d.begun = data[headerBytes+extension:], true
	}
	for len(data) >= 2 && !d.ended {
		if int16(binary.BigEndian.Uint16(data)) == -1 {
			d.ended = true
			return nil, nil
		}
		size, ok := rowSize(data)
		if !ok {
			return data, nil
		}
		if err := d.row(data[:size]); err != nil {
			return nil, err
		}
		data = data[size:]
	}
	return data, nil
}

// rowSize returns the size of the row that data begins with, if all of it is there.
func rowSize(data []byte) (int, bool) {
	at := 2
	for range binary.BigEndian.Uint16(data) {
		if len(data) < at+4 {
			return 0, false
		}
		n := int32(binary.BigEndian.Uint32(data[at:]))
		at += 4 + int(max(n, 0))
		if len(data) < at {
			return 0, false
		}
	}
	return at, true
}

func (d *decoder) row(data []byte) error {
	if n := int(binary.BigEndian.Uint16(data)); n != len(d.columns) {
		return fmt.Errorf("the server sent %d columns, expected are %d", n, len(d.columns))
	}
	data = data[2:]
	for i := range d.columns {
		n := int32(binary.BigEndian.Uint32(data))
		data = data[4:]
		if n < 0 {
			d.build.Field(i).AppendNull()
			continue
		}
		if err := d.append[i](data[:n]); err != nil {
			return fmt.Errorf("column %q: %w", d.columns[i].name, err)
		}
		data = data[n:]
	}
	if d.rows++; d.rows == batchRows {
		return d.flush()
	}
	return nil
}

func (d *decoder) flush() error {
	d.rows = 0
	b := d.build.NewRecordBatch()
	d.build.Reserve(batchRows)
	if !d.emit(b) {
		return errGone
	}
	return nil
}

// end hands out the last rows. A COPY without its trailer was cut off.
func (d *decoder) end() error {
	if !d.ended {
		return errors.New("the rows ended in the middle: the connection was cut")
	}
	if d.rows == 0 {
		return nil
	}
	return d.flush()
}

func (d *decoder) release() { d.build.Release() }

// appender returns what appends one value that is not NULL.
func (c column) appender(b array.Builder) func([]byte) error {
	if list, ok := b.(*array.ListBuilder); ok && c.array {
		elem := c
		elem.array = false
		return listAppender(list, elem.appender(list.ValueBuilder()))
	}
	be := binary.BigEndian
	switch b := b.(type) {
	case *array.Int16Builder:
		return pgvalue.Sized(2, func(v []byte) error { b.Append(int16(be.Uint16(v))); return nil })
	case *array.Int32Builder:
		return pgvalue.Sized(4, func(v []byte) error { b.Append(int32(be.Uint32(v))); return nil })
	case *array.Uint32Builder:
		return pgvalue.Sized(4, func(v []byte) error { b.Append(be.Uint32(v)); return nil })
	case *array.Int64Builder:
		return pgvalue.Sized(8, func(v []byte) error { b.Append(int64(be.Uint64(v))); return nil })
	case *array.Date32Builder:
		return pgvalue.Sized(4, func(v []byte) error { return appendDate(b, int32(be.Uint32(v))) })
	case *array.Time64Builder:
		return pgvalue.Sized(8, func(v []byte) error { return appendTime(b, int64(be.Uint64(v))) })
	case *array.TimestampBuilder:
		return pgvalue.Sized(8, func(v []byte) error { return appendTimestamp(b, int64(be.Uint64(v))) })
	case *array.MonthDayNanoIntervalBuilder:
		return pgvalue.Sized(16, func(v []byte) error {
			micros := int64(be.Uint64(v))
			if micros > math.MaxInt64/1000 || micros < math.MinInt64/1000 {
				return errors.New("the interval is too long for Arrow")
			}
			b.Append(arrow.MonthDayNanoInterval{Months: int32(be.Uint32(v[12:])), Days: int32(be.Uint32(v[8:])), Nanoseconds: micros * 1000})
			return nil
		})
	case *array.Decimal128Builder:
		t := b.Type().(*arrow.Decimal128Type)
		return func(v []byte) error {
			if n, ok := small(v, t.Scale, t.Precision); ok {
				b.Append(decimal128.FromI64(n))
				return nil
			}
			n, err := numeric(v, t.Scale, t.Precision)
			if err == nil {
				b.Append(decimal128.FromBigInt(n))
			}
			return err
		}
	case *array.Decimal256Builder:
		t := b.Type().(*arrow.Decimal256Type)
		return func(v []byte) error {
			n, err := numeric(v, t.Scale, t.Precision)
			if err == nil {
				b.Append(decimal256.FromBigInt(n))
			}
			return err
		}
	case *array.StringBuilder:
		switch c.oid {
		case pgtype.UUIDOID:
			return pgvalue.Sized(16, func(v []byte) error {
				b.Append(fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]))
				return nil
			})
		case pgtype.JSONBOID:
			return func(v []byte) error {
				if len(v) == 0 || v[0] != pgvalue.JSONVersion {
					return errors.New("a jsonb of another version")
				}
				b.BinaryBuilder.Append(v[1:])
				return nil
			}
		}
	}
	if add := pgvalue.Adder(b); add != nil {
		return add
	}
	return func([]byte) error { return fmt.Errorf("no decoder for %s", b.Type()) }
}

var errInfinity = errors.New("infinity has no form in Arrow; leave such rows out with refresh_sql")

func appendDate(b *array.Date32Builder, days int32) error {
	if days == math.MaxInt32 || days == math.MinInt32 {
		return errInfinity
	}
	b.Append(arrow.Date32(days + pgvalue.DaysTo2000))
	return nil
}

func appendTime(b *array.Time64Builder, micros int64) error {
	if micros >= pgvalue.MicrosPerDay {
		return errors.New("24:00 is no time of day in Arrow")
	}
	b.Append(arrow.Time64(micros))
	return nil
}

func appendTimestamp(b *array.TimestampBuilder, micros int64) error {
	if micros == math.MaxInt64 || micros == math.MinInt64 {
		return errInfinity
	}
	b.Append(arrow.Timestamp(micros + pgvalue.MicrosTo2000))
	return nil
}

// listAppender reads an array of one dimension.
func listAppender(b *array.ListBuilder, value func([]byte) error) func([]byte) error {
	return func(v []byte) error {
		if len(v) < 12 {
			return pgvalue.ErrShort
		}
		be := binary.BigEndian
		dimensions := be.Uint32(v)
		if dimensions > 1 {
			return fmt.Errorf("an array of %d dimensions has no form here", dimensions)
		}
		b.Append(true)
		if dimensions == 0 {
			return nil
		}
		if len(v) < 20 {
			return pgvalue.ErrShort
		}
		return pgvalue.Elements(v[20:], be.Uint32(v[12:]), b.ValueBuilder(), value)
	}
}
