package sqlite

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
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
	err = e.change(ctx, false, func(d *database) error {
		d.tally = tally{}
		deleted, err = e.deleteOn(ctx, d.base, d.schema, where)
		return err
	})
	return deleted, err
}

// deleteOn deletes inside of a transaction: what SQLite can't decide by row number.
func (e *Engine) deleteOn(ctx context.Context, c *conn, schema *arrow.Schema, where engines.Predicate) (int64, error) {
	plan, err := filter.NewDelete(schema, where, e.o.Evaluate, pushable)
	if err != nil {
		return 0, err
	}
	condition := plan.Where(dialect())
	table := dbfile.Ident(e.o.Dataset)
	if plan.Whole() {
		return c.affected(ctx, "DELETE FROM "+table+condition)
	}
	data := arrow.NewSchema(plan.Read.Fields()[:plan.Read.NumFields()-1], nil)
	id := rowID(schema)
	read := id
	if data.NumFields() > 0 {
		read = columns(data) + ", " + id
	}
	src, err := newReader(ctx, c, "SELECT "+read+" FROM "+table+condition, plan.Read)
	if err != nil {
		return 0, err
	}
	ids, err := plan.Matching(ctx, src)
	src.Release()
	if err != nil {
		return 0, err
	}
	return int64(len(ids)), c.deleteRows(ctx, table, id, ids)
}

// deleteRows deletes rows by number.
func (c *conn) deleteRows(ctx context.Context, table, rowID string, ids []int64) error {
	stmt, err := c.Conn.Prepare("DELETE FROM " + table + " WHERE " + rowID + " = ?")
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), named([]any{id})); err != nil {
			return err
		}
	}
	return nil
}

// rowID returns a name of SQLite's number of a row that no column of a table has.
func rowID(s *arrow.Schema) string {
	for _, name := range []string{"rowid", "_rowid_"} {
		if !slices.ContainsFunc(s.Fields(), func(f arrow.Field) bool { return strings.EqualFold(f.Name, name) }) {
			return name
		}
	}
	return "oid"
}
