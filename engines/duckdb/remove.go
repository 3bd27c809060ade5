//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/keys"
)

// removed is the temporary table of keys whose rows go.
const removed = "temp.main.pitwall_removed"

// removing runs use with a function that deletes Write.Remove inside of a transaction. Keys are put into a temporary
// table before that begins, and are joined: looking at every row here would read the whole table.
func (d *database) removing(ctx context.Context, c driver.Conn, o engines.Options, w engines.Write, use func(remove func() (int64, error)) error) (err error) {
	if w.Remove == nil {
		return use(func() (int64, error) { return 0, nil })
	}
	among, ok := keys.Joinable(d.schema, w.Remove)
	if !ok {
		return use(func() (int64, error) {
			if err := d.bind(ctx, c); err != nil {
				return 0, err
			}
			return d.deleteOn(ctx, c, d.schema, w.Remove, o.Evaluate)
		})
	}
	if err := numbered(d.schema); err != nil {
		return err
	}
	r, err := array.NewRecordReader(among.Rows.Schema(), []arrow.RecordBatch{among.Rows})
	if err != nil {
		return err
	}
	defer r.Release()
	err = withView(ctx, c, r, "pitwall_removed", func(view string) error {
		return execOn(ctx, c, "CREATE OR REPLACE TEMP TABLE pitwall_removed AS SELECT * FROM "+view)
	})
	if err != nil {
		return err
	}
	defer func() {
		if drop := execOn(context.WithoutCancel(ctx), c, "DROP TABLE "+removed); err == nil {
			err = drop
		}
	}()
	return use(func() (int64, error) {
		if err := d.bind(ctx, c); err != nil {
			return 0, err
		}
		return d.merger(c, o.Keys).Remove(ctx, keys.Table{Name: removed}, among.Rows, keys.Table{Name: d.table(), RowID: "rowid"})
	})
}

// SetKeys changes the keys of writes to come; see engines.Rekeyer.
func (e *Engine) SetKeys(k engines.Keys) {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.o.Keys = k
}
