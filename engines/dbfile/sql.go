package dbfile

import "strings"

// CheckpointTable is the table that says what a file holds (spec acceleration-snapshots.md 1.5).
const CheckpointTable = "spice_sys_dataset_checkpoint"

// CheckpointColumns is the definition of CheckpointTable, the same for DuckDB and SQLite.
const CheckpointColumns = "(dataset_name TEXT PRIMARY KEY, schema_json TEXT, " +
	"created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, refresh_sql TEXT)"

// Ident quotes an identifier.
func Ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Text quotes a string literal.
func Text(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }
