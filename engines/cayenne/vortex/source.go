package vortex

import (
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// source is the rows of one column, or of a part of it: a layout that can be read.
type source interface {
	// rows is the rows [lo, hi) of the file, which lie within the source.
	rows(lo, hi int64) (arrow.Array, error)
}

// span is a run of rows of the file.
type span struct{ lo, hi int64 }

// plan makes the sources of a scan, which reads the windows, each once.
type plan struct {
	f       *File
	windows []span
}

// uses is how many windows overlap the rows of a span.
func (p *plan) uses(s span) int {
	n := 0
	for _, w := range p.windows {
		if w.lo < s.hi && s.lo < w.hi {
			n++
		}
	}
	return n
}

// source is the layout l as the rows at of the file.
func (p *plan) source(l *layout, t *dtype, at span, depth int) (source, error) {
	if l.rows != at.hi-at.lo || depth > maxDepth {
		return nil, corrupt("%s has %d rows, not %d", l.encoding, l.rows, at.hi-at.lo)
	}
	switch l.encoding {
	case layoutFlat:
		return &shared{at: at, left: p.uses(at), load: func() (arrow.Array, error) { return p.f.flat(l, t) }}, nil
	case layoutChunked:
		return p.chunked(l, t, at, depth)
	case layoutStruct:
		return p.structure(l, t, at, depth)
	case layoutStats, layoutZoned:
		if len(l.children) == 0 {
			return nil, corrupt("%s without its rows", l.encoding)
		}
		return p.source(l.children[0], t, at, depth+1)
	case layoutDict:
		return p.dictionary(l, t, at, depth)
	case layoutList:
		return p.list(l, t, at, depth)
	}
	return nil, corrupt("layout %q is not known", l.encoding)
}

// whole reads all rows of a layout that has rows of its own, such as the values of a dictionary.
func (p *plan) whole(l *layout, t *dtype, depth int) (arrow.Array, error) {
	at := span{0, l.rows}
	own := &plan{p.f, []span{at}}
	s, err := own.source(l, t, at, depth+1)
	if err != nil {
		return nil, err
	}
	return s.rows(at.lo, at.hi)
}

// shared is rows that several windows need: loaded for the first, dropped after the last.
type shared struct {
	at   span
	load func() (arrow.Array, error)

	mu   sync.Mutex
	left int
	all  arrow.Array
	err  error
}

func (s *shared) rows(lo, hi int64) (arrow.Array, error) {
	all, err := s.get()
	if err != nil {
		return nil, err
	}
	if lo == s.at.lo && hi == s.at.hi {
		return all, nil
	}
	return array.NewSlice(all, lo-s.at.lo, hi-s.at.lo), nil
}

// get is all rows; it is called once for each window.
func (s *shared) get() (arrow.Array, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil && s.err == nil {
		s.all, s.err = s.load()
	}
	all := s.all
	if s.left--; s.left <= 0 {
		s.all = nil
	}
	return all, s.err
}

// chunks is a sequence of sources.
type chunks struct {
	t     *dtype
	limit int
	spans []span
	of    []source
}

func (p *plan) chunked(l *layout, t *dtype, at span, depth int) (source, error) {
	c := &chunks{t: t, limit: p.f.limit}
	lo := at.lo
	for _, child := range l.children {
		s := span{lo, lo + child.rows}
		if child.rows < 0 || s.hi > at.hi {
			return nil, corrupt("chunks of more rows than their layout")
		}
		lo = s.hi
		of, err := p.source(child, t, s, depth+1)
		if err != nil {
			return nil, err
		}
		c.spans, c.of = append(c.spans, s), append(c.of, of)
	}
	if lo != at.hi {
		return nil, corrupt("chunks of fewer rows than their layout")
	}
	return c, nil
}

func (c *chunks) rows(lo, hi int64) (arrow.Array, error) {
	var parts []arrow.Array
	for i, s := range c.spans {
		if s.lo < hi && lo < s.hi {
			a, err := c.of[i].rows(max(lo, s.lo), min(hi, s.hi))
			if err != nil {
				return nil, err
			}
			parts = append(parts, a)
		}
	}
	return (&decoder{budget: c.limit}).concatenate(parts, c.t)
}

// members is a struct whose fields have layouts of their own.
type members struct {
	t     *dtype
	limit int
	valid source // nil: no nulls
	of    []source
}

func (p *plan) structure(l *layout, t *dtype, at span, depth int) (source, error) {
	m := &members{t: t, limit: p.f.limit}
	first := len(l.children) - len(t.fields)
	if t.kind != kindStruct || first != 0 && (first != 1 || !t.nullable) {
		return nil, corrupt("struct layout of %d children for %d fields", len(l.children), len(t.fields))
	}
	var err error
	if first == 1 {
		if m.valid, err = p.source(l.children[0], &dtype{kind: kindBool}, at, depth+1); err != nil {
			return nil, err
		}
	}
	for i, f := range t.fields {
		s, err := p.source(l.children[first+i], f.typ, at, depth+1)
		if err != nil {
			return nil, err
		}
		m.of = append(m.of, s)
	}
	return m, nil
}

func (m *members) rows(lo, hi int64) (a arrow.Array, err error) {
	defer guard(&err)
	var v validity
	d := &decoder{budget: m.limit}
	if m.valid != nil {
		b, err := m.valid.rows(lo, hi)
		if err != nil {
			return nil, err
		}
		if v, err = d.bitmap(b.Data().Buffers()[1].Bytes(), b.Data().Offset(), b.Len()); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Array, len(m.of))
	for i, s := range m.of {
		if fields[i], err = s.rows(lo, hi); err != nil {
			return nil, err
		}
	}
	return assemble(m.t, int(hi-lo), v, nil, fields...)
}

// dictionary is codes, and the values that they number.
type dictionary struct {
	t      *dtype
	limit  int
	ptype  ptype
	values *shared
	codes  source
}

func (p *plan) dictionary(l *layout, t *dtype, at span, depth int) (source, error) {
	if len(l.children) != 2 {
		return nil, corrupt("dictionary layout of %d children", len(l.children))
	}
	m, err := parseMessage(l.metadata)
	if err != nil {
		return nil, err
	}
	d := &dictionary{t: t, limit: p.f.limit}
	if d.ptype, err = m.ptype(1); err != nil {
		return nil, err
	}
	nullable := t.isNullable()
	if f, ok := m.get(2); ok {
		nullable = f.value != 0
	}
	if !d.ptype.integer() {
		return nil, corrupt("dictionary codes that are not whole numbers")
	}
	d.values = &shared{left: p.uses(at), load: func() (arrow.Array, error) { return p.whole(l.children[0], t, depth) }}
	d.codes, err = p.source(l.children[1], primitive(d.ptype, nullable), at, depth+1)
	return d, err
}

func (x *dictionary) rows(lo, hi int64) (a arrow.Array, err error) {
	defer guard(&err)
	values, err := x.values.get()
	if err != nil {
		return nil, err
	}
	codes, err := x.codes.rows(lo, hi)
	if err != nil {
		return nil, err
	}
	return (&decoder{budget: x.limit}).gather(values, codes, x.ptype, x.t)
}
