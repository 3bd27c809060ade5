package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/encoding/protowire"
)

// dateTimeParts decodes vortex.datetimeparts: days, seconds and parts of seconds of a timestamp (1, 2, 3 their types).
func (d *decoder) dateTimeParts(n *node, t *dtype, rows int) (arrow.Array, error) {
	if t.kind != kindExtension || t.id != extTimestamp || len(t.metadata) == 0 || t.metadata[0] > unitSecond {
		return nil, n.wrong("not a timestamp")
	}
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	second := [...]uint64{unitNanosecond: 1e9, unitMicrosecond: 1e6, unitMillisecond: 1e3, unitSecond: 1}[t.metadata[0]]
	var v validity
	var of [3][]uint64
	for i := range of {
		p, err := m.ptype(protowire.Number(i + 1))
		if err != nil {
			return nil, err
		}
		c, err := n.child(i)
		if err != nil {
			return nil, err
		}
		if !p.integer() {
			return nil, n.wrong("parts that are not whole numbers")
		}
		a, err := d.decode(c, primitive(p, i == 0 && t.isNullable()), rows)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if v, err = d.validityOf(a); err != nil {
				return nil, err
			}
		}
		if err := d.take(rows, 8); err != nil {
			return nil, err
		}
		if of[i], err = widen(a, p); err != nil {
			return nil, err
		}
	}
	out := of[0]
	for i := range out {
		out[i] = (out[i]*86400+of[1][i])*second + of[2][i]
	}
	return fixed(t, rows, v, bytesOf(out))
}

// decimalParts decodes vortex.decimal_byte_parts: whole numbers (1 their type). Version 2 may have parts of 64 bits
// below them, the most significant first (2 their types).
func (d *decoder) decimalParts(n *node, t *dtype, rows int) (arrow.Array, error) {
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	p, err := m.ptype(1)
	if err != nil {
		return nil, err
	}
	if t.kind != kindDecimal || !p.signed() {
		return nil, n.wrong("not a decimal, or not of signed numbers")
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(c, primitive(p, t.nullable), rows)
	if err != nil {
		return nil, err
	}
	v, err := d.validityOf(a)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	if n.encoding == "vortex.decimal_byte_parts" {
		if m.uint(2) != 0 {
			return nil, n.wrong("lower parts in version 1")
		}
		return d.unscaled(t, rows, v, raw, p.width())
	}
	lower, err := m.uints(2)
	if err != nil {
		return nil, err
	}
	if len(lower) == 0 {
		return d.unscaled(t, rows, v, raw, p.width())
	}
	if len(lower) > 3 {
		return nil, n.wrong("more than three lower parts")
	}
	if err := d.take(rows, 32+8); err != nil {
		return nil, err
	}
	top, err := widen(a, p)
	if err != nil {
		return nil, err
	}
	w := 16
	if len(lower) > 1 {
		w = 32
	}
	wide := make([]byte, rows*w)
	for i, x := range top {
		sign := uint64(int64(x) >> 63)
		for k := 0; k < w; k += 8 {
			binary.LittleEndian.PutUint64(wide[i*w+k:], sign)
		}
		binary.LittleEndian.PutUint64(wide[i*w+8*len(lower):], x)
	}
	for k, code := range lower {
		if code > uint64(u64) {
			return nil, n.wrong("lower part that is not of unsigned numbers")
		}
		part, err := d.decodeIndices(n, 1+k, ptype(code), rows)
		if err != nil {
			return nil, err
		}
		for i, x := range part {
			binary.LittleEndian.PutUint64(wide[i*w+8*(len(lower)-1-k):], x)
		}
	}
	return d.unscaled(t, rows, v, wide, w)
}
