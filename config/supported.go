package config

import (
	"regexp"
	"slices"
	"strings"
)

// notYet lists what pitwall reads and checks but does not act on: a path of the file, without
// indexes, and with =value where only that value is meant. Whoever makes pitwall act on one deletes
// its line here.
var notYet = []string{
	"dependencies", "extensions", "catalogs", "models", "embeddings", "tools", "workers", "functions",
	"evals",

	"runtime.caching", "runtime.results_cache",
	"runtime.task_history", "runtime.params", "runtime.cors", "runtime.tls.client_auth_mode",
	"runtime.tls.client_auth_ca_certificate_file",
	"runtime.tracing", "runtime.telemetry", "runtime.flight", "runtime.query", "runtime.temp_directory",

	"datasets[].columns[].embeddings", "datasets[].columns[].full_text_search",
	"datasets[].access=read_write", "datasets[].mode=read_write", "datasets[].dependsOn",
	"datasets[].check_availability",
	"datasets[].check_availability_interval", "datasets[].replication", "datasets[].metrics",
	"datasets[].embeddings", "datasets[].vectors", "datasets[].full_text_search",
	"datasets[].has_metadata_table",

	"datasets[].acceleration.engine=turso",
	"datasets[].acceleration.refresh_mode=caching",
	"datasets[].acceleration.write_mode",
	"datasets[].acceleration.storage_profile", "datasets[].acceleration.maintained_aggregates",
}

// fatal are the keys of acceleration without whose value a dataset cannot run.
var fatal = []string{"engine", "mode", "refresh_mode"}

// cannotRun says which setting of an acceleration pitwall does not have yet, or "".
func cannotRun(a *Acceleration) string {
	for i, v := range []string{string(a.Engine), string(a.Mode), string(a.RefreshMode)} {
		if slices.Contains(notYet, "datasets[].acceleration."+fatal[i]+"="+v) {
			return "pitwall does not have " + fatal[i] + " " + v + " yet"
		}
	}
	return ""
}

// engineParams are the acceleration.params pitwall acts on, by engine.
func engineParams(e EngineName) []string {
	switch e {
	case EngineDuckDB:
		return []string{"duckdb_file", "duckdb_memory_limit"}
	case EngineSQLite:
		return []string{"sqlite_file"}
	case EngineCayenne:
		return []string{"cayenne_file_path", "cayenne_compression_strategy", "cayenne_target_file_size_mb", "cayenne_write_concurrency", "cayenne_metastore",
			"cayenne_compaction_trigger_files", "cayenne_compaction_background_interval_ms", "cayenne_compaction_max_files_per_pick"}
	case EnginePostgres:
		return []string{"pg_host", "pg_port", "pg_db", "pg_user", "pg_pass", "pg_sslmode", "pg_sslrootcert", "pg_connection_string",
			"connection_pool_size"}
	}
	return nil
}

// sourceParams are the params of a dataset pitwall acts on, by connector.
func sourceParams(connector string) []string {
	files := []string{"file_format", "file_extension", "file_compression_type", "hive_partitioning_enabled",
		"csv_delimiter", "csv_has_header", "has_header", "csv_quote", "csv_escape", "schema_infer_max_records",
		"csv_schema_infer_max_records"}
	switch connector {
	case "file":
		return append(files, "file_watcher")
	case "s3", "gs", "gcs", "abfs", "abfss":
		return append(files, bucketParams(connector)...)
	case "http", "https":
		return append(files, "client_timeout", "allow_http", "http_port", "http_username", "http_password", "http_bearer_token")
	case "postgres", "postgresql":
		return []string{"pg_host", "pg_port", "pg_db", "pg_user", "pg_pass", "pg_sslmode", "pg_sslrootcert", "pg_connection_string", "statement_timeout"}
	case "mysql":
		return []string{"mysql_host", "mysql_tcp_port", "mysql_db", "mysql_user", "mysql_pass", "mysql_sslmode", "mysql_sslrootcert", "mysql_connection_string"}
	case "sqlite":
		return []string{"sqlite_file"}
	case "duckdb":
		return []string{"duckdb_open"}
	case "debezium":
		return append(kafkaParams(), "debezium_transport", "debezium_message_format", "kafka_schema_registry_url",
			"kafka_schema_registry_username", "kafka_schema_registry_password")
	case "kafka":
		return append(kafkaParams(), "schema_infer_max_records", "flatten_json")
	case "flightsql":
		return []string{"flightsql_endpoint", "flightsql_username", "flightsql_password"}
	case "spice.ai", "spiceai":
		return []string{"spiceai_endpoint", "spiceai_api_key"}
	}
	return nil
}

// kafkaParams are the params with which a topic is followed.
func kafkaParams() []string {
	return []string{"kafka_bootstrap_servers", "kafka_security_protocol", "kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password",
		"kafka_ssl_ca_location", "kafka_enable_ssl_certificate_verification", "kafka_ssl_endpoint_identification_algorithm",
		"kafka_consumer_group_id", "batch_max_size", "batch_max_duration"}
}

// bucketParams are the params with which an object store is reached, for sources and for snapshots.
func bucketParams(scheme string) []string {
	all := []string{"client_timeout", "allow_http"}
	switch scheme {
	case "s3", "s3a":
		return append(all, "s3_region", "s3_endpoint", "s3_key", "s3_secret", "s3_session_token", "s3_auth", "s3_url_style")
	case "gs", "gcs":
		return append(all, "gcs_service_account_path", "gcs_service_account_key", "gcs_endpoint", "gcs_skip_signature")
	case "abfs", "abfss":
		return append(all, "abfs_account", "abfs_access_key", "abfs_sas_string", "abfs_endpoint", "abfs_tenant_id", "abfs_client_id",
			"abfs_client_secret", "abfs_use_emulator", "abfs_skip_signature")
	}
	return all
}

// fileFormats are the formats of files pitwall can load, with the endings that imply them.
func fileFormats() map[string]string {
	return map[string]string{".parquet": "parquet", ".csv": "csv", ".tsv": "csv", ".json": "json", ".ndjson": "jsonl",
		".jsonl": "jsonl", ".arrow": "arrow", ".ipc": "arrow", ".feather": "arrow"}
}

// connector is what pitwall knows about a source (spec data-refresh 1.6 items 6, 7, 12, 13).
type connector struct {
	name         string
	supported    bool // pitwall can read from it
	appendStream bool // append works without time_column
	changeStream bool // changes works
	changes      bool // changes is its default mode
}

// connectors are the known sources.
func connectors() []connector {
	all := []connector{
		{name: "file", supported: true},
		{name: "s3", supported: true}, {name: "gs", supported: true}, {name: "gcs", supported: true},
		{name: "abfs", supported: true}, {name: "abfss", supported: true},
		{name: "http", supported: true}, {name: "https", supported: true},
		{name: "sink", supported: true},
		{name: "spice.ai", supported: true, appendStream: true}, {name: "spiceai", supported: true, appendStream: true},
		{name: "flightsql", supported: true},
		{name: "kafka", supported: true, appendStream: true},
		{name: "debezium", supported: true, changeStream: true, changes: true}, {name: "cdc", supported: true, changeStream: true, changes: true},
		{name: "dynamodb", changeStream: true}, {name: "postgres", supported: true, changeStream: true},
		{name: "postgresql", supported: true, changeStream: true},
		{name: "mysql", supported: true, changeStream: true}, {name: "mongodb", changeStream: true},
		{name: "sqlite", supported: true}, {name: "duckdb", supported: true},
		// A child of another dataset follows whatever its parent does.
		{name: "localpod", appendStream: true, changeStream: true},
	}
	for _, name := range []string{"clickhouse", "databricks", "delta_lake", "dremio",
		"elasticsearch", "ftp", "git", "github", "glue", "graphql",
		"iceberg", "imap", "memory", "mssql", "nfs", "odbc", "oracle", "scylladb", "sftp", "sharepoint",
		"smb", "snowflake", "spark", "unity_catalog"} {
		all = append(all, connector{name: name})
	}
	return all
}

// connectorOf returns what is known about a name.
func connectorOf(name string) (connector, bool) {
	all := connectors()
	i := slices.IndexFunc(all, func(c connector) bool { return c.name == name })
	if i < 0 {
		return connector{name: name}, false
	}
	return all[i], true
}

var pathIndex = regexp.MustCompile(`\[\d+\]`)

// warnNotYet warns about everything of the document that is in notYet. prefix is where the document
// hangs in the spicepod, without indexes. skip leaves paths out, as those of a disabled acceleration.
func (d *document) warnNotYet(prefix string, skip func(path string) bool) {
	for _, path := range d.paths() {
		if !d.has(path) || skip(path) {
			continue
		}
		pattern := pathIndex.ReplaceAllString(path, "[]")
		if prefix != "" {
			pattern = strings.TrimSuffix(prefix+"."+pattern, ".")
		}
		if slices.Contains(notYet, pattern) {
			d.at(SeverityWarning, path, "pitwall does not act on "+last(path)+" yet; it is ignored", "")
			continue
		}
		value := strings.ToLower(d.marks[path].value.Value)
		if value != "" && slices.Contains(notYet, pattern+"="+value) {
			msg, hint := "pitwall does not act on "+last(path)+": "+value+" yet", ""
			if slices.Contains(fatal, last(path)) && strings.Contains(path, accel) {
				msg, hint = msg+"; the dataset will be in Error", "use another "+last(path)
			}
			d.at(SeverityWarning, path, msg, hint)
		}
	}
}

// paths are all paths of the document in the order of their places.
func (d *document) paths() []string {
	out := make([]string, 0, len(d.marks))
	for p := range d.marks {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b string) int {
		la, ca := d.place(a)
		lb, cb := d.place(b)
		if la != lb {
			return la - lb
		}
		if ca != cb {
			return ca - cb
		}
		return strings.Compare(a, b)
	})
	return out
}

// last is the last key of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
