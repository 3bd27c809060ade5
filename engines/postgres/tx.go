package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/keys"
	"pitwall/engines/postgres/pgvalue"
	"pitwall/engines/schemajson"
)

// tx is a transaction.
type tx struct {
	conn   *pgxpool.Conn
	schema string // the schema of the tables
}

var _ keys.DB = (*tx)(nil)

// lockTimeout is how long a statement waits for others that hold the table.
const lockTimeout = time.Minute

// transaction runs f between BEGIN and COMMIT. f may keep the connection by taking it out of the tx.
func (e *Engine) transaction(ctx context.Context, f func(*tx) error) error {
	t, err := e.begin(ctx)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	defer func() {
		if t.conn != nil {
			t.conn.Release()
		}
	}()
	err = f(t)
	if t.conn == nil {
		return err
	}
	if ctx.Err() != nil { // rather than the text of what it led to
		err = ctx.Err()
	}
	whole := context.WithoutCancel(ctx) // a cancelled COMMIT may have had its effect all the same
	if err == nil {
		return t.exec(whole, "COMMIT")
	}
	if !t.conn.Conn().IsClosed() {
		_ = t.exec(whole, "ROLLBACK") // the first error counts; a connection that fails here is thrown away
	}
	return err
}

// begin starts a transaction. A connection that broke while it was idle, as after a restart of the
// server, is replaced by a new one.
func (e *Engine) begin(ctx context.Context) (*tx, error) {
	t, err := e.beginOnce(ctx)
	if err != nil && lost(err) && ctx.Err() == nil {
		e.pool.Reset()
		t, err = e.beginOnce(ctx)
	}
	return t, err
}

func (e *Engine) beginOnce(ctx context.Context) (*tx, error) {
	c, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	t := &tx{conn: c}
	row, _, err := t.row(ctx, "BEGIN; SET LOCAL lock_timeout = '"+strconv.FormatInt(lockTimeout.Milliseconds(), 10)+"ms'; SELECT current_schema()")
	if err == nil && row[0] == nil {
		err = dbfile.Fail(engines.Invalid, errors.New("no schema of the search_path exists"))
	}
	if err != nil {
		_ = c.Conn().Close(context.WithoutCancel(ctx)) // with it goes the transaction
		c.Release()
		return nil, err
	}
	t.schema = string(row[0])
	return t, nil
}

// exec runs statements without parameters.
func (t *tx) exec(ctx context.Context, sql string) error {
	_, err := t.conn.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// execWith runs one statement with parameters as text.
func (t *tx) execWith(ctx context.Context, sql string, args ...[]byte) error {
	return t.conn.Conn().PgConn().ExecParams(ctx, sql, args, nil, nil, nil).Read().Err
}

// row returns the first row of the last of some statements, as text; nil is NULL.
func (t *tx) row(ctx context.Context, sql string) (row [][]byte, found bool, err error) {
	all, err := t.conn.Conn().PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, false, err
	}
	if last := all[len(all)-1]; len(last.Rows) > 0 {
		return last.Rows[0], true, nil
	}
	return nil, false, nil
}

// Affected runs a statement; see keys.DB.
func (t *tx) Affected(ctx context.Context, sql string) (int64, error) {
	r := t.conn.Conn().PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	return r.CommandTag.RowsAffected(), r.Err
}

// Row returns the first row; see keys.DB.
func (t *tx) Row(ctx context.Context, sql string) ([]string, bool, error) {
	row, found, err := t.row(ctx, sql)
	out := make([]string, len(row))
	for i, v := range row {
		out[i] = string(v)
	}
	return out, found, err
}

func (t *tx) count(ctx context.Context, table string) (int64, error) {
	row, _, err := t.row(ctx, "SELECT count(*) FROM "+table)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(row[0]), 10, 64)
}

// name returns the full name of a table.
func (t *tx) name(table string) string { return dbfile.Ident(t.schema) + "." + dbfile.Ident(table) }

// kind returns what there is by a name: "r" is a table, "v" a view, "" nothing.
func (t *tx) kind(ctx context.Context, table string) (string, error) {
	row, found, err := t.row(ctx, "SELECT c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "+
		pgvalue.Text(t.schema)+" AND c.relname = "+pgvalue.Text(table))
	if err != nil || !found {
		return "", err
	}
	return string(row[0]), nil
}

// current locks the table of the dataset in a mode and returns its recorded schema, with the checkpoint
// row; a nil schema when nothing was ever written. A table that this engine did not make is refused.
func (e *Engine) current(ctx context.Context, t *tx, mode string) (*arrow.Schema, *engines.Checkpoint, error) {
	if err := t.exec(ctx, "SAVEPOINT here; LOCK TABLE "+t.name(e.o.Dataset)+" IN "+mode+" MODE"); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42P01" { // there is none
			return nil, nil, t.exec(ctx, "ROLLBACK TO SAVEPOINT here")
		}
		return nil, nil, err
	}
	cp, err := e.checkpointRow(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if cp == nil || cp.SchemaJSON == "" {
		return nil, nil, &engines.Error{
			Kind: engines.Invalid, Err: fmt.Errorf("there is a table or view %s that pitwall did not make", t.name(e.o.Dataset)),
			Hint: "rename or drop it, or give the dataset another name",
		}
	}
	s, err := schemajson.Unmarshal([]byte(cp.SchemaJSON))
	if err != nil {
		return nil, nil, dbfile.Fail(engines.Corrupt, fmt.Errorf("checkpoint row: %w", err))
	}
	return engines.Recorded(s), cp, nil
}
