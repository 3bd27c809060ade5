package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Delete removes the matching rows in one transaction; see engines.Engine.
func (e *Engine) Delete(ctx context.Context, rows engines.Predicate) (int64, error) {
	n, err := e.delete(ctx, rows)
	return n, e.wrap("delete", err)
}

func (e *Engine) delete(ctx context.Context, rows engines.Predicate) (deleted int64, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return 0, err
	}
	defer e.writer.Unlock()
	err = e.transaction(ctx, func(t *tx) error {
		schema, _, err := e.current(ctx, t, writing)
		if err == nil && schema == nil {
			err = errNothing
		}
		if err == nil {
			deleted, err = e.deleteOn(ctx, t, t.name(e.o.Dataset), schema, rows)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

// rowNumber makes one number of the place of a row: the page, and the line in it.
const rowNumber = "(((ctid::text::point)[0]::bigint << 16) | (ctid::text::point)[1]::bigint)"

// deleteOn deletes inside of a transaction: what the server can't decide by the place of a row.
func (e *Engine) deleteOn(ctx context.Context, t *tx, table string, schema *arrow.Schema, rows engines.Predicate) (int64, error) {
	plan, err := filter.NewDelete(schema, rows, e.o.Evaluate, pushable)
	if err != nil {
		return 0, err
	}
	if plan.Whole() {
		return t.Affected(ctx, "DELETE FROM "+table+plan.Where(dialect()))
	}
	read := rowNumber
	if data := arrow.NewSchema(plan.Read.Fields()[:plan.Read.NumFields()-1], nil); data.NumFields() > 0 {
		read = dbfile.Columns(data) + ", " + rowNumber
	}
	src, err := declare(ctx, t, "SELECT "+read+" FROM "+table+plan.Where(dialect()), plan.Read, "")
	if err != nil {
		return 0, err
	}
	ids, err := plan.Matching(ctx, src)
	src.Release()
	if err != nil {
		return 0, err
	}
	return int64(len(ids)), deleteRows(ctx, t, table, ids)
}

// deleteRows deletes rows by their place.
func deleteRows(ctx context.Context, t *tx, table string, ids []int64) error {
	const most = 10_000 // in one statement
	for len(ids) > 0 {
		n := min(most, len(ids))
		var list strings.Builder
		for i, id := range ids[:n] {
			if i > 0 {
				list.WriteByte(',')
			}
			fmt.Fprintf(&list, `"(%d,%d)"`, id>>16, id&0xffff)
		}
		if err := t.execWith(ctx, "DELETE FROM "+table+" WHERE ctid = ANY ($1::tid[])", []byte("{"+list.String()+"}")); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
