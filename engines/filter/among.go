package filter

import (
	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/keys"
)

// amongSet is the rows of an engines.Among, by their bytes: how many there are of each.
type amongSet struct {
	names []string
	once  bool
	left  map[string]int
}

// among binds an engines.Among.
func among(s *arrow.Schema, p engines.Among) (Node, error) {
	n := Among{set: &amongSet{once: p.Once, left: map[string]int{}}}
	for _, f := range p.Rows.Schema().Fields() {
		i, is, err := column(s, f.Name)
		if err != nil {
			return nil, err
		}
		if !arrow.TypeEqual(is.Type, f.Type) {
			return nil, invalid("column %q is %s, the rows to look for have %s", f.Name, is.Type, f.Type)
		}
		n.Columns, n.set.names = append(n.Columns, i), append(n.set.names, f.Name)
	}
	e := keys.NewEncoder(p.Rows, n.set.names)
	for row := range int(p.Rows.NumRows()) {
		n.set.left[string(e.Whole(row))]++
	}
	return n, nil
}

// truths finds the rows of a batch in the set, and takes them from it where each counts once.
func (n Among) truths(b arrow.RecordBatch) []Truth {
	e := keys.NewEncoder(b, n.set.names)
	return each(int(b.NumRows()), func(row int) Truth {
		key := e.Whole(row)
		c := n.set.left[string(key)]
		if c == 0 {
			return False
		}
		if n.set.once {
			n.set.left[string(key)]--
		}
		return True
	})
}
