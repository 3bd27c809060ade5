package arrowmem

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
	"pitwall/engines/schemajson"
)

// mergeRows is the size to which small batches are put together, so that a dataset of many small
// appends does not become a list of tiny batches.
const mergeRows = 16_384

// Write applies one refresh; see engines.Engine.
func (e *Engine) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	stats, err := e.write(ctx, w)
	return stats, e.wrap(w.Mode.String(), err)
}

func (e *Engine) write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Stats{}, err
	}
	defer e.writer.Unlock()
	if err := e.Supports(w.Rows.Schema()); err != nil {
		return engines.Stats{}, err
	}
	var old *content
	switch w.Mode {
	case engines.Replace:
	case engines.Append:
		l, err := e.slot.Acquire(ctx, nil)
		if err != nil && engines.KindOf(err) != engines.NotFound {
			return engines.Stats{}, err
		}
		if err == nil {
			defer l.Release()
			old = l.Store
		}
	default:
		return engines.Stats{}, dbfile.Fail(engines.Invalid, errors.New(w.Mode.String()))
	}
	next, err := build(ctx, w, old)
	if err != nil {
		return engines.Stats{}, err
	}
	stats := engines.Stats{Written: next.rows, Rows: next.rows, Bytes: next.bytes}
	if old != nil {
		stats.Written -= old.rows
	}
	if err := e.slot.Set(ctx, next); err != nil {
		return engines.Stats{}, errors.Join(err, next.Close())
	}
	return stats, nil
}

// build reads the rows behind those of old, which may be nil.
func build(ctx context.Context, w engines.Write, old *content) (_ *content, err error) {
	schema := engines.Recorded(w.Rows.Schema())
	var batches []arrow.RecordBatch
	defer func() {
		if err != nil {
			release(batches)
		}
	}()
	if old != nil {
		if err := engines.SameColumns(old.schema, schema); err != nil {
			return nil, dbfile.Fail(engines.Schema, err)
		}
		schema = old.schema
		batches = retain(old.batches)
	}
	text, err := schemajson.Marshal(schema)
	if err != nil {
		return nil, err
	}
	in := convert.NewIngest(ctx, w.Rows, schema, mergeRows)
	defer in.Release()
	for in.Next() {
		b := in.RecordBatch()
		b.Retain()
		batches = append(batches, b)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return newContent(schema, batches, engines.Checkpoint{SchemaJSON: string(text), RefreshSQL: w.RefreshSQL, UpdatedAt: updatedAt(w)}), nil
}

func retain(batches []arrow.RecordBatch) []arrow.RecordBatch {
	out := make([]arrow.RecordBatch, len(batches))
	for i, b := range batches {
		b.Retain()
		out[i] = b
	}
	return out
}

func release(batches []arrow.RecordBatch) {
	for _, b := range batches {
		b.Release()
	}
}

// Delete removes the matching rows by making new batches; see engines.Engine.
func (e *Engine) Delete(ctx context.Context, where engines.Predicate) (int64, error) {
	n, err := e.delete(ctx, where)
	return n, e.wrap("delete", err)
}

func (e *Engine) delete(ctx context.Context, where engines.Predicate) (n int64, err error) {
	if err := e.writer.Lock(ctx); err != nil {
		return 0, err
	}
	defer e.writer.Unlock()
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer l.Release()
	kept, err := without(ctx, l.Store.schema, l.Store.batches, where, e.o.Evaluate)
	if err != nil {
		return 0, err
	}
	next := newContent(l.Store.schema, kept, l.Store.checkpoint)
	return l.Store.rows - next.rows, e.slot.Set(ctx, next)
}

// without returns batches of the rows for which a predicate is not true; those that need no change are
// retained.
func without(ctx context.Context, schema *arrow.Schema, batches []arrow.RecordBatch, where engines.Predicate, run filter.Evaluate) (kept []arrow.RecordBatch, err error) {
	node, err := filter.BindSQL(schema, where, run)
	if err != nil {
		return nil, err
	}
	src, err := array.NewRecordReader(schema, batches)
	if err != nil {
		return nil, err
	}
	defer src.Release()
	merge := int64(0)
	if filter.HasSQL(node) {
		merge = filter.SQLRows
	}
	in := convert.NewIngest(ctx, src, schema, merge)
	defer in.Release()
	defer func() {
		if err != nil {
			release(kept)
			kept = nil
		}
	}()
	for in.Next() {
		rest, err := filter.Keep(ctx, node, in.RecordBatch(), false)
		if err != nil {
			return kept, err
		}
		if rest != nil {
			kept = append(kept, rest)
		}
	}
	return kept, in.Err()
}
