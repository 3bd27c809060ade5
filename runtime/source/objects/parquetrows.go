package objects

import (
	"errors"
	"io"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// parquetRows decodes the wanted columns of the wanted row groups. Whole row groups are read together
// until they fill a batch; of one of which the page index excludes a part, only the rest is read.
type parquetRows struct {
	in     *input
	fr     *pqarrow.FileReader
	props  *parquet.ReaderProperties
	view   *view
	file   *arrow.Schema
	leaves []int
	flat   bool // no wanted column is nested, so that rows can be skipped

	groups  []int // row groups to come
	schema  *arrow.Schema
	columns []*pqarrow.ColumnReader
	rows    []rowRange // of the open row groups, to come
	seek    bool       // the next range does not begin where the last one ended
	most    int64      // rows of the next batch, by the size of the one before

	cur  arrow.RecordBatch
	err  error
	refs atomic.Int64
}

func newParquetRows(in *input, fr *pqarrow.FileReader, props *parquet.ReaderProperties, v *view) (*parquetRows, error) {
	s, err := fr.Schema()
	if err != nil {
		return nil, err
	}
	p := &parquetRows{in: in, fr: fr, props: props, view: v, file: plain(s), groups: in.entry.groups, flat: true, most: firstRows}
	p.refs.Store(1)
	p.leaves = leavesOf(fr, v.wanted)
	for _, leaf := range p.leaves {
		if fr.ParquetReader().MetaData().Schema.Column(leaf).MaxRepetitionLevel() > 0 {
			p.flat = false
		}
	}
	var fields []arrow.Field
	for _, f := range p.file.Fields() {
		if v.wanted(f.Name) {
			fields = append(fields, f)
		}
	}
	p.schema = arrow.NewSchema(fields, nil)
	return p, nil
}

func (p *parquetRows) meta() *metadata.FileMetaData { return p.fr.ParquetReader().MetaData() }

func (p *parquetRows) Schema() *arrow.Schema          { return p.schema }
func (p *parquetRows) Err() error                     { return p.err }
func (p *parquetRows) RecordBatch() arrow.RecordBatch { return p.cur }
func (p *parquetRows) Record() arrow.RecordBatch      { return p.cur }
func (p *parquetRows) Retain()                        { p.refs.Add(1) }

func (p *parquetRows) Release() {
	if p.refs.Add(-1) == 0 {
		p.drop()
		p.release()
	}
}

func (p *parquetRows) drop() {
	if p.cur != nil {
		p.cur.Release()
		p.cur = nil
	}
}

func (p *parquetRows) release() {
	for _, c := range p.columns {
		c.Release()
	}
	p.columns = nil
}

func (p *parquetRows) Next() bool {
	p.drop()
	for p.err == nil {
		for len(p.rows) == 0 {
			if len(p.groups) == 0 {
				return false
			}
			if p.err = p.openGroups(); p.err != nil {
				return false
			}
		}
		if p.err = p.batch(); p.err == nil && p.cur != nil {
			return true
		}
	}
	return false
}

// openGroups takes the next row groups and plans what of them is read. From a disk all that are read
// whole come together, because readers are dear to open; from a store only as many as fill a batch.
func (p *parquetRows) openGroups() error {
	p.release()
	meta := p.meta()
	pick, rows, largest := p.groups[:0:0], int64(0), int64(0)
	var ranges []byteRange
	for len(p.groups) > 0 && (rows < batchRows || !p.in.remote) {
		g := p.groups[0]
		part, pages, err := p.pages(g)
		if err != nil {
			return err
		}
		if pages != nil {
			if len(pick) > 0 {
				break // it comes alone, next time
			}
			p.groups = p.groups[1:]
			p.in.partial = true
			return p.start([]int{g}, part, pages, true)
		}
		p.groups = p.groups[1:]
		pick, rows = append(pick, g), rows+meta.RowGroup(g).NumRows()
		size := int64(0)
		for _, leaf := range p.leaves {
			r, err := chunkRange(meta, g, leaf)
			if err != nil {
				return err
			}
			ranges, size = append(ranges, r), size+r.end-r.off
		}
		largest = max(largest, size)
	}
	if rows == 0 {
		return nil
	}
	p.in.partial = false
	buffered := largest > wholeChunks
	if !p.in.remote {
		ranges = nil // the disk is read where decoding needs it
	}
	return p.start(pick, []rowRange{{0, rows}}, ranges, buffered)
}

// start opens the columns of row groups. With buffered set, column chunks are read bit by bit.
func (p *parquetRows) start(groups []int, rows []rowRange, ranges []byteRange, buffered bool) error {
	p.rows, p.seek = rows, len(rows) > 0 && rows[0].from > 0
	if len(rows) == 0 || len(p.leaves) == 0 {
		return nil
	}
	p.props.BufferedStreamEnabled = buffered
	p.in.plans.set(ranges, true)
	var err error
	p.columns, _, err = p.fr.GetFieldReaders(p.in.ctx, p.leaves, groups)
	return err
}

// batch decodes the next rows.
func (p *parquetRows) batch() error {
	r := &p.rows[0]
	n := min(r.to-r.from, p.most)
	cols := make([]arrow.Array, 0, len(p.columns))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, c := range p.columns {
		if p.seek {
			if err := c.SeekToRow(r.from); err != nil {
				return err
			}
		}
		a, err := next(c, n)
		if err != nil {
			return err
		}
		cols = append(cols, a)
	}
	p.cur = array.NewRecordBatch(p.schema, cols, n)
	p.most = rowsWithin(cols, n)
	p.seek = false
	if r.from += n; r.from >= r.to {
		p.rows = p.rows[1:]
		p.seek = len(p.rows) > 0
	}
	return nil
}

// rowsWithin is how many rows like those n are a batch of batchBytes, at most batchRows.
func rowsWithin(cols []arrow.Array, n int64) int64 {
	size := int64(1)
	for _, c := range cols {
		size += int64(c.Data().SizeInBytes())
	}
	return max(1, min(batchRows, int64(float64(n)*batchBytes/float64(size))))
}

// next decodes n values of a column.
func next(c *pqarrow.ColumnReader, n int64) (arrow.Array, error) {
	chunked, err := c.NextBatch(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err != nil || int64(chunked.Len()) != n {
		return nil, errors.New("a column has fewer rows than its row group says")
	}
	defer chunked.Release()
	if len(chunked.Chunks()) == 1 {
		a := chunked.Chunk(0)
		a.Retain()
		return a, nil
	}
	return array.Concatenate(chunked.Chunks(), memory.DefaultAllocator)
}
