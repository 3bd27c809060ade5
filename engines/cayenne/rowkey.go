package cayenne

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// Keys of deletes by key are in the row format of Rust's arrow-row crate, in the order of the key's columns,
// ascending and with nulls first. A value is a byte 1, and then
//
//   - of a number, date, timestamp or decimal its big-endian bytes, the first bit of a signed one flipped; of a
//     boolean one byte;
//   - of text and bytes nothing more when they are empty. Else the first byte is 2, and blocks follow, the first four
//     of 8 bytes, the others of 32, filled up with zeros, each with one byte behind it: 0xff where another block
//     follows, in the end how many bytes of the block count.
//
// A null has a byte 0 in the place of the first, and zeros for the others where their number is fixed.

const (
	rowNull, rowValue, rowText = 0, 1, 2
	rowMore                    = 0xff
)

// rowKey is how the keys of a table are encoded.
type rowKey struct {
	at     []int         // the columns in the schema of the dataset
	schema *arrow.Schema // of these columns
	widths []int         // of their values in bytes; 0: text or bytes
}

// newRowKey is that of a primary key. Kind Corrupt: there are no such columns. Kind Invalid: a column has a type of
// which keys are not read.
func newRowKey(s *arrow.Schema, columns []string) (rowKey, error) {
	var k rowKey
	var fields []arrow.Field
	if len(columns) == 0 {
		return k, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: deletes by key of a table without a primary key"))
	}
	for _, name := range columns {
		at := s.FieldIndices(name)
		if len(at) != 1 {
			return k, dbfile.Fail(engines.Corrupt, fmt.Errorf("slice: the primary key has a column %q, of which the schema has %d", name, len(at)))
		}
		f := s.Field(at[0])
		width, ok := rowWidth(f.Type)
		if !ok {
			return k, dbfile.Fail(engines.Invalid, fmt.Errorf("the snapshot has deletes by a key with column %q, and keys of type %s are not read", name, f.Type))
		}
		k.at, fields, k.widths = append(k.at, at[0]), append(fields, f), append(k.widths, width)
	}
	k.schema = arrow.NewSchema(fields, nil)
	return k, nil
}

// rowWidth is how many bytes a value of a type takes up behind its first; 0 when that depends on the value.
func rowWidth(t arrow.DataType) (width int, ok bool) {
	switch t.ID() {
	case arrow.BOOL, arrow.INT8, arrow.UINT8:
		return 1, true
	case arrow.INT16, arrow.UINT16:
		return 2, true
	case arrow.INT32, arrow.UINT32, arrow.DATE32:
		return 4, true
	case arrow.INT64, arrow.UINT64, arrow.DATE64, arrow.TIMESTAMP:
		return 8, true
	case arrow.DECIMAL128:
		return 16, true
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW:
		return 0, true
	}
	return 0, false
}

// rowEncoder appends the value of a row to a key.
type rowEncoder func(b []byte, row int) []byte

// encoders are those of the columns of a batch, which has those of the key.
func (k rowKey) encoders(b arrow.RecordBatch) ([]rowEncoder, error) {
	all := make([]rowEncoder, len(k.widths))
	for i, width := range k.widths {
		values := rowValues(b.Column(i))
		if values == nil {
			return nil, fmt.Errorf("a key of type %s", b.Column(i).DataType())
		}
		c := b.Column(i)
		all[i] = func(b []byte, row int) []byte {
			if c.IsNull(row) {
				return append(b, make([]byte, 1+width)...) // the first is rowNull
			}
			return values(b, row)
		}
	}
	return all, nil
}

func rowValues(a arrow.Array) rowEncoder {
	switch a := a.(type) {
	case *array.Boolean:
		return func(b []byte, row int) []byte { return append(b, rowValue, byte(number(a.Value(row)))) }
	case *array.Int8:
		return func(b []byte, row int) []byte { return append(b, rowValue, uint8(a.Value(row))^1<<7) }
	case *array.Int16:
		return func(b []byte, row int) []byte { return row16(b, uint16(a.Value(row))^1<<15) }
	case *array.Int32:
		return func(b []byte, row int) []byte { return row32(b, uint32(a.Value(row))^1<<31) }
	case *array.Int64:
		return func(b []byte, row int) []byte { return row64(b, uint64(a.Value(row))^1<<63) }
	case *array.Uint8:
		return func(b []byte, row int) []byte { return append(b, rowValue, a.Value(row)) }
	case *array.Uint16:
		return func(b []byte, row int) []byte { return row16(b, a.Value(row)) }
	case *array.Uint32:
		return func(b []byte, row int) []byte { return row32(b, a.Value(row)) }
	case *array.Uint64:
		return func(b []byte, row int) []byte { return row64(b, a.Value(row)) }
	case *array.Date32:
		return func(b []byte, row int) []byte { return row32(b, uint32(a.Value(row))^1<<31) }
	case *array.Date64:
		return func(b []byte, row int) []byte { return row64(b, uint64(a.Value(row))^1<<63) }
	case *array.Timestamp:
		return func(b []byte, row int) []byte { return row64(b, uint64(a.Value(row))^1<<63) }
	case *array.Decimal128:
		return func(b []byte, row int) []byte {
			v := a.Value(row)
			return binary.BigEndian.AppendUint64(row64(b, uint64(v.HighBits())^1<<63), v.LowBits())
		}
	case array.StringLike:
		return func(b []byte, row int) []byte { return rowBlocks(b, a.Value(row)) }
	case interface{ Value(int) []byte }: // the kinds of binary
		return func(b []byte, row int) []byte { return rowBlocks(b, a.Value(row)) }
	}
	return nil
}

func row16(b []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(append(b, rowValue), v) }
func row32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(append(b, rowValue), v) }
func row64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(append(b, rowValue), v) }

// rowBlock is the size of a block of text.
func rowBlock(i int) int {
	if i < 4 {
		return 8
	}
	return 32
}

func rowBlocks[T string | []byte](b []byte, v T) []byte {
	if len(v) == 0 {
		return append(b, rowValue)
	}
	b = append(b, rowText)
	for i := 0; ; i++ {
		size := rowBlock(i)
		if len(v) <= size {
			b = append(b, v...)
			b = append(b, make([]byte, size-len(v))...)
			return append(b, byte(len(v)))
		}
		b = append(append(b, v[:size]...), rowMore)
		v = v[size:]
	}
}

// read is the key that bytes of a delete file stand for, and whether they stand for one at all: a damaged key would
// delete nothing, and bring back a row.
func (k rowKey) read(b []byte) (string, bool) {
	if len(b) == 8 && len(k.widths) == 1 && k.schema.Field(0).Type.ID() == arrow.INT64 {
		// Spice writes a key of one int64 as the number alone, without a first byte and without a flipped bit.
		return string(row64(nil, binary.BigEndian.Uint64(b)^1<<63)), true
	}
	rest := b
	for i, width := range k.widths {
		n := rowLength(rest, width)
		if n == 0 || k.schema.Field(i).Type.ID() == arrow.BOOL && rest[1] > 1 {
			return "", false
		}
		rest = rest[n:]
	}
	return string(b), len(rest) == 0
}

// rowLength is how many bytes the value takes up that b begins with; 0: it begins with none.
func rowLength(b []byte, width int) int {
	switch {
	case len(b) == 0 || b[0] > rowText || b[0] == rowText && width > 0:
		return 0
	case b[0] != rowText && len(b) <= width:
		return 0
	case b[0] == rowNull && !zeros(b[:1+width]):
		return 0
	case b[0] != rowText:
		return 1 + width
	}
	at := 1
	for i := 0; ; i++ {
		size := rowBlock(i)
		if len(b) <= at+size {
			return 0
		}
		left := int(b[at+size])
		if left != rowMore {
			if left == 0 || left > size || !zeros(b[at+left:at+size]) {
				return 0
			}
			return at + size + 1
		}
		at += size + 1
	}
}

func zeros(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
