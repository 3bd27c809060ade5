// Package engines owns what a local store of one dataset is: the Engine interface, the abilities
// an engine may have besides, its errors and the rules of the Arrow type table.
//
// An engine never learns where rows come from, when a refresh is due or what a snapshot is; the
// runtime brings engines, sources and snapshots together. This package starts no goroutines.
package engines

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// WriteMode says what a refresh does to the rows that are already there.
type WriteMode int

const (
	// Replace makes the incoming rows the whole content of the dataset (refresh_mode: full).
	Replace WriteMode = iota + 1
	// Append adds the incoming rows (refresh_mode: append).
	Append
)

// String returns the word used in logs and errors.
func (m WriteMode) String() string {
	switch m {
	case Replace:
		return "replace"
	case Append:
		return "append"
	default:
		return "unknown write mode"
	}
}

// Write is one refresh to apply. The rows and the checkpoint become visible and durable together.
type Write struct {
	Mode WriteMode
	// Rows is read to its end, or until its error or the cancellation of the context. The engine
	// does not release it.
	Rows array.RecordReader
	// RefreshSQL is the effective refresh_sql, kept in the checkpoint row; empty when there is none.
	RefreshSQL string
	// At is the time recorded as updated_at of the checkpoint row.
	At time.Time
	// State is the writer's own state, kept beside the checkpoint row in a table of its own, which
	// other readers of the file ignore. Nil removes it.
	State []byte
	// Remove is deleted in the same commit, before the rows are added: what changes take away (spec data-refresh
	// 7.4). Only of an Append; nil deletes nothing.
	Remove Predicate
	// Keyed promises that no two of Rows have one primary key, and that Remove takes away the rows that have one of
	// theirs: the primary key is not looked at again.
	Keyed bool
	// Evict is deleted in the same commit, after the rows were added: what retention does not keep is
	// never visible. Nil deletes nothing.
	Evict Predicate
	// Schema is the schema to have after an Append whose columns differ from the recorded ones: columns
	// that the rows lack are NULL in them, columns that are new are NULL in the rows that were there,
	// columns that Schema lacks are dropped. Nil keeps the recorded schema.
	Schema *arrow.Schema
}

// UpdatedAt is At in UTC, or the time now.
func (w Write) UpdatedAt() time.Time {
	if w.At.IsZero() {
		return time.Now().UTC()
	}
	return w.At.UTC()
}

// Conflicts are the keys that incoming rows have to be compared by: those of a dataset, without the primary key
// where the write is Keyed.
func (w Write) Conflicts(k Keys) Keys {
	if !w.Keyed {
		return k
	}
	if slices.Equal(k.Target, k.Primary) {
		k.Conflict, k.Target = ConflictReject, nil
	}
	k.Primary = nil
	return k
}

// Stats tells what one Write did.
type Stats struct {
	// Removed is the number of rows that Write.Remove deleted.
	Removed int64
	// Written is the number of rows that the write added or, by an upsert, replaced.
	Written int64
	// Dropped is the number of incoming rows that on_conflict left out: the key was there already
	// (drop), or another incoming row took its place (upsert_dedup, upsert_dedup_by_row_id).
	Dropped int64
	// Evicted is the number of rows that Write.Evict deleted.
	Evicted int64
	// Rows and Bytes describe the dataset after the write: the row count and the size of the local
	// store in bytes (of the file, or of the Arrow buffers in memory).
	Rows, Bytes int64
}

// Info describes what an engine holds right now.
type Info struct {
	// Schema is the recorded Arrow schema; nil when nothing was ever written.
	Schema *arrow.Schema
	// Rows is the exact row count, Bytes the size of the local store in bytes.
	Rows, Bytes int64
}

// Checkpoint is the row of spice_sys_dataset_checkpoint for the dataset (spec
// acceleration-snapshots.md sections 1.5 and 3.4).
type Checkpoint struct {
	// SchemaJSON is the Arrow schema as package schemajson writes it; empty in files of old writers.
	SchemaJSON string
	// RefreshSQL is the refresh_sql the rows were loaded with; empty when none or unknown.
	RefreshSQL string
	// UpdatedAt is the time of the last successful refresh, in UTC.
	UpdatedAt time.Time
	// State is Write.State of the last write; nil in files of other writers.
	State []byte
}

// Scan is one read of the dataset. The zero value reads everything.
type Scan struct {
	// Columns to read, in this order; all when empty.
	Columns []string
	// Where keeps the rows for which it is true; nil keeps all. Rows where it is NULL are dropped.
	Where Predicate
	// Limit is the highest number of rows to return; 0 means no limit.
	Limit int64
}

// Engine is the local store of one dataset. Methods are safe for concurrent use: writers queue
// behind one another, readers run beside a writer and see the state before or after it, never a
// mixture. Every error is an *Error or wraps the context's.
type Engine interface {
	// Write applies one refresh. Readers see all of it or none, also after a crash; a failed or
	// cancelled Write leaves content, schema and checkpoint as they were. An Append whose schema
	// differs from the recorded one fails with Kind Schema and names the differing columns.
	Write(ctx context.Context, w Write) (Stats, error)
	// Query returns the rows of one consistent state with the recorded schema (narrowed to
	// Scan.Columns). The caller releases the reader. An engine that was never written returns an
	// error of Kind NotFound.
	Query(ctx context.Context, s Scan) (array.RecordReader, error)
	// Delete removes the rows for which the predicate is true and returns their number. Readers
	// never see the dataset partly deleted or empty meanwhile.
	Delete(ctx context.Context, where Predicate) (int64, error)
	// Watermark returns the greatest non-NULL value of a column. Kind NotFound: no such column.
	Watermark(ctx context.Context, column string) (Mark, error)
	// Info returns schema, rows and size; zero before the first write.
	Info(ctx context.Context) (Info, error)
	// Checkpoint returns the checkpoint row, nil when there is none. Memory engines answer too, but
	// theirs does not survive the process.
	Checkpoint(ctx context.Context) (*Checkpoint, error)
	// Supports checks a source's schema against the type table before the first write: nil, or an
	// error of Kind Invalid naming every column that cannot be kept and why.
	Supports(s *arrow.Schema) error
	// Close waits for running writes and readers' resources and closes the store. It is idempotent.
	Close() error
}

// Rekeyer is an engine whose keys can be told after it was opened, because only the first changes of a stream tell
// them.
type Rekeyer interface {
	// SetKeys has the writes to come use other keys than those of Options.
	SetKeys(k Keys)
}

// FileEngine is an engine that keeps its dataset in one database file and so can be snapshotted.
type FileEngine interface {
	Engine
	// Path is the database file. It may not exist before the first write.
	Path() string
	// Export writes a consistent, self-contained copy of the database to dst, a path that must not
	// exist, on the same disk as Path. Writers wait only for the checkpoint, not for the copy. With
	// compact the copy is rewritten without free space. The copy is fsynced.
	Export(ctx context.Context, dst string, compact bool) (Export, error)
	// Adopt makes the database file src, on the same disk as Path, the content of the engine: it is
	// checked (see Opener.Check), renamed over Path, sidecars of the old file can never be applied
	// to it, readers switch to it. On error src is left where it is and the old content goes on.
	Adopt(ctx context.Context, src string) (Info, error)
}

// Export describes a consistent copy of a database file.
type Export struct {
	// Bytes is the size of the copy, Rows the row count of the dataset inside it.
	Bytes, Rows int64
	Schema      *arrow.Schema
}

// Options say which dataset an engine keeps and where.
type Options struct {
	// Dataset is the name of the dataset, and of the table or view in the database file.
	Dataset string
	// Path is the database file; empty keeps the dataset in memory.
	Path string
	// TempDir is where unfinished files may be put; it must be on the same disk as Path. Empty means
	// the directory of Path.
	TempDir string
	// Params are acceleration.params of the spicepod, with secrets resolved.
	Params map[string]string
	// Keys are the constraints and indexes of the dataset.
	Keys Keys
	// Partitions are the levels of partition_by, for engines that lay rows out by them; see PartitionedEngine.
	Partitions []PartitionBy
	// Evaluate computes a condition of type SQL over a batch: a boolean array with NULLs. Engines that
	// do not speak SQL themselves need it; nil makes such a condition an error of Kind Invalid.
	Evaluate func(ctx context.Context, sql string, b arrow.RecordBatch) (arrow.Array, error)
}

// Keys are primary_key, indexes and on_conflict of a dataset (spec data-refresh 2.7). The zero value has
// none. A write whose rows violate a unique key, where Conflict does not say what to do, is rejected
// as a whole with Kind Constraint, and so is one with duplicates among its own rows, also for a Replace.
type Keys struct {
	// Primary are the columns of the primary key; they are NOT NULL.
	Primary []string
	// Unique and Plain are the columns of each index, unique or not.
	Unique, Plain [][]string
	// Conflict says what an incoming row does whose key is there already.
	Conflict Conflict
	// Target are the columns of the unique key that an upsert looks at; with ConflictDrop all unique
	// keys count.
	Target []string
}

// Conflict is the action of on_conflict.
type Conflict string

// The actions.
const (
	// ConflictReject, the default, refuses the write.
	ConflictReject Conflict = ""
	// ConflictDrop keeps the row that is there.
	ConflictDrop Conflict = "drop"
	// ConflictUpsert replaces all columns that are not in the key by those of the incoming row.
	ConflictUpsert Conflict = "upsert"
	// ConflictUpsertDedup first removes, of the incoming rows with one key that are equal in all columns,
	// all but one.
	ConflictUpsertDedup Conflict = "upsert_dedup"
	// ConflictUpsertLast keeps, of the incoming rows with one key, the last.
	ConflictUpsertLast Conflict = "upsert_dedup_by_row_id"
)

// Opener opens one kind of engine. Implementations have no state.
type Opener interface {
	// Name is the engine's name in spicepod.yml and in snapshot metadata: "duckdb", "sqlite", "arrow".
	Name() string
	// Extension is the file name extension of snapshots, with its dot (spec 1.1); empty when the
	// engine has no files.
	Extension() string
	// Open opens or prepares the store. A missing file is not an error: the engine is empty until
	// the first Write or Adopt. Left-overs of a killed process are cleaned up. Kind Corrupt: the
	// file is there but is not a sound database of this engine; nothing was changed.
	Open(ctx context.Context, o Options) (Engine, error)
	// Check opens the database file read-only and returns what it holds of the dataset. Kind
	// Corrupt: not a sound database of this engine. Kind NotFound: no table or view of that name.
	Check(ctx context.Context, path, dataset string) (Info, *Checkpoint, error)
}

// Mark is a watermark: the greatest value of a time column.
type Mark struct {
	// Valid is false when the dataset has no non-NULL value of the column.
	Valid bool
	// Value is an int64, uint64, float64, string or time.Time (UTC), by the type of the column; for
	// timestamps of nanosecond unit the time carries the nanoseconds.
	Value any
	// Type is the Arrow type of the column in the recorded schema.
	Type arrow.DataType
}
