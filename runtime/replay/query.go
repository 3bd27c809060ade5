package replay

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"pitwall/runtime/api"
	"pitwall/runtime/wire"
)

// answerRows and answerBytes bound what is recorded of the result of one statement.
const (
	answerRows  = 1000
	answerBytes = 1 << 20
)

// answer is a statement that somebody ran, and the first rows of its result.
type answer struct {
	SQL     string       `json:"sql"`
	Columns []api.Column `json:"columns,omitempty"`
	Served  []api.Served `json:"served,omitempty"`
	Rows    [][]*string  `json:"rows,omitempty"`
	// Truncated says that there were more rows than were recorded.
	Truncated bool          `json:"truncated,omitempty"`
	Error     *wire.Refusal `json:"error,omitempty"`
	Took      time.Duration `json:"took_ns"`
}

// Query implements api.Console.
func (r *Recorder) Query(ctx context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	began := time.Now()
	rows, err := r.Console.Query(ctx, sql, o)
	if !r.rows {
		return rows, err
	}
	a := &answer{SQL: sql}
	if err != nil {
		if ctx.Err() == nil {
			a.Error, a.Took = wire.RefusalOf(err), time.Since(began)
			r.write(line{Answer: a})
		}
		return nil, err
	}
	a.Columns = rows.Columns()
	return &heard{Rows: rows, answer: a, began: began, ended: func() { r.write(line{Answer: a}) }}, nil
}

// heard are Rows that are noted while somebody reads them. What is encoded into a file is not noted.
type heard struct {
	api.Rows
	answer  *answer
	began   time.Time
	bytes   int
	encoded bool
	once    sync.Once
	ended   func()
}

// Encode implements api.Rows.
func (h *heard) Encode(w io.Writer, f api.Format) error {
	h.encoded = true
	return h.Rows.Encode(w, f)
}

// Next implements api.Rows.
func (h *heard) Next() bool {
	more := h.Rows.Next()
	a := h.answer
	a.Took = time.Since(h.began)
	for i := 0; more && i < h.Rows.Len(); i++ {
		if len(a.Rows) == answerRows || h.bytes > answerBytes {
			a.Truncated = true
			break
		}
		row := make([]*string, len(a.Columns))
		for j := range row {
			if text, ok := h.Rows.Text(i, j); ok {
				row[j] = &text
				h.bytes += len(text)
			}
		}
		a.Rows = append(a.Rows, row)
	}
	return more
}

// Close implements api.Rows.
func (h *heard) Close() error {
	h.once.Do(func() {
		a := h.answer
		a.Served = h.Rows.Served()
		a.Truncated = a.Truncated || h.Rows.Truncated()
		if err := h.Rows.Err(); err != nil && !errors.Is(err, context.Canceled) {
			a.Error = wire.RefusalOf(err)
		}
		if !h.encoded {
			h.ended()
		}
	})
	return h.Rows.Close()
}

// answeredAt is an answer and when it was there.
type answeredAt struct {
	at time.Time
	*answer
}

// words are a statement without what does not count.
func words(sql string) string {
	return strings.Join(strings.Fields(strings.TrimRight(sql, "; \n\t")), " ")
}

// answered returns the newest answer to a statement that was there at a time, or the first one after it.
func (p *Player) answered(sql string, at time.Time) *answer {
	var found *answer
	for _, a := range p.answers {
		if words(a.SQL) != words(sql) {
			continue
		}
		if found != nil && a.at.After(at) {
			break
		}
		found = a.answer
	}
	return found
}

// Query implements api.Console: it has the rows of the statements that were run while it was recorded, if they were
// to be kept, after the time they took at the speed of the playback.
func (p *Player) Query(ctx context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	if len(p.answers) == 0 {
		return nil, &api.QueryError{Reason: api.Forbidden, Message: "the recording has no rows to query",
			Hint: "with --record-rows it has those of the statements that are run meanwhile"}
	}
	a := p.answered(sql, p.Now())
	if a == nil {
		return nil, &api.QueryError{Reason: api.Forbidden, Message: "this statement was not run while it was recorded", Hint: "these were: " + p.known()}
	}
	t := time.NewTimer(time.Duration(float64(a.Took) / p.Playback().Speed))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
	}
	if a.Error != nil && len(a.Columns) == 0 {
		return nil, a.failure()
	}
	return &repeated{answer: a, limit: o.Limit}, nil
}

// known are the statements there are answers to.
func (p *Player) known() string {
	var all []string
	for _, a := range p.answers {
		if s := words(a.SQL); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}

func (a *answer) failure() error {
	return &api.QueryError{Reason: api.QueryReason(a.Error.Reason), Message: a.Error.Message, Hint: a.Error.Hint}
}

// repeated are the rows of a recorded answer, all in one batch.
type repeated struct {
	*answer
	limit int64 // 0 for none
	given bool
}

var _ api.Rows = (*repeated)(nil)

// Columns implements api.Rows.
func (r *repeated) Columns() []api.Column { return r.answer.Columns }

// Next implements api.Rows.
func (r *repeated) Next() bool {
	first := !r.given
	r.given = true
	return first && r.Len() > 0
}

// Len implements api.Rows.
func (r *repeated) Len() int {
	if r.limit > 0 {
		return min(len(r.Rows), int(r.limit))
	}
	return len(r.Rows)
}

// Text implements api.Rows.
func (r *repeated) Text(row, column int) (string, bool) {
	if v := r.Rows[row]; column < len(v) && v[column] != nil {
		return *v[column], true
	}
	return "", false
}

// Err implements api.Rows.
func (r *repeated) Err() error {
	if r.Error == nil {
		return nil
	}
	return r.failure()
}

// Truncated implements api.Rows.
func (r *repeated) Truncated() bool { return r.answer.Truncated || r.Len() < len(r.Rows) }

// Served implements api.Rows.
func (r *repeated) Served() []api.Served { return r.answer.Served }

// Encode implements api.Rows: what is kept of a result is no result to go on with.
func (r *repeated) Encode(io.Writer, api.Format) error {
	return &api.QueryError{Reason: api.Forbidden, Message: "a recording has only the first rows of a result: it can't be written to a file"}
}

// Close implements api.Rows.
func (r *repeated) Close() error { return nil }
