package refreshsql

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// Tables returns the names that a query reads from, each once, in their order: table or schema.table. The
// query must be one SELECT. Every error is an *Error.
func Tables(sql string) ([]string, error) {
	q, stmt, err := parseOne(sql, "", "SELECT")
	if err != nil {
		return nil, err
	}
	if stmt.GetSelectStmt() == nil {
		return nil, q.fail(Statement, q.first(), "it must be one SELECT, not "+q.word(q.first()))
	}
	var names, own []string
	_ = Walk(stmt, func(n *pg.Node) error { // own names come first: a WITH may stand behind its use
		if c := n.GetCommonTableExpr(); c != nil {
			own = append(own, c.Ctename)
		}
		return nil
	})
	_ = Walk(stmt, func(n *pg.Node) error {
		r := n.GetRangeVar()
		if r == nil || r.Schemaname == "" && slices.Contains(own, r.Relname) {
			return nil
		}
		name := r.Relname
		if r.Schemaname != "" {
			name = r.Schemaname + "." + name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return nil
	})
	return names, nil
}
