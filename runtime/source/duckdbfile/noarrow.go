//go:build !duckdb_arrow

package duckdbfile

// DuckDB hands out Arrow batches, which go-duckdb has behind a build tag. Without the tag
// the build stops here, with the remedy in the compiler's message.
const _ = build_pitwall_with_make_or_with_go_build_tags_duckdb_arrow
