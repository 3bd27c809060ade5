package vortex

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/encoding/protowire"
)

// coded is text in which codes stand for pieces of it.
type coded struct {
	n       *node
	v       validity
	lengths []uint64 // of the text of every row
	offsets []uint64 // of the codes of every row, and their end
	size    int      // of all text
}

// check makes sure that the offsets lie within codes that stand for up to most bytes each, and adds up the lengths.
func (c *coded) check(codes, most int) error {
	last := uint64(0)
	for _, o := range c.offsets {
		if o < last {
			return c.n.wrong("offsets that go back")
		}
		last = o
	}
	if last > uint64(codes) {
		return c.n.wrong("offset outside of the codes")
	}
	for i, l := range c.lengths {
		if !c.v.valid(i) {
			continue
		}
		if l > (c.offsets[i+1]-c.offsets[i])*uint64(most) {
			return c.n.wrong("text longer than its codes can tell")
		}
		c.size += int(l)
	}
	return nil
}

// decode collects the text of all rows; row appends that of the codes from lo to hi.
func (c *coded) decode(d *decoder, t *dtype, slack int, row func(out []byte, lo, hi uint64) ([]byte, error)) (arrow.Array, error) {
	x, err := d.textOfSize(len(c.lengths), c.size)
	if err != nil {
		return nil, err
	}
	x.data = make([]byte, 0, c.size+slack)
	for i, l := range c.lengths {
		if !c.v.valid(i) {
			x.null()
			continue
		}
		before := len(x.data)
		if x.data, err = row(x.data, c.offsets[i], c.offsets[i+1]); err != nil {
			return nil, err
		}
		if uint64(len(x.data)-before) != l {
			return nil, c.n.wrong("text of another length than told")
		}
		x.offs = append(x.offs, int32(len(x.data)))
	}
	return x.array(t, c.v)
}

// fsst decodes vortex.fsst: a table of up to 255 symbols of 1 to 8 bytes, their lengths, and codes of one byte, of
// which 255 says that the next byte stands for itself (1 type of the lengths of the text, 2 type of the offsets of
// the codes). Older files hold the codes as an array of their own.
func (d *decoder) fsst(n *node, t *dtype, rows int) (arrow.Array, error) {
	if len(n.buffers) < 2 || t.kind != kindUtf8 && t.kind != kindBinary {
		return nil, n.wrong("no symbols, or not a type of text")
	}
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	lengthType, err := m.ptype(1)
	if err != nil {
		return nil, err
	}
	symbols, lengths := n.buffers[0].data, n.buffers[1].data
	if len(symbols) != 8*len(lengths) || len(lengths) > 255 {
		return nil, n.wrong("symbols without their lengths")
	}
	c := &coded{n: n}
	var codes []byte
	if len(n.buffers) == 2 {
		codes, err = d.legacyCodes(n, c, t, lengthType, rows)
	} else {
		codes, err = n.buffers[2].data, d.codes(n, c, m, t, lengthType, rows)
	}
	if err != nil {
		return nil, err
	}
	if err := c.check(len(codes), 8); err != nil {
		return nil, err
	}
	var table [255]uint64
	for i := range lengths {
		if lengths[i] == 0 || lengths[i] > 8 {
			return nil, n.wrong("symbol of no or over 8 bytes")
		}
		table[i] = binary.LittleEndian.Uint64(symbols[8*i:])
	}
	return c.decode(d, t, 8, func(out []byte, lo, hi uint64) ([]byte, error) {
		in := codes[lo:hi]
		for i := 0; i < len(in); i++ {
			code := in[i]
			if int(code) < len(lengths) {
				// All eight bytes are written; those beyond the symbol are overwritten or cut off.
				end := len(out) + int(lengths[code])
				out = binary.LittleEndian.AppendUint64(out, table[code])[:end]
				continue
			}
			if i++; code != 255 || i == len(in) {
				return nil, n.wrong("code of no symbol")
			}
			out = append(out, in[i])
		}
		return out, nil
	})
}

// codes reads the lengths and offsets of FSST's codes.
func (d *decoder) codes(n *node, c *coded, m message, t *dtype, lengthType ptype, rows int) error {
	offsetType, err := m.ptype(2)
	if err != nil {
		return err
	}
	if c.lengths, err = d.decodeIndices(n, 0, lengthType, rows); err != nil {
		return err
	}
	if c.offsets, err = d.decodeIndices(n, 1, offsetType, rows+1); err != nil {
		return err
	}
	c.v, err = d.validity(n, 2, t, rows)
	return err
}

// legacyCodes reads codes that are an array of bytes of their own.
func (d *decoder) legacyCodes(n *node, c *coded, t *dtype, lengthType ptype, rows int) ([]byte, error) {
	cn, err := n.child(0)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(cn, &dtype{kind: kindBinary, nullable: t.nullable}, rows)
	if err != nil {
		return nil, err
	}
	if c.v, err = d.validityOf(a); err != nil {
		return nil, err
	}
	if c.lengths, err = d.decodeIndices(n, 1, lengthType, rows); err != nil {
		return nil, err
	}
	if err := d.take(rows+1, 8); err != nil {
		return nil, err
	}
	offs, codes := textOf(a)
	c.offsets = make([]uint64, len(offs))
	for i, o := range offs {
		c.offsets[i] = uint64(o)
	}
	return codes, nil
}

// mostOfToken is the longest token of OnPair in bytes.
const mostOfToken = 16

// onpair decodes vortex.onpair: a dictionary of tokens of 1 to 16 bytes and codes that number them (types: 1 of the
// lengths of the text, 5 of the offsets of the tokens, 6 of the codes, 7 of the offsets of the codes; 3 count of the
// tokens, 4 of the codes).
func (d *decoder) onpair(n *node, t *dtype, rows int) (arrow.Array, error) {
	bytes, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := n.fields()
	if err != nil {
		return nil, err
	}
	if t.kind != kindUtf8 && t.kind != kindBinary {
		return nil, n.wrong("not a type of text")
	}
	tokens, err := m.length(3)
	if err != nil {
		return nil, err
	}
	count, err := m.length(4)
	if err != nil {
		return nil, err
	}
	var types [4]ptype
	for i, number := range []protowire.Number{5, 6, 7, 1} {
		p, err := m.ptype(number)
		if err != nil {
			return nil, err
		}
		types[i] = p
	}
	ends, err := d.decodeIndices(n, 0, types[0], tokens+1)
	if err != nil {
		return nil, err
	}
	for i, e := range ends {
		if e > uint64(len(bytes)) || i > 0 && (e <= ends[i-1] || e-ends[i-1] > mostOfToken) {
			return nil, n.wrong("token of no or over 16 bytes")
		}
	}
	codes, err := d.decodeIndices(n, 1, types[1], count)
	if err != nil {
		return nil, err
	}
	c := &coded{n: n}
	if c.offsets, err = d.decodeIndices(n, 2, types[2], rows+1); err != nil {
		return nil, err
	}
	if c.lengths, err = d.decodeIndices(n, 3, types[3], rows); err != nil {
		return nil, err
	}
	if c.v, err = d.validity(n, 4, t, rows); err != nil {
		return nil, err
	}
	if err := c.check(len(codes), mostOfToken); err != nil {
		return nil, err
	}
	return c.decode(d, t, 0, func(out []byte, lo, hi uint64) ([]byte, error) {
		for _, code := range codes[lo:hi] {
			if code >= uint64(tokens) {
				return nil, n.wrong("code of no token")
			}
			out = append(out, bytes[ends[code]:ends[code+1]]...)
		}
		return out, nil
	})
}
