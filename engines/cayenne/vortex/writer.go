package vortex

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/klauspost/compress/zstd"
)

// Options say how a file is written. The zero value is not valid; start from DefaultOptions.
type Options struct {
	// ChunkRows is how many rows of a column lie together, a multiple of ZoneRows.
	ChunkRows int
	// ZoneRows is how many rows share an entry of the zone map; 0 writes none.
	ZoneRows int
	// Plain stores values as they are.
	Plain bool
	// Zstd compresses text by Zstandard, which readers know since edition core2025.06.0.
	Zstd bool
	// Workers is how many columns are encoded at a time; 0 means 1.
	Workers int
}

// DefaultOptions are chunks of 65,536 rows, zones of 8,192, encoded by edition core2025.05.0.
func DefaultOptions() Options { return Options{ChunkRows: windowRows, ZoneRows: 8192} }

// Summary tells what was written.
type Summary struct {
	// Rows and Bytes are the size of the file.
	Rows, Bytes int64
	// Statistics is the file's statistics, in the form in which the file itself holds them: see ParseStatistics.
	Statistics []byte
	// Bounds are the same, one for each column.
	Bounds []Bounds
}

// Writer writes one file. It is not safe for concurrent use.
type Writer struct {
	w       io.Writer
	offset  uint64
	options Options
	dtype   *dtype
	encoder *encoder
	arrays  ids
	layouts ids
	specs   []segmentSpec
	columns []*column
	pending []arrow.RecordBatch
	waiting int // rows of pending
	rows    int64
}

// column is what was written of one column.
type column struct {
	chunks []*layout
	zones  *zoneMap // nil: none is kept
	total  columnStats
}

// Supports tells whether columns of a type can be written: nil, or an error that says what has no form.
func Supports(t arrow.DataType) error {
	_, err := fromArrow(t, true)
	return err
}

// NewWriter starts a file of a schema. Errors name the column whose type has no form in Vortex.
func NewWriter(w io.Writer, s *arrow.Schema, o Options) (*Writer, error) {
	t, err := fromFields(s.Fields())
	if err != nil {
		return nil, fmt.Errorf("vortex: %w", err)
	}
	if o.ChunkRows <= 0 || o.ZoneRows < 0 || o.ZoneRows > 0 && o.ChunkRows%o.ZoneRows != 0 {
		return nil, errors.New("vortex: ChunkRows must be a multiple of ZoneRows")
	}
	x := &Writer{w: w, options: o, dtype: t, encoder: &encoder{plain: o.Plain}}
	if o.Zstd {
		if x.encoder.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(max(o.Workers, 1))); err != nil {
			return nil, err
		}
	}
	for _, f := range t.fields {
		c := &column{total: columnStats{noNaN: true}}
		if o.ZoneRows > 0 && bounded(f.typ) {
			c.zones = &zoneMap{length: int64(o.ZoneRows)}
		}
		x.columns = append(x.columns, c)
	}
	return x, x.put([]byte(magic))
}

func (x *Writer) put(b []byte) error {
	n, err := x.w.Write(b)
	x.offset += uint64(n)
	return err
}

// align fills up to a multiple of 1<<exponent bytes.
func (x *Writer) align(exponent uint8) error {
	if pad := -x.offset & (1<<exponent - 1); pad > 0 {
		return x.put(make([]byte, pad))
	}
	return nil
}

// Write adds rows; they reach the file chunk by chunk. The batch must have the writer's columns.
func (x *Writer) Write(r arrow.RecordBatch) error {
	if int(r.NumCols()) != len(x.columns) {
		return fmt.Errorf("vortex: %d columns for a file of %d", r.NumCols(), len(x.columns))
	}
	if r.NumRows() == 0 {
		return nil
	}
	r.Retain()
	x.pending = append(x.pending, r)
	x.waiting += int(r.NumRows())
	for x.waiting >= x.options.ChunkRows {
		if err := x.flush(x.options.ChunkRows); err != nil {
			return err
		}
	}
	return nil
}

// Flush writes the rows that wait to be a chunk, but for those of an unfinished zone: it frees memory, at the price of
// a chunk that is shorter.
func (x *Writer) Flush() error {
	n := x.waiting
	if z := x.options.ZoneRows; z > 0 {
		n -= n % z
	}
	if n == 0 {
		return nil
	}
	return x.flush(n)
}

// flush writes a chunk of each column.
func (x *Writer) flush(rows int) error {
	parts := x.cut(rows)
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	type encoded struct {
		tree  *node
		zones []Bounds
		nan   bool
		nulls int
		err   error
	}
	out := make([]encoded, len(x.columns))
	var running sync.WaitGroup
	tokens := make(chan struct{}, max(x.options.Workers, 1))
	for i := range x.columns {
		tokens <- struct{}{}
		running.Go(func() {
			defer func() { <-tokens }()
			c := &out[i]
			a, err := joinColumn(parts, i)
			if err != nil {
				c.err = err
				return
			}
			defer a.Release()
			c.nulls = a.NullN()
			c.tree, c.err = x.encoder.array(a, x.dtype.fields[i].typ)
			if x.columns[i].zones != nil {
				c.zones, c.nan = zonesOf(a, x.options.ZoneRows), hasNaN(a)
			}
		})
	}
	running.Wait()
	for i, c := range out {
		if c.err != nil {
			return fmt.Errorf("vortex: column %q: %w", x.dtype.fields[i].name, c.err)
		}
		l, err := x.flat(c.tree, int64(rows))
		if err != nil {
			return err
		}
		x.columns[i].add(l, c.zones, rows, c.nulls, c.nan)
	}
	x.rows += int64(rows)
	return nil
}

// add is one more chunk.
func (c *column) add(l *layout, zones []Bounds, rows, nulls int, nan bool) {
	before := int64(0)
	for _, l := range c.chunks {
		before += l.rows
	}
	c.chunks = append(c.chunks, l)
	c.total.noNaN = c.total.noNaN && !nan
	if c.zones == nil {
		c.total.Nulls += int64(nulls)
		return
	}
	for _, z := range zones {
		n := min(int64(rows), c.zones.length)
		c.total.Bounds = c.total.merge(z, before, n)
		before, rows = before+n, rows-int(n)
	}
	c.zones.zones = append(c.zones.zones, zones...)
}

// cut takes rows off the pending batches. The caller releases them.
func (x *Writer) cut(rows int) []arrow.RecordBatch {
	var parts []arrow.RecordBatch
	x.waiting -= rows
	for rows > 0 {
		r := x.pending[0]
		n := min(rows, int(r.NumRows()))
		parts = append(parts, r.NewSlice(0, int64(n)))
		if n == int(r.NumRows()) {
			x.pending = x.pending[1:]
		} else {
			x.pending[0] = r.NewSlice(int64(n), r.NumRows())
		}
		r.Release()
		rows -= n
	}
	return parts
}

// joinColumn is a column of batches as one array. The caller releases it.
func joinColumn(parts []arrow.RecordBatch, i int) (arrow.Array, error) {
	if len(parts) == 1 {
		a := parts[0].Column(i)
		a.Retain()
		return a, nil
	}
	arrays := make([]arrow.Array, len(parts))
	for at, p := range parts {
		arrays[at] = p.Column(i)
	}
	return array.Concatenate(arrays, memory.DefaultAllocator)
}

// zonesOf are the bounds of an array, zone by zone.
func zonesOf(a arrow.Array, length int) []Bounds {
	var out []Bounds
	for lo := 0; lo < a.Len(); lo += length {
		s := array.NewSlice(a, int64(lo), int64(min(lo+length, a.Len())))
		out = append(out, columnBounds(s))
		s.Release()
	}
	return out
}

func hasNaN(a arrow.Array) bool {
	switch a := a.(type) {
	case *array.Float32:
		return anyNaN(a, a.Float32Values())
	case *array.Float64:
		return anyNaN(a, a.Float64Values())
	default:
		return false
	}
}

func anyNaN[T float32 | float64](a arrow.Array, v []T) bool {
	for i, x := range v {
		if x != x && a.IsValid(i) {
			return true
		}
	}
	return false
}

// flat writes a segment.
func (x *Writer) flat(n *node, rows int64) (*layout, error) {
	b, align := n.segment(&x.arrays)
	if len(b) > math.MaxUint32 {
		return nil, errors.New("vortex: a chunk of over 4 GiB")
	}
	if err := x.align(align); err != nil {
		return nil, err
	}
	x.specs = append(x.specs, segmentSpec{x.offset, uint32(len(b)), align})
	return &layout{encoding: layoutFlat, rows: rows, segments: []uint32{uint32(len(x.specs) - 1)}}, x.put(b)
}

// Size is how much was written so far, in bytes.
func (x *Writer) Size() int64 { return int64(x.offset) }

// Abort gives up the rows that have not been written. The file is not one.
func (x *Writer) Abort() {
	for _, r := range x.pending {
		r.Release()
	}
	x.pending, x.waiting = nil, 0
}

// Close writes the last chunk, the zone maps and the footer. It does not close what it writes to.
func (x *Writer) Close() (Summary, error) {
	defer x.Abort()
	if x.waiting > 0 {
		if err := x.flush(x.waiting); err != nil {
			return Summary{}, err
		}
	}
	root, err := x.root()
	if err != nil {
		return Summary{}, err
	}
	stats := make([]columnStats, len(x.columns))
	for i, c := range x.columns {
		stats[i] = c.total
	}
	var parts [partCount]segmentSpec
	var statistics []byte
	for i, build := range [partCount]func(*flatbuffers.Builder) flatbuffers.UOffsetT{
		partDType:      x.dtype.build,
		partLayout:     func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return root.build(b, &x.layouts) },
		partStatistics: func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return buildStatistics(b, x.dtype, stats) },
		partFooter: func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
			return footer{x.arrays.names, x.layouts.names, x.specs}.build(b)
		},
	} {
		b := flatbuffers.NewBuilder(4096)
		b.Finish(build(b))
		if err := x.align(3); err != nil {
			return Summary{}, err
		}
		parts[i] = segmentSpec{x.offset, uint32(len(b.FinishedBytes())), 3}
		if i == partStatistics {
			statistics = b.FinishedBytes()
		}
		if err := x.put(b.FinishedBytes()); err != nil {
			return Summary{}, err
		}
	}
	end, err := buildPostscript(parts)
	if err != nil {
		return Summary{}, err
	}
	if err := x.put(end); err != nil {
		return Summary{}, err
	}
	return Summary{Rows: x.rows, Bytes: int64(x.offset), Statistics: statistics, Bounds: boundsOf(stats, true)}, nil
}

// root is the layout of the file; it writes the zone maps.
func (x *Writer) root() (*layout, error) {
	root := &layout{encoding: layoutStruct, rows: x.rows}
	for i, c := range x.columns {
		l := &layout{encoding: layoutChunked, rows: x.rows, children: c.chunks}
		if len(c.chunks) == 1 {
			l = c.chunks[0]
		}
		if c.zones != nil && len(c.chunks) > 0 {
			t := x.dtype.fields[i].typ
			a, err := c.zones.array(t)
			if err != nil {
				return nil, err
			}
			tree, err := x.encoder.array(a, statsType(t))
			if err != nil {
				return nil, err
			}
			zones, err := x.flat(tree, int64(a.Len()))
			if err != nil {
				return nil, err
			}
			l = &layout{encoding: layoutStats, rows: x.rows, metadata: statsMetadata(c.zones.length), children: []*layout{l, zones}}
		}
		root.children = append(root.children, l)
	}
	return root, nil
}
