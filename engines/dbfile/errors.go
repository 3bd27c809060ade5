package dbfile

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"pitwall/engines"
	"pitwall/engines/convert"
)

// Wrap makes an *engines.Error of err, which may be nil. Kinds come from an *engines.Error in the
// chain, the context, errno, and the texts of database drivers, which lose errno.
func Wrap(op, dataset, path string, err error) error {
	if err == nil {
		return nil
	}
	out := &engines.Error{Op: op, Dataset: dataset, Path: path, Kind: kindOf(err), Err: err}
	var inner *engines.Error
	if errors.As(err, &inner) {
		out.Hint = inner.Hint
		if inner.Op == op && inner.Dataset == dataset {
			return inner
		}
		if inner.Err != nil {
			out.Err = inner.Err
		}
	}
	if out.Kind == engines.Memory { // what follows is DuckDB's advice for its own settings
		text, _, _ := strings.Cut(out.Err.Error(), "\n")
		out.Err = errors.New(text)
	}
	if out.Hint == "" {
		out.Hint = hint(out.Kind)
	}
	return out
}

// Fail gives an error a kind that Wrap keeps.
func Fail(kind engines.Kind, err error) error {
	return &engines.Error{Kind: kind, Err: err}
}

func kindOf(err error) engines.Kind {
	var inner *engines.Error
	var null *convert.NullError
	var value *convert.ValueError
	text := err.Error()
	switch {
	case errors.As(err, &inner) && inner.Kind != "":
		return inner.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return engines.Canceled
	case errors.As(err, &null) && null.Key:
		return engines.Constraint
	case errors.As(err, &null):
		return engines.Schema
	case errors.As(err, &value):
		return engines.Invalid
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG),
		has(text, "No space left", "disk is full", "disk full", "File too large", "Disk quota exceeded"):
		return engines.DiskFull
	case has(text, "Out of Memory Error"):
		return engines.Memory
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS),
		has(text, "Permission denied", "Read-only file system", "readonly database", "read-only mode"):
		return engines.Denied
	case has(text, "Could not set lock", "database is locked", "Conflicting lock"):
		return engines.Locked
	case has(text, "Corrupt", "corrupt", "malformed", "not a valid DuckDB database", "file is not a database", "checksum"):
		return engines.Corrupt
	case has(text, "Constraint Error", "constraint failed"):
		return engines.Constraint
	case errors.Is(err, fs.ErrNotExist):
		return engines.NotFound
	default:
		return engines.Internal
	}
}

func has(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

func hint(k engines.Kind) string {
	switch k {
	case engines.DiskFull:
		return "free space on the disk of the acceleration, or move it"
	case engines.Memory:
		return "raise duckdb_memory_limit, or leave it out to allow most of the machine's memory; fewer refreshes at a time (runtime.dataset_load_parallelism) need less"
	case engines.Denied:
		return "check owner, permissions and mount options of the directory"
	case engines.Locked:
		return "stop the other process that has the file open"
	case engines.Constraint:
		return "make the rows of the source unique; if primary_key or indexes were changed, run a full refresh"
	case engines.Corrupt:
		return "move the file away and refresh, or restore a snapshot"
	default:
		return ""
	}
}
