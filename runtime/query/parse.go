//go:build duckdb_arrow

package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"

	"pitwall/config/refreshsql"
	"pitwall/config/suggest"
	"pitwall/runtime/api"
)

// statement is a parsed and accepted query.
type statement struct {
	sql     string
	refs    []*ref
	words   []span // columns that DuckDB takes for keywords
	root    *pg.SelectStmt
	show    bool // SHOW TABLES
	explain bool
	open    bool // parameters need no values
}

// ref is a place where a dataset is named in a FROM.
type ref struct {
	name string // table or schema.table
	as   string // the name that columns are qualified with
	// start and end are the bytes of the name in the SQL; aliased says that an alias follows.
	start, end int
	aliased    bool
	node       *pg.RangeVar
}

// span is a place in the SQL, in bytes.
type span struct{ start, end int }

// limits of a statement: PostgreSQL's parser recurses on the C stack.
const (
	maxBytes = 1 << 20
	maxWords = 20_000
)

func bad(format string, args ...any) error {
	return &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf(format, args...)}
}

func forbidden(format string, args ...any) error {
	return &api.QueryError{Reason: api.Forbidden, Message: fmt.Sprintf(format, args...),
		Hint: "queries only read: SELECT from datasets"}
}

// parse reads one statement and refuses what is no query over datasets, or has parameters.
func parse(sql string) (*statement, error) { return read(sql, false) }

// read is parse; open lets parameters through.
func read(sql string, open bool) (*statement, error) {
	if len(sql) > maxBytes {
		return nil, bad("the SQL has more than 1 MiB")
	}
	if strings.ContainsRune(sql, 0) {
		return nil, bad("the SQL has a NUL character")
	}
	words, err := pg.Scan(sql)
	if err != nil {
		return nil, syntax(sql, err)
	}
	if len(words.Tokens) > maxWords {
		return nil, bad("the SQL has more than %d words", maxWords)
	}
	tree, err := pg.Parse(sql)
	if err != nil {
		return nil, syntax(sql, err)
	}
	if len(tree.Stmts) != 1 {
		return nil, bad("it must be one statement, it has %d", len(tree.Stmts))
	}
	s := &statement{sql: sql, open: open}
	if n := tree.Stmts[0].StmtLen; n > 0 { // what follows is a semicolon, and maybe a comment
		s.sql = sql[:tree.Stmts[0].StmtLocation+n]
	}
	node := tree.Stmts[0].Stmt
	if x := node.GetExplainStmt(); x != nil {
		if len(x.Options) > 0 {
			return nil, forbidden("EXPLAIN takes no options: it runs nothing")
		}
		s.explain, node = true, x.Query
	}
	if v := node.GetVariableShowStmt(); v != nil && strings.EqualFold(v.Name, "tables") {
		s.show = true
		return s, nil
	}
	if s.root = node.GetSelectStmt(); s.root == nil {
		return nil, forbidden("%s is not a query", strings.ToUpper(firstWord(sql)))
	}
	return s, s.inspect(node, words.Tokens)
}

func firstWord(sql string) string {
	if f := strings.Fields(sql); len(f) > 0 {
		return f[0]
	}
	return "nothing"
}

// syntax words an error of PostgreSQL's parser with its place.
func syntax(sql string, err error) error {
	var e *parser.Error
	if !errors.As(err, &e) || e.Cursorpos <= 0 {
		return bad("%s", err)
	}
	at := min(e.Cursorpos-1, len(sql))
	line := 1 + strings.Count(sql[:at], "\n")
	column := at - strings.LastIndexByte(sql[:at], '\n')
	return bad("%s (line %d, column %d)", e.Message, line, column)
}

// scope is the names of the WITH around a place.
type scope []string

// inspect finds the references and refuses what would change something or reach outside.
func (s *statement) inspect(root *pg.Node, tokens []*pg.ScanToken) error {
	if err := s.visit(root, nil, tokens); err != nil {
		return err
	}
	slices.SortFunc(s.refs, func(a, b *ref) int { return a.start - b.start })
	return nil
}

// visit walks a tree; ctes are the names that are no datasets.
func (s *statement) visit(n *pg.Node, ctes scope, tokens []*pg.ScanToken) error {
	return refreshsql.Walk(n, func(n *pg.Node) error {
		switch v := n.Node.(type) {
		case *pg.Node_SelectStmt:
			return s.checkSelect(v.SelectStmt)
		case *pg.Node_CommonTableExpr:
			if v.CommonTableExpr.Ctequery.GetSelectStmt() == nil {
				return forbidden("a WITH that changes something is not a query")
			}
		case *pg.Node_RangeVar:
			return s.table(v.RangeVar, tokens)
		case *pg.Node_ColumnRef:
			s.column(v.ColumnRef, tokens)
		case *pg.Node_RangeFunction:
			return rowFunction(v.RangeFunction)
		case *pg.Node_FuncCall:
			return function(n)
		case *pg.Node_ParamRef:
			if s.open {
				return nil
			}
			return bad("parameters such as $%d have no value here", v.ParamRef.Number)
		case *pg.Node_InsertStmt, *pg.Node_UpdateStmt, *pg.Node_DeleteStmt, *pg.Node_MergeStmt, *pg.Node_CopyStmt:
			return forbidden("the statement changes something")
		}
		return nil
	})
}

func (s *statement) checkSelect(sel *pg.SelectStmt) error {
	switch {
	case sel.IntoClause != nil:
		return forbidden("SELECT INTO makes a table")
	case len(sel.LockingClause) > 0:
		return forbidden("FOR UPDATE and FOR SHARE lock rows")
	}
	return nil
}

// rowFunctions are the functions that may stand in FROM: they make rows of their arguments.
var rowFunctions = []string{"generate_series", "generate_subscripts", "range", "unnest"}

func rowFunction(f *pg.RangeFunction) error {
	for _, n := range f.Functions {
		for _, item := range n.GetList().GetItems() {
			if item.GetFuncCall() == nil {
				continue
			}
			if name := strings.ToLower(refreshsql.Function(item)); !slices.Contains(rowFunctions, name) {
				return forbidden("%s() can't be read from; in FROM are datasets, or one of %s", name, strings.Join(rowFunctions, ", "))
			}
		}
	}
	return nil
}

// outside are scalar functions that reach outside of the data, by their beginnings.
var outside = []string{"read_", "query", "pragma_", "duckdb_", "getenv", "getvariable", "current_setting", "set_config", "pg_", "sniff_", "glob",
	"parquet_", "load_", "install_", "which_secret", "json_execute", "enable_", "disable_", "checkpoint", "force_checkpoint", "nextval", "currval",
	"add_parquet_key", "write_log", "parse_duckdb_log", "vector_type", "from_substrait", "get_substrait"}

func function(n *pg.Node) error {
	name := strings.ToLower(refreshsql.Function(n))
	for _, p := range outside {
		if strings.HasPrefix(name, p) {
			return forbidden("%s() is not allowed", name)
		}
	}
	return nil
}

// keywords are names that PostgreSQL lets a column have without quotes, and DuckDB does not.
var keywords = []string{"anti", "asof", "at", "by", "describe", "glob", "lambda", "pivot", "pivot_longer", "pivot_wider", "positional",
	"qualify", "semi", "show", "summarize", "unpack", "unpivot"}

// column remembers the parts of a column's name that need quotes.
func (s *statement) column(c *pg.ColumnRef, tokens []*pg.ScanToken) {
	at := slices.IndexFunc(tokens, func(t *pg.ScanToken) bool { return t.Start == c.Location })
	for i := range c.Fields {
		if word := at + 2*i; at >= 0 && word < len(tokens) {
			p := span{int(tokens[word].Start), int(tokens[word].End)}
			if slices.Contains(keywords, strings.ToLower(s.sql[p.start:p.end])) {
				s.words = append(s.words, p)
			}
		}
	}
}

// CatalogName and PublicSchema may stand before the name of a dataset, as spice.sales.orders or
// spice.public.orders: clients that ask for tables by catalog and schema write them so.
const (
	CatalogName  = "spice"
	PublicSchema = "public"
)

// table takes in a name in FROM. Names of WITH are found out later, see dropCTEs.
func (s *statement) table(v *pg.RangeVar, tokens []*pg.ScanToken) error {
	name := v.Relname
	if v.Schemaname != "" {
		name = v.Schemaname + "." + name
	}
	if v.Catalogname != "" && v.Catalogname != CatalogName {
		return bad("there is no dataset %q", v.Catalogname+"."+name)
	}
	at := slices.IndexFunc(tokens, func(t *pg.ScanToken) bool { return t.Start == v.Location })
	if at < 0 {
		return bad("the name %q can't be found in the SQL", name)
	}
	last := at
	for _, qualifier := range []string{v.Catalogname, v.Schemaname} {
		if qualifier != "" {
			last += 2
		}
	}
	if last >= len(tokens) {
		return bad("the name %q can't be found in the SQL", name)
	}
	r := &ref{name: name, as: v.Relname, start: int(v.Location), end: int(tokens[last].End), node: v}
	if v.Alias != nil {
		r.as, r.aliased = v.Alias.Aliasname, true
	}
	if v.Schemaname == "" && s.isCTE(v.Relname) {
		return nil
	}
	s.refs = append(s.refs, r)
	return nil
}

// isCTE tells whether any WITH of the statement gives that name. A dataset of the same name can't be
// read in such a statement at all, which is simpler than scopes and never wrong about what is read.
func (s *statement) isCTE(name string) bool {
	found := errors.New("found")
	root := &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: s.root}}
	return refreshsql.Walk(root, func(n *pg.Node) error {
		if c := n.GetCommonTableExpr(); c != nil && c.Ctename == name {
			return found
		}
		return nil
	}) != nil
}

// rewrite returns the SQL with the name of every reference replaced; columns keep their qualifiers.
func (s *statement) rewrite(name func(i int) string) string {
	var edits []edit
	for i, r := range s.refs {
		text := name(i)
		if !r.aliased {
			text += " AS " + quote(r.as)
		}
		edits = append(edits, edit{span{r.start, r.end}, text})
	}
	for _, w := range s.words {
		edits = append(edits, edit{w, quote(strings.ToLower(s.sql[w.start:w.end]))})
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(s.sql[at:e.start] + e.text)
		at = e.end
	}
	b.WriteString(s.sql[at:])
	text := strings.TrimSpace(b.String())
	return strings.TrimRight(text, "; \t\n\r")
}

// edit is a text for a place in the SQL.
type edit struct {
	span
	text string
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// unknown words the error for a name that is no dataset.
func (s *statement) unknown(r *ref, names []string) error {
	e := &api.QueryError{Reason: api.BadQuery, Message: fmt.Sprintf("there is no dataset %q", r.name)}
	if near := suggest.Nearest(r.name, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(names) > 0 && len(names) <= 20 {
		e.Hint = "datasets: " + strings.Join(names, ", ")
	}
	return e
}
