package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgxpool"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/postgres/pgvalue"
)

// Engine is one dataset in a table of PostgreSQL.
type Engine struct {
	o      engines.Options
	pool   *pgxpool.Pool
	writer dbfile.Lock // one writer at a time in this process; locks of the server are for others
}

var _ engines.Engine = (*Engine)(nil)

// The modes of locks that current takes: one that only keeps the table from being replaced, and one that
// other writers do not get beside it.
const (
	reading = "ACCESS SHARE"
	writing = "SHARE ROW EXCLUSIVE"
)

var errNothing = dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))

// maxColumns is PostgreSQL's limit.
const maxColumns = 1600

// systemColumns are the columns that every table has.
var systemColumns = []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// Supports refuses what PostgreSQL cannot give back exactly; see engines.Engine.
func (e *Engine) Supports(s *arrow.Schema) error {
	err := engines.CheckColumns(s, refuse)
	if err == nil && s.NumFields() > maxColumns {
		err = fmt.Errorf("%d columns, PostgreSQL has at most %d", s.NumFields(), maxColumns)
	}
	if err == nil {
		for _, f := range s.Fields() {
			switch {
			case len(f.Name) > maxName || strings.IndexByte(f.Name, 0) >= 0:
				err = errors.Join(err, fmt.Errorf("column %q: a name has at most %d bytes, and no NUL", f.Name, maxName))
			case slices.Contains(systemColumns, f.Name):
				err = errors.Join(err, fmt.Errorf("column %q: every table of PostgreSQL has one of that name", f.Name))
			}
		}
	}
	if err != nil {
		return e.wrap("check schema", dbfile.Fail(engines.Invalid, err))
	}
	return nil
}

// Info returns schema, rows and the size of the table with its indexes; see engines.Engine.
func (e *Engine) Info(ctx context.Context) (engines.Info, error) {
	var info engines.Info
	err := e.transaction(ctx, func(t *tx) (err error) {
		if info.Schema, _, err = e.current(ctx, t, reading); err != nil || info.Schema == nil {
			return err
		}
		info.Rows, info.Bytes, err = e.size(ctx, t)
		return err
	})
	return info, e.wrap("info", err)
}

// size returns the rows and bytes of the table.
func (e *Engine) size(ctx context.Context, t *tx) (rows, bytes int64, err error) {
	if rows, err = t.count(ctx, t.name(e.o.Dataset)); err != nil {
		return 0, 0, err
	}
	row, _, err := t.row(ctx, "SELECT pg_total_relation_size("+pgvalue.Text(t.name(e.o.Dataset))+"::regclass)")
	if err == nil {
		bytes, err = strconv.ParseInt(string(row[0]), 10, 64)
	}
	return rows, bytes, err
}

// Checkpoint returns the checkpoint row; see engines.Engine.
func (e *Engine) Checkpoint(ctx context.Context) (*engines.Checkpoint, error) {
	var cp *engines.Checkpoint
	err := e.transaction(ctx, func(t *tx) (err error) {
		_, cp, err = e.current(ctx, t, reading)
		return err
	})
	return cp, e.wrap("checkpoint", err)
}

// Watermark returns the greatest value of a column; see engines.Engine.
func (e *Engine) Watermark(ctx context.Context, column string) (engines.Mark, error) {
	var m engines.Mark
	err := e.transaction(ctx, func(t *tx) (err error) {
		m, err = e.watermark(ctx, t, column)
		return err
	})
	return m, e.wrap("watermark", err)
}

func (e *Engine) watermark(ctx context.Context, t *tx, column string) (engines.Mark, error) {
	schema, _, err := e.current(ctx, t, reading)
	if err == nil && schema == nil {
		err = errNothing
	}
	if err != nil {
		return engines.Mark{}, err
	}
	s, _, err := engines.Project(schema, []string{column})
	if err != nil {
		return engines.Mark{}, dbfile.Fail(engines.NotFound, err)
	}
	f := s.Field(0)
	if !convert.Ordered(f.Type) {
		return engines.Mark{}, dbfile.Fail(engines.Invalid, fmt.Errorf("column %q: no watermark over %s", column, f.Type))
	}
	r := t.conn.Conn().PgConn().ExecParams(ctx, "SELECT max("+ordered(f)+") FROM "+t.name(e.o.Dataset), nil, nil, nil, []int16{1}).Read()
	if r.Err != nil {
		return engines.Mark{}, r.Err
	}
	d := newDecoder(s)
	defer d.release()
	if err := d.row(r.Rows[0]); err != nil {
		return engines.Mark{}, err
	}
	b, err := d.batch()
	if err != nil {
		return engines.Mark{}, err
	}
	defer b.Release()
	return convert.Mark(b.Column(0), 0, f.Type)
}

// Close waits for writers and readers and closes the connections; it is idempotent.
func (e *Engine) Close() error {
	_ = e.writer.Lock(context.Background()) // cannot fail: the context never ends
	defer e.writer.Unlock()
	e.pool.Close()
	return nil
}
