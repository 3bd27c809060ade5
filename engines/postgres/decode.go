package postgres

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/convert"
	"pitwall/engines/postgres/pgvalue"
)

// decoder builds batches of a recorded schema from values in binary form.
type decoder struct {
	schema *arrow.Schema
	// Of each column, either builder and add, or text: JSON is parsed by batches, because arrow-go keeps
	// whole numbers exact only that way.
	builder []array.Builder
	add     []func([]byte) error
	text    []*bytes.Buffer
	rows    int64
}

func newDecoder(s *arrow.Schema) *decoder {
	n := s.NumFields()
	d := &decoder{schema: s, builder: make([]array.Builder, n), add: make([]func([]byte) error, n), text: make([]*bytes.Buffer, n)}
	for i, f := range s.Fields() {
		if formOf(f.Type).json {
			d.text[i] = &bytes.Buffer{}
			continue
		}
		d.builder[i] = array.NewBuilder(memory.DefaultAllocator, f.Type)
		d.add[i] = adder(d.builder[i])
	}
	return d
}

func (d *decoder) release() {
	for _, b := range d.builder {
		if b != nil {
			b.Release()
		}
	}
}

// row takes a row; a nil value is NULL.
func (d *decoder) row(values [][]byte) error {
	if len(values) != d.schema.NumFields() {
		return fmt.Errorf("the server sent %d columns, want %d", len(values), d.schema.NumFields())
	}
	for i, v := range values {
		if err := d.value(i, v); err != nil {
			return &convert.ValueError{Column: d.schema.Field(i).Name, Err: err}
		}
	}
	d.rows++
	return nil
}

func (d *decoder) value(i int, v []byte) error {
	if text := d.text[i]; text != nil {
		if text.Len() > 0 {
			text.WriteByte(',')
		}
		switch {
		case v == nil:
			text.WriteString("null")
		case len(v) == 0 || v[0] != pgvalue.JSONVersion:
			return errors.New("a jsonb of another version")
		default:
			text.Write(v[1:])
		}
		return nil
	}
	if v == nil {
		d.builder[i].AppendNull()
		return nil
	}
	return d.add[i](v)
}

// batch returns the rows so far; nil when there are none.
func (d *decoder) batch() (arrow.RecordBatch, error) {
	if d.rows == 0 {
		return nil, nil
	}
	columns := make([]arrow.Array, 0, len(d.builder))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range d.schema.Fields() {
		if d.text[i] == nil {
			columns = append(columns, d.builder[i].NewArray())
			continue
		}
		list := io.MultiReader(bytes.NewReader([]byte("[")), bytes.NewReader(bytes.Clone(d.text[i].Bytes())), bytes.NewReader([]byte("]")))
		d.text[i].Reset()
		c, _, err := array.FromJSON(memory.DefaultAllocator, f.Type, list)
		if err != nil {
			return nil, &convert.ValueError{Column: f.Name, Err: err}
		}
		columns = append(columns, c)
		if int64(c.Len()) != d.rows { // such as of an empty text
			return nil, &convert.ValueError{Column: f.Name, Err: fmt.Errorf("%d JSON values in %d rows", c.Len(), d.rows)}
		}
	}
	n := d.rows
	d.rows = 0
	return array.NewRecordBatch(d.schema, columns, n), nil
}

// adder returns what appends one value to a builder.
func adder(b array.Builder) func([]byte) error {
	be := binary.BigEndian
	t := b.Type()
	if list, ok := b.(array.ListLikeBuilder); ok {
		return listAdder(list)
	}
	if add := pgvalue.Adder(b); add != nil {
		return add
	}
	switch b := b.(type) {
	case *array.NullBuilder:
		return func([]byte) error { return errors.New("a value in a column of type null") }
	case *array.LargeStringBuilder:
		return func(v []byte) error { b.BinaryBuilder.Append(v); return nil }
	case *array.FixedSizeBinaryBuilder:
		return pgvalue.Sized(t.(*arrow.FixedSizeBinaryType).ByteWidth, func(v []byte) error { b.Append(v); return nil })
	case *array.Decimal128Builder:
		return decimals(t.(arrow.DecimalType), func(n decimal256.Num) { b.Append(decimal128.FromBigInt(n.BigInt())) })
	case *array.Decimal256Builder:
		return decimals(t.(arrow.DecimalType), b.Append)
	case *array.MonthIntervalBuilder, *array.DayTimeIntervalBuilder, *array.DurationBuilder:
		return pgvalue.Sized(16, func(v []byte) error {
			return appendSpan(b, int64(be.Uint64(v)), int32(be.Uint32(v[8:])), int32(be.Uint32(v[12:])))
		})
	default:
		return wholeAdder(b)
	}
}

func decimals(t arrow.DecimalType, add func(decimal256.Num)) func([]byte) error {
	return func(v []byte) error {
		n, err := numeric(v, t.GetScale())
		if err == nil {
			if v := decimal256.FromBigInt(n); v.FitsInPrecision(t.GetPrecision()) {
				add(v)
				return nil
			}
			err = fmt.Errorf("%s does not fit %s", n, t)
		}
		return err
	}
}

// appendSpan appends an interval.
func appendSpan(b array.Builder, micros int64, days, months int32) error {
	bad := func() error {
		return fmt.Errorf("interval of %d months, %d days, %d us does not fit %s", months, days, micros, b.Type())
	}
	switch b := b.(type) {
	case *array.MonthIntervalBuilder:
		if micros != 0 || days != 0 {
			return bad()
		}
		b.Append(arrow.MonthInterval(months))
	case *array.DayTimeIntervalBuilder:
		if months != 0 || micros%1000 != 0 || micros/1000 != int64(int32(micros/1000)) {
			return bad()
		}
		b.Append(arrow.DayTimeInterval{Days: days, Milliseconds: int32(micros / 1000)})
	case *array.DurationBuilder:
		per := convert.Nanos(b.Type()) / 1000
		if months != 0 || days != 0 || micros%per != 0 {
			return bad()
		}
		b.Append(arrow.Duration(micros / per))
	}
	return nil
}

// listAdder reads an array of at most one dimension; see arrayEncoder.
func listAdder(b array.ListLikeBuilder) func([]byte) error {
	be := binary.BigEndian
	one := adder(b.ValueBuilder())
	return func(v []byte) error {
		if len(v) < 12 || be.Uint32(v) > 1 {
			return errors.New("an array of several dimensions")
		}
		n := uint32(0)
		if be.Uint32(v) == 1 {
			if len(v) < 20 {
				return pgvalue.ErrShort
			}
			n, v = be.Uint32(v[12:]), v[20:]
		}
		if f, ok := b.Type().(*arrow.FixedSizeListType); ok && uint32(f.Len()) != n {
			return fmt.Errorf("a list of %d, want %d", n, f.Len())
		}
		b.Append(true)
		return pgvalue.Elements(v, n, b.ValueBuilder(), one)
	}
}
