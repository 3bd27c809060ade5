//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowmemory "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// memory allocates converted arrays on the Go heap.
var memory = arrowmemory.DefaultAllocator

// Query streams the rows of one consistent state; see engines.Engine.
func (e *Engine) Query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	r, err := e.query(ctx, l, s)
	if err != nil {
		condemn(l, err)
		l.Release()
		return nil, e.wrap("query", err)
	}
	return r, nil
}

func (e *Engine) query(ctx context.Context, l *dbfile.Lease[*database], s engines.Scan) (array.RecordReader, error) {
	d := l.Store
	plan, err := filter.NewPlan(d.schema, s, e.o.Evaluate, filter.Native)
	if err != nil {
		return nil, err
	}
	text := "SELECT " + dbfile.Columns(plan.Read) + " FROM " + d.table() + plan.Where(Dialect())
	if plan.Limit > 0 {
		text += " LIMIT " + strconv.FormatInt(plan.Limit, 10)
	}
	r, err := newReader(ctx, l, text, plan.Read)
	if err != nil {
		return nil, err
	}
	return plan.Rows(ctx, r, func(err error) error { return e.wrap("query", err) }), nil
}

// reader restores the recorded schema and gives connection and lease back at its end.
type reader struct {
	refs    atomic.Int64
	lease   *dbfile.Lease[*database]
	conn    driver.Conn
	src     array.RecordReader
	schema  *arrow.Schema // to restore; nil leaves the rows as they are
	current arrow.RecordBatch
	err     error
}

var _ array.RecordReader = (*reader)(nil)

// newReader runs a query. The reader takes the lease over, unless there is an error.
func newReader(ctx context.Context, l *dbfile.Lease[*database], query string, schema *arrow.Schema) (*reader, error) {
	d := l.Store
	c, err := d.get(ctx)
	if err != nil {
		return nil, err
	}
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		d.idle.Put(c)
		return nil, err
	}
	src, err := a.QueryContext(ctx, query)
	if err != nil {
		d.idle.Put(c)
		return nil, cause(ctx, err)
	}
	r := &reader{lease: l, conn: c, src: src, schema: schema}
	r.refs.Store(1)
	return r, nil
}

func (r *reader) Schema() *arrow.Schema {
	if r.schema == nil {
		return r.src.Schema()
	}
	return r.schema
}
func (r *reader) RecordBatch() arrow.RecordBatch { return r.current }
func (r *reader) Record() arrow.RecordBatch      { return r.current }
func (r *reader) Retain()                        { r.refs.Add(1) }

func (r *reader) Err() error {
	err := r.err
	if err == nil {
		err = r.src.Err()
	}
	return dbfile.Wrap("query", r.lease.Store.dataset, r.lease.Store.path, err)
}

func (r *reader) Next() bool {
	r.drop()
	if r.err != nil || !r.src.Next() {
		return false
	}
	if r.schema == nil { // a result of Select: as DuckDB says
		r.current = r.src.RecordBatch()
		r.current.Retain()
		return true
	}
	r.current, r.err = convert.Batch(memory, r.src.RecordBatch(), r.schema)
	return r.err == nil
}

func (r *reader) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

func (r *reader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.src.Release()
	r.lease.Store.idle.Put(r.conn)
	r.lease.Release()
}

// Dialect writes bound predicates in DuckDB's SQL, for this engine and for sources that are DuckDB files.
func Dialect() filter.Dialect {
	return filter.Dialect{
		Column:  func(f arrow.Field) string { return dbfile.Ident(f.Name) },
		Literal: literal,
	}
}

func literal(f arrow.Field, value any) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case uint64:
		return strconv.FormatUint(v, 10) + "::UBIGINT"
	case float64:
		return double(v)
	case string:
		return varchar(v)
	case []byte:
		return "from_hex('" + hex.EncodeToString(v) + "')"
	case *big.Int:
		d := f.Type.(arrow.DecimalType)
		return fmt.Sprintf("'%s'::DECIMAL(%d,%d)", convert.FormatDecimal(v, d.GetScale()), d.GetPrecision(), d.GetScale())
	case int64:
		return whole(f.Type, v)
	default:
		return "NULL" // not reached: filter.Bind returns nothing else
	}
}

func double(v float64) string {
	switch {
	case math.IsNaN(v):
		return "'NaN'::DOUBLE"
	case math.IsInf(v, 0):
		return fmt.Sprintf("'%sinfinity'::DOUBLE", map[bool]string{true: "-"}[v < 0])
	default:
		return "'" + strconv.FormatFloat(v, 'g', -1, 64) + "'::DOUBLE"
	}
}

func varchar(s string) string {
	if strings.ContainsRune(s, 0) { // the SQL text ends at a NUL
		return "decode(from_hex('" + hex.EncodeToString([]byte(s)) + "'))"
	}
	return dbfile.Text(s)
}

// whole writes an integer in the units of its column.
func whole(t arrow.DataType, v int64) string {
	n := strconv.FormatInt(v, 10)
	switch t := t.(type) {
	case *arrow.Date32Type:
		return "(DATE '1970-01-01' + (" + n + ")::INTEGER)"
	case *arrow.Date64Type:
		return "epoch_ms((" + n + ")::BIGINT)" // a timestamp: dates are compared at midnight
	case *arrow.Time32Type, *arrow.Time64Type:
		if convert.Nanos(t) == 1 {
			return "'" + convert.FormatTimeOfDay(v, t) + "'::TIME_NS"
		}
		return "'" + convert.FormatTimeOfDay(v, t) + "'::TIME"
	case *arrow.TimestampType:
		return timestamp(t, v)
	default:
		return "(" + n + ")::BIGINT"
	}
}

// timestamp writes microseconds, or nanoseconds for columns of those; times that DuckDB does not have
// lie beyond all that a column can hold.
func timestamp(t *arrow.TimestampType, v int64) string {
	if t.Unit == arrow.Nanosecond {
		return "make_timestamp_ns((" + strconv.FormatInt(v, 10) + ")::BIGINT)"
	}
	const limit = 9_000_000_000_000_000_000 // about the year 287000, in microseconds
	typ := map[arrow.TimeUnit]string{arrow.Second: "TIMESTAMP_S", arrow.Millisecond: "TIMESTAMP_MS", arrow.Microsecond: "TIMESTAMP"}[t.Unit]
	call := "make_timestamp"
	if t.TimeZone != "" {
		typ, call = "TIMESTAMPTZ", "make_timestamptz"
	}
	perUnit := convert.Nanos(t) / 1000
	if v > limit/perUnit {
		return "'infinity'::" + typ
	}
	if v < -limit/perUnit {
		return "'-infinity'::" + typ
	}
	return fmt.Sprintf("%s((%d)::BIGINT)::%s", call, v*perUnit, typ)
}
