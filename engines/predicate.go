package engines

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

// IsNull is true for rows where the column is NULL.
type IsNull struct{ Column string }

// And is true when all its parts are; an empty And is true.
type And []Predicate

// Or is true when one of its parts is; an empty Or is false.
type Or []Predicate

// Not negates.
type Not struct{ Of Predicate }

func (Compare) predicate() {}
func (IsNull) predicate()  {}
func (And) predicate()     {}
func (Or) predicate()      {}
func (Not) predicate()     {}
