//go:build duckdb_arrow

package query

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
)

// rowless is a dataset of which only the columns are asked for, see api.QueryOptions.Describe.
type rowless struct{ Table }

// Scan implements Table: there are no rows, and nothing is opened.
func (t rowless) Scan(ctx context.Context, s Scan) (array.RecordReader, error) {
	schema, err := t.Schema(ctx)
	if err != nil {
		return nil, err
	}
	fields := make([]arrow.Field, 0, len(s.Columns))
	for _, name := range s.Columns {
		found, _ := schema.FieldsByName(name)
		fields = append(fields, found[0])
	}
	return array.NewRecordReader(arrow.NewSchema(fields, nil), nil)
}

// typed finds out the types of the parameters of a statement, as far as DuckDB can tell them from where they stand.
func (e *Engine) typed(ctx context.Context, sql string, types []string) {
	stmt, finish, err := e.prepare(ctx, sql)
	if err != nil {
		return // they stay unknown; whoever runs the statement is told what is wrong with it
	}
	defer finish()
	for i := range types {
		if t, err := stmt.ParamType(i + 1); err == nil {
			types[i] = typeText(t)
		}
	}
}

// prepare prepares a statement with parameters over tables without rows.
func (e *Engine) prepare(ctx context.Context, sql string) (_ *duckdb.Stmt, finish func(), err error) {
	sql, err = numbered(sql)
	if err != nil {
		return nil, nil, err
	}
	s, err := read(sql, true)
	if err != nil {
		return nil, nil, err
	}
	if s.show || s.explain {
		return nil, nil, errors.New("it is no query")
	}
	tables, err := e.resolve(s)
	if err != nil {
		return nil, nil, err
	}
	for i := range tables {
		tables[i] = rowless{tables[i]}
	}
	scans, err := e.plan(ctx, s, tables)
	if err != nil {
		return nil, nil, err
	}
	l, err := e.instance(ctx)
	if err != nil {
		return nil, nil, err
	}
	f, err := l.fill(ctx, tables, scans, e.number())
	if err != nil {
		return nil, nil, err
	}
	p, err := f.conn.(driver.ConnPrepareContext).PrepareContext(ctx, s.rewrite(f.name))
	if err != nil {
		f.finish()
		return nil, nil, err
	}
	return p.(*duckdb.Stmt), func() { _ = p.Close(); f.finish() }, nil
}

// typeText names a type of DuckDB as api.QueryError.Params does; "" when a parameter may be anything.
func typeText(t duckdb.Type) string {
	switch t {
	case duckdb.TYPE_BOOLEAN:
		return "BOOLEAN"
	case duckdb.TYPE_TINYINT, duckdb.TYPE_SMALLINT, duckdb.TYPE_INTEGER, duckdb.TYPE_BIGINT, duckdb.TYPE_HUGEINT,
		duckdb.TYPE_UTINYINT, duckdb.TYPE_USMALLINT, duckdb.TYPE_UINTEGER, duckdb.TYPE_UBIGINT:
		return "BIGINT"
	case duckdb.TYPE_FLOAT, duckdb.TYPE_DOUBLE, duckdb.TYPE_DECIMAL:
		return "DOUBLE"
	case duckdb.TYPE_VARCHAR:
		return "VARCHAR"
	case duckdb.TYPE_BLOB:
		return "BLOB"
	case duckdb.TYPE_DATE:
		return "DATE"
	case duckdb.TYPE_TIME:
		return "TIME"
	case duckdb.TYPE_TIMESTAMP, duckdb.TYPE_TIMESTAMP_S, duckdb.TYPE_TIMESTAMP_MS, duckdb.TYPE_TIMESTAMP_NS:
		return "TIMESTAMP"
	case duckdb.TYPE_TIMESTAMP_TZ:
		return "TIMESTAMPTZ"
	}
	return ""
}

// empty makes of the SQL of this statement one with the same columns and no rows. Only a statement with a LIMIT of
// its own is put into another: columns with the same name would get new ones.
func (s *statement) empty(sql string) string {
	if s.root.LimitCount == nil && s.root.LimitOffset == nil {
		return sql + "\nLIMIT 0"
	}
	return "SELECT * FROM (" + sql + "\n) AS described LIMIT 0"
}
