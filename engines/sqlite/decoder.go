package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/convert"
)

// decoder builds batches from rows. Nested columns are collected as one JSON list and parsed at the
// end of the batch, because arrow-go keeps whole numbers exact only that way.
type decoder struct {
	schema *arrow.Schema
	flat   []array.Builder // nil for nested columns
	nested []*bytes.Buffer // nil for the others
	row    []driver.Value
	ended  bool // a statement that is stepped beyond its end starts again
}

func newDecoder(s *arrow.Schema) *decoder {
	n := s.NumFields()
	d := &decoder{schema: s, flat: make([]array.Builder, n), nested: make([]*bytes.Buffer, n), row: make([]driver.Value, n)}
	for i, f := range s.Fields() {
		if declared(f.Type) == "JSON" {
			d.nested[i] = &bytes.Buffer{}
		} else {
			d.flat[i] = array.NewBuilder(memory.DefaultAllocator, f.Type)
		}
	}
	return d
}

func (d *decoder) release() {
	for _, b := range d.flat {
		if b != nil {
			b.Release()
		}
	}
}

// read returns up to n rows; nil at the end.
func (d *decoder) read(ctx context.Context, rows driver.Rows, n int) (arrow.RecordBatch, error) {
	read := 0
	for read < n && !d.ended {
		if read%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := rows.Next(d.row); errors.Is(err, io.EOF) {
			d.ended = true
			break
		} else if err != nil {
			return nil, cause(ctx, err)
		}
		read++
		for i, v := range d.row {
			if err := d.add(i, v); err != nil {
				return nil, &convert.ValueError{Column: d.schema.Field(i).Name, Err: err}
			}
		}
	}
	if read == 0 {
		return nil, nil
	}
	return d.batch(int64(read))
}

func (d *decoder) add(i int, v driver.Value) error {
	if buf := d.nested[i]; buf != nil {
		if buf.Len() > 0 {
			buf.WriteByte(',')
		}
		if v == nil {
			v = "null"
		}
		buf.WriteString(plain(v))
		return nil
	}
	if v == nil {
		d.flat[i].AppendNull()
		return nil
	}
	return decode(d.flat[i], v)
}

func (d *decoder) batch(rows int64) (arrow.RecordBatch, error) {
	columns := make([]arrow.Array, 0, len(d.flat))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i, f := range d.schema.Fields() {
		c, err := d.column(i, f.Type)
		if err != nil {
			return nil, &convert.ValueError{Column: f.Name, Err: err}
		}
		columns = append(columns, c)
	}
	return array.NewRecordBatch(d.schema, columns, rows), nil
}

func (d *decoder) column(i int, t arrow.DataType) (arrow.Array, error) {
	buf := d.nested[i]
	if buf == nil {
		return d.flat[i].NewArray(), nil
	}
	list := io.MultiReader(bytes.NewReader([]byte("[")), bytes.NewReader(bytes.Clone(buf.Bytes())), bytes.NewReader([]byte("]")))
	buf.Reset()
	c, _, err := array.FromJSON(memory.DefaultAllocator, t, list)
	return c, err
}
