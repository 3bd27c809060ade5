package cayenne

import (
	"bytes"
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
	"pitwall/engines/keys"
)

// mergeRows is the size to which small incoming batches are put together, that of a chunk of a data file.
const mergeRows = 65_536

// Write applies one refresh; see engines.Engine.
func (e *Engine) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	stats, err := e.write(ctx, w)
	if err != nil {
		return engines.Stats{}, e.wrap(w.Mode.String(), err)
	}
	return stats, nil
}

func (e *Engine) write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Stats{}, err
	}
	defer e.writer.Unlock()
	if err := e.writable(); err != nil {
		return engines.Stats{}, err
	}
	w, err := dbfile.CheckWrite(e, w)
	if err != nil {
		return engines.Stats{}, err
	}
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil && engines.KindOf(err) != engines.NotFound {
		return engines.Stats{}, err
	}
	var base *version
	if err == nil {
		defer l.Release()
		base = l.Store
	}
	d, stats, err := e.prepare(ctx, base, w)
	if err != nil {
		return engines.Stats{}, err
	}
	info := d.next.info()
	stats.Rows, stats.Bytes = info.Rows, info.Bytes
	if err := d.commit(ctx, base); err != nil {
		d.abort()
		return engines.Stats{}, err
	}
	return stats, nil
}

// prepare makes the state after a write onto base, which may be nil. After an error nothing of it is left.
func (e *Engine) prepare(ctx context.Context, base *version, w engines.Write) (d *draft, stats engines.Stats, err error) {
	var recorded *arrow.Schema
	if base != nil && w.Mode == engines.Append {
		recorded = base.schema
	}
	schema, rows, changed, err := convert.Appending(recorded, w)
	if err != nil {
		return nil, stats, err
	}
	defer rows.Release()
	if err := keys.Check(e.o.Keys, schema); err != nil {
		return nil, stats, err
	}
	if w.Mode == engines.Append && base != nil && !base.dividedBy(e.o.Partitions) {
		changed = true // partition_by was edited
	}
	if d, err = e.draft(base, schema, w.Mode == engines.Replace || changed); err != nil {
		return nil, stats, err
	}
	defer func() {
		if err != nil {
			d.abort()
			d = nil
		}
	}()
	if changed {
		if err := d.reshape(ctx, base); err != nil {
			return d, stats, err
		}
	}
	if stats, err = d.add(ctx, rows, w); err != nil {
		return d, stats, err
	}
	d.next.cp = engines.Checkpoint{RefreshSQL: w.RefreshSQL, UpdatedAt: w.UpdatedAt(), State: bytes.Clone(w.State)}
	return d, stats, nil
}

// reshape writes the rows of base in the columns of the draft.
func (d *draft) reshape(ctx context.Context, base *version) error {
	src, err := base.scan(ctx, scanOf{columns: all(base.schema), workers: d.e.set.workers})
	if err != nil {
		return err
	}
	defer src.Release()
	rows := convert.Align(src, d.next.schema)
	defer rows.Release()
	in := d.e.ingest(ctx, rows, d.next.schema, mergeRows)
	defer in.Release()
	_, err = d.write(ctx, in)
	return err
}

// add takes away what the write removes, and brings incoming rows in, as keys and retention say.
func (d *draft) add(ctx context.Context, rows array.RecordReader, w engines.Write) (engines.Stats, error) {
	in := d.e.ingest(ctx, rows, d.next.schema, mergeRows)
	defer in.Release()
	at := d.next.cp.UpdatedAt
	var stats engines.Stats
	if w.Remove != nil {
		if err := d.delete(ctx, w.Remove); err != nil {
			return stats, err
		}
		var err error
		if stats.Removed, err = d.applyDeletes(at); err != nil {
			return stats, err
		}
		d.deletes = map[*dataFile]bitmap{}
	}
	var src array.RecordReader = in
	if conflicts := w.Conflicts(d.e.o.Keys); len(keys.Uniques(conflicts)) > 0 {
		kept, dropped, err := d.merge(ctx, in, conflicts)
		if err != nil {
			return stats, err
		}
		defer kept.Release()
		src, stats.Dropped = kept, dropped
	}
	n, err := d.write(ctx, src)
	if err != nil {
		return stats, err
	}
	stats.Written = n
	if _, err := d.applyDeletes(at); err != nil {
		return stats, err
	}
	if w.Evict == nil {
		return stats, nil
	}
	d.deletes = map[*dataFile]bitmap{}
	if err := d.delete(ctx, w.Evict); err != nil {
		return stats, err
	}
	stats.Evicted, err = d.applyDeletes(at)
	return stats, err
}

// merge holds the incoming rows in memory and returns those that on_conflict leaves; rows that are there and are
// replaced are deleted in the draft.
func (d *draft) merge(ctx context.Context, in *convert.Ingest, k engines.Keys) (array.RecordReader, int64, error) {
	var batches []arrow.RecordBatch
	defer func() {
		for _, b := range batches {
			b.Release()
		}
	}()
	for in.Next() {
		b := in.RecordBatch()
		b.Retain()
		batches = append(batches, b)
	}
	if err := in.Err(); err != nil {
		return nil, 0, err
	}
	rows := keys.NewRows(batches)
	if err := keys.MergeRows(there{ctx, d}, rows, k); err != nil {
		return nil, 0, err
	}
	kept, err := rows.Left()
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		for _, b := range kept {
			b.Release()
		}
	}()
	r, err := array.NewRecordReader(d.next.schema, kept)
	return r, rows.Dropped, err
}

// there is the rows of a draft, as those that incoming rows meet.
type there struct {
	ctx context.Context
	d   *draft
}

// Each visits the rows for the columns of a key; see keys.Batches.
func (x there) Each(columns []string, visit func(b arrow.RecordBatch, counts func(row int) bool, drop func(row int)) error) error {
	d := x.d
	schema, at, err := engines.Project(d.next.schema, columns)
	if err != nil {
		return err
	}
	for _, f := range d.next.files {
		gone := d.gone(f)
		r, err := f.open(x.ctx, scanOf{columns: at, workers: d.e.set.workers}, schema, d.next.schema)
		if err != nil {
			return err
		}
		for r.Next() {
			first := r.first()
			err := visit(r.RecordBatch(), func(row int) bool { return !gone.has(first + int64(row)) }, func(row int) { gone.set(first + int64(row)) })
			if err != nil {
				r.Release()
				return err
			}
		}
		err = r.Err()
		r.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete removes the matching rows; see engines.Engine.
func (e *Engine) Delete(ctx context.Context, where engines.Predicate) (int64, error) {
	n, err := e.remove(ctx, where)
	return n, e.wrap("delete", err)
}

func (e *Engine) remove(ctx context.Context, where engines.Predicate) (int64, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return 0, err
	}
	defer e.writer.Unlock()
	if err := e.writable(); err != nil {
		return 0, err
	}
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer l.Release()
	d, err := e.draft(l.Store, l.Store.schema, false)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	if err = d.delete(ctx, where); err == nil {
		n, err = d.applyDeletes(d.next.cp.UpdatedAt)
	}
	if err != nil || n == 0 {
		d.abort()
		return 0, err
	}
	if err := d.commit(ctx, l.Store); err != nil {
		d.abort()
		return 0, err
	}
	return n, nil
}

// delete marks the rows for which a condition is true.
func (d *draft) delete(ctx context.Context, where engines.Predicate) error {
	plan, err := filter.NewDelete(d.next.schema, where, d.e.o.Evaluate, func(filter.Node) bool { return false })
	if err != nil {
		return err
	}
	node, err := filter.BindSQL(d.next.schema, where, d.e.o.Evaluate)
	if err != nil {
		return err
	}
	if plan.Whole() { // no column decides
		if !may(node, 1, nil) {
			return nil
		}
		for _, f := range d.next.files {
			gone := d.gone(f)
			for row := range f.rows {
				gone.set(row)
			}
		}
		return nil
	}
	at := []int{} // not nil, which would be all
	for _, f := range plan.Read.Fields() {
		if f.Name != filter.RowID {
			at = append(at, d.next.schema.FieldIndices(f.Name)[0])
		}
	}
	src, err := d.next.scan(ctx, scanOf{columns: at, where: node, workers: d.e.set.workers, number: true})
	if err != nil {
		return err
	}
	defer src.Release()
	rows, err := plan.Matching(ctx, src)
	if err != nil {
		return err
	}
	for _, row := range rows {
		d.gone(d.next.files[row>>rowBits]).set(row & (1<<rowBits - 1))
	}
	return nil
}

// SetKeys changes the keys of writes to come; see engines.Rekeyer.
func (e *Engine) SetKeys(k engines.Keys) {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.keysMu.Lock()
	defer e.keysMu.Unlock()
	e.o.Keys = k
}

// options are those of the engine as they are now.
func (e *Engine) options() engines.Options {
	e.keysMu.Lock()
	defer e.keysMu.Unlock()
	return e.o
}
