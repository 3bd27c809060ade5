package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	sqlite3 "modernc.org/sqlite/lib"
)

// raw is a connection without the driver. Building a file binds many millions of values, and half of
// the time of the driver goes into that: it allocates for each text and forgets all values after each
// statement. It must not be used by two goroutines at a time.
type raw struct {
	tls *libc.TLS
	db  uintptr
	// text is where the bytes of a chunk lie; cap is its size.
	text uintptr
	cap  int
}

// pageSize is the size of the pages of a new file, in bytes. Rows with a primary key are changed one by one, all over the
// file, and each change writes a page; others are read through.
func pageSize(primary []string) int {
	if len(primary) > 0 {
		return 4 << 10
	}
	return 16 << 10
}

// openRaw opens a new, empty database to fill it with pages of some size.
func openRaw(path string, how access, pageSize int) (*raw, error) {
	uri, err := dsn(path, how)
	if err != nil {
		return nil, err
	}
	r := &raw{tls: libc.NewTLS()}
	name, err := libc.CString(uri)
	if err != nil {
		r.tls.Close()
		return nil, err
	}
	defer libc.Xfree(r.tls, name)
	out := libc.Xmalloc(r.tls, 8)
	defer libc.Xfree(r.tls, out)
	rc := sqlite3.Xsqlite3_open_v2(r.tls, name, out, sqlite3.SQLITE_OPEN_READWRITE|sqlite3.SQLITE_OPEN_URI|sqlite3.SQLITE_OPEN_NOMUTEX, 0)
	r.db = libc.AtomicLoadPUintptr(out)
	if err := r.check(rc); err != nil {
		return nil, errors.Join(err, r.close())
	}
	for _, p := range append(buildingPragmas(), fmt.Sprintf("page_size = %d", pageSize)) {
		if err := r.exec("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// check turns a result code into an error.
func (r *raw) check(rc int32) error {
	if rc == sqlite3.SQLITE_OK || rc == sqlite3.SQLITE_ROW || rc == sqlite3.SQLITE_DONE {
		return nil
	}
	return fmt.Errorf("%s (%d)", libc.GoString(sqlite3.Xsqlite3_errmsg(r.tls, r.db)), rc)
}

// exec runs one statement without parameters.
func (r *raw) exec(sql string) error {
	text, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(r.tls, text)
	return r.check(sqlite3.Xsqlite3_exec(r.tls, r.db, text, 0, 0, 0))
}

// prepare compiles a statement.
func (r *raw) prepare(sql string) (stmt uintptr, err error) {
	text, err := libc.CString(sql)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(r.tls, text)
	out := libc.Xmalloc(r.tls, 8)
	defer libc.Xfree(r.tls, out)
	err = r.check(sqlite3.Xsqlite3_prepare_v2(r.tls, r.db, text, -1, out, 0))
	return libc.AtomicLoadPUintptr(out), err
}

// rowsPerStep is how many rows one statement of a rawSink inserts: starting a statement costs as much
// as a few rows, more than some gain nothing.
const rowsPerStep = 10

// rawSink inserts by statements of a raw connection.
type rawSink struct {
	r *raw
	// many inserts some rows at a time, one a single row: the rest of a chunk.
	some      int
	many, one uintptr
}

// newRawSink returns the sink of a table, quoted.
func newRawSink(r *raw, table string, schema *arrow.Schema) (*rawSink, error) {
	s := &rawSink{r: r, some: max(1, min(rowsPerStep, maxParams/schema.NumFields()))}
	var err error
	if s.many, err = r.prepare(insertInto(table, schema, s.some)); err == nil {
		s.one, err = r.prepare(insertInto(table, schema, 1))
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *rawSink) insert(ctx context.Context, k *chunk) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r := s.r
	r.keep(k.bytes)
	before := sqlite3.Xsqlite3_total_changes64(r.tls, r.db)
	for at := 0; at < k.rows; {
		stmt, n := s.many, s.some
		if at+n > k.rows {
			stmt, n = s.one, 1
		}
		for i, c := range k.cells[at*k.columns : (at+n)*k.columns] {
			if err := k.check(c); err != nil {
				return 0, err
			}
			if rc := r.bind(stmt, int32(i+1), c); rc != sqlite3.SQLITE_OK {
				return 0, r.check(rc)
			}
		}
		if rc := sqlite3.Xsqlite3_step(r.tls, stmt); rc != sqlite3.SQLITE_DONE {
			return 0, r.check(rc)
		}
		if rc := sqlite3.Xsqlite3_reset(r.tls, stmt); rc != sqlite3.SQLITE_OK {
			return 0, r.check(rc)
		}
		at += n
	}
	return sqlite3.Xsqlite3_total_changes64(r.tls, r.db) - before, nil
}

// close drops the statements; the connection stays open.
func (s *rawSink) close() error {
	err := s.r.check(sqlite3.Xsqlite3_finalize(s.r.tls, s.many)) // of 0 it does nothing
	return errors.Join(err, s.r.check(sqlite3.Xsqlite3_finalize(s.r.tls, s.one)))
}

// keep copies the bytes of a chunk to where SQLite may read them until the next chunk.
func (r *raw) keep(b []byte) {
	if len(b) > r.cap || r.text == 0 {
		if r.text != 0 {
			libc.Xfree(r.tls, r.text)
		}
		r.cap = max(2*len(b), 1<<16)
		if r.text = libc.Xmalloc(r.tls, types.Size_t(r.cap)); r.text == 0 {
			panic(fmt.Sprintf("out of memory: %d bytes", r.cap))
		}
	}
	copy(libc.GoBytes(r.text, r.cap), b)
}

// bind binds a cell whose bytes stay where they are until the statement has run (SQLITE_STATIC).
func (r *raw) bind(stmt uintptr, param int32, c cell) int32 {
	switch c.kind {
	case isInt:
		return sqlite3.Xsqlite3_bind_int64(r.tls, stmt, param, c.num)
	case isFloat:
		return sqlite3.Xsqlite3_bind_double(r.tls, stmt, param, c.float)
	case isText:
		return sqlite3.Xsqlite3_bind_text(r.tls, stmt, param, r.text+uintptr(c.at), int32(c.size), 0)
	case isBlob:
		return sqlite3.Xsqlite3_bind_blob(r.tls, stmt, param, r.text+uintptr(c.at), int32(c.size), 0)
	default:
		return sqlite3.Xsqlite3_bind_null(r.tls, stmt, param)
	}
}

func (r *raw) close() error {
	rc := sqlite3.Xsqlite3_close_v2(r.tls, r.db)
	if r.text != 0 {
		libc.Xfree(r.tls, r.text)
	}
	r.tls.Close()
	if rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("close: result %d", rc)
	}
	return nil
}
