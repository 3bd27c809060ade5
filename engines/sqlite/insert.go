package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines/dbfile"
)

const (
	// rowsPerInsert is the number of rows in one INSERT of the driver: a call of it is dear.
	rowsPerInsert = 50
	// maxParams is SQLite's limit of parameters in one statement.
	maxParams = 32_766
)

// inserter inserts into, or updates, a database that others use, by the driver, inside of its transaction. It holds
// the prepared statement for as many rows as it takes; the rest of a chunk gets one of its own.
type inserter struct {
	conn       *conn
	columns    int
	statements func(rows int) string
	size       int // rows of a full INSERT
	full       driver.Stmt
	args       []driver.NamedValue
}

func newInserter(c *conn, table string, schema *arrow.Schema) *inserter {
	return newStatements(c, schema, rowsPerInsert, func(n int) string { return insertInto(table, schema, n) })
}

// newUpdater returns the sink of rows to update in a table, quoted: of a schema whose last column is the number of the row.
func newUpdater(c *conn, table string, schema *arrow.Schema) *inserter {
	last := schema.NumFields() - 1
	set := make([]string, last)
	for i := range set {
		set[i] = dbfile.Ident(schema.Field(i).Name) + " = ?"
	}
	sql := "UPDATE " + table + " SET " + strings.Join(set, ", ") + " WHERE " + schema.Field(last).Name + " = ?"
	return newStatements(c, schema, 1, func(int) string { return sql })
}

func newStatements(c *conn, schema *arrow.Schema, most int, statements func(rows int) string) *inserter {
	columns := schema.NumFields()
	size := max(1, min(most, maxParams/columns))
	args := make([]driver.NamedValue, size*columns)
	for i := range args {
		args[i].Ordinal = i + 1
	}
	return &inserter{conn: c, statements: statements, columns: columns, size: size, args: args}
}

func (s *inserter) close() error {
	if s.full == nil {
		return nil
	}
	return s.full.Close()
}

// insert runs the statements of a chunk, looking at the context before each.
func (s *inserter) insert(ctx context.Context, k *chunk) (stored int64, err error) {
	for at := 0; at < k.rows; at += s.size {
		if err := ctx.Err(); err != nil {
			return stored, err
		}
		n := min(s.size, k.rows-at)
		stmt, err := s.statement(n)
		if err != nil {
			return stored, err
		}
		args := s.args[:n*s.columns]
		for i := range args {
			c := k.cells[at*s.columns+i]
			if err := k.check(c); err != nil {
				return stored, err
			}
			args[i].Value = k.value(c)
		}
		res, err := stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), args)
		if err == nil {
			n, _ := res.RowsAffected() // never an error with this driver
			stored += n
		}
		if stmt != s.full {
			err = errors.Join(err, stmt.Close())
		}
		if err != nil {
			return stored, err
		}
	}
	return stored, nil
}

// statement returns that for n rows; one of full size is kept.
func (s *inserter) statement(n int) (driver.Stmt, error) {
	if n == s.size && s.full != nil {
		return s.full, nil
	}
	stmt, err := s.conn.Conn.Prepare(s.statements(n))
	if err == nil && n == s.size {
		s.full = stmt
	}
	return stmt, err
}
