//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Delete removes the matching rows in one transaction; see engines.Engine.
func (e *Engine) Delete(ctx context.Context, where engines.Predicate) (int64, error) {
	n, err := e.delete(ctx, where)
	return n, e.wrap("delete", err)
}

func (e *Engine) delete(ctx context.Context, where engines.Predicate) (deleted int64, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return 0, err
	}
	defer e.writer.Unlock()
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer l.Release()
	d := l.Store
	if err := dbfile.CheckInPlace(d.view); err != nil {
		return 0, err
	}
	err = d.conn(ctx, func(c driver.Conn) error {
		return transactionOn(ctx, c, func() (err error) {
			deleted, err = d.deleteOn(ctx, c, d.schema, where, e.o.Evaluate)
			return err
		})
	})
	if err != nil {
		condemn(l, err)
		return 0, err
	}
	e.fold(context.WithoutCancel(ctx), l)
	return deleted, nil
}

// deleteOn deletes inside of a transaction: what DuckDB can't decide by row number.
func (d *database) deleteOn(ctx context.Context, c driver.Conn, schema *arrow.Schema, rows engines.Predicate, run filter.Evaluate) (int64, error) {
	plan, err := filter.NewDelete(schema, rows, run, filter.Native)
	if err != nil {
		return 0, err
	}
	if plan.Whole() {
		return affectedOn(ctx, c, "DELETE FROM "+d.table()+plan.Where(Dialect()))
	}
	if err := numbered(schema); err != nil {
		return 0, err
	}
	ids, err := d.matching(ctx, c, plan)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return d.deleteRows(ctx, c, ids)
}

// matching returns the numbers of the rows to delete. All are read before the first is deleted: a
// connection has one result at a time.
func (d *database) matching(ctx context.Context, c driver.Conn, plan *filter.Plan) ([]int64, error) {
	data := arrow.NewSchema(plan.Read.Fields()[:plan.Read.NumFields()-1], nil)
	read := "rowid"
	if data.NumFields() > 0 {
		read = dbfile.Columns(data) + ", rowid"
	}
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		return nil, err
	}
	src, err := a.QueryContext(ctx, "SELECT "+read+" FROM "+d.table()+plan.Where(Dialect()))
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer src.Release()
	in := convert.NewIngest(ctx, src, plan.Read, filter.SQLRows)
	defer in.Release()
	ids, err := plan.Matching(ctx, in)
	return ids, cause(ctx, err)
}

// deleteRows deletes rows by number, which a temporary table holds: a transaction may write to that
// beside the database.
func (d *database) deleteRows(ctx context.Context, c driver.Conn, ids []int64) (int64, error) {
	const name = "pitwall_rows"
	if err := execOn(ctx, c, "CREATE TEMP TABLE "+name+" (id BIGINT)"); err != nil {
		return 0, err
	}
	a, err := duckdb.NewAppender(c, "temp", "main", name)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if i%1024 == 0 && ctx.Err() != nil {
			break
		}
		if err = a.AppendRow(id); err != nil {
			break
		}
	}
	if err := errors.Join(err, ctx.Err(), a.Close()); err != nil {
		return 0, cause(ctx, err)
	}
	n, err := affectedOn(ctx, c, "DELETE FROM "+d.table()+" WHERE rowid IN (SELECT id FROM temp.main."+name+")")
	if err != nil {
		return 0, err
	}
	return n, execOn(ctx, c, "DROP TABLE temp.main."+name)
}

// numbered refuses a table whose rows DuckDB can't number: a column hides the number.
func numbered(s *arrow.Schema) error {
	for _, f := range s.Fields() {
		if strings.EqualFold(f.Name, "rowid") {
			return dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: DuckDB needs the name to number rows", f.Name))
		}
	}
	return nil
}
