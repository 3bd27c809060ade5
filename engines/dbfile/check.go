package dbfile

import (
	"context"
	"errors"
	"fmt"
	"os"

	"pitwall/engines"
)

// CheckWrite refuses a write that an engine can't do. It returns the write as it is meant: a Replace has no
// schema but that of its rows.
func CheckWrite(e engines.Engine, w engines.Write) (engines.Write, error) {
	if err := e.Supports(w.Rows.Schema()); err != nil {
		return w, err
	}
	switch w.Mode {
	case engines.Replace:
		w.Schema = nil
	case engines.Append:
		if w.Schema != nil {
			return w, e.Supports(w.Schema)
		}
	default:
		return w, Fail(engines.Invalid, errors.New(w.Mode.String()))
	}
	return w, nil
}

// CheckInPlace refuses to change a dataset that another program keeps behind a view.
func CheckInPlace(view bool) error {
	if !view {
		return nil
	}
	return &engines.Error{
		Kind: engines.Invalid, Err: errors.New("the dataset is a view in a file of another program"),
		Hint: "run a full refresh, which replaces the file",
	}
}

// CheckFile refuses what only an engine with a file can do; path is empty in memory.
func CheckFile(path string) error {
	if path == "" {
		return Fail(engines.Invalid, errors.New("the dataset is kept in memory"))
	}
	return nil
}

// CheckExport refuses to copy the database at path to where something is.
func CheckExport(path, dst string) error {
	if err := CheckFile(path); err != nil {
		return err
	}
	if Exists(dst) {
		return fmt.Errorf("%s: %w", dst, os.ErrExist)
	}
	return nil
}

// Inspect opens a database file read-only and reads what it holds, as Check of an engines.Opener does.
type Inspect func(ctx context.Context, path, dataset string) (engines.Info, *engines.Checkpoint, error)

// CheckCopy describes a copy, which must have these rows.
func CheckCopy(ctx context.Context, inspect Inspect, dst, dataset string, rows int64) (engines.Export, error) {
	info, _, err := inspect(ctx, dst, dataset)
	if err == nil && info.Rows != rows {
		err = fmt.Errorf("the copy has %d rows, want %d", info.Rows, rows)
	}
	if err != nil {
		return engines.Export{}, err
	}
	return engines.Export{Bytes: info.Bytes, Rows: info.Rows, Schema: info.Schema}, nil
}

// Prepare removes what a killed process left of a dataset, and refuses a file that is not sound.
func Prepare(ctx context.Context, inspect Inspect, o engines.Options) error {
	if err := RemoveTemp(o.Path, o.TempDir); err != nil {
		return err
	}
	if _, _, err := inspect(ctx, o.Path, o.Dataset); err != nil && engines.KindOf(err) != engines.NotFound {
		return err
	}
	return nil
}
