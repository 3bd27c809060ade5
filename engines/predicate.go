package engines

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Predicate is a condition on rows that every engine can evaluate, and that can be pushed down to
// sources. It has SQL's three-valued logic: a comparison with NULL is NULL, and only rows for which
// the whole predicate is true match.
type Predicate interface{ predicate() }

// Op is a comparison operator.
type Op string

// The comparison operators.
const (
	Eq Op = "="
	Ne Op = "<>"
	Lt Op = "<"
	Le Op = "<="
	Gt Op = ">"
	Ge Op = ">="
)

// Compare compares a column with a value: bool, int64, uint64, float64, string, []byte or time.Time.
type Compare struct {
	Column string
	Op     Op
	Value  any
}

// CompareText compares a column of text that holds times (time_format ISO8601, RFC 3339 with any offset
// and any digits, or a date) with a time. Text that is no time compares as NULL; a time without an
// offset is in UTC.
type CompareText struct {
	Column string
	Op     Op
	Value  time.Time
}

// SQL is a condition in PostgreSQL's syntax, for what the other predicates can't say. Columns are those
// it looks at. Sources and engines that can't evaluate it by themselves use Options.Evaluate.
type SQL struct {
	Text    string
	Columns []string
}

// IsNull is true for rows where the column is NULL.
type IsNull struct{ Column string }

// Among is true for rows that are equal to one of Rows in the columns of Rows, whose types are those of the dataset;
// NULL equals NULL. It is never NULL.
type Among struct {
	Rows arrow.RecordBatch
	// Once has each of Rows match one row at most, whichever comes first: several equal rows need several of Rows.
	Once bool
}

// And is true when all its parts are; an empty And is true.
type And []Predicate

// Or is true when one of its parts is; an empty Or is false.
type Or []Predicate

// Not negates.
type Not struct{ Of Predicate }

func (Compare) predicate()     {}
func (CompareText) predicate() {}
func (SQL) predicate()         {}
func (IsNull) predicate()      {}
func (Among) predicate()       {}
func (And) predicate()         {}
func (Or) predicate()          {}
func (Not) predicate()         {}
