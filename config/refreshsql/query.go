package refreshsql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"
)

const (
	// maxWords bounds what can nest, which is everything but literals and commas: PostgreSQL's parser
	// recurses on the C stack, which 100,000 operators in a row would overflow.
	maxWords = 2000
	// maxBytes bounds the statement; long lists of literals are fine.
	maxBytes = 1 << 20
	// maxName is how many bytes of a name PostgreSQL's parser keeps; it would cut the rest off.
	maxName = 63
)

// query is one statement while it is read.
type query struct {
	sql, dataset string
	verb         string // SELECT or DELETE
	tokens       []*pg.ScanToken
}

// parseOne parses sql, which must be one statement.
func parseOne(sql, dataset, verb string) (*query, *pg.Node, error) {
	q := &query{sql: sql, dataset: dataset, verb: verb}
	switch {
	case len(sql) > maxBytes:
		return nil, nil, q.fail(Syntax, 0, "the SQL has more than 1 MiB")
	case !utf8.ValidString(sql):
		return nil, nil, q.fail(Syntax, 0, "the SQL is not valid UTF-8")
	case strings.ContainsRune(sql, 0):
		return nil, nil, q.fail(Syntax, strings.IndexByte(sql, 0), "the SQL has a NUL character")
	}
	if err := q.scan(); err != nil {
		return nil, nil, err
	}
	tree, err := pg.Parse(sql)
	if err != nil {
		return nil, nil, q.syntax(err)
	}
	switch len(tree.Stmts) {
	case 0:
		return nil, nil, q.fail(Statement, 0, "it must be one "+verb+", it is empty")
	case 1:
		return q, tree.Stmts[0].Stmt, nil
	default:
		return nil, nil, q.fail(Statement, q.tokenAfter(int(tree.Stmts[1].StmtLocation)), "it must be one statement, it has "+fmt.Sprint(len(tree.Stmts)))
	}
}

// scan cuts the SQL into words, without comments.
func (q *query) scan() error {
	r, err := pg.Scan(q.sql)
	if err != nil {
		return q.syntax(err)
	}
	words := 0
	for _, t := range r.Tokens {
		switch t.Token {
		case pg.Token_SQL_COMMENT, pg.Token_C_COMMENT:
			continue
		case pg.Token_ICONST, pg.Token_FCONST, pg.Token_SCONST, pg.Token_ASCII_44:
		case pg.Token_IDENT, pg.Token_UIDENT:
			if len(strings.Trim(q.text(t), `"`)) > maxName {
				return q.fail(Syntax, int(t.Start), fmt.Sprintf("the name %s is longer than %d bytes", clip(q.text(t), 30), maxName))
			}
			words++
		default:
			words++
		}
		if words > maxWords {
			return q.fail(Syntax, int(t.Start), fmt.Sprintf("the SQL has more than %d words besides literals", maxWords))
		}
		q.tokens = append(q.tokens, t)
	}
	return nil
}

func (q *query) text(t *pg.ScanToken) string { return q.sql[t.Start:t.End] }

// first is the offset of the first word.
func (q *query) first() int { return q.tokenAfter(0) }

// tokenAfter is the offset of the first word at or after an offset.
func (q *query) tokenAfter(offset int) int {
	for _, t := range q.tokens {
		if int(t.Start) >= offset && t.Token != pg.Token_ASCII_59 {
			return int(t.Start)
		}
	}
	return offset
}

// word is the word at an offset, in upper case.
func (q *query) word(offset int) string {
	for _, t := range q.tokens {
		if int(t.Start) == offset {
			return strings.ToUpper(clip(q.text(t), 20))
		}
	}
	return "that"
}

// fail makes an error with the hint that shows the whole grammar.
func (q *query) fail(c Class, offset int, message string) *Error {
	hint := "SELECT columns FROM " + quoteTable(q.dataset) + " [WHERE …] [LIMIT n]"
	if q.verb == "DELETE" {
		hint = "DELETE FROM " + quoteTable(q.dataset) + " WHERE …"
	}
	return newError(q.sql, c, offset, message, hint)
}

// foreign are clauses of other dialects, which PostgreSQL's grammar takes for names until it stumbles.
var foreign = map[string]string{"QUALIFY": "QUALIFY", "TOP": "TOP", "SORT": "SORT BY", "CLUSTER": "CLUSTER BY",
	"DISTRIBUTE": "DISTRIBUTE BY", "LATERAL": "LATERAL"}

// syntax words an error of PostgreSQL's scanner or parser.
func (q *query) syntax(err error) error {
	var pe *parser.Error
	if !errors.As(err, &pe) {
		return q.fail(Syntax, 0, "the SQL nests too deeply")
	}
	offset := byteOffset(q.sql, pe.Cursorpos)
	previous := ""
	for _, t := range q.tokens {
		word := strings.ToUpper(q.text(t))
		if int(t.Start) >= offset {
			if name, ok := foreign[word]; ok && int(t.Start) == offset {
				return q.fail(Clause, offset, name+" is not allowed")
			}
			break
		}
		previous = word
		if name, ok := foreign[word]; ok && t.End <= int32(offset) && q.tokenAfter(int(t.End)) == offset {
			return q.fail(Clause, int(t.Start), name+" is not allowed")
		}
	}
	message := clip(strings.Join(strings.Fields(pe.Message), " "), 120)
	if message == "syntax error at end of input" && previous != "" {
		message = "the SQL ends after " + clip(previous, 30)
	}
	return q.fail(Syntax, offset, message)
}
