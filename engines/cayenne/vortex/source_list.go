package vortex

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// The layouts of other writers.
const (
	layoutDict = "vortex.dict"
	layoutList = "vortex.list" // elements, offsets into them, one more than rows, and a validity
)

// lists are lists whose elements have a layout of their own, with rows of its own.
type lists struct {
	t        *dtype
	limit    int
	ptype    ptype
	count    int64 // of the elements
	elements source
	offsets  source
	valid    source // nil: no nulls
}

func (p *plan) list(l *layout, t *dtype, at span, depth int) (source, error) {
	if t.kind != kindList || len(l.children) < 2 || len(l.children) > 3 || len(l.children) == 3 && !t.nullable {
		return nil, corrupt("list layout of %d children", len(l.children))
	}
	m, err := parseMessage(l.metadata)
	if err != nil {
		return nil, err
	}
	x := &lists{t: t, limit: p.f.limit, count: l.children[0].rows}
	if x.ptype, err = m.ptype(1); err != nil {
		return nil, err
	}
	if !x.ptype.integer() {
		return nil, corrupt("list offsets that are not whole numbers")
	}
	// Elements and offsets are read for each window alone: what two windows share is read twice.
	own := &plan{f: p.f}
	if x.elements, err = own.source(l.children[0], t.elem, span{0, x.count}, depth+1); err != nil {
		return nil, err
	}
	if x.offsets, err = own.source(l.children[1], primitive(x.ptype, false), span{at.lo, at.hi + 1}, depth+1); err != nil {
		return nil, err
	}
	if len(l.children) == 3 {
		x.valid, err = p.source(l.children[2], &dtype{kind: kindBool}, at, depth+1)
	}
	return x, err
}

func (x *lists) rows(lo, hi int64) (a arrow.Array, err error) {
	defer guard(&err)
	d := &decoder{budget: x.limit}
	var v validity
	if x.valid != nil {
		b, err := x.valid.rows(lo, hi)
		if err != nil {
			return nil, err
		}
		if v, err = d.bitmap(b.Data().Buffers()[1].Bytes(), b.Data().Offset(), b.Len()); err != nil {
			return nil, err
		}
	}
	o, err := x.offsets.rows(lo, hi+1)
	if err != nil {
		return nil, err
	}
	if err := d.take(o.Len(), 12); err != nil {
		return nil, err
	}
	at, err := widen(o, x.ptype)
	if err != nil {
		return nil, err
	}
	offs := make([]int32, len(at))
	first, last := at[0], at[0]
	for i, end := range at {
		if end < last || end > uint64(x.count) || end-first > uint64(x.limit) {
			return nil, corrupt("list offsets that go back, or outside of the elements")
		}
		last = end
		offs[i] = int32(end - first)
	}
	elements, err := x.part(int64(first), int64(last))
	if err != nil {
		return nil, err
	}
	return assemble(x.t, int(hi-lo), v, []*memory.Buffer{memory.NewBufferBytes(bytesOf(offs))}, elements)
}

// part is elements, also where there are none.
func (x *lists) part(lo, hi int64) (arrow.Array, error) {
	if lo == hi {
		return nullsOf(x.t.elem, 0)
	}
	return x.elements.rows(lo, hi)
}
