package shape

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/config/refreshsql"
	"pitwall/engines"
)

// DistinctOn keeps, of the rows with equal values in the key columns, the one that sorts first (spec
// data-refresh 3.1, DISTINCT ON). Of rows that sort equal the one that came first stays. NULLs are equal.
// The first Next reads r to its end; the rows follow in the order of r. In memory are at most about twice
// as many rows as there are keys, and a batch. An *Error names a column that is missing or has no order.
func DistinctOn(ctx context.Context, r array.RecordReader, keys []string, order []refreshsql.Order) (array.RecordReader, error) {
	d := &distinct{best: map[string]*winner{}}
	recorded := engines.Recorded(r.Schema())
	add := func(name string, desc, nullsFirst bool) error {
		at := recorded.FieldIndices(name)
		if len(at) == 0 {
			return &Error{Message: fmt.Sprintf("the source has no column %q", name)}
		}
		empty := array.MakeArrayOfNull(memory.DefaultAllocator, recorded.Field(at[0]).Type, 0)
		defer empty.Release()
		d.in.indices = append(d.in.indices, at[0])
		d.orders = append(d.orders, refreshsql.Order{Column: name, Desc: desc, NullsFirst: nullsFirst})
		_, err := newSortKey(name, empty, desc, nullsFirst)
		return err
	}
	for _, k := range keys {
		if err := add(k, false, false); err != nil {
			return nil, err
		}
	}
	d.keys = len(keys)
	for _, o := range order {
		if err := add(o.Column, o.Desc, o.NullsFirst); err != nil {
			return nil, err
		}
	}
	fields := make([]arrow.Field, len(d.in.indices))
	for i, at := range d.in.indices {
		fields[i] = recorded.Field(at)
	}
	d.in.schema = arrow.NewSchema(fields, nil)
	all := &collected{stage: newStage(ctx, r, d.add), d: d}
	all.stage.close = d.release
	return all, nil
}

// distinct is the best row of each key so far.
type distinct struct {
	in     inputs
	orders []refreshsql.Order // of the inputs: first the keys
	keys   int

	best   map[string]*winner
	pieces []arrow.RecordBatch // rows that were best when they came
	rows   int64               // in pieces
}

// winner is the best row of a key: where it is, and how it sorts.
type winner struct {
	piece int
	row   int64
	sort  []byte
}

// add looks at one batch. It gives out nothing: the rows come at the end.
func (d *distinct) add(b arrow.RecordBatch) (arrow.RecordBatch, error) {
	narrow, err := d.in.batch(b)
	if err != nil {
		return nil, err
	}
	defer narrow.Release()
	encode := make([]sortKey, len(d.orders))
	for i, o := range d.orders {
		if encode[i], err = newSortKey(o.Column, narrow.Column(i), o.Desc, o.NullsFirst); err != nil {
			return nil, err
		}
	}
	var key, sort []byte
	piece := len(d.pieces)
	for row := range int(b.NumRows()) {
		key, sort = key[:0], sort[:0]
		for _, e := range encode[:d.keys] {
			key = e(key, row)
		}
		for _, e := range encode[d.keys:] {
			sort = e(sort, row)
		}
		switch w := d.best[string(key)]; {
		case w == nil:
			d.best[string(key)] = &winner{piece, int64(row), bytes.Clone(sort)}
		case bytes.Compare(sort, w.sort) < 0:
			w.piece, w.row, w.sort = piece, int64(row), append(w.sort[:0], sort...)
		}
	}
	b.Retain()
	d.pieces = append(d.pieces, b)
	if d.rows += b.NumRows(); d.rows > 2*int64(len(d.best))+b.NumRows() {
		return nil, d.compact(context.Background())
	}
	return nil, nil
}

// compact drops the rows that are not the best of their key.
func (d *distinct) compact(ctx context.Context) error {
	alive := make([][]*winner, len(d.pieces))
	for i, p := range d.pieces {
		alive[i] = make([]*winner, p.NumRows())
	}
	for _, w := range d.best {
		alive[w.piece][w.row] = w
	}
	var pieces []arrow.RecordBatch
	d.rows = 0
	for i, p := range d.pieces {
		var rows []int64
		for row, w := range alive[i] {
			if w != nil {
				w.piece, w.row = len(pieces), int64(len(rows))
				rows = append(rows, int64(row))
			}
		}
		kept, err := pick(ctx, p, rows)
		if err != nil {
			return err
		}
		p.Release()
		d.pieces[i] = nil
		if kept != nil {
			pieces = append(pieces, kept)
			d.rows += kept.NumRows()
		}
	}
	d.pieces = pieces
	return nil
}

func (d *distinct) release() {
	for _, p := range d.pieces {
		if p != nil {
			p.Release()
		}
	}
	d.pieces, d.best = nil, nil
}

// collected gives the rows out when the stage below has read them all.
type collected struct {
	*stage
	d    *distinct
	read bool
	at   int
}

func (c *collected) Next() bool {
	c.drop()
	if !c.read {
		c.read = true
		for c.stage.Next() {
		}
		if c.Err() == nil {
			c.err = c.d.compact(c.ctx)
		}
	}
	if c.err == nil && c.ctx.Err() != nil {
		c.err = context.Cause(c.ctx)
	}
	if c.Err() != nil || c.at >= len(c.d.pieces) {
		return false
	}
	c.cur, c.d.pieces[c.at] = c.d.pieces[c.at], nil
	c.at++
	return true
}
