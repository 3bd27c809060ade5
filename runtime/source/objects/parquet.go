package objects

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	parquetfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/engines"
	"pitwall/runtime/source"
)

// The end of a Parquet file in a store is read at once, in the hope that it has the whole footer; a
// file that is not larger is read whole.
const (
	tailBytes   = 64 << 10
	footerEnd   = 8         // its length and the magic bytes
	pageBuffer  = 128 << 10 // of each column that is not read whole
	wholeChunks = 64 << 20  // up to so many bytes, column chunks are read whole: decoding is 1.5 times as fast
	maxRowGroup = 1 << 30   // rows; more is damage
)

// parquetReader opens a file and reads its footer.
func parquetReader(in *input) (*pqarrow.FileReader, *parquet.ReaderProperties, error) {
	if in.size == 0 {
		return nil, nil, &source.Error{Kind: source.Damaged, Place: in.place, Err: errors.New("it is empty"), Hint: "wait for its writer to finish, or remove it"}
	}
	if in.remote {
		if err := in.keepFooter(); err != nil {
			return nil, nil, err
		}
	}
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferSize = pageBuffer
	pr, err := parquetfile.NewParquetReader(in, parquetfile.WithReadProps(props))
	if err != nil {
		return nil, nil, &source.Error{Kind: source.Damaged, Place: in.place, Err: fmt.Errorf("its Parquet footer can't be read: %w", err),
			Hint: "the file is unfinished or damaged; write it again"}
	}
	// Columns of a row group are decoded one after the other: in parallel costs memory and gains
	// nothing, because the engine's own writing is the limit.
	fr, err := pqarrow.NewFileReader(pr, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	return fr, props, err
}

// keepFooter reads the footer in one or two requests.
func (in *input) keepFooter() error {
	if err := in.keep(max(0, in.size-tailBytes), min(in.size, tailBytes)); err != nil || in.size < footerEnd {
		return err
	}
	var end [4]byte
	if _, err := in.ReadAt(end[:], in.size-footerEnd); err != nil {
		return err
	}
	size := int64(binary.LittleEndian.Uint32(end[:])) + footerEnd
	if size <= tailBytes || size > in.size {
		return nil
	}
	return in.keep(in.size-size, size-tailBytes)
}

// parquetSchema learns the columns, and which row groups the scan needs.
func parquetSchema(in *input, _ *Options) (*arrow.Schema, error) {
	fr, _, err := parquetReader(in)
	if err != nil {
		return nil, err
	}
	s, err := fr.Schema()
	if err != nil {
		return nil, err
	}
	s = plain(s)
	meta := fr.ParquetReader().MetaData()
	leaves := leavesOf(fr, func(name string) bool { return in.scanned(name) })
	e := in.entry
	e.cost, e.groups, e.ofGroups = 0, nil, meta.NumRowGroups()
	for g := range e.ofGroups {
		if n := meta.RowGroup(g).NumRows(); n < 0 || n > maxRowGroup {
			return nil, &source.Error{Kind: source.Damaged, Place: in.place, Err: fmt.Errorf("row group %d says it has %d rows", g, n), Hint: "write the file again"}
		}
		if in.groupTruths(meta, s, fr, g)&mayTrue == 0 {
			continue
		}
		e.groups = append(e.groups, g)
		for _, leaf := range leaves {
			if r, err := chunkRange(meta, g, leaf); err == nil {
				e.cost += r.end - r.off
			}
		}
	}
	return s, nil
}

// scanned tells whether the scan wants a column of the file.
func (in *input) scanned(name string) bool {
	if len(in.scan.Columns) == 0 {
		return true
	}
	for _, c := range in.scan.Columns {
		if c == name {
			return true
		}
	}
	return false
}

// groupTruths says what the scan's condition may be for the rows of a row group.
func (in *input) groupTruths(meta *metadata.FileMetaData, s *arrow.Schema, fr *pqarrow.FileReader, group int) truths {
	return possible(in.scan.Where, func(column string, p engines.Predicate) truths {
		if t, ok := in.pathTruths(s, column, p); ok {
			return t
		}
		leaf, f, ok := flatColumn(fr, s, column)
		if !ok {
			return anything
		}
		return chunkBounds(meta, group, leaf, f).truths(f, p)
	})
}

// pathTruths says what a leaf may be for all rows of the object.
func (in *input) pathTruths(s *arrow.Schema, column string, p engines.Predicate) (truths, bool) {
	if t, ok := partitionTruths(in.entry.partitions, column, p); ok {
		return t, true
	}
	if column == in.scan.LastModified && len(s.FieldIndices(column)) == 0 {
		return exactly(in.entry.Modified.UnixMicro()).truths(lastModifiedField(column), p), true
	}
	return anything, false
}

// flatColumn finds the leaf of a top-level column that is not nested, with its recorded type.
func flatColumn(fr *pqarrow.FileReader, s *arrow.Schema, name string) (leaf int, f arrow.Field, ok bool) {
	at := s.FieldIndices(name)
	if len(at) != 1 || at[0] >= len(fr.Manifest.Fields) || !fr.Manifest.Fields[at[0]].IsLeaf() {
		return 0, f, false
	}
	leaf = fr.Manifest.Fields[at[0]].ColIndex
	if fr.ParquetReader().MetaData().Schema.Column(leaf).MaxRepetitionLevel() > 0 {
		return 0, f, false
	}
	return leaf, engines.Recorded(arrow.NewSchema(s.Fields()[at[0]:at[0]+1], nil)).Field(0), true
}

// leavesOf are the leaves of the top-level columns that are wanted.
func leavesOf(fr *pqarrow.FileReader, wanted func(name string) bool) []int {
	var out []int
	var walk func(f *pqarrow.SchemaField)
	walk = func(f *pqarrow.SchemaField) {
		if f.IsLeaf() {
			out = append(out, f.ColIndex)
		}
		for i := range f.Children {
			walk(&f.Children[i])
		}
	}
	for i := range fr.Manifest.Fields {
		if wanted(fr.Manifest.Fields[i].Field.Name) {
			walk(&fr.Manifest.Fields[i])
		}
	}
	return out
}

// chunkRange is where a column chunk is in the file.
func chunkRange(meta *metadata.FileMetaData, group, leaf int) (byteRange, error) {
	c, err := meta.RowGroup(group).ColumnChunk(leaf)
	if err != nil {
		return byteRange{}, err
	}
	off := c.DataPageOffset()
	if c.HasDictionaryPage() && c.DictionaryPageOffset() > 0 && c.DictionaryPageOffset() < off {
		off = c.DictionaryPageOffset()
	}
	if off < 0 || c.TotalCompressedSize() < 0 {
		return byteRange{}, errors.New("a column chunk begins before the file")
	}
	return byteRange{off, off + c.TotalCompressedSize()}, nil
}

// plain drops the metadata that writers leave in a file (ARROW:schema, PARQUET:field_id): it is about
// the file, not the data, and differs between files of one dataset.
func plain(s *arrow.Schema) *arrow.Schema {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		keys, values := []string{}, []string{}
		for k, v := range f.Metadata.ToMap() {
			if k != "PARQUET:field_id" {
				keys, values = append(keys, k), append(values, v)
			}
		}
		f.Metadata = arrow.NewMetadata(keys, values)
		fields[i] = f
	}
	return arrow.NewSchema(fields, nil)
}

func openParquet(in *input, _ *Options, v *view) (array.RecordReader, error) {
	if err := in.content.Check(true); err != nil {
		return nil, err // it is not the file whose columns and row groups were looked at
	}
	fr, props, err := parquetReader(in)
	if err != nil {
		return nil, err
	}
	return newParquetRows(in, fr, props, v)
}
