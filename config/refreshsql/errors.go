package refreshsql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Class says what kind of mistake an Error is about (spec data-refresh 3.1).
type Class string

// The classes.
const (
	Syntax     Class = "syntax"     // PostgreSQL's parser does not read it, or it is too long
	Statement  Class = "statement"  // more than one statement, or of the wrong kind
	Table      Class = "table"      // another table than the dataset
	Clause     Class = "clause"     // a clause that is not allowed, or a missing one
	Projection Class = "projection" // something else than columns is selected
	Limit      Class = "limit"      // LIMIT is not a literal
	Expression Class = "expression" // WHERE has what a condition on one row must not have
	Key        Class = "key"        // DISTINCT ON and ORDER BY do not go with the primary key
	Column     Class = "column"     // a column that the source does not have
)

// Error is why a statement is refused. Nothing but a change of the statement, or of the source's
// columns, helps.
type Error struct {
	Class Class
	// Offset is in bytes of the SQL, from 0. Line and Column, in characters, are from 1.
	Offset, Line, Column int
	// Message says what is wrong, Hint what is allowed; Hint may be empty.
	Message, Hint string
}

// Error returns the message with its place in the SQL.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (line %d, column %d of the SQL)", e.Message, e.Line, e.Column)
}

// newError places an error at an offset of sql.
func newError(sql string, c Class, offset int, message, hint string) *Error {
	offset = min(max(offset, 0), len(sql))
	before := sql[:offset]
	line := strings.Count(before, "\n") + 1
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{Class: c, Offset: offset, Line: line, Column: utf8.RuneCountInString(before[start:]) + 1, Message: message, Hint: hint}
}

// byteOffset turns a position in characters, from 1, into an offset in bytes.
func byteOffset(sql string, position int) int {
	n := 0
	for i := range sql {
		if n++; n == position {
			return i
		}
	}
	return len(sql)
}

// clip shortens what is quoted in a message.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
