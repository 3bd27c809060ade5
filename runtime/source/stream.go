package source

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Op is what happened to a row (spec data-refresh 7.4).
type Op byte

// The operations, as change batches spell them.
const (
	Create   Op = 'c'
	Update   Op = 'u'
	Delete   Op = 'd'
	Read     Op = 'r' // of the source's first snapshot
	Truncate Op = 't' // all rows went
)

// Streamer is where the changes of one dataset come from, without end: refresh_mode changes, and append from a
// stream (spec data-refresh 7). It is safe for concurrent use.
type Streamer interface {
	// Follow begins to read at a position that a Feed of this source told; nil is the oldest change that there is.
	// Errors are *Error, *GapError, or wrap the context's.
	Follow(ctx context.Context, from Position) (Feed, error)
}

// Position is the place in a stream up to which all changes are known. Only its source understands it; it is kept
// with the rows that it belongs to, in the same commit.
type Position = json.RawMessage

// Feed is one open stream. Next and Close belong to one goroutine.
type Feed interface {
	// Next waits for changes and returns those that came until the source's limits of size and time were reached;
	// the caller releases them. When all that was there at Follow is delivered, and nothing more comes, it returns
	// Changes without records once, with CaughtUp.
	//
	// Errors: *Error of Kind Unavailable, after which Next may be called again; *RecordError, after all changes
	// before that record were delivered; *GapError; any other *Error, or the context's. After all but the first
	// the feed is at its end.
	Next(ctx context.Context) (*Changes, error)
	// Standing tells how far the source has got. It may be called while another goroutine is in Next.
	Standing() Standing
	// Applied tells the source that all changes up to a position are durable. It does not block; what the source
	// does with it, such as committing offsets for others to see, can't fail the stream.
	Applied(p Position)
	Close() error
}

// Rejecter is a Feed whose senders wait for what becomes of their records.
type Rejecter interface {
	// Reject gives a record back to its sender, because it can't be applied: then it is no part of the stream. False when
	// nobody waits for it.
	Reject(r Record, err error) bool
}

// Changes are changes of rows in the order in which they happened.
type Changes struct {
	// Ops has the operation of each row of Rows.
	Ops []Op
	// Rows has the row after the change, of a Delete the row before it, of which only the columns of the key need
	// values; of a Truncate all are NULL. Nil when there is none.
	Rows arrow.RecordBatch
	// Keys are the columns of the primary key; empty when rows have none: then a Delete is about one row that
	// equals it in all columns.
	Keys []string
	// Records are what the changes were read from, in order.
	Records []Record
	// After is the position after the first n of Records, 0 <= n <= len(Records).
	After func(n int) Position
	// CaughtUp is true when everything is delivered, with these, that was in the source at Follow, and the source's
	// own first snapshot has ended.
	CaughtUp bool
}

// Release releases the rows.
func (c *Changes) Release() {
	if c.Rows != nil {
		c.Rows.Release()
	}
}

// Record is one message of a stream.
type Record struct {
	// Partition and Offset number it; a source without partitions has 0.
	Partition int32
	Offset    int64
	// Rows is how many rows of Changes.Rows come from it; 0 for one that is about no row.
	Rows int
	// At is when the change was made, as far as the record says; else when the stream got it. Zero when unknown.
	At time.Time
	// Key and Value are the record as it was read; nil where it has none.
	Key, Value []byte
}

// Standing is how far the partitions of a stream reach.
type Standing struct {
	// Ends has the offset behind the last record of each partition, as of the last answer of the source.
	Ends map[int32]int64
	// Next has the offset that is read next of each partition.
	Next map[int32]int64
}

// RecordError is about a record that can't be understood. Nothing behind it in the stream was delivered.
type RecordError struct {
	Record Record
	// Place names the record: topic, partition and offset.
	Place string
	// After is the position behind the record, for whoever passes over it.
	After Position
	Err   error
	// Hint says what the operator can do; may be empty.
	Hint string
}

// Error returns "place: cause".
func (e *RecordError) Error() string { return fmt.Sprintf("%s: %v", e.Place, e.Err) }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// GapError says that changes are gone for good which were never read: what is there can't become right by reading
// on, only by beginning anew.
type GapError struct {
	// Place is the topic and the partition.
	Place string
	Err   error
}

// Error returns "place: cause".
func (e *GapError) Error() string { return fmt.Sprintf("%s: %v", e.Place, e.Err) }

// Unwrap returns the cause.
func (e *GapError) Unwrap() error { return e.Err }
