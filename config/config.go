// Package config turns a spicepod file into a validated, immutable *Config, or into the list of all
// Problems found in it. It imports nothing of pitwall, starts no goroutine (package watch does) and
// never prints a secret.
package config

import (
	"time"

	"pitwall/config/secrets"
)

// Config is one valid version of a spicepod file and what it refers to. It is read-only after Load.
type Config struct {
	// Path is the absolute path of the spicepod file, Dir its directory: relative paths in the file
	// are relative to it.
	Path, Dir string
	// Hash is the hex SHA-256 over the content of all Files, in order.
	Hash string
	// Files are the spicepod and every file it pulled in by ref:, as absolute paths.
	Files []string
	// Warnings are the problems of severity warning; Load returned no errors.
	Warnings []Problem

	Version string
	Kind    string
	Name    string

	Runtime   Runtime
	Secrets   []SecretStore
	Snapshots Snapshots
	// Datasets are in the order of the file, behind them the views; names are unique after folding.
	Datasets []*Dataset
	Metadata map[string]any
	// Lines are the lines of the keys of each dataset in its file, by their YAML path within it.
	Lines map[string]map[string]int

	redactor *secrets.Redactor
	texts    [][]byte
}

// Texts are the contents of Files, in their order. They may hold secrets; nobody may write to them.
func (c *Config) Texts() [][]byte { return c.texts }

// Redactor masks every secret of the spicepod in any text, for what goes into a log or an error.
func (c *Config) Redactor() *secrets.Redactor { return c.redactor }

// Abs returns a path of the file as an absolute path: relative ones start at Dir, ~/ at the home
// directory.
func (c *Config) Abs(path string) string { return absFrom(c.Dir, path) }

// Dataset returns the dataset of that name, or nil.
func (c *Config) Dataset(name string) *Dataset {
	for _, d := range c.Datasets {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Runtime holds the keys of runtime: that pitwall acts on or knows (spec data-refresh 1.3).
type Runtime struct {
	// DatasetLoadParallelism caps concurrent loads and refreshes; 0 means the default of the runtime.
	DatasetLoadParallelism int
	ReadyState             ReadyState
	Auth                   Auth
	TLS                    TLS
}

// SecretStore is one entry of secrets: (spec data-refresh 1.2).
type SecretStore struct {
	// From is the kind of store with its selector, such as "env" or "file:/run/secrets".
	From   string
	Name   string
	Params map[string]string
}

// Snapshots is the top-level snapshots: block (spec acceleration-snapshots 4.1).
type Snapshots struct {
	// Present is false when the file has no snapshots: block.
	Present                    bool
	Enabled                    bool // default true
	Location                   string
	BootstrapOnFailureBehavior OnBootstrapFailure // default warn
	Params                     map[string]secrets.Value
}

// Dataset is one entry of datasets: (spec data-refresh 1.5) with its defaults applied.
type Dataset struct {
	// Line is where the dataset starts in File.
	File string
	Line int

	// From is the text of from:; Connector and Source are its two halves ("file" and "./x.parquet"). A view
	// has ConnectorView and its SQL.
	From, Connector, Source string
	// Name is the folded name: table or schema.table.
	Name        string
	Description string
	Metadata    map[string]any
	Columns     []Column
	Params      map[string]secrets.Value
	Access      Access // default read
	DependsOn   []string
	// Unsupported says why pitwall cannot run the dataset yet, such as a connector or an engine that it
	// does not have; empty when it can. Load has warned about it.
	Unsupported string

	TimeColumn          string
	TimeFormat          TimeFormat // default timestamp
	TimePartitionColumn string
	TimePartitionFormat TimeFormat
	ReadyState          ReadyState // default on_load

	UnsupportedTypeAction UnsupportedTypeAction // default error
	OnSchemaChange        OnSchemaChange        // default block

	Acceleration Acceleration
}

// Column is one entry of columns:.
type Column struct {
	Name        string
	Description string
}

// Acceleration is acceleration: of a dataset (spec data-refresh 1.6) with its defaults applied.
// A zero duration means unset.
type Acceleration struct {
	// Enabled is false when the block is absent or says so.
	Enabled bool
	Engine  EngineName // default arrow
	Mode    Mode       // default memory
	// RefreshMode is resolved: what the file says, else the connector's default (full).
	RefreshMode          RefreshMode
	RefreshCheckInterval time.Duration
	RefreshCron          string
	RefreshSQL           string
	RefreshDataWindow    time.Duration
	RefreshAppendOverlap time.Duration
	RefreshRetryEnabled  bool // default true
	// RefreshRetryMaxAttempts counts re-tries; nil means unlimited.
	RefreshRetryMaxAttempts *int
	RefreshJitterEnabled    bool
	// RefreshJitterMax is resolved: 10 % of the interval when enabled and unset.
	RefreshJitterMax       time.Duration
	RefreshOnStartup       OnStartup // default auto
	Params                 map[string]secrets.Value
	RetentionCheckEnabled  bool
	RetentionPeriod        time.Duration
	RetentionCheckInterval time.Duration
	RetentionSQL           string
	OnZeroResults          OnZeroResults     // default return_empty
	Indexes                map[string]string // column reference -> enabled | unique
	PrimaryKey             string            // normalised column reference, "" when none
	OnConflict             map[string]string
	PartitionBy            []PartitionExpr

	// Snapshots is resolved, default disabled: it is disabled too when the snapshots: block is absent,
	// not enabled, or without a location that pitwall can use.
	Snapshots SnapshotMode
	// SnapshotsTrigger is resolved by refresh mode (spec acceleration-snapshots 4.3).
	SnapshotsTrigger           SnapshotTrigger
	SnapshotsInterval          time.Duration // threshold of time_interval, default 10m
	SnapshotsBatches           int64         // threshold of stream_batches, default 100
	SnapshotsCompaction        bool
	SnapshotsVerify            Drill          // never by default
	SnapshotsRetain            Retain         // keeps all when neither it nor compaction is set
	SnapshotsUpload            SnapshotUpload // default full
	SnapshotsBy                SnapshotsBy    // default dataset
	SnapshotsFullEvery         int64          // every that many is full when they are incremental, default 10
	SnapshotsResetExpiryOnLoad bool
	SnapshotsCreationPolicy    CreationPolicy // default on_change

	// Metrics are those of OptInMetrics that the dataset has.
	Metrics []string
}

// PartitionExpr is one entry of partition_by: Func of Column, under a name that fits a folder.
type PartitionExpr struct {
	Name, Expr string
	// Func is "" for the column itself, bucket, truncate, year, month, day, hour, or date_trunc_ with a unit of
	// year, month, day or hour; N is the number of buckets or the width of a truncation.
	Func   string
	N      int64
	Column string
}

// The enumerations of a spicepod. The strings are those of the file.
type (
	EngineName            string
	Mode                  string
	RefreshMode           string
	ReadyState            string
	TimeFormat            string
	Access                string
	UnsupportedTypeAction string
	OnSchemaChange        string
	OnStartup             string
	OnZeroResults         string
	OnBootstrapFailure    string
	SnapshotMode          string
	SnapshotTrigger       string
	CreationPolicy        string
	SnapshotUpload        string
	SnapshotsBy           string
)

// Values of the enumerations.
const (
	EngineArrow    EngineName = "arrow"
	EngineDuckDB   EngineName = "duckdb"
	EngineSQLite   EngineName = "sqlite"
	EnginePostgres EngineName = "postgres"
	EngineCayenne  EngineName = "cayenne"
	EngineTurso    EngineName = "turso"

	ModeMemory     Mode = "memory"
	ModeFile       Mode = "file"
	ModeFileCreate Mode = "file_create"
	ModeFileUpdate Mode = "file_update"

	RefreshFull     RefreshMode = "full"
	RefreshAppend   RefreshMode = "append"
	RefreshChanges  RefreshMode = "changes"
	RefreshCaching  RefreshMode = "caching"
	RefreshSnapshot RefreshMode = "snapshot"
	RefreshDisabled RefreshMode = "disabled" // internal: the sink connector

	ReadyOnLoad         ReadyState = "on_load"
	ReadyOnRegistration ReadyState = "on_registration"

	TimeTimestamp   TimeFormat = "timestamp"
	TimeTimestampTZ TimeFormat = "timestamptz"
	TimeUnixSeconds TimeFormat = "unix_seconds"
	TimeUnixMillis  TimeFormat = "unix_millis"
	TimeISO8601     TimeFormat = "ISO8601"
	TimeDate        TimeFormat = "date"

	AccessRead      Access = "read"
	AccessReadWrite Access = "read_write"

	UnsupportedError  UnsupportedTypeAction = "error"
	UnsupportedWarn   UnsupportedTypeAction = "warn"
	UnsupportedIgnore UnsupportedTypeAction = "ignore"
	UnsupportedString UnsupportedTypeAction = "string"

	SchemaBlock     OnSchemaChange = "block"
	SchemaFail      OnSchemaChange = "fail"
	SchemaAppendNew OnSchemaChange = "append_new_columns"
	SchemaSyncAll   OnSchemaChange = "sync_all_columns"

	StartupAuto   OnStartup = "auto"
	StartupAlways OnStartup = "always"

	ZeroReturnEmpty OnZeroResults = "return_empty"
	ZeroUseSource   OnZeroResults = "use_source"

	BootstrapWarn     OnBootstrapFailure = "warn"
	BootstrapRetry    OnBootstrapFailure = "retry"
	BootstrapFallback OnBootstrapFailure = "fallback"

	SnapshotsDisabled      SnapshotMode = "disabled"
	SnapshotsEnabled       SnapshotMode = "enabled"
	SnapshotsBootstrapOnly SnapshotMode = "bootstrap_only"
	SnapshotsCreateOnly    SnapshotMode = "create_only"

	TriggerRefreshComplete SnapshotTrigger = "refresh_complete"
	TriggerTimeInterval    SnapshotTrigger = "time_interval"
	TriggerStreamBatches   SnapshotTrigger = "stream_batches"

	ByDataset   SnapshotsBy = "dataset"
	ByPartition SnapshotsBy = "partition"

	UploadFull        SnapshotUpload = "full"
	UploadIncremental SnapshotUpload = "incremental"

	PolicyOnChange CreationPolicy = "on_change"
	PolicyAlways   CreationPolicy = "always"
)
