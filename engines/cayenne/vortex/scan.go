package vortex

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// windowRows is the most rows of a batch.
const windowRows = 65536

// Zone is a run of rows that statistics tell something of.
type Zone struct {
	// First is the number of the first row in the file, Rows how many there are.
	First, Rows int64
	// Column is the bounds of a column, by its index, over these rows.
	Column func(i int) Bounds
}

// Scan is one read of a file. The zero value reads everything.
type Scan struct {
	// Columns are the indices of the columns to read, in this order; nil reads all.
	Columns []int
	// Keep tells whether rows of a zone may matter; nil keeps all. Rows that do not matter may be read
	// all the same.
	Keep func(Zone) bool
	// Zones are the columns whose bounds Keep asks for.
	Zones []int
	// Workers is how many windows are decoded at a time; 0 means 1.
	Workers int
}

// Rows are the rows of a scan, in the order of the file. It is an array.RecordReader whose Release stops what
// is still being decoded and waits for it.
type Rows struct {
	refs    atomic.Int64
	schema  *arrow.Schema
	cancel  context.CancelFunc
	done    sync.WaitGroup
	windows []span
	results []chan result
	ahead   chan struct{} // a token for each window that may be decoded and not yet read

	at      int
	current arrow.RecordBatch
	err     error
	pruned  int64
}

type result struct {
	batch arrow.RecordBatch
	err   error
}

var _ array.RecordReader = (*Rows)(nil)

// Scan starts to read. Windows are decoded ahead of the reader by Workers goroutines, which end with the rows,
// with ctx and with Release. An error of damaged rows comes out of Rows.Err.
func (f *File) Scan(ctx context.Context, s Scan) (*Rows, error) {
	columns := s.Columns
	if columns == nil {
		for i := range f.dtype.fields {
			columns = append(columns, i)
		}
	}
	if f.root.encoding != layoutStruct || len(f.root.children) != len(f.dtype.fields) {
		return nil, corrupt("root layout %q of %d columns for %d fields", f.root.encoding, len(f.root.children), len(f.dtype.fields))
	}
	for _, i := range append(append([]int{}, columns...), s.Zones...) {
		if i < 0 || i >= len(f.dtype.fields) {
			return nil, fmt.Errorf("vortex: no column %d", i)
		}
	}
	windows, err := f.windows(s)
	if err != nil {
		return nil, err
	}
	p := &plan{f, windows}
	sources, fields := make([]source, len(columns)), make([]arrow.Field, len(columns))
	for at, i := range columns {
		if sources[at], err = p.source(f.root.children[i], f.dtype.fields[i].typ, span{0, f.root.rows}, 0); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.dtype.fields[i].name, err)
		}
		fields[at] = f.schema.Field(i)
	}
	r := &Rows{schema: arrow.NewSchema(fields, nil), windows: windows, pruned: f.root.rows}
	for _, w := range windows {
		r.pruned -= w.hi - w.lo
	}
	r.refs.Store(1)
	r.start(ctx, sources, max(s.Workers, 1))
	return r, nil
}

// windows are the runs of rows to read: batches, without the zones that Keep leaves out.
func (f *File) windows(s Scan) ([]span, error) {
	maps := map[int]*zoneMap{}
	length := int64(0)
	for _, i := range s.Zones {
		z, err := f.zoneMap(i)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.dtype.fields[i].name, err)
		}
		if z != nil && (length == 0 || z.length == length) {
			maps[i], length = z, z.length
		}
	}
	if s.Keep == nil || length == 0 {
		return cut([]span{{0, f.root.rows}}), nil
	}
	var kept []span
	for n := int64(0); n*length < f.root.rows; n++ {
		zone := span{n * length, min((n+1)*length, f.root.rows)}
		keep := s.Keep(Zone{First: zone.lo, Rows: zone.hi - zone.lo, Column: func(i int) Bounds {
			if z := maps[i]; z != nil {
				return z.zones[n]
			}
			return unknown()
		}})
		switch {
		case !keep:
		case len(kept) > 0 && kept[len(kept)-1].hi == zone.lo:
			kept[len(kept)-1].hi = zone.hi
		default:
			kept = append(kept, zone)
		}
	}
	return cut(kept), nil
}

// cut divides runs of rows at multiples of windowRows, where the chunks of the writer end too.
func cut(runs []span) []span {
	var out []span
	for _, r := range runs {
		for lo := r.lo; lo < r.hi; {
			hi := min((lo/windowRows+1)*windowRows, r.hi)
			out = append(out, span{lo, hi})
			lo = hi
		}
	}
	return out
}

func (r *Rows) start(ctx context.Context, sources []source, workers int) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.results = make([]chan result, len(r.windows))
	for i := range r.results {
		r.results[i] = make(chan result, 1)
	}
	r.ahead = make(chan struct{}, 2*workers)
	var next atomic.Int64
	for range min(workers, len(r.windows)) {
		r.done.Go(func() {
			for {
				select {
				case r.ahead <- struct{}{}:
				case <-ctx.Done():
				}
				i := int(next.Add(1)) - 1
				if i >= len(r.windows) {
					return
				}
				if err := ctx.Err(); err != nil {
					r.results[i] <- result{err: err}
					continue
				}
				b, err := r.window(sources, r.windows[i])
				r.results[i] <- result{b, err}
			}
		})
	}
}

func (r *Rows) window(sources []source, w span) (b arrow.RecordBatch, err error) {
	defer guard(&err)
	columns := make([]arrow.Array, len(sources))
	for i, s := range sources {
		a, err := s.rows(w.lo, w.hi)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", r.schema.Field(i).Name, err)
		}
		columns[i] = a
	}
	return array.NewRecordBatch(r.schema, columns, w.hi-w.lo), nil
}

// Schema is the schema of the columns that are read.
func (r *Rows) Schema() *arrow.Schema { return r.schema }

// RecordBatch is the current batch, at most 65,536 rows.
func (r *Rows) RecordBatch() arrow.RecordBatch { return r.current }

// Record is RecordBatch.
func (r *Rows) Record() arrow.RecordBatch { return r.current }

// First is the number in the file of the first row of the current batch.
func (r *Rows) First() int64 { return r.windows[r.at-1].lo }

// Pruned is how many rows were left out because Keep said so.
func (r *Rows) Pruned() int64 { return r.pruned }

// Err is the error that ended the rows.
func (r *Rows) Err() error { return r.err }

// Next moves to the next batch.
func (r *Rows) Next() bool {
	r.drop()
	if r.err != nil || r.at == len(r.windows) {
		return false
	}
	got := <-r.results[r.at]
	r.at++
	if r.current, r.err = got.batch, got.err; r.err != nil {
		return false // a worker that was cancelled has no token
	}
	<-r.ahead
	return true
}

func (r *Rows) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

// Retain counts one more owner.
func (r *Rows) Retain() { r.refs.Add(1) }

// Release gives up; the last owner's waits for the workers.
func (r *Rows) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.cancel()
	r.drop()
	r.done.Wait()
}
