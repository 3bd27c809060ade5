package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/filter"
)

// kind is a storage class of SQLite.
type kind uint8

const (
	isNull kind = iota
	isInt
	isFloat
	isText
	isBlob
)

// cell is one value as SQLite stores it. Text and blobs lie in the bytes of their chunk.
type cell struct {
	kind     kind
	num      int64   // isInt
	float    float64 // isFloat
	at, size int     // isText, isBlob
}

// chunk is a number of encoded rows on their way to SQLite.
type chunk struct {
	cells   []cell // rowsPerChunk rows of all columns, one after the other
	columns int
	rows    int
	bytes   []byte
}

// rowsPerChunk and bytesPerChunk bound a chunk; one row may have more bytes.
const (
	rowsPerChunk  = 500
	bytesPerChunk = 4 << 20
)

// value returns a cell as the driver wants it.
func (k *chunk) value(c cell) driver.Value {
	switch c.kind {
	case isInt:
		return c.num
	case isFloat:
		return c.float
	case isText:
		return string(k.bytes[c.at : c.at+c.size])
	case isBlob:
		return append([]byte{}, k.bytes[c.at:c.at+c.size]...)
	default:
		return nil
	}
}

// put stores a value of the driver.
func (k *chunk) put(c *cell, v driver.Value) {
	switch v := v.(type) {
	case nil:
		c.kind = isNull
	case int64:
		c.kind, c.num = isInt, v
	case float64:
		c.kind, c.float = isFloat, v
	case bool:
		c.kind, c.num = isInt, 0
		if v {
			c.num = 1
		}
	case string:
		c.kind, c.at, c.size = isText, len(k.bytes), len(v)
		k.bytes = append(k.bytes, v...)
	case []byte:
		c.kind, c.at, c.size = isBlob, len(k.bytes), len(v)
		k.bytes = append(k.bytes, v...)
	}
}

// writer stores row i of a column that is not NULL into a cell of the chunk.
type writer func(k *chunk, c *cell, i int) error

// writerOf returns the writer of a column: the frequent types without a detour over encoder.
func writerOf(col arrow.Array) writer {
	switch a := col.(type) {
	case *array.String:
		return func(k *chunk, c *cell, i int) error {
			v := a.Value(i)
			c.kind, c.at, c.size = isText, len(k.bytes), len(v)
			k.bytes = append(k.bytes, v...)
			return nil
		}
	case *array.Int64:
		return func(_ *chunk, c *cell, i int) error {
			c.kind, c.num = isInt, a.Value(i)
			return nil
		}
	case *array.Float64:
		return func(k *chunk, c *cell, i int) error {
			v := a.Value(i)
			if v != v {
				k.put(c, nanText)
				return nil
			}
			c.kind, c.float = isFloat, v
			return nil
		}
	case *array.Timestamp, *array.Date32:
		get, t := convert.Clock(col), col.DataType()
		return func(k *chunk, c *cell, i int) (err error) {
			at := len(k.bytes)
			k.bytes, err = appendDate(k.bytes, get(i), t)
			c.kind, c.at, c.size = isText, at, len(k.bytes)-at
			return err
		}
	}
	if arrow.IsSignedInteger(col.DataType().ID()) {
		get := filter.Ints(col)
		return func(_ *chunk, c *cell, i int) error {
			c.kind, c.num = isInt, get(i)
			return nil
		}
	}
	get := encoder(col)
	return func(k *chunk, c *cell, i int) error {
		v, err := get(i)
		if err == nil {
			k.put(c, v)
		}
		return err
	}
}

// writersOf returns the writers of a batch's columns; nil for those that are always NULL.
func writersOf(b arrow.RecordBatch) []writer {
	out := make([]writer, b.NumCols())
	for i, c := range b.Columns() {
		if c.DataType().ID() != arrow.NULL {
			out[i] = writerOf(c)
		}
	}
	return out
}

// fill encodes the rows of a batch from at on, as many as a chunk takes.
func (k *chunk) fill(b arrow.RecordBatch, writers []writer, at int) error {
	k.rows = fit(b, at, min(rowsPerChunk, int(b.NumRows())-at))
	k.bytes = k.bytes[:0]
	for col, write := range writers {
		a := b.Column(col)
		for i := range k.rows {
			c := &k.cells[i*k.columns+col]
			if write == nil || a.IsNull(at+i) {
				c.kind = isNull
				continue
			}
			if err := write(k, c, at+i); err != nil {
				return &convert.ValueError{Column: b.ColumnName(col), Err: err}
			}
		}
	}
	return nil
}

// fit returns how many of n rows from at on have no more than bytesPerChunk of text and blobs; at
// least one.
func fit(b arrow.RecordBatch, at, n int) int {
	for ; n > 1; n /= 2 {
		var size int64
		for _, c := range b.Columns() {
			if v, ok := c.(interface {
				ValueOffset64(int) int64
				ValueLen(int) int
			}); ok {
				size += v.ValueOffset64(at+n-1) + int64(v.ValueLen(at+n-1)) - v.ValueOffset64(at)
			}
		}
		if size <= bytesPerChunk {
			break
		}
	}
	return n
}

// tooBig is SQLite's limit of the bytes of one value.
const tooBig = 1_000_000_000

func (k *chunk) check(c cell) error {
	if c.size > tooBig && (c.kind == isText || c.kind == isBlob) {
		return fmt.Errorf("a value of %d bytes is more than SQLite takes", c.size)
	}
	return nil
}
