package keys

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Encoder writes the key of a row of a batch as bytes that are equal exactly when the keys are: NaN equals
// NaN, and 0 equals -0.
type Encoder struct {
	columns []arrow.Array
	values  []func(b []byte, row int) []byte
	buf     []byte
}

// NewEncoder returns the encoder of the columns of a key, whose types Check allows, or of any for Whole.
func NewEncoder(b arrow.RecordBatch, key []string) *Encoder {
	e := &Encoder{}
	for _, name := range key {
		c := b.Column(b.Schema().FieldIndices(name)[0])
		e.columns, e.values = append(e.columns, c), append(e.values, encoder(c))
	}
	return e
}

// Key returns the key of a row, which the next call overwrites; ok is false when a column is NULL: then the
// row equals no other.
func (e *Encoder) Key(row int) (key []byte, ok bool) {
	e.buf = e.buf[:0]
	for i, put := range e.values {
		if e.columns[i].IsNull(row) {
			return nil, false
		}
		e.buf = put(e.buf, row)
	}
	return e.buf, true
}

// Whole returns the key of a row, in which NULL equals NULL. The next call overwrites it.
func (e *Encoder) Whole(row int) []byte {
	e.buf = e.buf[:0]
	for i, put := range e.values {
		if e.columns[i].IsNull(row) || e.columns[i].DataType().ID() == arrow.NULL {
			e.buf = append(e.buf, 0)
			continue
		}
		e.buf = put(append(e.buf, 1), row)
	}
	return e.buf
}

// Texts returns the values of a key for people.
func (e *Encoder) Texts(row int) []string {
	out := make([]string, len(e.columns))
	for i, c := range e.columns {
		out[i] = c.ValueStr(row)
	}
	return out
}

func encoder(c arrow.Array) func([]byte, int) []byte {
	switch c := c.(type) {
	case *array.String:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case *array.LargeString:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case interface{ Value(int) []byte }:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case *array.Float64:
		return func(b []byte, row int) []byte { return number(b, c.Value(row)) }
	case *array.Float32:
		return func(b []byte, row int) []byte { return number(b, float64(c.Value(row))) }
	case *array.Boolean:
		return func(b []byte, row int) []byte {
			if c.Value(row) {
				return append(b, 1)
			}
			return append(b, 0)
		}
	}
	if c.DataType().ID() == arrow.NULL || c.Len() == 0 {
		return func(b []byte, _ int) []byte { return b }
	}
	if _, fixed := c.DataType().(arrow.FixedWidthDataType); !fixed || arrow.IsNested(c.DataType().ID()) {
		return func(b []byte, row int) []byte { return sized(b, c.ValueStr(row)) }
	}
	size, offset := c.DataType().(arrow.FixedWidthDataType).Bytes(), c.Data().Offset()
	data := c.Data().Buffers()[1].Bytes()
	return func(b []byte, row int) []byte {
		at := (offset + row) * size
		return append(b, data[at:at+size]...)
	}
}

// number makes all NaN equal, and -0 equal to 0.
func number(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		v = math.NaN()
	case v == 0:
		v = 0
	}
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

// sized writes a length and the text, so that no two columns run into each other.
func sized[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
