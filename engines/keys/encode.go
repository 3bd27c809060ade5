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

// NewEncoder returns the encoder of the columns of a key, whose types Check allows.
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
