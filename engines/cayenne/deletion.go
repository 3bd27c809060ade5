package cayenne

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// deletionSchema is that of a file of deleted rows, by their position (spec 1.2).
func deletionSchema() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: "row_id", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "deleted_at", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
}

// encodeDeletion writes deleted rows as an Arrow IPC file.
func encodeDeletion(rows bitmap, total int64, at time.Time) ([]byte, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, deletionSchema())
	defer b.Release()
	for row := range total {
		if rows.has(row) {
			b.Field(0).(*array.Uint64Builder).Append(uint64(row))
			b.Field(1).(*array.Int64Builder).Append(at.UnixMicro())
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var out bytes.Buffer
	w, err := ipc.NewFileWriter(&out, ipc.WithSchema(batch.Schema()))
	if err != nil {
		return nil, err
	}
	if err := w.Write(batch); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readDeletion reads such a file about a data file of total rows.
func readDeletion(path string, total, count int64) (bitmap, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, missing(err)
	}
	out, n := newBitmap(total), int64(0)
	err = eachDeleted(content, total, func(row int64) {
		if !out.has(row) {
			n++
		}
		out.set(row)
	})
	if err != nil {
		return nil, err
	}
	return out, sameCount(n, count)
}

// sameCount refuses a delete file with another number of rows than the metastore says.
func sameCount(rows, want int64) error {
	if rows == want {
		return nil
	}
	return dbfile.Fail(engines.Corrupt, fmt.Errorf("delete file: %d rows, the metastore has %d", rows, want))
}

// eachDeleted visits the rows in a file of deleted rows about a data file of total rows.
func eachDeleted(content []byte, total int64, visit func(row int64)) error {
	err := eachBatch(content, []byte{ipcInt, ipcInt}, func(b arrow.RecordBatch) error {
		ids, ok := b.Column(0).(*array.Uint64)
		if !ok {
			return fmt.Errorf("a column of %s", b.Column(0).DataType())
		}
		for _, id := range ids.Uint64Values() {
			if id >= uint64(total) {
				return fmt.Errorf("row %d of %d", id, total)
			}
			visit(int64(id))
		}
		return nil
	})
	if err != nil {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("delete file: %w", err))
	}
	return nil
}
