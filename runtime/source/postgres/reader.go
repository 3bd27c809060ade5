package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5"

	"pitwall/engines/filter"
	"pitwall/runtime/source"
)

// batchRows is the size of the batches handed on: DuckDB's row group.
const batchRows = 122_880

// ahead is how many batches may wait for the reader.
const ahead = 2

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	r, err := s.read(ctx, scan)
	if err != nil {
		return nil, s.fail(err)
	}
	return r, nil
}

func (s *Source) read(ctx context.Context, scan source.Scan) (_ *reader, err error) {
	run, cancel := context.WithCancel(ctx)
	c, err := pgx.ConnectConfig(run, s.conf)
	if err != nil {
		cancel()
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = c.Close(context.WithoutCancel(ctx))
			cancel()
		}
	}()
	all, err := columnsOf(run, c, s.table)
	if err != nil {
		return nil, err
	}
	whole, picked, err := s.schema(all, scan.Columns)
	if err != nil {
		return nil, err
	}
	query, narrowed, err := s.query(whole, picked, scan)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder(picked)
	if err != nil {
		return nil, err
	}
	r := &reader{s: s, conn: c, cancel: cancel, schema: d.schema, batches: make(chan arrow.RecordBatch, ahead), stop: run.Done(),
		plan: fmt.Sprintf("%d of %d columns%s", len(picked), len(all), narrowed)}
	r.refs.Store(1)
	d.emit, d.count = r.emit, &r.bytes
	r.done.Go(func() { r.copy(run, query, d) })
	return r, nil
}

// schema picks the columns to read. whole has every column that has an Arrow type, for conditions.
func (s *Source) schema(all []column, names []string) (whole *arrow.Schema, picked []column, err error) {
	if len(all) == 0 {
		return nil, nil, &source.Error{Kind: source.Missing, Place: s.place(), Err: errors.New("the table has no columns")}
	}
	var fields []arrow.Field
	var refused []string
	for _, c := range all {
		t, err := c.arrowType()
		switch {
		case err == nil:
			fields = append(fields, arrow.Field{Name: c.name, Type: t, Nullable: c.nullable})
			if len(names) == 0 {
				picked = append(picked, c)
			}
		case len(names) == 0 || slices.Contains(names, c.name):
			refused = append(refused, err.Error())
		}
	}
	if len(refused) > 0 {
		return nil, nil, &source.Error{Kind: source.Unsupported, Place: s.place(), Err: errors.New(strings.Join(refused, "; ")),
			Hint: "leave the columns out with refresh_sql: SELECT the others FROM the dataset, or read from a view that casts them"}
	}
	for _, n := range names {
		i := slices.IndexFunc(all, func(c column) bool { return c.name == n })
		if i < 0 {
			return nil, nil, &source.Error{Kind: source.Unsupported, Place: s.place(), Err: fmt.Errorf("there is no column %q", n)}
		}
		picked = append(picked, all[i])
	}
	return arrow.NewSchema(fields, nil), picked, nil
}

// query writes the SELECT and says what of the condition it has.
func (s *Source) query(whole *arrow.Schema, picked []column, scan source.Scan) (sql, narrowed string, err error) {
	names := make([]string, len(picked))
	for i, c := range picked {
		names[i] = quote(c.name)
		if c.enum && !c.array {
			names[i] += "::text"
		}
		if c.enum && c.array {
			names[i] += "::text[]"
		}
	}
	var where []string
	if text := filter.Narrow(whole, scan.Where, filter.Native, dialect()); text != "" {
		where = append(where, text)
	}
	if scan.WhereSQL != "" {
		where = append(where, "("+scan.WhereSQL+")")
	}
	sql = "SELECT " + strings.Join(names, ", ") + " FROM " + s.table.Sanitize()
	if len(where) > 0 {
		narrowed = ", where " + strings.Join(where, " AND ")
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	return sql, narrowed, nil
}

// reader hands on the batches that its goroutine decodes.
type reader struct {
	s       *Source
	conn    *pgx.Conn
	cancel  context.CancelFunc
	stop    <-chan struct{}
	done    sync.WaitGroup
	refs    atomic.Int64
	schema  *arrow.Schema
	plan    string
	bytes   atomic.Int64
	batches chan arrow.RecordBatch // closed by the goroutine, which sets failed before
	failed  error
	ended   bool // Next has seen the end, after which failed may be read
	cur     arrow.RecordBatch
}

var (
	_ source.Reader      = (*reader)(nil)
	_ source.Planner     = (*reader)(nil)
	_ source.SQLFiltered = (*reader)(nil)
)

// copy runs the COPY and closes the connection.
func (r *reader) copy(ctx context.Context, query string, d *decoder) {
	defer close(r.batches)
	_, err := r.conn.PgConn().CopyTo(ctx, d, "COPY ("+query+") TO STDOUT (FORMAT binary)")
	if d.err != nil { // what stopped the copy, not that it was stopped
		err = d.err
	}
	if err == nil {
		err = d.end()
	}
	d.release()
	r.failed = err
	_ = r.conn.Close(context.WithoutCancel(ctx)) // read-only: nothing can be lost
}

// emit hands a batch to the reader; false when it went away.
func (r *reader) emit(b arrow.RecordBatch) bool {
	select {
	case r.batches <- b:
		return true
	case <-r.stop:
		b.Release()
		return false
	}
}

func (r *reader) Schema() *arrow.Schema          { return r.schema }
func (r *reader) RecordBatch() arrow.RecordBatch { return r.cur }
func (r *reader) Record() arrow.RecordBatch      { return r.cur }
func (r *reader) Retain()                        { r.refs.Add(1) }
func (r *reader) Plan() string                   { return r.plan }

// FilteredSQL implements source.SQLFiltered: the server has the condition as it is.
func (r *reader) FilteredSQL() bool { return true }

// Progress implements source.Reader: the bytes of the COPY; how many there will be, nobody knows.
func (r *reader) Progress() (done, total int64) { return r.bytes.Load(), 0 }

func (r *reader) Next() bool {
	r.drop()
	b, ok := <-r.batches
	r.cur, r.ended = b, !ok
	return ok
}

// Err is the error that ended the batches; it may be asked after Next returned false.
func (r *reader) Err() error {
	if !r.ended {
		return nil
	}
	return r.s.fail(r.failed)
}

func (r *reader) drop() {
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
}

func (r *reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.cancel()
	r.done.Wait()
	for b := range r.batches {
		b.Release()
	}
	r.drop()
}

// newBuilder makes the builder of the columns.
func newBuilder(schema *arrow.Schema) *array.RecordBuilder {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	b.Reserve(batchRows)
	return b
}
