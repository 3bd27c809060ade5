package arrowmem

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/keys"
)

// rows are batches of which some rows do not count any more. The batches themselves are not changed.
type rows struct {
	batches []arrow.RecordBatch
	gone    [][]bool // for each row of a batch; nil while the batch is whole
	n       int64    // how many are gone
}

// position is one of rows.
type position struct{ batch, row int }

func newRows(batches []arrow.RecordBatch) *rows {
	return &rows{batches: batches, gone: make([][]bool, len(batches))}
}

func (r *rows) drop(p position) {
	if r.gone[p.batch] == nil {
		r.gone[p.batch] = make([]bool, r.batches[p.batch].NumRows())
	}
	if !r.gone[p.batch][p.row] {
		r.gone[p.batch][p.row] = true
		r.n++
	}
}

// left returns the batches without the rows that are gone; the caller releases them.
func (r *rows) left() (kept []arrow.RecordBatch, err error) {
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
			release(kept)
			return nil, err
		}
		kept = append(kept, rest)
	}
	return kept, nil
}

// each visits the rows that have a key, which has no NULL.
func (r *rows) each(u keys.Unique, visit func(e *keys.Encoder, key []byte, p position) error) error {
	for i, b := range r.batches {
		e := keys.NewEncoder(b, u.Columns)
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
	keys.Unique
	target bool // an upsert looks at this key
	at     map[string]position
}

// indexed builds the indexes of incoming rows. Those that on_conflict leaves out because of others among
// them are dropped; then two rows with one key are an error of Kind Constraint.
func indexed(in *rows, k engines.Keys) ([]*index, error) {
	var all []*index
	target := keys.Target(k)
	if target != nil {
		all = append(all, &index{Unique: *target, target: true})
	}
	for _, u := range keys.Uniques(k) {
		if target == nil || !keys.Same(u.Columns, target.Columns) {
			all = append(all, &index{Unique: u})
		}
	}
	for _, x := range all {
		x.at = map[string]position{}
		err := in.each(x.Unique, func(e *keys.Encoder, key []byte, p position) error {
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
				return keys.Twice(x.Unique, texts(e, p.row))
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
func (r *rows) same(a, b position) bool {
	x, y := r.batches[a.batch], r.batches[b.batch]
	for i, c := range x.Columns() {
		if !array.SliceApproxEqual(c, int64(a.row), int64(a.row+1), y.Column(i), int64(b.row), int64(b.row+1),
			array.WithNaNsEqual(true), array.WithAbsTolerance(0)) {
			return false
		}
	}
	return true
}

// merge drops, of the rows that are there and of those that come in, what on_conflict says.
func merge(there, in *rows, k engines.Keys) error {
	all, err := indexed(in, k)
	if err != nil {
		return err
	}
	for _, x := range all { // the target is the first: rows that it replaces violate no other key
		err := there.each(x.Unique, func(e *keys.Encoder, key []byte, p position) error {
			q, meets := x.at[string(key)]
			switch {
			case !meets:
			case x.target:
				there.drop(p)
			case k.Conflict == engines.ConflictDrop:
				in.drop(q)
			default:
				return keys.There(x.Unique, texts(e, p.row))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// texts are copies of the values of a key: those of Arrow may lie in memory that goes.
func texts(e *keys.Encoder, row int) []string {
	out := e.Texts(row)
	for i := range out {
		out[i] = strings.Clone(out[i])
	}
	return out
}
