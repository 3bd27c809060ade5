package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"modernc.org/sqlite"

	"pitwall/engines"
	"pitwall/engines/dbfile"
	"pitwall/engines/schemajson"
)

// access says how a connection uses the file.
type access string

const (
	building  access = "rw"   // a new file that nobody else knows
	shared    access = "wal"  // readers and a writer side by side
	reading   access = "ro"   // read-only, with the WAL that is there
	immutable access = "imm"  // read-only, nothing but the file itself
	inMemory  access = "mem"  // a database in memory, named by path
	closing   access = "last" // to fold the WAL and let SQLite remove it
)

// conn is one connection. It must not be used by two goroutines at a time.
type conn struct{ driver.Conn }

// connect opens a connection and makes it open all the files it will ever use: later, another
// database may lie under the same name.
func connect(ctx context.Context, path string, how access) (*conn, error) {
	pragmas := []string{"busy_timeout = 5000"}
	switch how {
	case building:
		pragmas = append(pragmas, buildingPragmas()...) // pages have the size that openRaw gives them
	case shared:
		pragmas = append(pragmas, "journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0")
	}
	name, err := dsn(path, how)
	if err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{raw}
	for _, p := range pragmas {
		if err := c.exec(ctx, "PRAGMA "+p); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if how == shared { // closing must not touch files by name
		_, err = raw.(sqlite.FileControl).FileControlPersistWAL("main", 1)
	}
	if err == nil && how != building {
		_, _, err = c.row(ctx, "SELECT count(*) FROM sqlite_schema")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.affected(ctx, query, args...)
	return err
}

// buildingPragmas make filling a new file fast.
func buildingPragmas() []string {
	return []string{"journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"}
}

// dsn returns the URI of a database.
func dsn(path string, how access) (string, error) {
	uri := url.URL{Scheme: "file", Path: path}
	params := url.Values{}
	switch how {
	case inMemory:
		params.Set("vfs", "memdb")
	case immutable:
		params.Set("mode", "ro")
		params.Set("immutable", "1")
	case reading:
		params.Set("mode", "ro")
	default:
		params.Set("mode", "rw")
	}
	if how != inMemory {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		uri.Path = abs
	}
	uri.RawQuery = params.Encode()
	return uri.String(), nil
}

// affected runs a statement and returns the number of changed rows.
func (c *conn) affected(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, query, named(args))
	if err != nil {
		return 0, cause(ctx, err)
	}
	return res.RowsAffected()
}

func named(args []any) []driver.NamedValue {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return out
}

// cause prefers the context's error to the text of the interruption it led to.
func cause(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil {
		return ctxErr
	}
	return err
}

// row returns the first row of a query.
func (c *conn) row(ctx context.Context, query string, args ...any) ([]driver.Value, bool, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, named(args))
	if err != nil {
		return nil, false, cause(ctx, err)
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	switch err := rows.Next(row); {
	case errors.Is(err, io.EOF):
		return nil, false, nil
	case err != nil:
		return nil, false, cause(ctx, err)
	}
	return row, true, nil
}

// transaction runs f between BEGIN and COMMIT. Those two cannot be cancelled: the driver reports the end
// of a context during a statement even if the statement had its effect.
func (c *conn) transaction(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	if err := c.exec(whole, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = c.exec(whole, "COMMIT")
	}
	if err != nil { // SQLite may have rolled back already: then there is nothing to do
		_ = c.exec(whole, "ROLLBACK")
	}
	return err
}

// checkpoint moves the WAL into the file as far as readers allow, and says whether all of it moved.
func (c *conn) checkpoint(ctx context.Context) (complete bool, err error) {
	row, found, err := c.row(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil || !found {
		return false, err
	}
	busy, frames, moved := row[0].(int64), row[1].(int64), row[2].(int64)
	return busy == 0 && moved >= frames, nil
}

func (c *conn) count(ctx context.Context, dataset string) (int64, error) {
	row, _, err := c.row(ctx, "SELECT count(*) FROM "+dbfile.Ident(dataset))
	if err != nil {
		return 0, err
	}
	return row[0].(int64), nil
}

// load finds the dataset and its recorded schema: from the checkpoint row, else from the table.
func (c *conn) load(ctx context.Context, dataset string) (s *arrow.Schema, view bool, err error) {
	row, found, err := c.row(ctx, "SELECT type FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?", dataset)
	if err != nil {
		return nil, false, err
	}
	if !found {
		return nil, false, dbfile.Fail(engines.NotFound, fmt.Errorf("no table or view %q", dataset))
	}
	view = row[0] == "view"
	cp, err := c.checkpointRow(ctx, dataset)
	if err != nil {
		return nil, false, err
	}
	actual, err := c.tableSchema(ctx, dataset)
	if err != nil || cp == nil || cp.SchemaJSON == "" {
		return actual, view, err
	}
	recorded, err := schemajson.Unmarshal([]byte(cp.SchemaJSON))
	if err != nil {
		return nil, false, dbfile.Fail(engines.Corrupt, fmt.Errorf("checkpoint row: %w", err))
	}
	for _, f := range recorded.Fields() {
		if !actual.HasField(f.Name) {
			return nil, false, dbfile.Fail(engines.Corrupt, fmt.Errorf("the checkpoint row has column %q, the table has not", f.Name))
		}
	}
	return engines.Recorded(recorded), view, nil
}

// tableSchema derives a schema from declared types, by SQLite's own rules of affinity.
func (c *conn) tableSchema(ctx context.Context, dataset string) (*arrow.Schema, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, "SELECT name, type FROM pragma_table_info(?)", named([]any{dataset}))
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer rows.Close()
	var fields []arrow.Field
	row := make([]driver.Value, 2)
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return arrow.NewSchema(fields, nil), nil
		} else if err != nil {
			return nil, err
		}
		name, _ := row[0].(string)
		typ, _ := row[1].(string)
		fields = append(fields, arrow.Field{Name: name, Type: affinity(typ), Nullable: true})
	}
}

func affinity(declared string) arrow.DataType {
	declared = strings.ToUpper(declared)
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(declared, p) {
				return true
			}
		}
		return false
	}
	switch {
	case declared == "UBIGINT":
		return arrow.PrimitiveTypes.Uint64
	case has("INT"):
		return arrow.PrimitiveTypes.Int64
	case has("BOOL"):
		return arrow.FixedWidthTypes.Boolean
	case has("REAL", "FLOA", "DOUB"):
		return arrow.PrimitiveTypes.Float64
	case has("BLOB"):
		return arrow.BinaryTypes.Binary
	default:
		return arrow.BinaryTypes.String
	}
}
