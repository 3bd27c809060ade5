package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// foreign decodes the encodings that nest in others or stand for a whole column in files of other writers.
func (d *decoder) foreign(n *node, t *dtype, rows int) (arrow.Array, error) {
	switch n.encoding {
	case "vortex.bytebool":
		return d.byteBool(n, t, rows)
	case "vortex.varbinview":
		return d.varbinview(n, t, rows)
	case "vortex.fsst":
		return d.fsst(n, t, rows)
	case "vortex.onpair":
		return d.onpair(n, t, rows)
	case "vortex.zstd":
		return d.zstd(n, t, rows)
	case "vortex.pco":
		return d.pcodec(n, t, rows)
	case "vortex.alp":
		return d.alp(n, t, rows)
	case "vortex.alprd":
		return d.alprd(n, t, rows)
	case "vortex.runend":
		return d.runEnd(n, t, rows)
	case "vortex.sparse":
		return d.sparse(n, t, rows)
	case "vortex.masked":
		return d.masked(n, t, rows)
	case "vortex.patched":
		return d.patched(n, t, rows)
	case "vortex.zigzag":
		return d.zigzag(n, t, rows)
	case "vortex.sequence":
		return d.sequence(n, t, rows)
	case "fastlanes.delta":
		return d.delta(n, t, rows)
	case "fastlanes.rle":
		return d.rle(n, t, rows)
	case "fastlanes.bitpacked.v2":
		return d.bitpackedBlocks(n, t, rows)
	case "fastlanes.for.v2":
		return d.blockReferences(n, t, rows)
	case "vortex.datetimeparts":
		return d.dateTimeParts(n, t, rows)
	case "vortex.decimal_byte_parts", "vortex.decimal_byte_parts.v2":
		return d.decimalParts(n, t, rows)
	case "vortex.listview":
		return d.listView(n, t, rows)
	case "vortex.fixed_size_list":
		return d.fixedSizeList(n, t, rows)
	case "vortex.map":
		return d.mapped(n, t, rows)
	}
	return nil, corrupt("encoding %q is not known", n.encoding)
}

// metadata parses a node's metadata.
func (n *node) fields() (message, error) { return parseMessage(n.metadata) }

// decodeNumbers decodes child i as numbers without nulls and gives their bytes.
func (d *decoder) decodeNumbers(n *node, i int, p ptype, rows int) ([]byte, error) {
	c, err := n.child(i)
	if err != nil {
		return nil, err
	}
	a, err := d.decode(c, primitive(p, false), rows)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	if len(raw) != rows*p.width() {
		return nil, n.wrong("numbers of another type")
	}
	return raw, nil
}

// decodeIndices decodes child i as whole numbers without nulls, in 64 bits.
func (d *decoder) decodeIndices(n *node, i int, p ptype, rows int) ([]uint64, error) {
	c, err := n.child(i)
	if err != nil {
		return nil, err
	}
	return d.decodeUints(c, p, rows)
}

// fixed is an array of a type of fixed width: its raw values and validity.
func fixed(t *dtype, rows int, v validity, raw []byte) (arrow.Array, error) {
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(raw)})
}

// withValidity is an array without nulls of its own, with those of v.
func (d *decoder) withValidity(a arrow.Array, v validity) (arrow.Array, error) {
	if v.bits == nil {
		return a, nil
	}
	s := a.Data()
	if _, ok := a.(*array.Null); ok {
		return a, nil
	}
	bits := v.bits
	if off := s.Offset(); off != 0 {
		if err := d.take((off+a.Len())/8+1, 1); err != nil {
			return nil, err
		}
		moved := make([]byte, (off+a.Len()+7)/8)
		bitutil.CopyBitmap(v.bits.Bytes(), 0, a.Len(), moved, off)
		bits = memory.NewBufferBytes(moved)
	}
	buffers := append([]*memory.Buffer{bits}, s.Buffers()[1:]...)
	return array.MakeFromData(array.NewData(s.DataType(), s.Len(), buffers, s.Children(), v.nulls, s.Offset())), nil
}

// spreadValid puts the values of the valid rows, each of w bytes, in their places among all rows.
func (d *decoder) spreadValid(n *node, values []byte, w, rows int, v validity) ([]byte, error) {
	if len(values) != (rows-v.nulls)*w {
		return nil, n.wrong("values do not fill the rows that are not null")
	}
	if v.bits == nil {
		return values, nil
	}
	if err := d.take(rows, w); err != nil {
		return nil, err
	}
	out, at := make([]byte, rows*w), 0
	for i := range rows {
		if v.valid(i) {
			copy(out[i*w:(i+1)*w], values[at:])
			at += w
		}
	}
	return out, nil
}

// gatherRows is values[at[i]] in every row.
func (d *decoder) gatherRows(values arrow.Array, at []uint32, t *dtype) (arrow.Array, error) {
	codes, err := fixed(primitive(u32, false), len(at), validity{}, bytesOf(at))
	if err != nil {
		return nil, err
	}
	return d.gather(values, codes, u32, t)
}
