//go:build duckdb_arrow

// Package duckdb keeps one dataset in DuckDB, in memory or in one file.
//
// Every generation of the content is its own DuckDB instance, opened on ":memory:" with the database
// attached as catalog acc, so that views over Arrow readers never reach the file. A full refresh
// builds a new file and renames it over the old one; appends are one transaction and a checkpoint.
// Checkpoints happen only where this package asks for one, so that a file can be copied while
// writers go on into the WAL. The package starts no goroutines.
package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"pitwall/engines"
	"pitwall/engines/dbfile"
)

// walSuffix is what DuckDB appends to the path of a database for its write-ahead log.
const walSuffix = ".wal"

// Opener opens datasets in DuckDB.
type Opener struct{}

var _ engines.Opener = Opener{}

// Name returns "duckdb".
func (Opener) Name() string { return "duckdb" }

// Extension returns ".duckdb".
func (Opener) Extension() string { return ".duckdb" }

// Open prepares the store; see engines.Opener. Acted on in Params: duckdb_memory_limit (such as
// "2GB") and duckdb_preserve_insertion_order ("false" gives up the order of rows for less memory in
// refreshes); others are ignored.
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
	set, err := parseSettings(o)
	if err != nil {
		return nil, err
	}
	if o.Keys.Conflict == engines.ConflictUpsertLast { // which row is the last is a matter of their order
		set.unordered = false
	}
	e := &Engine{o: o, set: set, writer: dbfile.NewLock(), exports: dbfile.NewLock(), copying: dbfile.NewLock()}
	e.slot = dbfile.NewSlot(e.openCurrent)
	if o.Path == "" {
		return e, nil
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
	d, err := newDatabase(ctx, e.o.Path, e.o.Dataset, e.set, false)
	if err != nil && engines.KindOf(e.wrap("open", err)) == engines.Denied { // reading may still be allowed
		d, err = newDatabase(ctx, e.o.Path, e.o.Dataset, e.set, true)
	}
	if err != nil {
		return nil, err
	}
	if err := d.load(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// check opens a file read-only, so that nothing is changed, and reads what it holds.
func check(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error) {
	var info engines.Info
	if err := checkHeader(path); err != nil {
		return info, nil, err
	}
	d, err := newDatabase(ctx, path, dataset, settings{}, true)
	if err != nil {
		return info, nil, err
	}
	defer d.Close()
	if err := d.load(ctx); err != nil {
		return info, nil, err
	}
	if err := d.checkLength(ctx); err != nil {
		return info, nil, err
	}
	cp, err := d.checkpointRow(ctx)
	if err != nil {
		return info, nil, err
	}
	rows, err := d.rows(ctx)
	return engines.Info{Schema: d.schema, Rows: rows, Bytes: dbfile.Size(path)}, cp, err
}

// checkHeader recognises a DuckDB file by its magic bytes. DuckDB itself would take an empty file
// for a new database, and try to load extensions for files of other programs.
func checkHeader(path string) error {
	const length = 12
	head, err := dbfile.Head(path, length)
	if err != nil {
		return err
	}
	if len(head) < length || string(head[8:]) != "DUCK" {
		return dbfile.Fail(engines.Corrupt, errors.New("not a DuckDB database file"))
	}
	return nil
}

// Supports refuses what DuckDB cannot give back exactly; see engines.Engine.
func (e *Engine) Supports(s *arrow.Schema) error {
	if err := engines.CheckColumns(s, refuse); err != nil {
		return dbfile.Wrap("check schema", e.o.Dataset, e.o.Path, dbfile.Fail(engines.Invalid, err))
	}
	return nil
}

// refuse gives the reason why a recorded type cannot be kept; empty when it can.
func refuse(t arrow.DataType) string {
	const micros = "DuckDB keeps microseconds, nanoseconds would be lost"
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.Unit == arrow.Nanosecond && t.TimeZone != "" {
			return micros
		}
	case *arrow.DurationType:
		if t.Unit == arrow.Nanosecond {
			return micros
		}
	case *arrow.MonthDayNanoIntervalType:
		return micros
	case *arrow.DayTimeIntervalType:
		return "DuckDB 1.5 misreads its Arrow form"
	case *arrow.Decimal256Type:
		return "DuckDB has at most 38 digits"
	case *arrow.Decimal128Type:
		if t.Scale < 0 || t.Scale > t.Precision {
			return "DuckDB has no such scale"
		}
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return "DuckDB has no empty structs"
		}
	}
	if !known(t.ID()) {
		return "DuckDB has no such type"
	}
	return ""
}

func known(id arrow.Type) bool {
	switch id {
	case arrow.NULL, arrow.BOOL, arrow.STRING, arrow.LARGE_STRING, arrow.BINARY, arrow.LARGE_BINARY, arrow.FIXED_SIZE_BINARY,
		arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION, arrow.INTERVAL_MONTHS,
		arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT, arrow.MAP,
		arrow.DECIMAL128, arrow.FLOAT32, arrow.FLOAT64:
		return true
	default:
		return arrow.IsInteger(id)
	}
}

// settings are the options that reach DuckDB.
type settings struct {
	memoryLimit string // as DuckDB writes it; empty: DuckDB's default
	unordered   bool
}

func parseSettings(o engines.Options) (settings, error) {
	var s settings
	s.memoryLimit = o.Params["duckdb_memory_limit"]
	switch v := o.Params["duckdb_preserve_insertion_order"]; v {
	case "", "true":
	case "false":
		s.unordered = true
	default:
		return s, dbfile.Fail(engines.Invalid, fmt.Errorf("duckdb_preserve_insertion_order is %q, want true or false", v))
	}
	return s, nil
}
