package engines

import (
	"errors"
	"strings"
)

// Kind classifies an error. Callers switch on it; messages are for people.
type Kind string

// The kinds of errors of engines.
const (
	Corrupt    Kind = "corrupt"    // the file is not a sound database of this engine
	NotFound   Kind = "not found"  // no such table, column or file
	Schema     Kind = "schema"     // the rows do not fit the recorded schema
	Constraint Kind = "constraint" // the rows violate a unique key or NOT NULL
	Invalid    Kind = "invalid"    // unsupported type, predicate or option
	DiskFull   Kind = "disk full"
	Memory     Kind = "out of memory"
	Denied     Kind = "denied" // the file system refused: read-only, permissions
	Locked     Kind = "locked" // another process has the file open
	// Unavailable: the database server can't be reached or ended the connection; trying again may help.
	Unavailable Kind = "unavailable"
	Canceled    Kind = "canceled"
	Internal    Kind = "internal"
)

// Error is what every engine returns.
type Error struct {
	// Op is what was being done, such as "write" or "open".
	Op string
	// Dataset and Path say to what; Path is empty for memory engines.
	Dataset, Path string
	Kind          Kind
	// Hint says what the operator can do; may be empty.
	Hint string
	Err  error
}

// Error returns "op dataset (path): cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + " " + e.Dataset)
	if e.Path != "" {
		b.WriteString(" (" + e.Path + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	} else {
		b.WriteString(": " + string(e.Kind))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in the chain, or Internal; for nil it returns "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
