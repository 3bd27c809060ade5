// Package source owns the contract of where the rows of a dataset come from. Each connector is a
// package below it. Sources start no goroutines that outlive the reader they return.
package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Source is where the rows of one dataset come from. It is safe for concurrent use.
type Source interface {
	// Read opens the source as it is now. The caller releases the reader. Errors are *Error or wrap
	// the context's, also those of the reader.
	Read(ctx context.Context) (Reader, error)
}

// Reader streams the rows of a source in its order. Its schema is that of every batch.
type Reader interface {
	array.RecordReader
	// Progress returns how many bytes of the source were read and how many there are; total is 0 when
	// unknown. It may be called while another goroutine is in Next.
	Progress() (done, total int64)
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

// Schema opens the source only to learn its schema.
func Schema(ctx context.Context, s Source) (*arrow.Schema, error) {
	r, err := s.Read(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return r.Schema(), nil
}
