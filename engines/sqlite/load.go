package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

// build fills the empty database path with rows and returns their number. Nobody else knows the database
// yet, so it needs no transaction that could be undone.
func build(ctx context.Context, path string, how access, table string, schema *arrow.Schema, rows array.RecordReader, primary []string) (written int64, err error) {
	raw, err := openRaw(path, how, pageSize(primary))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, raw.close()) }()
	for _, sql := range []string{"BEGIN", createTable(table, schema, primary)} {
		if err := raw.exec(sql); err != nil {
			return 0, err
		}
	}
	in, err := newRawSink(raw, table, schema)
	if err != nil {
		return 0, err
	}
	if written, err = insertAll(ctx, in, schema, rows, primary); err != nil {
		return 0, err
	}
	return written, raw.exec("COMMIT")
}

// createTable returns the statement for a table, quoted, of a schema.
func createTable(table string, schema *arrow.Schema, primary []string) string {
	columns := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		columns[i] = dbfile.Ident(f.Name) + " " + declared(f.Type)
		if !f.Nullable || slices.Contains(primary, f.Name) {
			columns[i] += " NOT NULL"
		}
	}
	return "CREATE TABLE " + table + " (" + strings.Join(columns, ", ") + ")"
}

// insertInto returns an INSERT of rows rows into a table, quoted, whose columns may have another order.
func insertInto(table string, schema *arrow.Schema, rows int) string {
	names := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		names[i] = f.Name
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", len(names)), ",") + ")"
	return "INSERT INTO " + table + " (" + dbfile.Idents(names) + ") VALUES " + strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

// sink is where chunks go.
type sink interface {
	// insert stores the rows of a chunk and returns how many SQLite says that were.
	insert(ctx context.Context, k *chunk) (int64, error)
	close() error
}

// chunks is how many chunks are under way.
const chunks = 3

// insertAll inserts all rows of a reader, in which the columns primary have no NULL, and returns their
// number. Reading and encoding take as long as
// SQLite does, so a second goroutine does that, which has ended on return. The sink is closed.
func insertAll(ctx context.Context, into sink, schema *arrow.Schema, rows array.RecordReader, primary []string) (n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := convert.NewIngest(ctx, rows, schema, 0)
	in.Primary(primary)
	defer in.Release()
	columns := schema.NumFields()
	full, free := make(chan *chunk, chunks), make(chan *chunk, chunks) // encode closes full; free is never closed
	for range chunks {
		free <- &chunk{cells: make([]cell, rowsPerChunk*columns), columns: columns}
	}
	var encodeErr error
	go func() {
		defer close(full)
		encodeErr = encode(ctx, in, free, full)
	}()
	var stored int64
	for k := range full {
		if err == nil {
			var more int64
			if more, err = into.insert(ctx, k); err != nil {
				cancel()
			}
			stored += more
		}
		free <- k
	}
	if err == nil {
		err = encodeErr
	}
	if err == nil && stored != in.Rows() {
		err = fmt.Errorf("%d rows read, %d stored", in.Rows(), stored)
	}
	return in.Rows(), errors.Join(err, into.close())
}

// encode fills free chunks from the reader until its end, its error or the end of the context.
func encode(ctx context.Context, in *convert.Ingest, free <-chan *chunk, full chan<- *chunk) error {
	for in.Next() {
		b := in.RecordBatch()
		writers := writersOf(b)
		for at := 0; at < int(b.NumRows()); {
			var k *chunk
			select {
			case k = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := k.fill(b, writers, at); err != nil {
				return err
			}
			at += k.rows
			full <- k // never waits: there are as many places as chunks
		}
	}
	return in.Err()
}
