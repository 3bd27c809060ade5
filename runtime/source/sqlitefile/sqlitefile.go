// Package sqlitefile reads a dataset from a table or view of a SQLite file, in one read transaction, so
// in one consistent state of the file. The file is never changed; of a file in WAL mode SQLite may leave
// its -wal and -shm files behind. The package starts no goroutines.
package sqlitefile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"modernc.org/sqlite"

	"pitwall/engines/dbfile"
	"pitwall/runtime/source"
	"pitwall/runtime/source/sqlrows"
)

// Options say what to read.
type Options struct {
	// Table is a table or view, as in from:; SQLite does not tell upper from lower case.
	Table string
	// Dir is the folder that a relative sqlite_file starts at.
	Dir string
	// Params are those of the dataset: sqlite_file.
	Params map[string]string
}

// Source is one table. It holds no connection: each Read opens one and closes it.
type Source struct{ table, path string }

var _ source.Source = (*Source)(nil)

// New checks the options; it does not open the file. A wrong param is an error of Kind Unsupported.
func New(o Options) (*Source, error) {
	bad := func(text string) error {
		return &source.Error{Kind: source.Unsupported, Place: "sqlite:" + o.Table, Err: errors.New(text), Hint: "correct the dataset"}
	}
	s := &Source{table: o.Table, path: o.Params["sqlite_file"]}
	if n := len(s.table); n > 1 && s.table[0] == '"' && s.table[n-1] == '"' {
		s.table = s.table[1 : n-1]
	}
	switch {
	case s.table == "":
		return nil, bad("there is no table: write sqlite:table")
	case s.path == "":
		return nil, bad("params.sqlite_file is missing: the path of the SQLite file")
	case !filepath.IsAbs(s.path):
		s.path = filepath.Join(o.Dir, s.path)
	}
	return s, nil
}

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	c, err := s.open(ctx)
	if err != nil {
		return nil, s.fail(err)
	}
	r, err := s.read(ctx, c, scan)
	if err != nil {
		_ = c.Close() // of a connection that only read
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.fail(err)
	}
	return r, nil
}

// open begins a read transaction. SQLite would make a file that does not exist, and says of a folder that
// it is out of memory.
func (s *Source) open(ctx context.Context) (driver.Conn, error) {
	f, err := os.Stat(s.path)
	switch {
	case err != nil:
		return nil, err
	case !f.Mode().IsRegular():
		return nil, &source.Error{Kind: source.Unsupported, Place: s.place(), Err: errors.New("it is not a file"), Hint: "correct params.sqlite_file"}
	}
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: abs, RawQuery: "mode=ro"}
	connector, err := sqlite.NewConnector(uri.String())
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, q := range []string{"PRAGMA busy_timeout = 5000", "PRAGMA query_only = 1", "BEGIN"} {
		if _, err := c.(driver.ExecerContext).ExecContext(ctx, q, nil); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

func (s *Source) read(ctx context.Context, c driver.Conn, scan source.Scan) (source.Reader, error) {
	all, texts, err := s.columns(ctx, c)
	if err != nil {
		return nil, err
	}
	picked, err := sqlrows.Pick(all, scan.Columns, s.place())
	if err != nil {
		return nil, err
	}
	names := make([]string, len(picked))
	for i, p := range picked {
		names[i] = "+" + dbfile.Ident(p.Field.Name) // without its declared type, by which the driver would convert values
	}
	text, narrowed := "SELECT "+strings.Join(names, ", ")+" FROM "+dbfile.Ident(s.table), ""
	if where := sqlrows.Where(all, scan.Where, exactly(texts), dialect()); where != "" {
		text, narrowed = text+" WHERE "+where, ", where "+where
	}
	rows, err := query(ctx, c, text)
	if err != nil {
		return nil, err
	}
	return sqlrows.New(ctx, rows, picked, sqlrows.Options{
		Plan: fmt.Sprintf("%d of %d columns%s", len(picked), len(all), narrowed), Place: s.place(), Fail: s.fail,
		Close: func() { _, _ = rows.Close(), c.Close() }, // they only read
	}), nil
}

func query(ctx context.Context, c driver.Conn, text string, args ...any) (driver.Rows, error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return c.(driver.QueryerContext).QueryContext(ctx, text, named)
}

// columns are those of the table that SELECT * has, generated ones too. texts are those with affinity
// TEXT, which hold no numbers.
func (s *Source) columns(ctx context.Context, c driver.Conn) (out []sqlrows.Column, texts map[string]bool, err error) {
	rows, err := query(ctx, c, `SELECT name, coalesce(type, ''), "notnull" FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, s.table)
	if err != nil {
		return nil, nil, err
	}
	found, err := sqlrows.All(rows)
	if err != nil {
		return nil, nil, err
	}
	texts = map[string]bool{}
	for _, row := range found {
		name, _ := row[0].(string)
		declared, _ := row[1].(string)
		t, isText := typeOf(declared)
		texts[name] = isText
		out = append(out, sqlrows.Column{Field: arrow.Field{Name: name, Type: t, Nullable: row[2] == int64(0)}, Appender: appender})
	}
	if len(out) == 0 {
		return nil, nil, &source.Error{Kind: source.Missing, Place: s.place(), Err: fmt.Errorf("there is no table or view %q", s.table), Hint: "check the table in from:"}
	}
	return out, texts, nil
}

func (s *Source) place() string { return s.path + " " + s.table }

// fail classifies an error.
func (s *Source) fail(err error) error {
	var known *source.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	e := &source.Error{Kind: source.Unavailable, Place: s.place(), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = source.Missing, "check params.sqlite_file; a relative path starts at the spicepod's folder"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = source.Denied, "let pitwall read the file"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		e.Kind, e.Hint = classify(lite.Code())
	}
	return e
}

// classify tells what a result code of SQLite (https://www.sqlite.org/rescode.html) means for a refresh.
func classify(code int) (source.Kind, string) {
	switch code & 0xff {
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		return source.Unavailable, "another process writes the file; it is tried again"
	case 3, 23: // SQLITE_PERM, SQLITE_AUTH
		return source.Denied, "let pitwall read the file"
	case 14, 8: // SQLITE_CANTOPEN, SQLITE_READONLY: of WAL mode
		return source.Denied, "let pitwall read the file; of a file in WAL mode, also write the -shm file beside it"
	case 11, 26: // SQLITE_CORRUPT, SQLITE_NOTADB
		return source.Damaged, "check the file with PRAGMA integrity_check, or restore it"
	case 1: // SQLITE_ERROR: the table or view can't be read as it is defined
		return source.Unsupported, "check the table or view in from:"
	default:
		return source.Unavailable, ""
	}
}
