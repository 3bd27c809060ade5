//go:build duckdb_arrow

// Package duckdbfile reads a dataset from a table or view of a DuckDB file, which is attached read-only to
// an instance in memory that can reach nothing else: no other file, no network, no extension. The file
// must not be that of an acceleration of this process. The package starts no goroutines.
package duckdbfile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2"

	"pitwall/engines/dbfile"
	engine "pitwall/engines/duckdb"
	"pitwall/engines/filter"
	"pitwall/runtime/source"
)

// Options say what to read.
type Options struct {
	// Table is table or schema.table, as in from:; parts may be in double quotes. The schema is main
	// unless said otherwise.
	Table string
	// Dir is the folder that a relative duckdb_open starts at.
	Dir string
	// Params are those of the dataset: duckdb_open, the path of the file.
	Params map[string]string
}

// Source is one table. It holds nothing open: each Read opens the file and closes it.
type Source struct {
	name, path string
	table      string // quoted, with catalog and schema
}

var _ source.Source = (*Source)(nil)

// New checks the options; it does not open the file. A wrong param is an error of Kind Unsupported.
func New(o Options) (*Source, error) {
	bad := func(text string) error {
		return &source.Error{Kind: source.Unsupported, Place: "duckdb:" + o.Table, Err: errors.New(text), Hint: "correct the dataset"}
	}
	parts, ok := split(o.Table)
	if !ok {
		return nil, bad("it names no table: write duckdb:table or duckdb:schema.table")
	}
	if len(parts) == 1 {
		parts = []string{"main", parts[0]}
	}
	s := &Source{name: o.Table, path: o.Params["duckdb_open"], table: "src." + dbfile.Ident(parts[0]) + "." + dbfile.Ident(parts[1])}
	switch {
	case s.path == "":
		return nil, bad("params.duckdb_open is missing: the path of the DuckDB file")
	case !filepath.IsAbs(s.path):
		s.path = filepath.Join(o.Dir, s.path)
	}
	return s, nil
}

// split takes the name of a table apart.
func split(name string) (parts []string, ok bool) {
	for rest := name; ; rest = rest[1:] {
		end := strings.IndexByte(rest, '.')
		quoted := strings.HasPrefix(rest, `"`)
		if quoted {
			if end = strings.IndexByte(rest[1:], '"') + 2; end == 1 {
				return nil, false
			}
		} else if end < 0 {
			end = len(rest)
		}
		part := rest[:end]
		if quoted {
			part = part[1 : end-1]
		}
		if part == "" {
			return nil, false
		}
		parts, rest = append(parts, part), rest[end:]
		if rest == "" {
			return parts, len(parts) <= 2
		}
		if rest[0] != '.' {
			return nil, false
		}
	}
}

// Read implements source.Source.
func (s *Source) Read(ctx context.Context, scan source.Scan) (source.Reader, error) {
	r, err := s.read(ctx, scan)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.fail(err)
	}
	return r, nil
}

func (s *Source) read(ctx context.Context, scan source.Scan) (_ *reader, err error) {
	f, err := os.Open(s.path) // ATTACH says less about what is wrong
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &source.Error{Kind: source.Unsupported, Place: s.place(), Err: errors.New("it is not a file"), Hint: "correct params.duckdb_open"}
	}
	connector, err := duckdb.NewConnector(":memory:", nil)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, s: s, connector: connector}
	r.refs.Store(1)
	defer func() {
		if err != nil {
			r.Release()
		}
	}()
	if r.conn, err = connector.Connect(ctx); err != nil {
		return nil, err
	}
	for _, q := range []string{
		"SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false", "SET TimeZone = 'UTC'",
		"ATTACH " + dbfile.Text(s.path) + " AS src (READ_ONLY)",
		"SET enable_external_access = false", "SET lock_configuration = true", "BEGIN TRANSACTION READ ONLY",
	} {
		if _, err := r.conn.(driver.ExecerContext).ExecContext(ctx, q, nil); err != nil {
			return nil, err
		}
	}
	a, err := duckdb.NewArrowFromConn(r.conn)
	if err != nil {
		return nil, err
	}
	whole, err := schemaOf(ctx, a, "SELECT * FROM "+s.table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	text, err := s.query(whole, scan, r)
	if err != nil {
		return nil, err
	}
	r.src, err = a.QueryContext(ctx, text)
	return r, err
}

func schemaOf(ctx context.Context, a *duckdb.Arrow, text string) (*arrow.Schema, error) {
	rows, err := a.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Release()
	return rows.Schema(), nil
}

// query writes the SELECT and the plan of the reader.
func (s *Source) query(whole *arrow.Schema, scan source.Scan, r *reader) (string, error) {
	names := scan.Columns
	for _, n := range names {
		if !whole.HasField(n) {
			return "", &source.Error{Kind: source.Unsupported, Place: s.place(), Err: fmt.Errorf("there is no column %q", n)}
		}
	}
	if len(names) == 0 {
		for _, f := range whole.Fields() {
			names = append(names, f.Name)
		}
	}
	text, narrowed := "SELECT "+dbfile.Idents(names)+" FROM "+s.table, ""
	if where := filter.Narrow(whole, scan.Where, filter.Native, engine.Dialect()); where != "" {
		text, narrowed = text+" WHERE "+where, ", where "+where
	}
	r.plan = fmt.Sprintf("%d of %d columns%s", len(names), whole.NumFields(), narrowed)
	return text, nil
}

func (s *Source) place() string { return s.path + " " + s.name }

// fail classifies an error. DuckDB's have a type, but say what happened to a file in words only.
func (s *Source) fail(err error) error {
	var known *source.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	text := err.Error()
	has := func(part string) bool { return strings.Contains(text, part) }
	e := &source.Error{Kind: source.Unavailable, Place: s.place(), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Hint = source.Missing, "check params.duckdb_open; a relative path starts at the spicepod's folder"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = source.Denied, "let pitwall read the file"
	case has("Could not set lock"), has("Conflicting lock"):
		e.Hint = "another process has the file open for writing: close it there, or read from a copy"
	case has("Catalog Error") && has("does not exist"):
		e.Kind, e.Hint = source.Missing, "check the table in from:, such as duckdb:schema.table"
	case has("not a valid DuckDB database"), has("checksum"), has("Corrupt"), has("corrupt"), has("Serialization Error"):
		e.Kind, e.Hint = source.Damaged, "restore the file, or export it with the version of DuckDB that wrote it"
	case has("Permission Error"), has("Binder Error"), has("Not implemented"), has("Missing Extension"), has("version number"):
		e.Kind, e.Hint = source.Unsupported, "read from a table of the file; views that read other files or extensions can't be used"
	}
	return e
}
