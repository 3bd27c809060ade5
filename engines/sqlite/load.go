package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

const (
	// rowsPerInsert is the number of rows in one INSERT: 10 to 50 are enough, more gain little.
	rowsPerInsert = 50
	// maxParams is SQLite's limit of parameters in one statement.
	maxParams = 32_766
)

// build fills an empty database in one transaction.
func (c *conn) build(ctx context.Context, dataset string, schema *arrow.Schema, w engines.Write) (written int64, err error) {
	columns := make([]string, schema.NumFields())
	for i, f := range schema.Fields() {
		columns[i] = dbfile.Ident(f.Name) + " " + declared(f.Type)
		if !f.Nullable {
			columns[i] += " NOT NULL"
		}
	}
	err = c.transaction(ctx, func() error {
		if err := c.exec(ctx, "CREATE TABLE "+dbfile.Ident(dataset)+" ("+strings.Join(columns, ", ")+")"); err != nil {
			return err
		}
		if written, err = c.insertAll(ctx, dataset, schema, w.Rows); err != nil {
			return err
		}
		return c.putCheckpoint(ctx, dataset, schema, w)
	})
	if err != nil {
		return 0, err
	}
	return written, err
}

// chunk is a number of encoded rows on their way to SQLite.
type chunk struct {
	args  []driver.NamedValue // rowsPerChunk rows of all columns, one after the other
	rows  int
	batch arrow.RecordBatch // whose memory the arguments point into
}

// chunks is how many chunks are under way; rowsPerChunk their size: some INSERTs.
const (
	chunks       = 3
	rowsPerChunk = 10 * rowsPerInsert
)

// insertAll inserts all rows of a reader, many to a statement, and returns their number. Reading and
// encoding take as long as SQLite does, so a second goroutine does that, which has ended on return.
func (c *conn) insertAll(ctx context.Context, dataset string, schema *arrow.Schema, rows array.RecordReader) (n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := convert.NewIngest(ctx, rows, schema, 0)
	defer in.Release()
	columns := schema.NumFields()
	full, free := make(chan *chunk, chunks), make(chan *chunk, chunks) // encode closes full; free is never closed
	for range chunks {
		args := make([]driver.NamedValue, rowsPerChunk*columns)
		free <- &chunk{args: args}
	}
	var encodeErr error
	go func() {
		defer close(full)
		encodeErr = encode(ctx, in, free, full)
	}()
	ins := newInserter(c, dataset, columns)
	for k := range full {
		if err == nil {
			if err = ins.insert(ctx, k); err != nil {
				cancel()
			}
		}
		k.batch.Release()
		free <- k
	}
	if err == nil {
		err = encodeErr
	}
	if err == nil && ins.stored != in.Rows() {
		err = fmt.Errorf("%d rows read, %d stored", in.Rows(), ins.stored)
	}
	return in.Rows(), errors.Join(err, ins.close())
}

// encode fills free chunks from the reader until its end, its error or the end of the context.
func encode(ctx context.Context, in *convert.Ingest, free <-chan *chunk, full chan<- *chunk) error {
	for in.Next() {
		b := in.RecordBatch()
		encoders := make([]func(int) (driver.Value, error), b.NumCols())
		for i, c := range b.Columns() {
			if c.DataType().ID() != arrow.NULL {
				encoders[i] = encoder(c)
			}
		}
		for at := 0; at < int(b.NumRows()); at += rowsPerChunk {
			var k *chunk
			select {
			case k = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := k.fill(b, encoders, at); err != nil {
				return err
			}
			full <- k // never waits: there are as many places as chunks
		}
	}
	return in.Err()
}

// fill encodes the rows of a batch from at on, as many as there is room for.
func (k *chunk) fill(b arrow.RecordBatch, encoders []func(int) (driver.Value, error), at int) error {
	k.rows = min(rowsPerChunk, int(b.NumRows())-at)
	columns := len(encoders)
	for col, encode := range encoders {
		c := b.Column(col)
		for i := range k.rows {
			v := &k.args[i*columns+col].Value
			if encode == nil || c.IsNull(at+i) {
				*v = nil
				continue
			}
			var err error
			if *v, err = encode(at + i); err != nil {
				return &convert.ValueError{Column: b.ColumnName(col), Err: err}
			}
		}
	}
	b.Retain()
	k.batch = b
	return nil
}

// inserter holds the prepared statement for full INSERTs; the rest of a chunk gets one of its own.
type inserter struct {
	conn    *conn
	into    string
	columns int
	size    int // rows of a full INSERT
	full    driver.Stmt
	stored  int64 // rows that SQLite says it inserted
}

func newInserter(c *conn, dataset string, columns int) *inserter {
	return &inserter{
		conn: c, into: "INSERT INTO " + dbfile.Ident(dataset) + " VALUES ",
		columns: columns, size: max(1, min(rowsPerInsert, maxParams/columns)),
	}
}

func (s *inserter) close() error {
	if s.full == nil {
		return nil
	}
	return s.full.Close()
}

// insert runs the INSERTs of a chunk, looking at the context before each.
func (s *inserter) insert(ctx context.Context, k *chunk) error {
	for at := 0; at < k.rows; at += s.size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(s.size, k.rows-at)
		stmt, err := s.statement(n)
		if err != nil {
			return err
		}
		args := k.args[at*s.columns : (at+n)*s.columns]
		for i := range args {
			args[i].Ordinal = i + 1
		}
		res, err := stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), args)
		if err == nil {
			n, _ := res.RowsAffected() // never an error with this driver
			s.stored += n
		}
		if stmt != s.full {
			err = errors.Join(err, stmt.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// statement returns an INSERT of n rows; one of full size is kept.
func (s *inserter) statement(n int) (driver.Stmt, error) {
	if n == s.size && s.full != nil {
		return s.full, nil
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", s.columns), ",") + ")"
	stmt, err := s.conn.Conn.Prepare(s.into + strings.TrimSuffix(strings.Repeat(row+",", n), ","))
	if err == nil && n == s.size {
		s.full = stmt
	}
	return stmt, err
}
