package filter

import "slices"

// Columns returns the indices of the columns that a node looks at, each once.
func Columns(n Node) []int {
	seen := map[int]bool{}
	var out []int
	walk(n, func(i int) {
		if !seen[i] {
			seen[i] = true
			out = append(out, i)
		}
	})
	return out
}

func walk(n Node, visit func(int)) {
	switch n := n.(type) {
	case Compare:
		visit(n.Column)
	case Const:
		visit(n.Column)
	case IsNull:
		visit(n.Column)
	case Instant:
		visit(n.Column)
	case Free:
		for _, i := range n.Columns {
			visit(i)
		}
	case Among:
		for _, i := range n.Columns {
			visit(i)
		}
	case And:
		for _, p := range n {
			walk(p, visit)
		}
	case Or:
		for _, p := range n {
			walk(p, visit)
		}
	case Not:
		walk(n.Of, visit)
	}
}

// every says whether all leaves of a node pass.
func every(n Node, can func(Node) bool) bool {
	switch n := n.(type) {
	case And:
		return !slices.ContainsFunc(n, func(p Node) bool { return !every(p, can) })
	case Or:
		return !slices.ContainsFunc(n, func(p Node) bool { return !every(p, can) })
	case Not:
		return every(n.Of, can)
	default:
		return can(n)
	}
}

// Native says whether SQL can write a leaf: not Instant, Free and Among, which only Truths evaluates.
func Native(leaf Node) bool {
	switch leaf.(type) {
	case Instant, Free, Among:
		return false
	default:
		return true
	}
}

// HasSQL says whether a predicate has a condition in SQL. Evaluating one starts a database, so that it
// is worth to do so for many rows at a time: SQLRows.
func HasSQL(n Node) bool {
	return !every(n, func(leaf Node) bool { _, is := leaf.(Free); return !is })
}

// SQLRows is a good number of rows for Truths with a condition in SQL.
const SQLRows = 262_144
