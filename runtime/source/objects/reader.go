package objects

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/runtime/source"
)

// reader reads the objects one after the other.
type reader struct {
	ctx    context.Context // of the run that reads; a RecordReader's Next has no context of its own
	run    *run
	all    []source.Object
	format format
	view   *view
	plan   plan

	files []*entry
	next  int // index of the next file
	in    *input
	cur   array.RecordReader
	err   error

	refs  atomic.Int64
	left  int64        // bytes that the files not finished will cost, as far as known
	total atomic.Int64 // bytes: those read, and what is left
}

var (
	_ source.Reader  = (*reader)(nil)
	_ source.Lister  = (*reader)(nil)
	_ source.Planner = (*reader)(nil)
)

func newReader(ctx context.Context, r *run, l *lister, entries []*entry, v *view, f format) *reader {
	out := &reader{ctx: ctx, run: r, format: f, view: v}
	out.refs.Store(1)
	for _, e := range l.found {
		out.all = append(out.all, e.Object)
	}
	out.plan = plan{of: len(l.found) + l.pruned, columns: v.schema.NumFields(), ofColumns: v.total}
	for _, e := range entries {
		out.plan.groups += len(e.groups)
		out.plan.ofGroups += e.ofGroups
		if e.ofGroups > 0 && len(e.groups) == 0 {
			continue // no row of it can be wanted
		}
		out.files = append(out.files, e)
		out.left += e.cost
	}
	out.plan.files = len(out.files)
	out.total.Store(r.read.Load() + out.left)
	return out
}

// plan says what is read of what there is.
type plan struct {
	files, of          int
	columns, ofColumns int
	groups, ofGroups   int
}

// Plan returns such as "3 of 40 files, 2 of 19 columns, 1 of 12 row groups".
func (r *reader) Plan() string {
	p := r.plan
	s := fmt.Sprintf("%d of %d files, %d of %d columns", p.files, p.of, p.columns, p.ofColumns)
	if p.ofGroups > 0 {
		s += fmt.Sprintf(", %d of %d row groups", p.groups, p.ofGroups)
	}
	return s
}

// Objects returns what was listed.
func (r *reader) Objects() []source.Object { return r.all }

func (r *reader) Schema() *arrow.Schema { return r.view.schema }
func (r *reader) Err() error            { return r.err }
func (r *reader) Retain()               { r.refs.Add(1) }

func (r *reader) Release() {
	if r.refs.Add(-1) == 0 {
		r.close()
		r.run.store.Close()
	}
}

func (r *reader) RecordBatch() arrow.RecordBatch { return r.cur.RecordBatch() }

// Record is RecordBatch under its old name, which the interface still has.
func (r *reader) Record() arrow.RecordBatch { return r.RecordBatch() }

// Progress counts the bytes that were really read, also those read to learn the columns.
func (r *reader) Progress() (int64, int64) {
	done := r.run.read.Load()
	return done, max(done, r.total.Load())
}

func (r *reader) Next() bool {
	for r.err == nil {
		if r.err = r.ctx.Err(); r.err != nil {
			break
		}
		if r.cur != nil {
			if r.advance() {
				return true
			}
			if r.err != nil {
				break
			}
			r.close()
			r.left -= r.files[r.next-1].cost
			r.total.Store(r.run.read.Load() + r.left)
		}
		if r.next == len(r.files) {
			return false
		}
		r.open(r.files[r.next])
		r.next++
	}
	r.close()
	return false
}

// advance takes the next batch of the current file.
func (r *reader) advance() (ok bool) {
	defer recovered(r.in.place, &r.err)
	if r.cur.Next() {
		return true
	}
	err := r.cur.Err()
	if err == nil {
		err = r.in.content.Check(false)
	}
	if err != nil {
		r.err = r.in.fault(err)
	}
	return false
}

func (r *reader) open(e *entry) {
	defer recovered(r.run.store.Place(e.Path), &r.err)
	in, err := r.run.openInput(r.ctx, e)
	if err != nil {
		r.err = err
		return
	}
	r.in = in
	cur, err := r.format.open(in, r.run.o, r.view)
	if err != nil {
		r.err = in.fault(err)
		return
	}
	r.cur = newShaped(cur, r.view, e)
	e.kept = nil
}

func (r *reader) close() {
	if r.cur != nil {
		r.cur.Release()
		r.cur = nil
	}
	if r.in != nil {
		r.in.Close()
		r.in = nil
	}
}

// recovered turns a panic of a file format library, which a damaged file can cause, into an error.
func recovered(place string, err *error) {
	if p := recover(); p != nil {
		*err = &source.Error{Kind: source.Damaged, Place: place, Err: fmt.Errorf("it can't be decoded: %v", p)}
	}
}

// fault classifies what went wrong with an object. What looks damaged but changed since it was listed
// is worth another try.
func (in *input) fault(err error) error {
	if in.ctx.Err() != nil {
		return in.ctx.Err()
	}
	if failed := in.failed.Load(); failed != nil {
		return *failed // libraries don't always hand on what their reader said
	}
	var e *source.Error
	if !errors.As(err, &e) {
		e = &source.Error{Kind: source.Damaged, Place: in.place, Err: err}
		err = e
	}
	if e.Kind == source.Damaged && in.content != nil {
		if changed := in.content.Check(true); changed != nil {
			return changed
		}
	}
	return err
}
