package runtime

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rowKeys writes the rows of a batch as bytes that are equal exactly when all values of two rows of one
// schema are: NULL equals NULL and NaN equals NaN.
type rowKeys struct {
	columns []func(b []byte, row int) []byte
	buf     []byte
}

func newRowKeys(b arrow.RecordBatch) *rowKeys {
	k := &rowKeys{}
	for _, c := range b.Columns() {
		k.columns = append(k.columns, keyOf(c))
	}
	return k
}

// of returns the key of a row; it is overwritten by the next call.
func (k *rowKeys) of(row int) []byte {
	k.buf = k.buf[:0]
	for _, put := range k.columns {
		k.buf = put(k.buf, row)
	}
	return k.buf
}

// keyOf returns what appends the key of one value of a column: a byte that is 0 for NULL, then the value.
func keyOf(c arrow.Array) func([]byte, int) []byte {
	value := valueKey(c)
	return func(b []byte, row int) []byte {
		if c.IsNull(row) {
			return append(b, 0)
		}
		return value(append(b, 1), row)
	}
}

func valueKey(c arrow.Array) func([]byte, int) []byte {
	switch c := c.(type) {
	case *array.Null:
		return func(b []byte, _ int) []byte { return b }
	case *array.String:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case *array.LargeString:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case interface{ Value(int) []byte }:
		return func(b []byte, row int) []byte { return sized(b, c.Value(row)) }
	case *array.Float64:
		return func(b []byte, row int) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(plain(c.Value(row))))
		}
	case *array.Float32:
		return func(b []byte, row int) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(plain(float64(c.Value(row)))))
		}
	case *array.Boolean:
		return func(b []byte, row int) []byte {
			if c.Value(row) {
				return append(b, 1)
			}
			return append(b, 0)
		}
	}
	if w, ok := c.DataType().(arrow.FixedWidthDataType); ok && len(c.Data().Buffers()) == 2 && w.BitWidth()%8 == 0 {
		size, offset := w.BitWidth()/8, c.Data().Offset()
		data := c.Data().Buffers()[1].Bytes()
		return func(b []byte, row int) []byte {
			at := (offset + row) * size
			return append(b, data[at:at+size]...)
		}
	}
	return func(b []byte, row int) []byte { // lists, structs, maps
		text, err := json.Marshal(c.GetOneForMarshal(row))
		if err != nil { // a NaN in a list: JSON has no word for it
			text = []byte(fmt.Sprintf("%#v", c.GetOneForMarshal(row)))
		}
		return sized(b, string(text))
	}
}

// plain makes all NaN equal, and -0 equal to 0.
func plain(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return math.NaN()
	case v == 0:
		return 0
	default:
		return v
	}
}

// sized writes a length and the text, so that no two rows run into each other.
func sized[T string | []byte](b []byte, v T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
