package vortex

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// varbin decodes vortex.varbin: offsets, of the type that field 1 tells, into one buffer.
func (d *decoder) varbin(n *node, t *dtype, rows int) (arrow.Array, error) {
	data, err := n.buffer(0)
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(n.metadata)
	if err != nil {
		return nil, err
	}
	p, err := m.ptype(1)
	if err != nil {
		return nil, err
	}
	c, err := n.child(0)
	if err != nil {
		return nil, err
	}
	if t.kind != kindUtf8 && t.kind != kindBinary {
		return nil, n.wrong("not a type of text")
	}
	v, err := d.validity(n, 1, t, rows)
	if err != nil {
		return nil, err
	}
	offs, err := d.offsets(c, p, rows, len(data))
	if err != nil {
		return nil, err
	}
	return assemble(t, rows, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs)), memory.NewBufferBytes(data)})
}

// offsets decodes rows+1 ascending offsets that end within limit.
func (d *decoder) offsets(n *node, p ptype, rows, limit int) ([]int32, error) {
	if !p.integer() || limit > math.MaxInt32 {
		return nil, n.wrong("offsets of another type, or over 2 GiB of text")
	}
	a, err := d.decode(n, primitive(p, false), rows+1)
	if err != nil {
		return nil, err
	}
	raw, err := rawValues(a)
	if err != nil {
		return nil, err
	}
	if p == i32 || p == u32 {
		return ascending(n, valuesOf[int32](raw), limit)
	}
	if err := d.take(rows+1, 12); err != nil {
		return nil, err
	}
	wide, err := widen(a, p)
	if err != nil {
		return nil, err
	}
	out := make([]int32, rows+1)
	for i, v := range wide {
		if v > math.MaxInt32 {
			return nil, n.wrong("offset outside of the values")
		}
		out[i] = int32(v)
	}
	return ascending(n, out, limit)
}

func ascending(n *node, offs []int32, limit int) ([]int32, error) {
	last := int32(0)
	for _, o := range offs {
		if o < last {
			return nil, n.wrong("offsets that go back")
		}
		last = o
	}
	if int(last) > limit {
		return nil, n.wrong("offset outside of the values")
	}
	return offs, nil
}

// textBuilder collects the texts of an array in order.
type textBuilder struct {
	d    *decoder
	offs []int32
	data []byte
}

// text prepares for rows texts of size bytes together, which may be a guess.
func (d *decoder) text(rows, size int) (*textBuilder, error) {
	if err := d.take(rows+1, 4); err != nil {
		return nil, err
	}
	return &textBuilder{d: d, offs: make([]int32, 1, rows+1), data: make([]byte, 0, min(size, 1<<20))}, nil
}

// add appends one text.
func (b *textBuilder) add(s []byte) error {
	if err := b.d.take(len(s), 1); err != nil {
		return err
	}
	if len(b.data) > math.MaxInt32-len(s) {
		return corrupt("over 2 GiB of text in one array")
	}
	b.data = append(b.data, s...)
	b.offs = append(b.offs, int32(len(b.data)))
	return nil
}

// array is what was collected.
func (b *textBuilder) array(t *dtype, v validity) (arrow.Array, error) {
	return assemble(t, len(b.offs)-1, v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(b.offs)), memory.NewBufferBytes(b.data)})
}
