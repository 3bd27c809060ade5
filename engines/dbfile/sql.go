package dbfile

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// CheckpointTable is the table that says what a file holds (spec acceleration-snapshots.md 1.5).
const CheckpointTable = "spice_sys_dataset_checkpoint"

// CheckpointColumns is the definition of CheckpointTable, the same for DuckDB and SQLite.
const CheckpointColumns = "(dataset_name TEXT PRIMARY KEY, schema_json TEXT, " +
	"created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, refresh_sql TEXT)"

// StateTable holds what the writer itself keeps beside the checkpoint row; other programs ignore it.
const StateTable = "pitwall_state"

// StateColumns is the definition of StateTable, the same for DuckDB and SQLite.
const StateColumns = "(dataset_name TEXT PRIMARY KEY, state BLOB)"

// Ident quotes an identifier.
func Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Idents quotes identifiers, with commas between them.
func Idents(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = Ident(n)
	}
	return strings.Join(quoted, ", ")
}

// Columns writes the names of the columns of a schema.
func Columns(s *arrow.Schema) string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return Idents(names)
}

// Text quotes a string literal.
func Text(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }
