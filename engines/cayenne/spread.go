package cayenne

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

const (
	// heldBytes is about how much of incoming rows waits in memory until their partitions have enough for a file.
	heldBytes = 256 << 20
	// openParts is how many files are written side by side.
	openParts = 64
)

// spread brings incoming rows to the files of their partitions.
type spread struct {
	d      *draft
	stored *arrow.Schema
	lanes  map[string]*lane
	order  []*lane
	held   int64 // bytes of what waits
	open   int
	key    []byte

	buffers map[*memory.Buffer]int // of batches that wait
}

// lane is the rows of one partition, or of all.
type lane struct {
	in      *table
	part    *part
	pending []piece
	count   int     // rows of pending
	rows    []int32 // of the batch that is being divided
}

// write adds rows of the recorded schema, in files of about the target size. It returns their number.
func (d *draft) write(ctx context.Context, rows array.RecordReader) (int64, error) {
	var err error
	if d.levels, err = levels(d.e.o.Partitions, d.next.schema); err != nil {
		return 0, err
	}
	return d.spread(ctx, rows)
}

// spread is write with the levels that the draft has; without any all rows are of the root.
func (d *draft) spread(ctx context.Context, rows array.RecordReader) (int64, error) {
	s := newSpread(d)
	defer s.abort()
	var total int64
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		b := rows.RecordBatch()
		total += b.NumRows()
		if err := s.add(ctx, b); err != nil {
			return 0, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	return total, s.end(ctx)
}

func newSpread(d *draft) *spread {
	return &spread{d: d, stored: storedSchema(d.next.schema), lanes: map[string]*lane{}, buffers: map[*memory.Buffer]int{}}
}

// end writes all that waits, and ends the files.
func (s *spread) end(ctx context.Context) error {
	for _, l := range s.order {
		if err := s.flush(ctx, l); err != nil {
			return err
		}
		if err := s.finish(l); err != nil {
			return err
		}
	}
	return nil
}

// abort removes unfinished files.
func (s *spread) abort() {
	for _, l := range s.order {
		if l.part != nil {
			l.part.abort()
		}
	}
}

// add takes a batch of the recorded schema.
func (s *spread) add(ctx context.Context, b arrow.RecordBatch) error {
	stored, err := recast(b, s.stored)
	if err != nil {
		return err
	}
	if len(s.d.levels) == 0 {
		l, err := s.lane("", nil)
		if err != nil {
			return err
		}
		return s.put(l, stored)
	}
	used, err := s.divide(b)
	if err != nil {
		return err
	}
	if len(used) == 0 {
		return nil
	}
	h := s.keep(stored, len(used))
	for _, l := range used {
		p := piece{of: h}
		if len(l.rows) < int(b.NumRows()) {
			p.rows = slices.Clone(l.rows)
		}
		l.rows = l.rows[:0]
		s.hold(l, p)
	}
	return s.relieve(ctx)
}

// divide tells which rows of a batch belong to which partitions.
func (s *spread) divide(b arrow.RecordBatch) ([]*lane, error) {
	of := make([]func(int) value, len(s.d.levels))
	for i, l := range s.d.levels {
		of[i] = l.values(b.Column(l.column))
	}
	values := make([]value, len(of))
	var used []*lane
	for row := range int(b.NumRows()) {
		s.key = s.key[:0]
		for i, f := range of {
			values[i] = f(row)
			s.key = values[i].append(s.key)
		}
		l := s.lanes[string(s.key)]
		if l == nil {
			var err error
			if l, err = s.lane(string(s.key), values); err != nil {
				return nil, err
			}
		}
		if len(l.rows) == 0 {
			used = append(used, l)
		}
		l.rows = append(l.rows, int32(row))
	}
	return used, nil
}

// lane is that of a partition, made when it is new.
func (s *spread) lane(key string, values []value) (*lane, error) {
	if l := s.lanes[key]; l != nil {
		return l, nil
	}
	if len(s.lanes) == maxPartitions {
		return nil, dbfile.Fail(engines.Invalid, fmt.Errorf("partition_by %s gives more than %d partitions", schemeOf(s.d.e.o.Partitions), maxPartitions))
	}
	t, err := s.d.tableOf(values)
	if err != nil {
		return nil, err
	}
	l := &lane{in: t}
	s.lanes[key] = l
	s.order = append(s.order, l)
	return l, nil
}

// tableOf is the table for new rows with the values of a partition: the one that has such rows, or a new one.
func (d *draft) tableOf(values []value) (*table, error) {
	if len(d.levels) == 0 {
		return d.next.root, nil
	}
	p := &partition{scheme: schemeOf(d.e.o.Partitions), values: slices.Clone(values)}
	for i, l := range d.levels {
		p.names = append(p.names, l.by.Name)
		p.values[i].s = strings.Clone(values[i].s) // which is of a batch
	}
	p.path = p.folder()
	p.text = p.key()
	known := d.known()
	if t := known[p.identity()]; t != nil { // of this draft, too
		return t, nil
	}
	t := &table{part: p}
	if old := d.before[p.identity()]; old != nil && old.part.path == p.path {
		*t = *old
	}
	var err error
	if t.id == "" {
		if p.id, err = newID(); err != nil {
			return nil, err
		}
		if t.id, err = newID(); err != nil {
			return nil, err
		}
	}
	t.snapshot, err = newID()
	known[p.identity()] = t
	return t, err
}

// known are the tables of partitions of the draft, by identity; before are those of base.
func (d *draft) known() map[string]*table {
	if d.tables == nil {
		d.tables, d.before = byIdentity(d.next), map[string]*table{}
		if d.base != nil {
			d.before = byIdentity(d.base)
		}
	}
	return d.tables
}

func byIdentity(v *version) map[string]*table {
	all := map[string]*table{}
	for _, f := range v.files {
		if f.in.part != nil {
			all[f.in.part.identity()] = f.in
		}
	}
	return all
}

// put writes rows to the file of a partition.
func (s *spread) put(l *lane, b arrow.RecordBatch) error {
	if l.part == nil {
		var err error
		if l.part, err = s.d.part(l.in, s.stored); err != nil {
			return err
		}
		s.open++
	}
	if err := l.part.vortex.Write(b); err != nil {
		return err
	}
	if l.part.size() >= s.d.e.set.target {
		return s.finish(l)
	}
	return nil
}

// finish ends the file of a partition.
func (s *spread) finish(l *lane) error {
	if l.part == nil {
		return nil
	}
	p := l.part
	l.part = nil
	s.open--
	return s.d.finish(p)
}
