// Package source owns the contract of where the rows of a dataset come from. Each connector is a
// package below it. Sources start no goroutines that outlive the reader they return.
package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
)

// Source is where the rows of one dataset come from. It is safe for concurrent use.
type Source interface {
	// Read opens the source as it is now. The caller releases the reader. Errors are *Error, wrap the
	// context's, or are ErrUnchanged; so are those of the reader.
	Read(ctx context.Context, s Scan) (Reader, error)
}

// ErrUnchanged is returned by Read when Scan.IfChanged is set and the source proves that it holds what
// it held when Scan.Seen was listed.
var ErrUnchanged = errors.New("the source did not change")

// Scan says which part of a source a refresh needs. The zero value is all of it. What a source can't
// narrow down it reads: only Columns must be obeyed, the conditions are applied again by the caller.
type Scan struct {
	// Columns are the columns to deliver, in this order; all when empty. An unknown one is an error of
	// Kind Unsupported.
	Columns []string
	// Types are columns that the caller knows. A source whose columns have no types of their own (CSV,
	// JSON) reads them with these types; others ignore them. A value that does not go with them is an
	// error of Kind Damaged.
	Types *arrow.Schema
	// Widen makes Types the least that columns are read as: one whose values do not go with its type gets
	// the type that they have.
	Widen bool
	// Where is a condition that all wanted rows fulfil. A source leaves out what it can without
	// reading it: folders, files, row groups, rows of a table.
	Where engines.Predicate
	// WhereSQL is a further condition, in PostgreSQL's syntax, for sources that speak SQL; a reader
	// that applied it exactly says so, see SQLFiltered.
	WhereSQL string
	// Since leaves out objects that are listed in Seen and did not change, and reads the others oldest
	// first. Only sources made of objects know it.
	Since bool
	// Seen are the objects that an earlier read of this source delivered, see Lister.
	Seen []Object
	// IfChanged has Read return ErrUnchanged when all objects are as in Seen.
	IfChanged bool
	// LastModified is the name of a column to add: the modification time of the row's object, a
	// timestamp in microseconds, UTC. A column of that name in the data wins. Empty adds none.
	LastModified string
}

// Object is one file or object of a source, as it was listed.
type Object struct {
	// Path is unique within the source.
	Path string `json:"path"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// Modified is the modification time in UTC.
	Modified time.Time `json:"modified"`
	// ETag is the object store's version; empty on a file system.
	ETag string `json:"etag,omitempty"`
}

// Reader streams the rows of a source in its order. Its schema is that of every batch.
type Reader interface {
	array.RecordReader
	// Progress returns how many bytes of the source were read and how many there are; total is 0 when
	// unknown. It may be called while another goroutine is in Next.
	Progress() (done, total int64)
}

// Lister is a Reader of a source made of objects.
type Lister interface {
	// Objects returns all objects of the source as they were when Read listed them, also those that
	// Scan.Since left out.
	Objects() []Object
}

// Planner is a Reader that knows what it left out.
type Planner interface {
	// Plan describes in one line what is read of what there is, such as "3 of 40 row groups, 2 of 19
	// columns".
	Plan() string
}

// SQLFiltered is a Reader that applies Scan.WhereSQL itself.
type SQLFiltered interface {
	// FilteredSQL tells whether every row fulfils Scan.WhereSQL.
	FilteredSQL() bool
}

// Kind classifies an error of a source.
type Kind string

// The kinds.
const (
	Missing     Kind = "missing"     // nothing there; it may come back
	Damaged     Kind = "damaged"     // it is there but can't be read to its end
	Denied      Kind = "denied"      // permissions or credentials
	Unsupported Kind = "unsupported" // format, type or connector; trying again is no use
	Unavailable Kind = "unavailable" // worth another try
)

// Error is what every source returns.
type Error struct {
	Kind Kind
	// Place is what could not be read: a file, a table, a topic.
	Place string
	// Hint says what the operator can do; may be empty.
	Hint string
	Err  error
}

// Error returns "place: cause".
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Place, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the Kind of the first *Error in the chain; "" when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// Schema opens the source only to learn the schema of a scan.
func Schema(ctx context.Context, src Source, s Scan) (*arrow.Schema, error) {
	r, err := src.Read(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), nil
}
