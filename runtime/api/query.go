package api

import (
	"io"
	"time"
)

// QueryOptions bound a query.
type QueryOptions struct {
	// Limit is the highest number of rows to return; 0 means no limit. More rows end the query with
	// Truncated.
	Limit int64
	// Timeout ends the query with an error; 0 means none.
	Timeout time.Duration
	// Params are the values of the parameters $1, $2 ... of the statement, or of its ?s in their order: nil, bool,
	// int64, uint64, float64, string, []byte or Typed. A statement with parameters and no values is refused, see
	// QueryError.Params.
	Params []any
	// Describe asks only what the rows would be: nothing is read, and there are none.
	Describe bool
}

// Typed is a value of a statement's parameter as the text of another type.
type Typed struct {
	// Type is in SQL: DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, UUID or DECIMAL(precision,scale).
	Type string
	// Text is the value as CAST(text AS type) reads it.
	Text string
}

// Rows is the result of a query, batch by batch. It must not be used by two goroutines at a time.
type Rows interface {
	// Columns describes the result.
	Columns() []Column
	// Next goes on to the next batch; false at the end or after an error.
	Next() bool
	// Len is the number of rows of the current batch.
	Len() int
	// Text returns a value of the current batch as it is shown, and false for NULL. It stays good after the batch.
	Text(row, column int) (string, bool)
	// Err is the error that ended the rows, nil at their end.
	Err() error
	// Truncated tells, after the last batch, that QueryOptions.Limit left rows out.
	Truncated() bool
	// Served tells what answers for each dataset that is read, in the order of the statement; more may be known once
	// the rows have begun.
	Served() []Served
	// Encode writes all rows that are left, as they arrive.
	Encode(w io.Writer, f Format) error
	// Close frees what the query holds; it may be called at any time, also twice.
	Close() error
}

// Served says what answers a query for a dataset.
type Served struct {
	Dataset string `json:"dataset"`
	From    Origin `json:"from"`
}

// Origin is what rows come from.
type Origin string

// The origins.
const (
	FromAcceleration Origin = "acceleration"
	// FromSource is the source: the dataset is not accelerated, or not loaded yet (ready_state), or its acceleration
	// had no rows for the query (on_zero_results).
	FromSource Origin = "source"
	// FromSnapshot is a stored snapshot, named as "dataset@id".
	FromSnapshot Origin = "snapshot"
)

// Format is how Rows.Encode writes.
type Format string

// The formats.
const (
	// JSON is an array of objects, one for each row (spec data-refresh 3.4).
	JSON Format = "json"
	// CSV has a header line.
	CSV Format = "csv"
	// Plain is a table for people.
	Plain Format = "plain"
	// ArrowStream is Arrow's IPC stream. Each message of it is written at once, and is smaller than 3 MiB unless a
	// single row, or the dictionary of a column, is not.
	ArrowStream Format = "arrow"
	// Parquet is a Parquet file, compressed with zstd.
	Parquet Format = "parquet"
)

// QueryReason says why a query failed.
type QueryReason string

// The reasons.
const (
	// BadQuery is a statement that is not understood, or names what does not exist.
	BadQuery QueryReason = "bad query"
	// Forbidden is a statement that would change something or reach outside of the datasets.
	Forbidden QueryReason = "forbidden"
	// NotReady is a dataset that is still loading (spec data-refresh 4.2).
	NotReady QueryReason = "not ready"
	// TimedOut is a query that took longer than QueryOptions.Timeout.
	TimedOut QueryReason = "timed out"
	// QueryFailed is everything else.
	QueryFailed QueryReason = "failed"
)

// QueryError is why a query has no result.
type QueryError struct {
	Reason  QueryReason
	Message string
	// Hint says what to do; may be empty.
	Hint string
	// Params are the parameters of a statement that was refused because they had no values: their types in SQL as far
	// as they are known, such as BIGINT, else "". They are only looked for when the statement is to be described.
	Params []string
}

// Error returns the message.
func (e *QueryError) Error() string { return e.Message }
