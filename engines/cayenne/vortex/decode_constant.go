package vortex

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of the message ScalarValue of scalar.proto.
const (
	scalarNull   protowire.Number = 1
	scalarBool   protowire.Number = 2
	scalarInt    protowire.Number = 3 // sint64
	scalarUint   protowire.Number = 4
	scalarFloat  protowire.Number = 5
	scalarDouble protowire.Number = 6
	scalarString protowire.Number = 7
	scalarBytes  protowire.Number = 8
	scalarList   protowire.Number = 9
	scalarHalf   protowire.Number = 10
)

// constant decodes vortex.constant: a scalar, which is the only buffer, in every row.
func (d *decoder) constant(n *node, t *dtype, rows int) (arrow.Array, error) {
	b, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(b)
	if err != nil {
		return nil, err
	}
	return d.repeat(n, m, t, rows)
}

// repeat is an array of one scalar.
func (d *decoder) repeat(n *node, m message, t *dtype, rows int) (arrow.Array, error) {
	if len(m) == 0 || m[0].number == scalarNull {
		if !t.isNullable() {
			return nil, n.wrong("null in a type that has none")
		}
		if err := d.take(rows, 1+fixedWidth(t)); err != nil {
			return nil, err
		}
		return nullsOf(t, rows)
	}
	v := m[0]
	switch t.kind {
	case kindExtension:
		a, err := d.repeat(n, m, t.elem, rows)
		if err != nil {
			return nil, err
		}
		return asExtension(a, t)
	case kindBool:
		if err := d.take(rows/8+1, 1); err != nil {
			return nil, err
		}
		bit := byte(0)
		if v.value != 0 {
			bit = 0xff
		}
		return assemble(t, rows, validity{}, []*memory.Buffer{memory.NewBufferBytes(bytes.Repeat([]byte{bit}, (rows+7)/8))})
	case kindPrimitive:
		return d.repeatNumber(v, t, rows)
	case kindUtf8, kindBinary:
		b, err := d.text(rows, 0)
		if err != nil {
			return nil, err
		}
		for range rows {
			if err := b.add(v.bytes); err != nil {
				return nil, err
			}
		}
		return b.array(t, validity{})
	case kindDecimal:
		return d.repeatDecimal(v, t, rows)
	}
	return d.repeatNested(n, v, t, rows)
}

// fixedWidth is about what a row of a type takes up, in bytes.
func fixedWidth(t *dtype) int {
	switch t.kind {
	case kindStruct, kindMap:
		w := 0
		for _, f := range t.fields {
			w += 1 + fixedWidth(f.typ)
		}
		return min(w, math.MaxInt32)
	case kindFixedSizeList:
		return min(int(t.size)*(1+fixedWidth(t.elem)), math.MaxInt32)
	case kindDecimal:
		return 32
	default:
		return 8
	}
}

func (d *decoder) repeatNumber(v protoField, t *dtype, rows int) (arrow.Array, error) {
	value := v.value
	if v.number == scalarInt {
		value = uint64(protowire.DecodeZigZag(value))
	}
	w := t.ptype.width()
	if err := d.take(rows, w); err != nil {
		return nil, err
	}
	raw := make([]byte, rows*w)
	switch w {
	case 1:
		fill(raw, uint8(value))
	case 2:
		fill(valuesOf[uint16](raw), uint16(value))
	case 4:
		fill(valuesOf[uint32](raw), uint32(value))
	default:
		fill(valuesOf[uint64](raw), value)
	}
	return assemble(t, rows, validity{}, []*memory.Buffer{memory.NewBufferBytes(raw)})
}

func fill[T any](out []T, v T) {
	for i := range out {
		out[i] = v
	}
}

// repeatDecimal takes the unscaled value as a number or as the bytes of one.
func (d *decoder) repeatDecimal(v protoField, t *dtype, rows int) (arrow.Array, error) {
	raw := v.bytes
	switch v.number {
	case scalarInt:
		raw = binary.LittleEndian.AppendUint64(nil, uint64(protowire.DecodeZigZag(v.value)))
	case scalarUint:
		raw = append(binary.LittleEndian.AppendUint64(nil, v.value), make([]byte, 8)...)
	}
	switch len(raw) {
	case 1, 2, 4, 8, 16, 32:
	default:
		return nil, corrupt("decimal of %d bytes", len(raw))
	}
	if err := d.take(rows, len(raw)); err != nil {
		return nil, err
	}
	return d.unscaled(t, rows, validity{}, bytes.Repeat(raw, rows), len(raw))
}
