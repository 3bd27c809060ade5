package stream

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/keys"
	"pitwall/runtime/source"
)

// folded is what changes come to: all that is removed, and then all that is added. Applied in one commit it leaves
// what the changes leave that are applied one after another, as no reader sees what lies between.
type folded struct {
	// remove is nil when nothing is.
	remove engines.Predicate
	// keyed is true where rows have a key: remove has those of rows then.
	keyed bool
	rows  []arrow.RecordBatch
	kept  []arrow.RecordBatch // to release besides rows
}

func (f *folded) release() {
	for _, b := range append(f.rows, f.kept...) {
		b.Release()
	}
}

// spot is a row of changes.
type spot struct{ batch, row int }

// fold works out what changes come to, whose rows have one schema. key are the columns that tell rows apart; without
// one, a row that goes is one that equals it.
func fold(cs []*source.Changes, key []string) (*folded, error) {
	if len(key) > 0 {
		return foldKeyed(cs, key)
	}
	return foldWhole(cs)
}

// foldKeyed has the last change of each key count.
func foldKeyed(cs []*source.Changes, key []string) (*folded, error) {
	type last struct {
		spot
		goes bool
	}
	all := map[string]last{}
	truncated := false
	for i, c := range cs {
		if c.Rows == nil {
			continue
		}
		for _, k := range key {
			if !c.Rows.Schema().HasField(k) {
				return nil, fmt.Errorf("the rows have no column %q, which is in the primary key", k)
			}
		}
		e := keys.NewEncoder(c.Rows, key)
		for row, op := range c.Ops {
			if op == source.Truncate {
				clear(all)
				truncated = true
				continue
			}
			all[string(e.Whole(row))] = last{spot{i, row}, op == source.Delete}
		}
	}
	f := &folded{keyed: true}
	var added, named []spot
	for _, l := range all {
		named = append(named, l.spot)
		if !l.goes {
			added = append(added, l.spot)
		}
	}
	err := f.add(cs, added)
	switch {
	case err != nil:
	case truncated:
		f.remove = engines.And{}
	case len(named) > 0:
		var b arrow.RecordBatch
		if b, err = gather(cs, named, key); err == nil {
			f.kept = append(f.kept, b)
			f.remove = engines.Among{Rows: b}
		}
	}
	if err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

// foldWhole has a row that goes take back an equal one that came with the same changes, or remove one that was there.
func foldWhole(cs []*source.Changes) (*folded, error) {
	came := map[string][]spot{}
	var order, goes []spot
	truncated, plain := false, true
	for _, c := range cs {
		plain = plain && !slices.ContainsFunc(c.Ops, func(op source.Op) bool { return op == source.Delete || op == source.Truncate })
	}
	gone := map[spot]bool{}
	for i, c := range cs {
		if c.Rows == nil {
			continue
		}
		var e *keys.Encoder
		if !plain {
			e = keys.NewEncoder(c.Rows, names(c.Rows.Schema()))
		}
		for row, op := range c.Ops {
			at := spot{i, row}
			switch op {
			case source.Truncate:
				clear(came)
				order, goes, truncated = nil, nil, true
			case source.Delete:
				k := string(e.Whole(row))
				if n := len(came[k]); n > 0 {
					gone[came[k][n-1]] = true
					came[k] = came[k][:n-1]
				} else {
					goes = append(goes, at)
				}
			default:
				order = append(order, at)
				if !plain {
					k := string(e.Whole(row))
					came[k] = append(came[k], at)
				}
			}
		}
	}
	f := &folded{}
	err := f.add(cs, slices.DeleteFunc(order, func(s spot) bool { return gone[s] }))
	switch {
	case err != nil:
	case truncated:
		f.remove = engines.And{} // what goes after it was not there
	case len(goes) > 0:
		var b arrow.RecordBatch
		if b, err = gather(cs, goes, nil); err == nil {
			f.kept = append(f.kept, b)
			f.remove = engines.Among{Rows: b, Once: true}
		}
	}
	if err != nil {
		f.release()
		return nil, err
	}
	return f, nil
}

func names(s *arrow.Schema) []string {
	out := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		out[i] = f.Name
	}
	return out
}

// inOrder sorts places and divides them by their batch.
func inOrder(places []spot, batches int) [][]int {
	slices.SortFunc(places, func(a, b spot) int { return cmp.Or(a.batch-b.batch, a.row-b.row) })
	out := make([][]int, batches)
	for _, p := range places {
		out[p.batch] = append(out[p.batch], p.row)
	}
	return out
}

// add takes rows into what is added, in the order in which they came.
func (f *folded) add(cs []*source.Changes, places []spot) error {
	for i, rows := range inOrder(places, len(cs)) {
		if len(rows) == 0 {
			continue
		}
		b, err := taken(cs[i].Rows, rows)
		if err != nil {
			return err
		}
		f.rows = append(f.rows, b)
	}
	return nil
}

func taken(b arrow.RecordBatch, rows []int) (arrow.RecordBatch, error) {
	if len(rows) == int(b.NumRows()) {
		b.Retain()
		return b, nil
	}
	return convert.Take(b, rows)
}

// gather puts some columns, or all, of rows of several batches into one.
func gather(cs []*source.Changes, places []spot, columns []string) (arrow.RecordBatch, error) {
	var parts []arrow.RecordBatch
	defer func() {
		for _, b := range parts {
			b.Release()
		}
	}()
	for i, rows := range inOrder(places, len(cs)) {
		if len(rows) == 0 {
			continue
		}
		narrow := cs[i].Rows
		if columns != nil {
			schema, at, err := engines.Project(narrow.Schema(), columns)
			if err != nil {
				return nil, err
			}
			picked := make([]arrow.Array, len(at))
			for k, c := range at {
				picked[k] = narrow.Column(c)
			}
			narrow = array.NewRecordBatch(schema, picked, narrow.NumRows())
			defer narrow.Release()
		}
		b, err := taken(narrow, rows)
		if err != nil {
			return nil, err
		}
		parts = append(parts, b)
	}
	if len(parts) == 1 {
		parts[0].Retain()
		return parts[0], nil
	}
	schema := parts[0].Schema()
	out := make([]arrow.Array, schema.NumFields())
	defer func() {
		for _, c := range out {
			if c != nil {
				c.Release()
			}
		}
	}()
	n := int64(0)
	for _, b := range parts {
		n += b.NumRows()
	}
	for i := range out {
		var of []arrow.Array
		for _, b := range parts {
			of = append(of, b.Column(i))
		}
		var err error
		if out[i], err = array.Concatenate(of, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(schema, out, n), nil
}
