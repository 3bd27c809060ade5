//go:build duckdb_arrow

package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"pitwall/engines"
	"pitwall/runtime/api"
)

// Engine runs queries. It is safe for concurrent use.
type Engine struct {
	catalog Catalog

	// stopped ends with Stop, and all queries with it; running are those whose rows are not closed.
	stopped context.Context
	stop    context.CancelCauseFunc
	running sync.WaitGroup

	mu     sync.Mutex
	local  *local // made by the first query that needs it
	serial uint64
}

// New returns an engine over a catalog.
func New(c Catalog) *Engine {
	e := &Engine{catalog: c}
	e.stopped, e.stop = context.WithCancelCause(context.Background())
	return e
}

func stopping() error {
	return &api.QueryError{Reason: api.QueryFailed, Message: "pitwall is shutting down"}
}

// Stop ends all queries and refuses new ones.
func (e *Engine) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop(stopping())
}

// Close stops, waits until all Rows are closed, and frees the DuckDB in memory.
func (e *Engine) Close() error {
	e.Stop()
	e.running.Wait()
	if e.local == nil {
		return nil
	}
	return e.local.close()
}

// enter counts a query, unless the engine has stopped.
func (e *Engine) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped.Err() != nil {
		return false
	}
	e.running.Add(1)
	return true
}

// Query runs one statement; see api.Console.
func (e *Engine) Query(ctx context.Context, sql string, o api.QueryOptions) (api.Rows, error) {
	if !e.enter() {
		return nil, stopping()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(e.stopped, func() { cancel(stopping()) })
	timeout := func() {}
	if o.Timeout > 0 {
		ctx, timeout = context.WithTimeoutCause(ctx, o.Timeout, &api.QueryError{Reason: api.TimedOut,
			Message: fmt.Sprintf("the query took longer than %s", o.Timeout)})
	}
	end := func() {
		timeout()
		unhook()
		cancel(nil)
		e.running.Done()
	}
	r, err := e.query(ctx, sql, o)
	if err != nil {
		err = explain(ctx, err)
		end()
		return nil, err
	}
	r.end = end
	return r, nil
}

func (e *Engine) query(ctx context.Context, sql string, o api.QueryOptions) (*rows, error) {
	bound, err := bind(sql, o.Params)
	if err != nil {
		if q := (*api.QueryError)(nil); o.Describe && errors.As(err, &q) && len(q.Params) > 0 {
			e.typed(ctx, sql, q.Params)
		}
		return nil, err
	}
	sql = bound
	s, err := parse(sql)
	if err != nil {
		return nil, err
	}
	if s.show {
		return e.tables(ctx, o)
	}
	tables, err := e.resolve(s)
	if err != nil {
		return nil, err
	}
	if n := only(s, tables); n != nil && !s.explain {
		r, err := n.Select(ctx, func(table string) string {
			text := s.rewrite(func(int) string { return table })
			if o.Describe {
				text = s.empty(text)
			}
			return text
		})
		if err != nil {
			return nil, err
		}
		out := newRows(ctx, r, o, nil)
		out.tables = tables
		return out, nil
	}
	if o.Describe && !s.explain {
		for i := range tables {
			tables[i] = rowless{tables[i]}
		}
	}
	scans, err := e.plan(ctx, s, tables)
	if err != nil {
		return nil, err
	}
	if s.explain {
		return e.explained(ctx, s, tables, scans, o)
	}
	l, err := e.instance(ctx)
	if err != nil {
		return nil, err
	}
	out, err := l.run(ctx, s, tables, scans, e.number(), o)
	if err != nil {
		return nil, err
	}
	out.tables = tables
	return out, nil
}

// resolve finds the dataset of every reference.
func (e *Engine) resolve(s *statement) ([]Table, error) {
	out := make([]Table, len(s.refs))
	for i, r := range s.refs {
		if out[i] = e.catalog.Table(r.name); out[i] == nil {
			// Clients that know tables by catalog and schema write public for those without a schema.
			if bare, ok := strings.CutPrefix(r.name, PublicSchema+"."); ok {
				r.name = bare
				out[i] = e.catalog.Table(bare)
			}
		}
		if out[i] == nil {
			return nil, s.unknown(r, e.catalog.Names())
		}
	}
	return out, nil
}

// only returns the engine that can run the whole statement: all references are to one dataset.
func only(s *statement, tables []Table) engines.Selector {
	if len(s.refs) == 0 {
		return nil
	}
	for _, r := range s.refs {
		if r.name != s.refs[0].name {
			return nil
		}
	}
	return tables[0].Native()
}

func (e *Engine) number() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.serial++
	return e.serial
}

func (e *Engine) instance(ctx context.Context) (*local, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.local == nil {
		l, err := newLocal(ctx)
		if err != nil {
			return nil, err
		}
		e.local = l
	}
	return e.local, nil
}

// explain makes the errors of DuckDB, of engines and of contexts those of the api.
func explain(ctx context.Context, err error) error {
	var q *api.QueryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &q):
		return q
	case ctx.Err() != nil:
		if errors.As(context.Cause(ctx), &q) {
			return q
		}
		return ctx.Err()
	default:
		return duckError(err)
	}
}
