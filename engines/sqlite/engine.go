package sqlite

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Engine is one dataset in SQLite. Of the locks, writer is taken before copying.
type Engine struct {
	o    engines.Options
	slot *dbfile.Slot[*database]

	writer  dbfile.Lock    // one writer at a time
	exports dbfile.Lock    // one copy at a time
	copying dbfile.Lock    // held while the file is copied or folded: nobody else may checkpoint it
	folding sync.WaitGroup // what folds beside writes
}

var _ engines.FileEngine = (*Engine)(nil)

// Path returns the database file; empty in memory.
func (e *Engine) Path() string { return e.o.Path }

func (e *Engine) wrap(op string, err error) error {
	return dbfile.Wrap(op, e.o.Dataset, e.o.Path, err)
}

// Info returns schema, rows and size; see engines.Engine.
func (e *Engine) Info(ctx context.Context) (engines.Info, error) {
	b, err := e.borrow(ctx)
	if engines.KindOf(err) == engines.NotFound {
		return engines.Info{}, nil
	}
	if err != nil {
		return engines.Info{}, e.wrap("info", err)
	}
	defer b.done()
	info, err := e.info(ctx, b.Store, b.conn)
	return info, e.wrap("info", err)
}

func (e *Engine) info(ctx context.Context, d *database, c *conn) (engines.Info, error) {
	rows, err := c.count(ctx, e.o.Dataset)
	if err != nil {
		return engines.Info{}, err
	}
	info := engines.Info{Schema: d.schema, Rows: rows}
	info.Bytes, err = e.size(ctx, d, c)
	return info, err
}

// size returns the bytes of a database.
func (e *Engine) size(ctx context.Context, d *database, c *conn) (int64, error) {
	if d.how != inMemory {
		return dbfile.Size(e.o.Path) + dbfile.Size(e.o.Path+"-wal"), nil
	}
	row, err := values(c.row(ctx, "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"))
	if err != nil {
		return 0, err
	}
	return row[0].(int64), nil
}

// values is for queries that always have a row.
func values[V any](row []V, found bool, err error) ([]any, error) {
	if err == nil && !found {
		err = fmt.Errorf("the query returned nothing")
	}
	out := make([]any, len(row))
	for i, v := range row {
		out[i] = v
	}
	return out, err
}

// Checkpoint returns the checkpoint row; see engines.Engine.
func (e *Engine) Checkpoint(ctx context.Context) (*engines.Checkpoint, error) {
	b, err := e.borrow(ctx)
	if engines.KindOf(err) == engines.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, e.wrap("checkpoint", err)
	}
	defer b.done()
	cp, err := b.conn.checkpointRow(ctx, e.o.Dataset)
	return cp, e.wrap("checkpoint", err)
}

// Watermark returns the greatest value of a column; see engines.Engine.
func (e *Engine) Watermark(ctx context.Context, column string) (engines.Mark, error) {
	m, err := e.watermark(ctx, column)
	return m, e.wrap("watermark", err)
}

func (e *Engine) watermark(ctx context.Context, column string) (engines.Mark, error) {
	b, err := e.borrow(ctx)
	if err != nil {
		return engines.Mark{}, err
	}
	defer b.done()
	s, _, err := engines.Project(b.Store.schema, []string{column})
	if err != nil {
		return engines.Mark{}, dbfile.Fail(engines.NotFound, err)
	}
	t := s.Field(0).Type
	switch {
	case !convert.Ordered(t):
		return engines.Mark{}, dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: no watermark over %s", column, t))
	case arrow.IsDecimal(t.ID()): // stored as text, which has another order
		return e.greatest(ctx, column, t)
	}
	row, found, err := b.conn.row(ctx, "SELECT max("+dbfile.Ident(column)+") FROM "+dbfile.Ident(e.o.Dataset))
	if err != nil || !found || row[0] == nil {
		return engines.Mark{Type: t}, err
	}
	builder := array.NewBuilder(memory.DefaultAllocator, t)
	defer builder.Release()
	if err := decode(builder, row[0]); err != nil {
		return engines.Mark{}, &convert.ValueError{Column: column, Err: err}
	}
	v := builder.NewArray()
	defer v.Release()
	return convert.Mark(v, 0, t)
}

// greatest reads the whole column.
func (e *Engine) greatest(ctx context.Context, column string, t arrow.DataType) (engines.Mark, error) {
	best := engines.Mark{Type: t}
	r, err := e.Query(ctx, engines.Scan{Columns: []string{column}})
	if err != nil {
		return best, err
	}
	defer r.Release()
	var kept arrow.Array
	row := -1
	for r.Next() {
		c := r.RecordBatch().Column(0)
		i := filter.Greatest(c)
		if i < 0 || kept != nil && !filter.Less(kept, row, c, i) {
			continue
		}
		if kept != nil {
			kept.Release()
		}
		c.Retain()
		kept, row = c, i
	}
	if kept == nil {
		return best, r.Err()
	}
	defer kept.Release()
	best, err = convert.Mark(kept, row, t)
	if err == nil {
		err = r.Err()
	}
	return best, err
}

// Close waits for writers and readers, closes the store and folds its WAL; it is idempotent.
func (e *Engine) Close() error {
	ctx := context.Background()
	_ = e.writer.Lock(ctx) // cannot fail: the context never ends
	defer e.writer.Unlock()
	err := e.slot.Close() // waits for the lease of a fold
	e.folding.Wait()
	if err != nil {
		return err
	}
	if e.o.Path != "" && dbfile.Exists(e.o.Path) && dbfile.Exists(e.o.Path+"-wal") {
		tidy(ctx, e.o.Path)
	}
	return nil
}

// tidy lets SQLite fold the WAL and remove the sidecars, as the last connection does. What fails is
// left to the next Open: nothing is lost with the WAL in place.
func tidy(ctx context.Context, path string) {
	c, err := connect(ctx, path, closing)
	if err != nil {
		return
	}
	_ = c.Close()
	if dbfile.Size(path+"-wal") == 0 {
		_ = os.Remove(path + "-shm")
	}
}

// limited writes a LIMIT clause; n of 0 means none.
func limited(n int64) string {
	if n <= 0 {
		return ""
	}
	return " LIMIT " + strconv.FormatInt(n, 10)
}
