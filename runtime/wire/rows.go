package wire

import (
	"encoding/json"
	"errors"
	"io"

	"pitwall/runtime/api"
)

// Query is what to ask: a statement that only reads, and its bounds.
type Query struct {
	SQL string `json:"sql"`
	// Limit is the highest number of rows, 0 for no limit; TimeoutMillis ends it, 0 for never.
	Limit         int64 `json:"limit,omitempty"`
	TimeoutMillis int64 `json:"timeout_ms,omitempty"`
}

// Batch is one line of an answer. The first has the columns, the last one is the end.
type Batch struct {
	Columns []api.Column `json:"columns,omitempty"`
	// Served is what answers; the last line has it again.
	Served []api.Served `json:"served,omitempty"`
	// Rows are the values as they are shown; null is NULL.
	Rows [][]*string `json:"rows,omitempty"`
	// End says that no rows follow; Error why not all came, Truncated that the limit left some out.
	End       bool     `json:"end,omitempty"`
	Truncated bool     `json:"truncated,omitempty"`
	Error     *Refusal `json:"error,omitempty"`
}

// RefusalOf returns an error as the other side can show it.
func RefusalOf(err error) *Refusal {
	if q := (*api.QueryError)(nil); errors.As(err, &q) {
		return &Refusal{string(q.Reason), q.Message, q.Hint}
	}
	if c := (*api.CommandError)(nil); errors.As(err, &c) {
		return &Refusal{string(c.Reason), c.Message, ""}
	}
	return &Refusal{string(api.QueryFailed), err.Error(), ""}
}

// batchRows is how many rows a line has at most.
const batchRows = 500

// WriteRows writes rows line by line and calls flush after each. An error of the rows is in the last line; what is
// returned says that the lines could not be written.
func WriteRows(w io.Writer, rows api.Rows, flush func() error) error {
	e := json.NewEncoder(w)
	columns := rows.Columns()
	if err := e.Encode(Batch{Columns: columns, Served: rows.Served()}); err != nil {
		return err
	}
	for rows.Next() {
		for at := 0; at < rows.Len(); at += batchRows {
			b := Batch{}
			for i := at; i < min(at+batchRows, rows.Len()); i++ {
				row := make([]*string, len(columns))
				for j := range columns {
					if text, ok := rows.Text(i, j); ok {
						row[j] = &text
					}
				}
				b.Rows = append(b.Rows, row)
			}
			if err := errors.Join(e.Encode(b), flush()); err != nil {
				return err
			}
		}
	}
	last := Batch{End: true, Truncated: rows.Truncated(), Served: rows.Served()}
	if err := rows.Err(); err != nil {
		last.Error = RefusalOf(err)
	}
	return errors.Join(e.Encode(last), flush())
}
