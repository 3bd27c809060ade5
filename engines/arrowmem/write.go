package arrowmem

import (
	"bytes"
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
	"pitwall/engines/keys"
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
	w, err := dbfile.CheckWrite(e, w)
	if err != nil {
		return engines.Stats{}, err
	}
	var old *content
	if w.Mode == engines.Append {
		l, err := e.slot.Acquire(ctx, nil)
		if err != nil && engines.KindOf(err) != engines.NotFound {
			return engines.Stats{}, err
		}
		if err == nil {
			defer l.Release()
			old = l.Store
		}
	}
	next, stats, err := e.build(ctx, w, old)
	if err != nil {
		return engines.Stats{}, err
	}
	if err := e.slot.Set(ctx, next); err != nil {
		return engines.Stats{}, errors.Join(err, next.Close())
	}
	return stats, nil
}

// build makes the content after a write onto old, which may be nil.
func (e *Engine) build(ctx context.Context, w engines.Write, old *content) (*content, engines.Stats, error) {
	var recorded *arrow.Schema
	var there []arrow.RecordBatch
	if old != nil {
		recorded, there = old.schema, old.batches
	}
	schema, incoming, changed, err := convert.Appending(recorded, w)
	if err != nil {
		return nil, engines.Stats{}, err
	}
	defer incoming.Release()
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return nil, engines.Stats{}, err
	}
	in, err := collect(ctx, incoming, schema, mergeRows, e.o.Keys.Primary)
	if err != nil {
		return nil, engines.Stats{}, err
	}
	defer release(in)
	if changed {
		if there, err = aligned(ctx, there, recorded, schema); err != nil {
			return nil, engines.Stats{}, err
		}
		defer release(there)
	}
	removed := int64(0)
	if w.Remove != nil && old != nil {
		before := count(there)
		if there, err = without(ctx, schema, there, w.Remove, e.o.Evaluate); err != nil {
			return nil, engines.Stats{}, err
		}
		defer release(there)
		removed = before - count(there)
	}
	batches, stats, err := e.combine(ctx, schema, there, in, w)
	stats.Removed = removed
	if err != nil {
		return nil, engines.Stats{}, err
	}
	next := newContent(schema, batches, engines.Checkpoint{
		RefreshSQL: w.RefreshSQL, UpdatedAt: w.UpdatedAt(), State: bytes.Clone(w.State),
	})
	stats.Rows, stats.Bytes = next.rows, next.bytes
	return next, stats, nil
}

// combine returns the batches there and in as keys and retention leave them; the caller releases them.
func (e *Engine) combine(ctx context.Context, schema *arrow.Schema, there, in []arrow.RecordBatch, w engines.Write) ([]arrow.RecordBatch, engines.Stats, error) {
	stats := engines.Stats{Written: count(in)}
	old, added := keys.NewRows(there), keys.NewRows(in)
	if err := keys.MergeRows(old, added, w.Conflicts(e.o.Keys)); err != nil {
		return nil, stats, err
	}
	stats.Dropped = added.Dropped
	stats.Written -= added.Dropped
	batches, err := old.Left()
	if err != nil {
		return nil, stats, err
	}
	more, err := added.Left()
	if err != nil {
		release(batches)
		return nil, stats, err
	}
	batches = append(batches, more...)
	if w.Evict == nil {
		return batches, stats, nil
	}
	defer release(batches)
	kept, err := without(ctx, schema, batches, w.Evict, e.o.Evaluate)
	stats.Evicted = count(batches) - count(kept)
	return kept, stats, err
}

// collect reads rows into batches of a schema; the caller releases them.
func collect(ctx context.Context, src array.RecordReader, schema *arrow.Schema, merge int64, primary []string) (batches []arrow.RecordBatch, err error) {
	in := convert.NewIngest(ctx, src, schema, merge)
	in.Primary(primary)
	defer in.Release()
	for in.Next() {
		b := in.RecordBatch()
		b.Retain()
		batches = append(batches, b)
	}
	if err := in.Err(); err != nil {
		release(batches)
		return nil, err
	}
	return batches, nil
}

// aligned returns batches in the columns of another schema; the caller releases them.
func aligned(ctx context.Context, batches []arrow.RecordBatch, from, to *arrow.Schema) ([]arrow.RecordBatch, error) {
	src, err := array.NewRecordReader(from, batches)
	if err != nil {
		return nil, err
	}
	defer src.Release()
	rows := convert.Align(src, to)
	defer rows.Release()
	return collect(ctx, rows, to, 0, nil)
}

func count(batches []arrow.RecordBatch) (n int64) {
	for _, b := range batches {
		n += b.NumRows()
	}
	return n
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
	if err := e.slot.Set(ctx, next); err != nil {
		return 0, errors.Join(err, next.Close())
	}
	return l.Store.rows - next.rows, nil
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

// SetKeys changes the keys of writes to come; see engines.Rekeyer.
func (e *Engine) SetKeys(k engines.Keys) {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.o.Keys = k
}
