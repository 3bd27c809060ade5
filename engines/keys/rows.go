package keys

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
)

// Rows are batches of which some rows do not count any more. The batches themselves are not changed.
type Rows struct {
	// Dropped is how many rows do not count any more.
	Dropped int64

	batches []arrow.RecordBatch
	gone    [][]bool // for each row of a batch; nil while the batch is whole
}

// position is one of rows.
type position struct{ batch, row int }

// NewRows are all rows of batches, which stay the caller's to release.
func NewRows(batches []arrow.RecordBatch) *Rows {
	return &Rows{batches: batches, gone: make([][]bool, len(batches))}
}

func (r *Rows) drop(p position) {
	if r.gone[p.batch] == nil {
		r.gone[p.batch] = make([]bool, r.batches[p.batch].NumRows())
	}
	if !r.gone[p.batch][p.row] {
		r.gone[p.batch][p.row] = true
		r.Dropped++
	}
}

// Left returns the batches without the rows that are gone; the caller releases them.
func (r *Rows) Left() (kept []arrow.RecordBatch, err error) {
	for i, b := range r.batches {
		if r.gone[i] == nil {
			b.Retain()
			kept = append(kept, b)
			continue
		}
		var indices []int
		for row, gone := range r.gone[i] {
			if !gone {
				indices = append(indices, row)
			}
		}
		if indices == nil {
			continue
		}
		rest, err := convert.Take(b, indices)
		if err != nil {
			for _, b := range kept {
				b.Release()
			}
			return nil, err
		}
		kept = append(kept, rest)
	}
	return kept, nil
}

// each visits the rows that have a key, which has no NULL.
func (r *Rows) each(u Unique, visit func(e *Encoder, key []byte, p position) error) error {
	for i, b := range r.batches {
		e := NewEncoder(b, u.Columns)
		for row := range int(b.NumRows()) {
			if r.gone[i] != nil && r.gone[i][row] {
				continue
			}
			if key, ok := e.Key(row); ok {
				if err := visit(e, key, position{i, row}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// index finds the incoming rows by a unique key.
type index struct {
	Unique
	target bool // an upsert looks at this key
	at     map[string]position
}

// indexed builds the indexes of incoming rows. Those that on_conflict leaves out because of others among
// them are dropped; then two rows with one key are an error of Kind Constraint.
func indexed(in *Rows, k engines.Keys) ([]*index, error) {
	var all []*index
	target := Target(k)
	if target != nil {
		all = append(all, &index{Unique: *target, target: true})
	}
	for _, u := range Uniques(k) {
		if target == nil || !Same(u.Columns, target.Columns) {
			all = append(all, &index{Unique: u})
		}
	}
	for _, x := range all {
		x.at = map[string]position{}
		err := in.each(x.Unique, func(e *Encoder, key []byte, p position) error {
			first, twice := x.at[string(key)]
			switch {
			case !twice:
				x.at[string(key)] = p
			case x.target && k.Conflict == engines.ConflictUpsertLast:
				in.drop(first)
				x.at[string(key)] = p
			case x.target && k.Conflict == engines.ConflictUpsertDedup && in.same(first, p):
				in.drop(p)
			default:
				return Twice(x.Unique, texts(e, p.row))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// same says whether two rows are equal in all columns; NULL and NaN equal themselves.
func (r *Rows) same(a, b position) bool {
	x, y := r.batches[a.batch], r.batches[b.batch]
	for i, c := range x.Columns() {
		if !array.SliceApproxEqual(c, int64(a.row), int64(a.row+1), y.Column(i), int64(b.row), int64(b.row+1),
			array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
			return false
		}
	}
	return true
}

// Batches are rows that are there already: each visits them batch by batch, for the columns of a key, and drops
// those that visit tells to.
type Batches interface {
	Each(columns []string, visit func(b arrow.RecordBatch, counts func(row int) bool, drop func(row int)) error) error
}

// MergeRows drops, of the rows that are there and of those that come in, what on_conflict says. A violation is of
// Kind Constraint.
func MergeRows(there Batches, in *Rows, k engines.Keys) error {
	all, err := indexed(in, k)
	if err != nil {
		return err
	}
	for _, x := range all { // the target is the first: rows that it replaces violate no other key
		err := there.Each(x.Columns, func(b arrow.RecordBatch, counts func(int) bool, drop func(int)) error {
			e := NewEncoder(b, x.Columns)
			for row := range int(b.NumRows()) {
				if !counts(row) {
					continue
				}
				key, ok := e.Key(row)
				if !ok {
					continue
				}
				q, meets := x.at[string(key)]
				switch {
				case !meets:
				case x.target:
					drop(row)
				case k.Conflict == engines.ConflictDrop:
					in.drop(q)
				default:
					return There(x.Unique, texts(e, row))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Each visits the batches, which makes Rows themselves Batches.
func (r *Rows) Each(_ []string, visit func(b arrow.RecordBatch, counts func(row int) bool, drop func(row int)) error) error {
	for i, b := range r.batches {
		counts := func(row int) bool { return r.gone[i] == nil || !r.gone[i][row] }
		if err := visit(b, counts, func(row int) { r.drop(position{i, row}) }); err != nil {
			return err
		}
	}
	return nil
}

// texts are copies of the values of a key: those of Arrow may lie in memory that goes.
func texts(e *Encoder, row int) []string {
	out := e.Texts(row)
	for i := range out {
		out[i] = strings.Clone(out[i])
	}
	return out
}
