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
		if err := c.exec(ctx, "CREATE TABLE "+dbfile.CheckpointTable+" "+dbfile.CheckpointColumns); err != nil {
			return err
		}
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
	rows, err := c.count(ctx, dataset)
	if err == nil && rows != written {
		err = fmt.Errorf("%d rows read, %d stored", written, rows)
	}
	return written, err
}

// insertAll inserts all rows of a reader, many to a statement, and returns their number. The cancellation
// of the context is looked at once per statement.
func (c *conn) insertAll(ctx context.Context, dataset string, schema *arrow.Schema, rows array.RecordReader) (n int64, err error) {
	in := convert.NewIngest(ctx, rows, schema, 0)
	defer in.Release()
	ins := &inserter{conn: c, into: "INSERT INTO " + dbfile.Ident(dataset) + " VALUES ", columns: schema.NumFields()}
	defer func() { err = errors.Join(err, ins.close()) }()
	for in.Next() {
		if err := ins.batch(ctx, in.RecordBatch()); err != nil {
			return 0, err
		}
	}
	return in.Rows(), in.Err()
}

// inserter holds the prepared statement for full inserts; the rest of a batch gets one of its own.
type inserter struct {
	conn    *conn
	into    string
	columns int
	full    driver.Stmt
	args    []driver.NamedValue
}

func (s *inserter) close() error {
	if s.full == nil {
		return nil
	}
	return s.full.Close()
}

func (s *inserter) batch(ctx context.Context, b arrow.RecordBatch) error {
	size := max(1, min(rowsPerInsert, maxParams/s.columns))
	encoders := make([]func(int) (driver.Value, error), s.columns)
	for i, c := range b.Columns() {
		if c.DataType().ID() != arrow.NULL {
			encoders[i] = encoder(c)
		}
	}
	total := int(b.NumRows())
	for at := 0; at < total; at += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(size, total-at)
		stmt, temporary, err := s.statement(n, size)
		if err != nil {
			return err
		}
		if err = s.bind(b, encoders, at, n); err == nil {
			_, err = stmt.(driver.StmtExecContext).ExecContext(context.WithoutCancel(ctx), s.args[:n*s.columns])
		}
		if temporary {
			err = errors.Join(err, stmt.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// statement returns an INSERT of n rows; one of full size is kept.
func (s *inserter) statement(n, size int) (stmt driver.Stmt, temporary bool, err error) {
	if n == size && s.full != nil {
		return s.full, false, nil
	}
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", s.columns), ",") + ")"
	stmt, err = s.conn.Conn.Prepare(s.into + strings.TrimSuffix(strings.Repeat(row+",", n), ","))
	if err == nil && n == size {
		s.full = stmt
	}
	if s.args == nil {
		s.args = make([]driver.NamedValue, size*s.columns)
		for i := range s.args {
			s.args[i].Ordinal = i + 1
		}
	}
	return stmt, n != size, err
}

// bind puts rows [at, at+n) of a batch into the arguments.
func (s *inserter) bind(b arrow.RecordBatch, encoders []func(int) (driver.Value, error), at, n int) error {
	for col, encode := range encoders {
		c := b.Column(col)
		for i := range n {
			v := &s.args[i*s.columns+col].Value
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
	return nil
}
