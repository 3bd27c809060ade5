package config

import (
	"strings"
	"testing"
)

// TestValidationList has a case for each row of the validation list of spec data-refresh 1.6, and for the
// columns that refresh_sql has to keep; row 4, which needs the source, is TestValidationListWithTheSource of package runtime.
func TestValidationList(t *testing.T) {
	const file = "engine: duckdb, mode: file"
	for _, c := range []struct {
		row                         string
		from, dataset, acceleration string
		severity                    Severity
		want                        []string // in the message or the hint; empty: there is no problem
	}{
		{"1 refresh_cron and refresh_check_interval", "./a.csv", "", "refresh_cron: '0 8 * * *', refresh_check_interval: 1h", SeverityError, []string{"refresh_cron", "refresh_check_interval"}},
		{"2 unknown engine", "./a.csv", "", "engine: duckbd", SeverityError, []string{"engine", "duckbd", "duckdb"}},
		{"3 unparsable refresh_check_interval", "./a.csv", "", "refresh_check_interval: 1h30m", SeverityError, []string{"1h30m"}},
		{"3 unparsable refresh_append_overlap", "./a.csv", ", time_column: t", "refresh_mode: append, refresh_append_overlap: soon", SeverityError, []string{"soon"}},
		{"3 unparsable refresh_jitter_max", "./a.csv", "", "refresh_jitter_enabled: true, refresh_jitter_max: 5x", SeverityError, []string{"5x"}},
		{"3 unparsable refresh_data_window", "./a.csv", ", time_column: t", "refresh_data_window: 1y", SeverityError, []string{"1y"}},
		{"3 unparsable retention_period", "./a.csv", ", time_column: t", "retention_check_enabled: true, retention_check_interval: 1h, retention_period: -1h", SeverityError, []string{"-1h"}},
		{"3 unparsable retention_check_interval", "./a.csv", ", time_column: t", "retention_check_enabled: true, retention_check_interval: x, retention_period: 1h", SeverityError, []string{"x"}},
		{"3 unparsable caching_ttl", "./a.csv", "", "refresh_mode: caching, params: {caching_ttl: x}", SeverityError, []string{"x"}},
		{"5 several on_conflict that upsert", "./a.csv", "", file + ", primary_key: id, indexes: {mail: unique}, on_conflict: {id: upsert, mail: drop}", SeverityError, []string{"on_conflict"}},
		{"5 several on_conflict, fewer than keys", "./a.csv", "", file + ", primary_key: id, indexes: {mail: unique, phone: unique}, on_conflict: {id: drop, mail: drop}", SeverityError, []string{"on_conflict"}},
		{"5 several on_conflict that all drop", "./a.csv", "", file + ", primary_key: id, indexes: {mail: unique}, on_conflict: {id: drop, mail: drop}", "", nil},
		{"6 append without time_column", "./a.csv", "", "refresh_mode: append", SeverityError, []string{"append", "./a.csv", "time_column"}},
		{"6 append without time_column of a stream", "kafka:a", "", "refresh_mode: append", "", nil},
		{"7 changes without a change stream", "./a.csv", "", "refresh_mode: changes", SeverityError, []string{"changes"}},
		{"8 refresh_data_window without time_column", "./a.csv", "", "refresh_data_window: 1d", SeverityWarning, []string{"refresh_data_window", "time_column"}},
		{"9 on_conflict on arrow without primary_key", "./a.csv", "", "on_conflict: {id: drop}", SeverityWarning, []string{"on_conflict", "primary_key"}},
		{"10 duckdb_file in memory", "./a.csv", "", "engine: duckdb, params: {duckdb_file: x.db}", SeverityError, []string{"duckdb_file", "mode: file"}},
		{"10 duckdb_file with another extension", "./a.csv", "", file + ", params: {duckdb_file: x.parquet}", SeverityError, []string{".parquet", ".ddb"}},
		{"10 duckdb_file that is a directory", "./a.csv", "", file + ", params: {duckdb_file: testdata/dir.db}", SeverityError, []string{"directory"}},
		{"11 retention without an interval", "./a.csv", ", time_column: t", "retention_check_enabled: true, retention_period: 1h", SeverityError, []string{"retention_check_interval"}},
		{"11 retention without a rule", "./a.csv", ", time_column: t", "retention_check_enabled: true, retention_check_interval: 1h", SeverityError, []string{"retention_period", "retention_sql"}},
		{"11 retention_period without time_column", "./a.csv", "", "retention_check_enabled: true, retention_check_interval: 1h, retention_period: 1h", SeverityError, []string{"time_column"}},
		{"11 retention_sql alone", "./a.csv", "", "retention_check_enabled: true, retention_check_interval: 1h, retention_sql: DELETE FROM x WHERE a = 1", "", nil},
		{"12 debezium without acceleration", "debezium:a", "", "enabled: false", SeverityError, []string{"debezium", "changes"}},
		{"12 debezium with another mode", "debezium:a", "", file + ", refresh_mode: full", SeverityError, []string{"debezium", "changes"}},
		{"13 kafka with another mode", "kafka:a", "", file + ", refresh_mode: full", SeverityError, []string{"kafka", "append"}},
		{"14 caching_ttl and caching_item_ttl", "http:a", "", "refresh_mode: caching, params: {caching_ttl: 1s, caching_item_ttl: 2s}", SeverityError, []string{"caching_ttl", "caching_item_ttl"}},
		{"14 caching_ttl and the same caching_item_ttl", "http:a", "", "refresh_mode: caching, params: {caching_ttl: 1s, caching_item_ttl: 1s}", "", nil},
		{"15 refresh_mode snapshot without snapshots", "./a.csv", "", file + ", refresh_mode: snapshot", SeverityError, []string{"snapshot"}},
		{"15 refresh_mode snapshot with create_only", "./a.csv", "", file + ", refresh_mode: snapshot, snapshots: create_only", SeverityError, []string{"snapshot"}},
		{"15 refresh_mode snapshot in memory", "./a.csv", "", "engine: duckdb, refresh_mode: snapshot, snapshots: enabled", SeverityError, []string{"file"}},
		{"15 refresh_mode snapshot", "./a.csv", "", file + ", refresh_mode: snapshot, snapshots: bootstrap_only", "", nil},
		{"16 LIMIT that is no number", "./a.csv", "", "refresh_sql: SELECT * FROM x LIMIT -1", SeverityError, []string{"LIMIT"}},
		{"16 DISTINCT ON of other columns than the key", "./a.csv", "", file + ", primary_key: id, refresh_sql: 'SELECT DISTINCT ON (name) * FROM x ORDER BY name, at'", SeverityError, []string{"primary_key"}},
		{"16 DISTINCT ON with LIMIT", "./a.csv", "", file + ", primary_key: id, refresh_sql: 'SELECT DISTINCT ON (id) * FROM x ORDER BY id, at LIMIT 3'", SeverityError, []string{"LIMIT"}},
		{"16 DISTINCT ON without a further column", "./a.csv", "", file + ", primary_key: id, refresh_sql: 'SELECT DISTINCT ON (id) * FROM x ORDER BY id'", SeverityError, []string{"ORDER BY"}},
		{"3.1 refresh_sql without the time_column of append", "./a.csv", ", time_column: at", "refresh_mode: append, refresh_sql: SELECT id FROM x", SeverityError, []string{"leaves out at", "append"}},
		{"3.1 refresh_sql without the time_column of retention", "./a.csv", ", time_column: at", "retention_check_enabled: true, retention_check_interval: 1h, retention_period: 1h, refresh_sql: SELECT id FROM x", SeverityError, []string{"leaves out at", "retention_period"}},
		{"3.1 refresh_sql without a column of the key", "./a.csv", "", "engine: duckdb, primary_key: '(id, region)', refresh_sql: SELECT id FROM x", SeverityError, []string{"leaves out region", "primary_key"}},
		{"3.1 refresh_sql with all that is needed", "./a.csv", ", time_column: at", "engine: duckdb, refresh_mode: append, primary_key: id, refresh_sql: 'SELECT id, at FROM x'", "", nil},
	} {
		t.Run(c.row, func(t *testing.T) {
			ds, ps := accelerated(t, c.from, c.dataset, c.acceleration)
			if failed := c.severity == SeverityError; failed == (ds != nil) {
				t.Fatalf("loaded: %t, want the opposite; %v", ds != nil, ps)
			}
			if c.want == nil {
				return
			}
			for _, p := range ps {
				all := true
				for _, w := range c.want {
					all = all && strings.Contains(p.Message+" "+p.Hint, w)
				}
				if all && p.Severity == c.severity && p.Line > 0 {
					return
				}
			}
			t.Errorf("no %s with %q: %v", c.severity, c.want, ps)
		})
	}
}
