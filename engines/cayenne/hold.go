package cayenne

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines/convert"
)

const (
	// pieceBytes is about what a piece takes up besides its rows, columnBytes what a column of a batch does.
	pieceBytes, columnBytes = 64, 512
	// runRows is how many rows of a partition are written at a time, where there are as many: a zone.
	runRows = 8192
)

// held is a batch of which rows wait.
type held struct {
	batch  arrow.RecordBatch
	pieces int
	bytes  int64
}

// piece is the rows of a batch that belong to one partition.
type piece struct {
	of   *held
	rows []int32 // nil: all
}

func (p piece) count() int {
	if p.rows == nil {
		return int(p.of.batch.NumRows())
	}
	return len(p.rows)
}

// keep counts a batch of which pieces wait. Buffers that it shares with others count once.
func (s *spread) keep(b arrow.RecordBatch, pieces int) *held {
	h := &held{batch: b, pieces: pieces, bytes: columnBytes * b.NumCols()}
	s.held += h.bytes
	eachBuffer(b, func(x *memory.Buffer) {
		if s.buffers[x]++; s.buffers[x] == 1 {
			s.held += int64(x.Len())
		}
	})
	return h
}

// let is the end of a piece, and with the last one of its batch.
func (s *spread) let(p piece) {
	s.held -= pieceBytes + 4*int64(len(p.rows))
	if p.of.pieces--; p.of.pieces > 0 {
		return
	}
	s.held -= p.of.bytes
	eachBuffer(p.of.batch, func(x *memory.Buffer) {
		if s.buffers[x]--; s.buffers[x] == 0 {
			s.held -= int64(x.Len())
			delete(s.buffers, x)
		}
	})
}

func eachBuffer(b arrow.RecordBatch, visit func(*memory.Buffer)) {
	var in func(d arrow.ArrayData)
	in = func(d arrow.ArrayData) {
		for _, x := range d.Buffers() {
			if x != nil {
				visit(x)
			}
		}
		for _, c := range d.Children() {
			in(c)
		}
	}
	for _, c := range b.Columns() {
		in(c.Data())
	}
}

// hold gives a lane a piece.
func (s *spread) hold(l *lane, p piece) {
	l.pending = append(l.pending, p)
	l.count += p.count()
	s.held += pieceBytes + 4*int64(len(p.rows))
}

// relieve writes rows when too many wait: those of the partitions with the most. The others get batches of their own,
// so that what they came with is not kept for their sake.
func (s *spread) relieve(ctx context.Context) error {
	limit := s.d.e.set.held
	if s.held <= limit {
		return nil
	}
	most := slices.DeleteFunc(slices.Clone(s.order), func(l *lane) bool { return l.count == 0 })
	slices.SortStableFunc(most, func(a, b *lane) int { return cmp.Compare(b.count, a.count) })
	left := 0
	for _, l := range most {
		left += l.count
	}
	own := columnBytes*int64(s.stored.NumFields()) + pieceBytes
	for want := left / 2; len(most) > 0 && (left > want || int64(len(most))*own > limit/4); most = most[1:] {
		left -= most[0].count
		if err := s.flushOut(ctx, most[0]); err != nil {
			return err
		}
	}
	for _, l := range most {
		if err := s.repack(ctx, l); err != nil {
			return err
		}
	}
	for ; len(most) > 0 && s.held > limit/2; most = most[1:] {
		if err := s.flushOut(ctx, most[0]); err != nil {
			return err
		}
	}
	return nil
}

// repack makes what waits of a lane one batch that has no other rows.
func (s *spread) repack(ctx context.Context, l *lane) error {
	pending := l.pending
	if len(pending) == 1 && pending[0].rows == nil {
		return nil
	}
	b, err := s.take(ctx, pending)
	if err != nil {
		return err
	}
	l.pending, l.count = nil, 0
	s.hold(l, piece{of: s.keep(b, 1)})
	return nil
}

// flushOut writes what waits of a lane to its file, and ends that when many are open.
func (s *spread) flushOut(ctx context.Context, l *lane) error {
	if err := s.flush(ctx, l); err != nil || l.part == nil {
		return err
	}
	if err := l.part.vortex.Flush(); err != nil {
		return err
	}
	if s.open > openParts {
		return s.finish(l)
	}
	return nil
}

// flush writes what waits of a lane, in batches that are not small where there are enough rows.
func (s *spread) flush(ctx context.Context, l *lane) error {
	pending := l.pending
	l.pending, l.count = nil, 0
	for len(pending) > 0 {
		n, rows := 0, 0
		for n < len(pending) && rows < runRows {
			rows += pending[n].count()
			n++
		}
		b, err := s.take(ctx, pending[:n])
		if err != nil {
			return err
		}
		pending = pending[n:]
		if err := s.put(l, b); err != nil {
			return err
		}
	}
	return nil
}

// take is the rows of pieces as one batch. It ends the pieces.
func (s *spread) take(ctx context.Context, pieces []piece) (arrow.RecordBatch, error) {
	all := make([]arrow.RecordBatch, len(pieces))
	for i, p := range pieces {
		all[i] = p.of.batch
		if p.rows != nil {
			var err error
			if all[i], err = gather(ctx, p.of.batch, p.rows); err != nil {
				return nil, err
			}
		}
		s.let(p)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	rows := int64(0)
	for _, b := range all {
		rows += b.NumRows()
	}
	columns := make([]arrow.Array, s.stored.NumFields())
	for i := range columns {
		parts := make([]arrow.Array, len(all))
		for k, b := range all {
			parts[k] = b.Column(i)
		}
		var err error
		if columns[i], err = array.Concatenate(parts, memory.DefaultAllocator); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(s.stored, columns, rows), nil
}

// gather is rows of a batch, in their order.
func gather(ctx context.Context, b arrow.RecordBatch, rows []int32) (arrow.RecordBatch, error) {
	ids := array.NewInt32Builder(memory.DefaultAllocator)
	defer ids.Release()
	ids.AppendValues(rows, nil)
	at := ids.NewArray()
	defer at.Release()
	columns := make([]arrow.Array, b.NumCols())
	for i, c := range b.Columns() {
		out, err := compute.TakeArray(ctx, c, at)
		if err != nil { // a type that it does not know
			wide := make([]int, len(rows))
			for i, r := range rows {
				wide[i] = int(r)
			}
			return convert.Take(b, wide)
		}
		columns[i] = out
	}
	return array.NewRecordBatch(b.Schema(), columns, int64(len(rows))), nil
}
