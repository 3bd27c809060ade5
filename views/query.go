package views

import (
	"errors"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"pitwall/runtime/api"
	"pitwall/ui"
)

// What the console keeps of a result at most; an export has all of it.
const (
	resultRows  = 100_000
	resultBytes = 256 << 20
)

// cell is one value of a result; null is NULL.
type cell struct {
	text string
	null bool
}

// query is a statement that runs, or has run. One Cmd reads its rows and one waits for what it has read; mu guards
// what both touch.
type query struct {
	sql     string
	started time.Time
	cancel  func()
	grew    chan struct{} // capacity 1: something is new; closed at the end

	mu      sync.Mutex
	columns []api.Column
	rows    [][]cell
	bytes   int
	served  []api.Served
	took    time.Duration
	cut     bool
	done    bool
	err     error
}

// queryMsg says that a query has something new.
type queryMsg struct{ q *query }

// startQuery returns a query and the Cmds that run it.
func startQuery(c *ui.Ctx, sql string, limit int64) (*query, tea.Cmd) {
	ctx, cancel := contextOf(c)
	q := &query{sql: sql, started: c.Wall, cancel: cancel, grew: make(chan struct{}, 1)}
	console := c.Console()
	read := func() tea.Msg {
		defer cancel()
		rows, err := console.Query(ctx, sql, api.QueryOptions{Limit: limit})
		if err == nil {
			q.take(rows)
			err = errors.Join(rows.Err(), rows.Close())
		}
		if errors.Is(ctx.Err(), errStopped) || ctx.Err() != nil && err != nil {
			err = errStopped
		}
		q.mu.Lock()
		q.done, q.err, q.took = true, err, time.Since(q.started)
		q.mu.Unlock()
		close(q.grew)
		return nil
	}
	return q, tea.Batch(read, q.wait())
}

// errStopped says that a person ended a query.
var errStopped = errors.New("stopped")

// take reads rows until there are no more, or enough.
func (q *query) take(rows api.Rows) {
	columns := rows.Columns()
	q.mu.Lock()
	q.columns, q.served = columns, rows.Served()
	q.mu.Unlock()
	for more := true; more && rows.Next(); {
		batch := make([][]cell, 0, rows.Len())
		size := 0
		for i := range rows.Len() {
			row := make([]cell, len(columns))
			for j := range columns {
				text, ok := rows.Text(i, j)
				row[j] = cell{text, !ok}
				size += len(text) + 24
			}
			batch = append(batch, row)
		}
		q.mu.Lock()
		q.rows, q.bytes, q.served, q.took = append(q.rows, batch...), q.bytes+size, rows.Served(), time.Since(q.started)
		if len(q.rows) >= resultRows || q.bytes >= resultBytes {
			q.rows, q.cut, more = q.rows[:min(len(q.rows), resultRows)], true, false
		}
		q.mu.Unlock()
		select {
		case q.grew <- struct{}{}:
		default:
		}
	}
	if rows.Truncated() {
		q.mu.Lock()
		q.cut = true
		q.mu.Unlock()
	}
}

// wait returns the Cmd that waits for the next news.
func (q *query) wait() tea.Cmd {
	return func() tea.Msg {
		<-q.grew
		return queryMsg{q}
	}
}

// view is what a query has at one moment.
type resultView struct {
	columns []api.Column
	rows    [][]cell
	served  []api.Served
	took    time.Duration
	cut     bool
	done    bool
	err     error
}

func (q *query) view() resultView {
	q.mu.Lock()
	defer q.mu.Unlock()
	return resultView{q.columns, q.rows, q.served, q.took, q.cut, q.done, q.err}
}
