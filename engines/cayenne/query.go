package cayenne

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/cayenne/vortex"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/filter"
)

// Query streams the rows of the current state; see engines.Engine. Files and zones that can hold no row of the
// condition are not read.
func (e *Engine) Query(ctx context.Context, s engines.Scan) (array.RecordReader, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return nil, e.wrap("query", err)
	}
	r, err := e.query(ctx, l, s)
	if err != nil {
		l.Release()
		return nil, e.wrap("query", err)
	}
	return r, nil
}

func (e *Engine) query(ctx context.Context, l *dbfile.Lease[*version], s engines.Scan) (array.RecordReader, error) {
	v := l.Store
	plan, err := filter.NewPlan(v.schema, s, e.o.Evaluate, func(filter.Node) bool { return false })
	if err != nil {
		return nil, err
	}
	node, err := filter.BindSQL(v.schema, s.Where, e.o.Evaluate)
	if err != nil {
		return nil, err
	}
	at := make([]int, plan.Read.NumFields())
	for i, f := range plan.Read.Fields() {
		at[i] = v.schema.FieldIndices(f.Name)[0]
	}
	by, err := levels(e.o.Partitions, v.schema)
	if err != nil {
		by = nil // partition_by was edited, and does not fit what is there
	}
	r, err := v.scan(ctx, scanOf{columns: at, where: node, workers: e.set.workers, limit: plan.Limit, levels: by, scheme: schemeOf(e.o.Partitions), reads: &e.reads})
	if err != nil {
		return nil, err
	}
	e.reads.scans.Add(1)
	r.lease = l
	fail := func(err error) error { return e.wrap("query", err) }
	r.fail = fail
	return plan.Rows(ctx, r, fail), nil
}

// all are the indices of the columns of a schema.
func all(s *arrow.Schema) []int {
	at := make([]int, s.NumFields())
	for i := range at {
		at[i] = i
	}
	return at
}

// scanOf is one read of a state.
type scanOf struct {
	columns []int // of the recorded schema
	where   filter.Node
	workers int
	limit   int64   // 0: none
	levels  []level // of partition_by
	scheme  string  // its text
	reads   *reads  // nil: it is not counted
	number  bool    // a column filter.RowID follows: the number of the file, and of the row in it
}

// rowBits is how many bits of a row number count within its file.
const rowBits = 40

// rows are the rows of a state that are not deleted, file by file.
type rows struct {
	refs    atomic.Int64
	ctx     context.Context
	v       *version
	of      scanOf
	schema  *arrow.Schema
	lease   *dbfile.Lease[*version] // nil: the caller keeps the state
	fail    func(error) error
	next    int // file
	in      *fileRows
	left    int64
	passed  map[*table]int // files that are not left out yet
	current arrow.RecordBatch
	err     error
}

var _ array.RecordReader = (*rows)(nil)

func (v *version) scan(ctx context.Context, of scanOf) (*rows, error) {
	fields := make([]arrow.Field, len(of.columns))
	for i, c := range of.columns {
		fields[i] = v.schema.Field(c)
	}
	md := v.schema.Metadata()
	if of.number {
		fields = append(fields, arrow.Field{Name: filter.RowID, Type: arrow.PrimitiveTypes.Int64})
	}
	r := &rows{ctx: ctx, v: v, of: of, schema: arrow.NewSchema(fields, &md), left: of.limit, fail: func(err error) error { return err }}
	r.refs.Store(1)
	return r, ctx.Err()
}

func (r *rows) Schema() *arrow.Schema          { return r.schema }
func (r *rows) RecordBatch() arrow.RecordBatch { return r.current }
func (r *rows) Record() arrow.RecordBatch      { return r.current }
func (r *rows) Retain()                        { r.refs.Add(1) }

func (r *rows) Err() error {
	if r.err == nil {
		return nil
	}
	return r.fail(r.err)
}

// Release lets go of the state.
func (r *rows) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	r.shut()
	if r.lease != nil {
		r.lease.Release()
	}
}

func (r *rows) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

func (r *rows) shut() {
	if r.in != nil {
		r.in.Release()
		r.in = nil
	}
}

// Next moves to the next batch that has rows.
func (r *rows) Next() bool {
	r.drop()
	for r.err == nil && r.current == nil {
		if r.err = r.ctx.Err(); r.err != nil || r.of.limit > 0 && r.left == 0 {
			break
		}
		if r.in == nil && !r.advance() {
			break
		}
		if r.err == nil && r.in != nil {
			r.read()
		}
	}
	return r.current != nil
}

// advance opens the next file that may hold rows.
func (r *rows) advance() bool {
	for ; r.next < len(r.v.files); r.next++ {
		f := r.v.files[r.next]
		read := r.of.where == nil || outcomes(r.of.where, f.rows, r.known(f)).yes
		r.count(f, read)
		if !read {
			continue
		}
		fields := r.schema.Fields()[:len(r.of.columns)]
		md := r.schema.Metadata()
		r.in, r.err = f.open(r.ctx, r.of, arrow.NewSchema(fields, &md), r.v.schema)
		r.next++
		return r.err == nil
	}
	return false
}

// known is what is known of the rows of a file before it is opened.
func (r *rows) known(f *dataFile) known {
	of := known{bounds: f.bound}
	if f.in.part != nil && f.in.part.scheme == r.of.scheme {
		of.excludes = func(column int, value any) bool { return f.in.part.excludes(r.of.levels, column, value) }
	}
	return of
}

// bound is what is known of a column of the file.
func (f *dataFile) bound(i int) vortex.Bounds {
	if f.bounds == nil {
		return vortex.Bounds{Nulls: -1}
	}
	return f.bounds[i]
}

// read takes the next batch of the open file, without the rows that are deleted.
func (r *rows) read() {
	if !r.in.Next() {
		r.err = r.in.Err()
		r.shut()
		return
	}
	b, first := r.in.RecordBatch(), r.in.first()
	b.Retain()
	if r.of.number {
		b = numbered(b, r.schema, int64(r.next-1)<<rowBits|first)
	}
	if gone := r.v.files[r.next-1].gone; gone != nil {
		b, r.err = without(b, gone.rows, first)
		if b == nil {
			return
		}
	}
	if r.of.limit > 0 {
		if b.NumRows() > r.left {
			b = b.NewSlice(0, r.left)
		}
		r.left -= b.NumRows()
	}
	r.current = b
}

// numbered adds the column of row numbers from the first on.
func numbered(b arrow.RecordBatch, schema *arrow.Schema, first int64) arrow.RecordBatch {
	ids := array.NewInt64Builder(alloc())
	defer ids.Release()
	for i := range b.NumRows() {
		ids.Append(first + i)
	}
	return array.NewRecordBatch(schema, append(append([]arrow.Array{}, b.Columns()...), ids.NewArray()), b.NumRows())
}

// without is a batch without deleted rows, the first of which has a number; nil when none is left.
func without(b arrow.RecordBatch, gone bitmap, first int64) (arrow.RecordBatch, error) {
	var keep []int
	for i := range int(b.NumRows()) {
		if !gone.has(first + int64(i)) {
			keep = append(keep, i)
		}
	}
	switch len(keep) {
	case 0:
		b.Release()
		return nil, nil
	case int(b.NumRows()):
		return b, nil
	}
	defer b.Release()
	return convert.Take(b, keep)
}

// fileRows are the rows of one data file in the recorded types.
type fileRows struct {
	file    *os.File
	rows    *vortex.Rows
	schema  *arrow.Schema
	current arrow.RecordBatch
	err     error
}

// open starts to read columns of a data file; schema has their recorded types, whole those of all columns. Kind
// Corrupt: the file is damaged, or has other columns: those are found by their place.
func (f *dataFile) open(ctx context.Context, of scanOf, schema, whole *arrow.Schema) (*fileRows, error) {
	if err := f.file.verify(ctx); err != nil {
		return nil, err
	}
	in, err := os.Open(f.file.path)
	if err != nil {
		return nil, missing(err)
	}
	v, err := vortex.Open(in, f.file.size)
	if err == nil && v.Rows() != f.rows {
		err = fmt.Errorf("%w: %d rows, the metastore has %d", vortex.ErrCorrupt, v.Rows(), f.rows)
	}
	if err == nil {
		err = sameColumns(v.Schema(), storedSchema(whole))
	}
	s := vortex.Scan{Columns: of.columns, Workers: of.workers}
	if of.where != nil {
		s.Zones = filter.Columns(of.where)
		s.Keep = func(z vortex.Zone) bool { return of.reads.zone(may(of.where, z.Rows, z.Column)) }
	}
	var rows *vortex.Rows
	if err == nil {
		rows, err = v.Scan(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(f.wrap(err), in.Close())
	}
	return &fileRows{file: in, rows: rows, schema: schema}, nil
}

// sameColumns refuses a file whose columns are not those of the dataset, in their order.
func sameColumns(file, want *arrow.Schema) error {
	if file.NumFields() != want.NumFields() {
		return fmt.Errorf("%w: %d columns, the dataset has %d", vortex.ErrCorrupt, file.NumFields(), want.NumFields())
	}
	for i, f := range want.Fields() {
		if g := file.Field(i); g.Name != f.Name || !arrow.TypeEqual(g.Type, f.Type) {
			return fmt.Errorf("%w: column %d is %q of type %s, the dataset has %q of type %s", vortex.ErrCorrupt, i, g.Name, g.Type, f.Name, f.Type)
		}
	}
	return nil
}

// wrap gives the error of a damaged file its kind.
func (f *dataFile) wrap(err error) error {
	if errors.Is(err, vortex.ErrCorrupt) {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("%s: %w", f.name, err))
	}
	return err
}

func (r *fileRows) first() int64                   { return r.rows.First() }
func (r *fileRows) RecordBatch() arrow.RecordBatch { return r.current }

// Err is the error that ended the rows.
func (r *fileRows) Err() error {
	if errors.Is(r.err, vortex.ErrCorrupt) {
		return dbfile.Fail(engines.Corrupt, r.err)
	}
	return r.err
}

// Next moves to the next batch.
func (r *fileRows) Next() bool {
	r.current = nil
	if r.err != nil {
		return false
	}
	if !r.rows.Next() {
		r.err = r.rows.Err()
		return false
	}
	r.current, r.err = recast(r.rows.RecordBatch(), r.schema)
	return r.err == nil
}

// Release closes the file.
func (r *fileRows) Release() {
	r.rows.Release()
	_ = r.file.Close()
}
