// Package arrowmem keeps one dataset as Arrow record batches in memory. Its content is an immutable
// list of batches: writers make a new list, readers keep the one they started with. It is also the
// reference that the other engines are compared with. It starts no goroutines.
package arrowmem

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// Opener opens datasets in Arrow memory.
type Opener struct{}

var _ engines.Opener = Opener{}

// Name returns "arrow".
func (Opener) Name() string { return "arrow" }

// Extension returns "": the engine has no files.
func (Opener) Extension() string { return "" }

// Open returns an empty store. Kind Invalid: a path was given.
func (Opener) Open(_ context.Context, o engines.Options) (engines.Engine, error) {
	if o.Path != "" {
		return nil, dbfile.Wrap("open", o.Dataset, o.Path, dbfile.Fail(engines.Invalid, errors.New("the arrow engine keeps no files")))
	}
	e := &Engine{o: o, writer: dbfile.NewLock()}
	e.slot = dbfile.NewSlot(func(context.Context) (*content, error) {
		return nil, dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))
	})
	return e, nil
}

// Check fails with Kind Invalid: the engine has no files.
func (Opener) Check(_ context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	return engines.Info{}, nil, dbfile.Wrap("check", dataset, path, dbfile.Fail(engines.Invalid, errors.New("the arrow engine keeps no files")))
}

// content is one immutable state. It holds a reference to each of its batches.
type content struct {
	schema     *arrow.Schema
	batches    []arrow.RecordBatch
	rows       int64
	bytes      int64
	checkpoint engines.Checkpoint
}

// newContent takes over the references of the batches.
func newContent(schema *arrow.Schema, batches []arrow.RecordBatch, cp engines.Checkpoint) *content {
	c := &content{schema: schema, batches: batches, checkpoint: cp}
	seen := map[*memory.Buffer]bool{}
	for _, b := range batches {
		c.rows += b.NumRows()
		for _, column := range b.Columns() {
			c.bytes += size(column.Data(), seen)
		}
	}
	return c
}

// size adds up the buffers of an array in bytes, each buffer once.
func size(d arrow.ArrayData, seen map[*memory.Buffer]bool) int64 {
	var n int64
	for _, b := range d.Buffers() {
		if b != nil && !seen[b] {
			seen[b] = true
			n += int64(b.Len())
		}
	}
	for _, c := range d.Children() {
		n += size(c, seen)
	}
	return n
}

// Close releases the batches; the slot calls it when the last reader is done.
func (c *content) Close() error {
	for _, b := range c.batches {
		b.Release()
	}
	return nil
}

// Engine is one dataset in Arrow memory.
type Engine struct {
	o      engines.Options
	writer dbfile.Lock
	slot   *dbfile.Slot[*content]
}

var _ engines.Engine = (*Engine)(nil)

func (e *Engine) wrap(op string, err error) error { return dbfile.Wrap(op, e.o.Dataset, "", err) }

// Supports refuses unions, run-end encoding and list views; see engines.Engine.
func (e *Engine) Supports(s *arrow.Schema) error {
	if err := engines.CheckColumns(s, refuse); err != nil {
		return e.wrap("check schema", dbfile.Fail(engines.Invalid, err))
	}
	return nil
}

func refuse(t arrow.DataType) string {
	switch t.ID() {
	case arrow.SPARSE_UNION, arrow.DENSE_UNION, arrow.RUN_END_ENCODED, arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW:
		return "this type has no recorded form"
	default:
		return ""
	}
}

// Info returns schema, rows and the bytes of the Arrow buffers; see engines.Engine.
func (e *Engine) Info(ctx context.Context) (engines.Info, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return engines.Info{}, nil
	}
	if err != nil {
		return engines.Info{}, e.wrap("info", err)
	}
	defer l.Release()
	return engines.Info{Schema: l.Store.schema, Rows: l.Store.rows, Bytes: l.Store.bytes}, nil
}

// Checkpoint returns what a checkpoint row would hold; see engines.Engine.
func (e *Engine) Checkpoint(ctx context.Context) (*engines.Checkpoint, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, e.wrap("checkpoint", err)
	}
	defer l.Release()
	cp := l.Store.checkpoint
	text, err := schemajson.Marshal(l.Store.schema)
	if err != nil {
		return nil, e.wrap("checkpoint", err)
	}
	cp.SchemaJSON = string(text)
	return &cp, nil
}

// Close waits for writers and readers and frees the batches; it is idempotent.
func (e *Engine) Close() error {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	return e.slot.Close()
}
