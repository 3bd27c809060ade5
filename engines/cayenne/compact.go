package cayenne

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pitwall/engines"
)

var _ engines.Compactor = (*Engine)(nil)

// compaction is what compactions did.
type compaction struct {
	mu   sync.Mutex
	seen engines.Compaction
}

func (c *compaction) change(f func(*engines.Compaction)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.seen)
}

// compactions is what Layout says of them; nil where there are none.
func (e *Engine) compactions() *engines.Compaction {
	if e.archive || e.set.compactEvery == 0 {
		return nil
	}
	e.compaction.mu.Lock()
	defer e.compaction.mu.Unlock()
	c := e.compaction.seen
	return &c
}

// CompactEvery is cayenne_compaction_background_interval_ms; see engines.Compactor.
func (e *Engine) CompactEvery() time.Duration { return e.set.compactEvery }

// Compact writes neighbouring small files of one partition anew as a larger one; see engines.Compactor.
func (e *Engine) Compact(ctx context.Context) (engines.Compacted, error) {
	done, err := e.compact(ctx)
	return done, e.wrap("compact", err)
}

func (e *Engine) compact(ctx context.Context) (done engines.Compacted, err error) {
	if err := e.writable(); err != nil {
		return done, err
	}
	if e.lock == nil { // nobody can write here
		return done, nil
	}
	if err := e.compacting.Lock(ctx); err != nil {
		return done, err
	}
	defer e.compacting.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	run, made, err := e.putTogether(ctx)
	if len(run) == 0 && err == nil {
		return done, nil
	}
	if err == nil {
		done, err = e.exchange(ctx, run, made)
	}
	e.compaction.change(func(c *engines.Compaction) {
		c.Running, c.Err = false, ""
		switch {
		case err != nil && ctx.Err() == nil:
			c.Err = err.Error()
		case done.Before > 0:
			c.Runs++
			c.Before += int64(done.Before)
			c.After += int64(done.After)
		}
	})
	return done, err
}

// putTogether writes the rows of a run of files that are worth it to new ones, which are in a draft that only has
// these. No run: there is none. Nobody waits for it, and what the files have lost when it is done is not in it.
func (e *Engine) putTogether(ctx context.Context) (run []*dataFile, made *draft, err error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer l.Release()
	v := l.Store
	if run = v.pick(e.set); len(run) == 0 {
		return nil, nil, nil
	}
	e.compaction.change(func(c *engines.Compaction) { c.Running = true })
	last := run[len(run)-1]
	made = &draft{e: e, renew: true, deletes: map[*dataFile]bitmap{}, next: &version{disk: e.disk, root: last.in, sequence: last.sequence, schema: v.schema}}
	defer func() {
		if err != nil {
			made.abort()
		}
	}()
	src, err := (&version{disk: e.disk, root: v.root, schema: v.schema, files: run}).scan(ctx, scanOf{columns: all(v.schema), workers: e.set.workers})
	if err != nil {
		return run, made, err
	}
	defer src.Release()
	in := e.ingest(ctx, src, v.schema, mergeRows)
	defer in.Release()
	n, err := made.spread(ctx, in)
	if err != nil {
		return run, made, err
	}
	want := int64(0)
	for _, f := range run {
		want += f.live()
	}
	if n != want {
		return run, made, fmt.Errorf("%d rows were read of files with %d", n, want)
	}
	return run, made, nil
}

// pick chooses neighbouring small files of one table: as many as trigger compaction, or one that lost half of its
// rows.
func (v *version) pick(s settings) []*dataFile {
	runs := map[*table][]*dataFile{}
	for _, f := range v.files {
		if f.small(s.target) {
			runs[f.in] = append(runs[f.in], f)
			continue
		}
		if run := worth(runs[f.in], s); run != nil {
			return run
		}
		delete(runs, f.in)
	}
	for _, t := range v.tables() {
		if run := worth(runs[t], s); run != nil {
			return run
		}
	}
	return nil
}

// worth is the part of a run of small files that is written anew; nil when that is not worth it. A file that is larger
// than all behind it waits until they have caught up: so every row is written about as often as the size of a full
// file can be halved, however many small writes there are.
func worth(run []*dataFile, s settings) []*dataFile {
	total := int64(0)
	for _, f := range run {
		total += f.weight()
	}
	rest := run
	for len(rest) > 0 && 2*rest[0].weight() > total {
		total -= rest[0].weight()
		rest = rest[1:]
	}
	if len(rest) >= s.compactTrigger {
		size := int64(0)
		for i, f := range rest {
			if size += f.weight(); i == s.compactMost || i >= 2 && size > s.target {
				return rest[:i]
			}
		}
		return rest
	}
	for i, f := range run {
		if f.gone != nil && 2*f.gone.count >= f.rows {
			return run[i : i+1]
		}
	}
	return nil
}

// exchange makes the new files those of the dataset, in the place of the run. Rows that were deleted meanwhile are
// deleted in them; when a file of the run is gone, nothing is done.
func (e *Engine) exchange(ctx context.Context, run []*dataFile, made *draft) (engines.Compacted, error) {
	defer made.abort() // of what it has then
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Compacted{}, err
	}
	defer e.writer.Unlock()
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return engines.Compacted{}, err
	}
	defer l.Release()
	d, err := e.draft(l.Store, l.Store.schema, false)
	if err != nil {
		return engines.Compacted{}, err
	}
	now := d.files(run)
	if now == nil {
		d.abort()
		return engines.Compacted{}, nil
	}
	done := engines.Compacted{Before: len(run), After: len(made.next.files)}
	d.carry(run, now, made.next.files)
	d.replace(now, made)
	if _, err = d.applyDeletes(d.next.cp.UpdatedAt); err == nil {
		err = d.commit(ctx, l.Store)
	}
	if err != nil {
		d.abort()
		return engines.Compacted{}, err
	}
	return done, nil
}

// files are those of a run as the draft has them; nil when one is gone, or has rows again that it had lost: an older
// state was adopted.
func (d *draft) files(run []*dataFile) []*dataFile {
	by := map[*diskFile]*dataFile{}
	for _, f := range d.next.files {
		by[f.file] = f
	}
	now := make([]*dataFile, len(run))
	for i, f := range run {
		if now[i] = by[f.file]; now[i] == nil || !now[i].gone.covers(f.gone) {
			return nil
		}
	}
	return now
}

// covers tells whether all rows of another deletion of the file are among those of g. Both may be nil.
func (g *deletion) covers(other *deletion) bool {
	if other == nil || g == other {
		return true
	}
	if g == nil {
		return false
	}
	for i, rows := range other.rows {
		if rows&^g.rows[i] != 0 {
			return false
		}
	}
	return true
}

// carry deletes in the new files what the files of the run have lost since they were read.
func (d *draft) carry(run, now, out []*dataFile) {
	at, row := 0, int64(0) // of the next row that was written
	for i, f := range run {
		if now[i].gone == f.gone { // nothing
			for row += f.live(); at < len(out) && row >= out[at].rows; at++ {
				row -= out[at].rows
			}
			continue
		}
		for n := range f.rows {
			if f.gone != nil && f.gone.rows.has(n) {
				continue
			}
			if now[i].gone.rows.has(n) {
				d.gone(out[at]).set(row)
			}
			if row++; row == out[at].rows {
				at, row = at+1, 0
			}
		}
	}
}

// replace puts the files of made in the place of a run, behind all that is as old.
func (d *draft) replace(run []*dataFile, made *draft) {
	picked := map[*dataFile]bool{}
	for _, f := range run {
		picked[f] = true
	}
	last := run[len(run)-1]
	var files []*dataFile
	for _, f := range d.next.files {
		if !picked[f] {
			files = append(files, f)
			continue
		}
		if f == last {
			for _, x := range made.next.files {
				x.in = last.in
				files = append(files, x)
			}
		}
		d.release(f.file)
		if f.gone != nil {
			d.release(f.gone.file)
		}
	}
	d.next.files, d.fresh = files, append(d.fresh, made.fresh...)
	made.next.files, made.fresh = nil, nil // they are the draft's now
}

// quiet ends a running compaction and waits for it; none begins after that.
func (e *Engine) quiet() {
	e.end()
	_ = e.compacting.Lock(context.Background()) // cannot fail: the context never ends
	e.compacting.Unlock()
}
