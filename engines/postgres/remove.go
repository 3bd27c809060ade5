package postgres

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
)

// removed is the temporary table of keys whose rows go.
const removed = "pg_temp.pitwall_removed"

// remove deletes Write.Remove. Keys are put into a temporary table and joined: looking at every row here would read the
// whole table.
func (b *builder) remove(ctx context.Context, p engines.Predicate) (n int64, err error) {
	if p == nil {
		return 0, nil
	}
	among, ok := keys.Joinable(b.schema, p)
	if !ok {
		return b.e.deleteOn(ctx, b.t, b.table, b.schema, p)
	}
	schema := among.Rows.Schema()
	columns := ""
	for i, f := range schema.Fields() {
		if i > 0 {
			columns += ", "
		}
		columns += dbfile.Ident(f.Name) + " " + formOf(f.Type).name
	}
	if err := b.t.exec(ctx, "CREATE TEMP TABLE pitwall_removed ("+columns+") ON COMMIT DROP"); err != nil {
		return 0, err
	}
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{among.Rows})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	if _, err := copyRows(ctx, b.t, removed, schema, r, nil); err != nil {
		return 0, err
	}
	if err := b.t.exec(ctx, "ANALYZE "+removed); err != nil { // nobody else does for a temporary table
		return 0, err
	}
	n, err = b.merger().Remove(ctx, keys.Table{Name: removed}, among.Rows, keys.Table{Name: b.table, RowID: "ctid"})
	if err != nil {
		return 0, err
	}
	return n, b.t.exec(ctx, "DROP TABLE "+removed)
}

// SetKeys changes the keys of writes to come; see engines.Rekeyer.
func (e *Engine) SetKeys(k engines.Keys) {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.o.Keys = k
}
