// Package sqlite keeps one dataset in SQLite, in memory or in one file.
//
// A full refresh builds a new file without a journal and renames it over the old one; appends and
// deletes are WAL transactions. Checkpoints happen only where this package asks for one, so that the
// file can be copied while writers go on into the WAL. In memory every write makes a new database,
// so that readers and writers never share one. A write starts one goroutine, which encodes rows, and
// waits for it.
package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"modernc.org/sqlite"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// sidecars are the suffixes of the files that SQLite keeps beside a database.
func sidecars() []string { return []string{"-wal", "-shm", "-journal"} }

// Opener opens datasets in SQLite.
type Opener struct{}

var _ engines.Opener = Opener{}

// Name returns "sqlite".
func (Opener) Name() string { return "sqlite" }

// Extension returns ".sqlite".
func (Opener) Extension() string { return ".sqlite" }

// Open prepares the store; see engines.Opener. No Params are acted on.
func (Opener) Open(ctx context.Context, o engines.Options) (engines.Engine, error) {
	e, err := open(ctx, o)
	if err != nil {
		return nil, dbfile.Wrap("open", o.Dataset, o.Path, err)
	}
	return e, nil
}

// Check opens a database file read-only; see engines.Opener.
func (Opener) Check(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	info, cp, err := check(ctx, path, dataset)
	if err != nil {
		return engines.Info{}, nil, dbfile.Wrap("check", dataset, path, err)
	}
	return info, cp, nil
}

func open(ctx context.Context, o engines.Options) (*Engine, error) {
	e := &Engine{o: o, writer: dbfile.NewLock(), exports: dbfile.NewLock(), copying: dbfile.NewLock()}
	e.slot = dbfile.NewSlot(e.openCurrent)
	if o.Path == "" {
		return e, nil
	}
	if err := dbfile.Unpark(o.Path); err != nil {
		return nil, err
	}
	return e, dbfile.Prepare(ctx, check, o)
}

// openCurrent opens the file as it is now; the slot calls it under its lock.
func (e *Engine) openCurrent(ctx context.Context) (*database, error) {
	if e.o.Path == "" || !dbfile.Exists(e.o.Path) {
		return nil, dbfile.Fail(engines.NotFound, errors.New("nothing was written yet"))
	}
	if err := checkHeader(e.o.Path); err != nil {
		return nil, err
	}
	d, err := openDatabase(ctx, e.o.Path, e.o.Dataset, shared)
	if cannotOpen(err) || engines.KindOf(e.wrap("open", err)) == engines.Denied { // reading may still be allowed
		d, err = openDatabase(ctx, e.o.Path, e.o.Dataset, readOnly(e.o.Path))
	}
	return d, err
}

// cannotOpen recognises SQLITE_CANTOPEN: of a file that is there, it means that the sidecars cannot be
// made beside it.
func cannotOpen(err error) bool {
	const code = 14
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

// readOnly chooses how to read a file without changing anything: without a WAL it is enough to read
// the file itself, which also works where sidecars cannot be made.
func readOnly(path string) access {
	if dbfile.Size(path+"-wal") == 0 {
		return immutable
	}
	return reading
}

// check opens a file read-only and reads what it holds.
func check(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	var info engines.Info
	if err := checkHeader(path); err != nil {
		return info, nil, err
	}
	d, err := openDatabase(ctx, path, dataset, readOnly(path))
	if err != nil {
		return info, nil, err
	}
	defer d.Close()
	rows, err := d.base.count(ctx, dataset)
	if err != nil {
		return info, nil, err
	}
	cp, err := d.base.checkpointRow(ctx, dataset)
	return engines.Info{Schema: d.schema, Rows: rows, Bytes: dbfile.Size(path)}, cp, err
}

// checkHeader recognises a SQLite file by its header and compares its length with the pages that the
// header speaks of. SQLite itself would take an empty file for a new database.
func checkHeader(path string) error {
	const length = 100
	head, err := dbfile.Head(path, length)
	if err != nil {
		return err
	}
	if len(head) < length || string(head[:16]) != "SQLite format 3\x00" {
		return dbfile.Fail(engines.Corrupt, errors.New("not a SQLite database file"))
	}
	pageSize := int64(binary.BigEndian.Uint16(head[16:]))
	if pageSize == 1 {
		pageSize = 65_536
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	current := binary.BigEndian.Uint32(head[24:]) == binary.BigEndian.Uint32(head[92:]) // else the count is of an old writer
	if size := dbfile.Size(path); current && size < pages*pageSize && dbfile.Size(path+"-wal") == 0 {
		return dbfile.Fail(engines.Corrupt, fmt.Errorf("the file has %d bytes, its header speaks of %d", size, pages*pageSize))
	}
	return nil
}

// maxColumns is SQLite's default limit.
const maxColumns = 2000

// Supports refuses what SQLite cannot give back exactly; see engines.Engine.
func (e *Engine) Supports(s *arrow.Schema) error {
	err := engines.CheckColumns(s, refuse)
	if err == nil && s.NumFields() > maxColumns {
		err = fmt.Errorf("%d columns, SQLite has at most %d", s.NumFields(), maxColumns)
	}
	if err != nil {
		return dbfile.Wrap("check schema", e.o.Dataset, e.o.Path, dbfile.Fail(engines.Invalid, err))
	}
	return nil
}

// refuse gives the reason why a recorded type cannot be kept; empty when it can.
func refuse(t arrow.DataType) string {
	switch t.ID() {
	case arrow.DURATION, arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO:
		return "SQLite has no intervals"
	}
	if declared(t) == "" {
		return "SQLite has no such type"
	}
	return ""
}

// declared returns the type in CREATE TABLE. SQLite derives from it how it stores values: decimals
// must have TEXT in the name, or they would become floating point.
func declared(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.StringType, *arrow.LargeStringType:
		return "TEXT"
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Uint64Type:
		return "UBIGINT"
	case *arrow.Float32Type, *arrow.Float64Type:
		return "DOUBLE"
	case arrow.DecimalType:
		return fmt.Sprintf("DECIMAL_TEXT(%d,%d)", t.GetPrecision(), t.GetScale())
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.FixedSizeBinaryType:
		return "BLOB"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE"
	case *arrow.Time32Type, *arrow.Time64Type:
		return "TIME"
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return "TIMESTAMPTZ"
		}
		return "TIMESTAMP"
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType, *arrow.StructType, *arrow.MapType:
		return "JSON"
	}
	if arrow.IsInteger(t.ID()) {
		return "BIGINT"
	}
	return ""
}
