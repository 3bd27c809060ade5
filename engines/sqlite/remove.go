package sqlite

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

// removed is the temporary table of keys whose rows go.
const removed = "temp.pitwall_removed"

// remove deletes Write.Remove inside of a transaction. Keys are put into a temporary table and joined: looking at every
// row here would read the whole table.
func (e *Engine) remove(ctx context.Context, c *conn, schema *arrow.Schema, p engines.Predicate) (n int64, err error) {
	if p == nil {
		return 0, nil
	}
	among, ok := keys.Joinable(schema, p)
	if !ok {
		return e.deleteOn(ctx, c, schema, p)
	}
	err = e.joined(ctx, c, among, func() (err error) {
		n, err = e.merger(c, schema).Remove(ctx, keys.Table{Name: removed}, among.Rows, keys.Table{Name: dbfile.Ident(e.o.Dataset), RowID: rowID(schema)})
		return err
	})
	return n, err
}

// joined runs use while the rows of among are in the table removed, numbered from 1 on in their order.
func (e *Engine) joined(ctx context.Context, c *conn, among engines.Among, use func() error) error {
	if err := c.exec(ctx, createTable(removed, among.Rows.Schema(), nil)); err != nil {
		return err
	}
	r, err := array.NewRecordReader(among.Rows.Schema(), []arrow.RecordBatch{among.Rows})
	if err != nil {
		return err
	}
	defer r.Release()
	if _, err := insertAll(ctx, newInserter(c, removed, r.Schema()), r.Schema(), r, nil); err != nil {
		return err
	}
	if err := use(); err != nil {
		return err
	}
	return c.exec(ctx, "DROP TABLE "+removed)
}

// SetKeys changes the keys of writes to come; see engines.Rekeyer.
func (e *Engine) SetKeys(k engines.Keys) {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.o.Keys = k
}
