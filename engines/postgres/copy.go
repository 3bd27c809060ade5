package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
)

// signature begins a COPY in binary form, with flags and the length of an extension, both 0 (PostgreSQL's
// manual, "COPY", "Binary Format").
const signature = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// rowsPerPiece is how many rows are encoded at a time.
const rowsPerPiece = 2048

// copyRows adds rows to a table, in the order of a schema, and returns how many were read.
func copyRows(ctx context.Context, t *tx, table string, schema *arrow.Schema, src array.RecordReader, primary []string) (int64, error) {
	in := convert.NewIngest(ctx, src, schema, 0)
	in.Primary(primary)
	defer in.Release()
	c := &copier{in: in, buf: []byte(signature)}
	tag, err := t.conn.Conn().PgConn().CopyFrom(ctx, c, "COPY "+table+" ("+dbfile.Columns(schema)+") FROM STDIN (FORMAT binary)")
	own := c.stop()
	switch {
	case in.Err() != nil: // the source's own error, not the server's text about it
		return 0, foreign{in.Err()}
	case own != nil:
		return 0, own
	case err != nil:
		return 0, err
	case tag.RowsAffected() != in.Rows():
		return 0, fmt.Errorf("%d rows read, %d stored", in.Rows(), tag.RowsAffected())
	}
	return in.Rows(), nil
}

// copier is the bytes of a COPY. Its Read is called by a goroutine of pgx.
type copier struct {
	mu      sync.Mutex // held by Read, so that stop waits for it
	in      *convert.Ingest
	batch   arrow.RecordBatch
	columns []encoder
	at      int // the next row of batch
	buf     []byte
	rest    []byte // of buf, not yet read
	begun   bool
	ended   bool
	stopped bool
	err     error
}

// stop ends the reading and returns the error of encoding. After some errors pgx does not wait for its
// goroutine, which must not go on with the source.
func (c *copier) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	return c.err
}

var errStopped = errors.New("the copy has ended")

// Read implements io.Reader.
func (c *copier) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return 0, errStopped
	}
	if !c.begun {
		c.begun, c.rest = true, c.buf
	}
	for len(c.rest) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// fill encodes the next rows.
func (c *copier) fill() error {
	c.buf = c.buf[:0]
	if c.batch == nil || c.at == int(c.batch.NumRows()) {
		if !c.in.Next() {
			if err := c.in.Err(); err != nil {
				return err
			}
			c.ended = true
			c.buf = binary.BigEndian.AppendUint16(c.buf, math.MaxUint16)
			c.rest = c.buf
			return nil
		}
		c.batch, c.at, c.columns = c.in.RecordBatch(), 0, nil
		for _, col := range c.batch.Columns() {
			c.columns = append(c.columns, encoderOf(col))
		}
	}
	end := min(c.at+rowsPerPiece, int(c.batch.NumRows()))
	for ; c.at < end; c.at++ {
		c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(len(c.columns)))
		for i, value := range c.columns {
			var err error
			if c.buf, err = appendSized(c.buf, c.batch.Column(i), c.at, value); err != nil {
				c.err = &convert.ValueError{Column: c.batch.ColumnName(i), Err: err}
				return c.err
			}
		}
	}
	c.rest = c.buf
	return nil
}
