//go:build duckdb_arrow

package query

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/runtime/api"
)

// local is a DuckDB in memory that can reach nothing but what queries put into it.
type local struct {
	connector *duckdb.Connector
	mu        sync.Mutex
	idle      []driver.Conn
}

// settings make the instance blind; the last one makes the others final.
var settings = []string{
	"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false", "SET allow_community_extensions = false",
	"SET TimeZone = 'UTC'", "SET temp_directory = ''", "SET enable_external_access = false", "SET lock_configuration = true",
}

func newLocal(ctx context.Context) (*local, error) {
	connector, err := duckdb.NewConnector(":memory:", nil)
	if err != nil {
		return nil, err
	}
	l := &local{connector: connector}
	c, err := l.get(ctx)
	for i := 0; err == nil && i < len(settings); i++ {
		err = exec(ctx, c, settings[i])
	}
	if err != nil {
		return nil, errors.Join(err, connector.Close())
	}
	l.put(c)
	return l, nil
}

func (l *local) get(ctx context.Context) (driver.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return c, nil
	}
	return l.connector.Connect(ctx)
}

func (l *local) put(c driver.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, c)
}

func (l *local) close() error {
	var all error
	for _, c := range l.idle {
		all = errors.Join(all, c.Close())
	}
	return errors.Join(all, l.connector.Close())
}

func exec(ctx context.Context, c driver.Conn, query string) error {
	_, err := c.(driver.ExecerContext).ExecContext(ctx, query, nil)
	return err
}

// run reads what the references need into tables of a connection and runs the statement over them.
func (l *local) run(ctx context.Context, s *statement, tables []Table, scans []Scan, number uint64, o api.QueryOptions) (_ *rows, err error) {
	f, err := l.fill(ctx, tables, scans, number)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.finish()
		}
	}()
	a, err := duckdb.NewArrowFromConn(f.conn)
	if err != nil {
		return nil, err
	}
	r, err := a.QueryContext(ctx, s.rewrite(f.name))
	if err != nil {
		return nil, err
	}
	return newRows(ctx, r, o, f.finish), nil
}

// filled is a connection with tables of what a statement reads.
type filled struct {
	conn   driver.Conn
	name   func(i int) string // of the table of a reference
	finish func()             // drops them and gives the connection back
}

// fill makes the tables.
func (l *local) fill(ctx context.Context, tables []Table, scans []Scan, number uint64) (_ *filled, err error) {
	c, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	name := func(i int) string { return fmt.Sprintf("temp.pitwall_q%d_%d", number, i) }
	made := 0
	f := &filled{conn: c, name: name, finish: func() {
		whole := context.WithoutCancel(ctx)
		for i := range made {
			_ = exec(whole, c, "DROP TABLE IF EXISTS "+name(i))
		}
		l.put(c)
	}}
	defer func() {
		if err != nil {
			f.finish()
		}
	}()
	for i, t := range tables {
		r, err := t.Scan(ctx, scans[i])
		if err != nil {
			return nil, err
		}
		made++
		err = load(ctx, c, r, strings.TrimPrefix(name(i), "temp."))
		r.Release()
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// load makes a table of rows. The view over them is used in the one way that is safe: a bare SELECT *.
func load(ctx context.Context, c driver.Conn, r array.RecordReader, table string) (err error) {
	in := convert.NewIngest(ctx, r, engines.Recorded(r.Schema()), 0)
	defer in.Release()
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		return err
	}
	view := table + "_in"
	release, err := a.RegisterView(in, view)
	if err != nil {
		return err
	}
	defer release()
	err = exec(ctx, c, "CREATE TEMP TABLE "+table+" AS SELECT * FROM memory.main."+view)
	if drop := exec(context.WithoutCancel(ctx), c, "DROP VIEW memory.main."+view); err == nil {
		err = drop
	}
	if in.Err() != nil {
		err = in.Err() // the cause, not DuckDB's text about it
	}
	return err
}

var errorPrefix = regexp.MustCompile(`^([A-Z][A-Za-z ]*) Error: `)

// duckError words an error of DuckDB.
func duckError(err error) error {
	var d *duckdb.Error
	if !errors.As(err, &d) {
		var e *engines.Error
		if errors.As(err, &e) && errors.As(e.Err, &d) {
			return duckError(d)
		}
		return &api.QueryError{Reason: api.QueryFailed, Message: err.Error()}
	}
	text, _, _ := strings.Cut(d.Msg, "\n")
	q := &api.QueryError{Reason: api.BadQuery, Message: errorPrefix.ReplaceAllString(text, "")}
	switch d.Type {
	case duckdb.ErrorTypePermission:
		q.Reason = api.Forbidden
	case duckdb.ErrorTypeOutOfMemory, duckdb.ErrorTypeIO, duckdb.ErrorTypeInternal, duckdb.ErrorTypeFatal, duckdb.ErrorTypeInterrupt:
		q.Reason = api.QueryFailed
	}
	if _, near, ok := strings.Cut(d.Msg, "Candidate bindings: "); ok {
		near, _, _ = strings.Cut(near, "\n")
		q.Hint = "did you mean " + near + "?"
	}
	return q
}

func lower(s string) string { return strings.ToLower(s) }
