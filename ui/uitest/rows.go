package uitest

import (
	"context"
	"io"
	"strings"

	"pitwall/runtime/api"
)

// Rows are the rows of a query, a batch at a time.
type Rows struct {
	Cols    []api.Column
	Batches [][][]string // "NULL" is NULL
	From    []api.Served
	Fail    error
	// Gate holds each batch until it gives one, or Ctx ends; nil holds none.
	Gate <-chan struct{}
	Ctx  context.Context

	at  int
	err error
}

var _ api.Rows = (*Rows)(nil)

// Columns implements api.Rows.
func (r *Rows) Columns() []api.Column { return r.Cols }

// Next implements api.Rows.
func (r *Rows) Next() bool {
	if r.Gate != nil {
		select {
		case <-r.Gate:
		case <-r.Ctx.Done():
			r.err = r.Ctx.Err()
			return false
		}
	}
	r.at++
	if r.at > len(r.Batches) {
		r.err = r.Fail
		return false
	}
	return true
}

// Len implements api.Rows.
func (r *Rows) Len() int { return len(r.Batches[r.at-1]) }

// Text implements api.Rows.
func (r *Rows) Text(row, column int) (string, bool) {
	v := r.Batches[r.at-1][row][column]
	return v, v != "NULL"
}

// Err implements api.Rows.
func (r *Rows) Err() error { return r.err }

// Truncated implements api.Rows.
func (r *Rows) Truncated() bool { return false }

// Served implements api.Rows.
func (r *Rows) Served() []api.Served { return r.From }

// Encode implements api.Rows: lines of values, whatever the format.
func (r *Rows) Encode(w io.Writer, f api.Format) error {
	out := "as " + string(f) + "\n"
	for r.Next() {
		for i := range r.Len() {
			out += strings.Join(r.Batches[r.at-1][i], ",") + "\n"
		}
	}
	if r.err != nil {
		return r.err
	}
	_, err := io.WriteString(w, out)
	return err
}

// Close implements api.Rows.
func (r *Rows) Close() error { return nil }
