//go:build duckdb_arrow

package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines"
	"pitwall/engines/convert"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// rowGroup is the number of rows in a row group of DuckDB; batches of that size load fastest.
const rowGroup = 122_880

// Write applies one refresh; see engines.Engine.
func (e *Engine) Write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	stats, err := e.write(ctx, w)
	if err != nil {
		return engines.Stats{}, e.wrap(w.Mode.String(), err)
	}
	return stats, nil
}

func (e *Engine) write(ctx context.Context, w engines.Write) (engines.Stats, error) {
	if err := e.writer.Lock(ctx); err != nil {
		return engines.Stats{}, err
	}
	defer e.writer.Unlock()
	if err := e.Supports(w.Rows.Schema()); err != nil {
		return engines.Stats{}, err
	}
	switch w.Mode {
	case engines.Replace:
		return e.replace(ctx, w)
	case engines.Append:
		return e.append(ctx, w)
	default:
		return engines.Stats{}, dbfile.Fail(engines.Invalid, errors.New(w.Mode.String()))
	}
}

// append adds rows in one transaction; without content it is a replace.
func (e *Engine) append(ctx context.Context, w engines.Write) (engines.Stats, error) {
	l, err := e.slot.Acquire(ctx, nil)
	if engines.KindOf(err) == engines.NotFound {
		return e.replace(ctx, w)
	}
	if err != nil {
		return engines.Stats{}, err
	}
	defer l.Release()
	d := l.Store
	if err := d.writable(); err != nil {
		return engines.Stats{}, err
	}
	if err := engines.SameColumns(d.schema, w.Rows.Schema()); err != nil {
		return engines.Stats{}, dbfile.Fail(engines.Schema, err)
	}
	written, err := d.ingest(ctx, w, d.schema, "INSERT INTO "+d.table())
	if err != nil {
		condemn(l, err)
		return engines.Stats{}, err
	}
	info, err := e.info(context.WithoutCancel(ctx), d) // the rows are committed: do not fail for a late cancellation
	e.fold(context.WithoutCancel(ctx), l)
	return engines.Stats{Written: written, Rows: info.Rows, Bytes: dbfile.Size(d.path) + bytesInMemory(d, info)}, err
}

func bytesInMemory(d *database, info engines.Info) int64 {
	if d.path == "" {
		return info.Bytes
	}
	return 0
}

// fold moves the WAL into the file, unless the file is being copied: then the copy does it. What was
// committed is safe in the WAL, so that a failure is none of the write's: the next fold tries again.
func (e *Engine) fold(ctx context.Context, l *dbfile.Lease[*database]) {
	if l.Store.path == "" || !e.copying.TryLock() {
		return
	}
	defer e.copying.Unlock()
	_ = checkpoint(ctx, l)
}

// checkpoint moves the WAL into the file. DuckDB refuses all work on a database after a failure, such
// as a full disk, until it is opened anew, which replays the WAL.
func checkpoint(ctx context.Context, l *dbfile.Lease[*database]) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.Store.exec(ctx, "CHECKPOINT acc")
	if err != nil {
		l.Condemn()
	}
	return err
}

// condemn gives up a generation if err says that its database refuses all work. A database in memory has
// no file to open anew.
func condemn(l *dbfile.Lease[*database], err error) {
	var e *duckdb.Error
	if l.Store.path != "" && errors.As(err, &e) && (e.Type == duckdb.ErrorTypeFatal || strings.Contains(e.Msg, "has been invalidated")) {
		l.Condemn()
	}
}

// replace builds a new database and puts it in the place of the current one.
func (e *Engine) replace(ctx context.Context, w engines.Write) (engines.Stats, error) {
	tmp := ""
	if e.o.Path != "" {
		tmp = dbfile.TempPath(e.o.Path, e.o.TempDir)
		defer dbfile.Discard(tmp)
	}
	d, err := newDatabase(ctx, tmp, e.o.Dataset, e.set, false)
	if err != nil {
		return engines.Stats{}, err
	}
	written, err := d.build(ctx, w)
	if err != nil {
		return engines.Stats{}, errors.Join(err, d.Close())
	}
	if tmp == "" {
		bytes, err := d.size(ctx)
		if err == nil {
			err = e.slot.Set(ctx, d)
		}
		if err != nil {
			return engines.Stats{}, errors.Join(err, d.Close())
		}
		return engines.Stats{Written: written, Rows: written, Bytes: bytes}, nil
	}
	if err := errors.Join(d.exec(ctx, "DETACH acc"), d.Close()); err != nil {
		return engines.Stats{}, err
	}
	if err := dbfile.Sync(tmp); err != nil {
		return engines.Stats{}, err
	}
	if err := e.install(ctx, tmp); err != nil {
		return engines.Stats{}, err
	}
	return engines.Stats{Written: written, Rows: written, Bytes: dbfile.Size(e.o.Path)}, nil
}

// build fills an empty database and leaves no WAL.
func (d *database) build(ctx context.Context, w engines.Write) (int64, error) {
	d.schema = engines.Recorded(w.Rows.Schema())
	written, err := d.ingest(ctx, w, d.schema, "CREATE TABLE "+d.table()+" AS")
	if err != nil {
		return 0, err
	}
	if d.path != "" {
		if err := d.exec(ctx, "CHECKPOINT acc"); err != nil {
			return 0, err
		}
	}
	rows, err := d.rows(ctx)
	if err == nil && rows != written {
		err = fmt.Errorf("%d rows read, %d stored", written, rows)
	}
	return written, err
}

// ingest runs "<into> SELECT * FROM <the rows>" and writes the checkpoint row, in one transaction.
func (d *database) ingest(ctx context.Context, w engines.Write, schema *arrow.Schema, into string) (int64, error) {
	rows := convert.NewIngest(ctx, w.Rows, schema, rowGroup)
	defer rows.Release()
	err := d.conn(ctx, func(c driver.Conn) error {
		return withView(ctx, c, rows, func(view string) error {
			return transactionOn(ctx, c, func() error {
				if err := execOn(ctx, c, into+" SELECT * FROM "+view); err != nil {
					return err
				}
				return putCheckpoint(ctx, c, d.dataset, schema, w)
			})
		})
	})
	if rows.Err() != nil {
		err = rows.Err() // the source's own error, not DuckDB's text about it
	}
	return rows.Rows(), err
}

// withView is the only safe use of RegisterView: one connection, a bare SELECT * in use, then DROP,
// then release, in this order also after errors. Any other query over the view can be silently
// wrong. The view is made outside of the transaction, which may write to one catalog only.
func withView(ctx context.Context, c driver.Conn, rows *convert.Ingest, use func(view string) error) (err error) {
	a, err := duckdb.NewArrowFromConn(c)
	if err != nil {
		return err
	}
	release, err := a.RegisterView(rows, "pitwall_incoming")
	if err != nil {
		return err
	}
	defer release()
	const view = "memory.main.pitwall_incoming"
	err = use(view)
	if drop := execOn(context.WithoutCancel(ctx), c, "DROP VIEW "+view); err == nil {
		err = drop
	}
	return err
}

// putCheckpoint writes the checkpoint row of the dataset; in files of other writers it first makes
// what is missing of the table.
func putCheckpoint(ctx context.Context, c driver.Conn, dataset string, schema *arrow.Schema, w engines.Write) error {
	text, err := schemajson.Marshal(schema)
	if err != nil {
		return err
	}
	var refresh any
	if w.RefreshSQL != "" {
		refresh = w.RefreshSQL
	}
	at := w.At
	if at.IsZero() {
		at = time.Now()
	}
	for _, ddl := range []string{
		"CREATE TABLE IF NOT EXISTS " + checkpointTable + dbfile.CheckpointColumns,
		"ALTER TABLE " + checkpointTable + " ADD COLUMN IF NOT EXISTS schema_json TEXT",
		"ALTER TABLE " + checkpointTable + " ADD COLUMN IF NOT EXISTS refresh_sql TEXT",
	} {
		if err := execOn(ctx, c, ddl); err != nil {
			return err
		}
	}
	return execOn(ctx, c, "INSERT INTO "+checkpointTable+" (dataset_name, schema_json, created_at, updated_at, refresh_sql) "+
		"VALUES ($1, $2, $3, $3, $4) ON CONFLICT (dataset_name) DO UPDATE SET schema_json = excluded.schema_json, "+
		"updated_at = excluded.updated_at, refresh_sql = excluded.refresh_sql", dataset, string(text), at.UTC(), refresh)
}

// writable refuses to change a dataset that another program keeps behind a view.
func (d *database) writable() error {
	if !d.view {
		return nil
	}
	return &engines.Error{
		Kind: engines.Invalid, Err: errors.New("the dataset is a view in a file of another program"),
		Hint: "run a full refresh, which replaces the file",
	}
}

// install puts a finished file in the place of the current one. The old file is sealed first: its
// WAL must not exist when the new file appears under its name.
func (e *Engine) install(ctx context.Context, tmp string) error {
	if err := e.seal(ctx); err != nil {
		return err
	}
	err := e.slot.Replace(ctx, func() error {
		if err := os.Remove(e.o.Path + walSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return os.Rename(tmp, e.o.Path)
	})
	if err != nil {
		return err
	}
	return dbfile.Sync(filepath.Dir(e.o.Path))
}

// seal makes the current file complete without its WAL.
func (e *Engine) seal(ctx context.Context) error {
	if !dbfile.Exists(e.o.Path) || !dbfile.Exists(e.o.Path+walSuffix) {
		return nil
	}
	err := e.sealOnce(ctx)
	if err != nil && ctx.Err() == nil { // on a database opened anew
		err = e.sealOnce(ctx)
	}
	return err
}

func (e *Engine) sealOnce(ctx context.Context) error {
	l, err := e.slot.Acquire(ctx, nil)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := e.copying.Lock(ctx); err != nil {
		return err
	}
	defer e.copying.Unlock()
	return checkpoint(ctx, l)
}
