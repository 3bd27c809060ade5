package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	parquetfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"pitwall/runtime/source"
)

func parquetReader(in *input) (*pqarrow.FileReader, error) {
	if in.size == 0 {
		return nil, &source.Error{Kind: source.Damaged, Place: in.path, Err: errors.New("it is empty"), Hint: "wait for its writer to finish, or remove it"}
	}
	pr, err := parquetfile.NewParquetReader(in)
	if err != nil {
		return nil, &source.Error{Kind: source.Damaged, Place: in.path, Err: fmt.Errorf("its Parquet footer can't be read: %w", err),
			Hint: "the file is unfinished or damaged; write it again"}
	}
	// Columns of a row group are decoded one after the other: in parallel costs memory and gains
	// nothing, because the engine's own writing is the limit.
	return pqarrow.NewFileReader(pr, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
}

func parquetSchema(_ context.Context, in *input, _ *Options) (*arrow.Schema, error) {
	fr, err := parquetReader(in)
	if err != nil {
		return nil, err
	}
	s, err := fr.Schema()
	if err != nil {
		return nil, err
	}
	return plain(s), nil
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

func openParquet(ctx context.Context, in *input, _ *Options, want *arrow.Schema) (array.RecordReader, error) {
	fr, err := parquetReader(in)
	if err != nil {
		return nil, err
	}
	rr, err := fr.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	return newAligned(rr, want), nil
}
