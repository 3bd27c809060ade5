package config

import "go.yaml.in/yaml/v4"

// The YAML-shaped types of a spicepod: the decoder fills them, the JSON schema is generated from
// them, and a key that is not here is an unknown key. json tags name the keys; a key without
// omitempty is required.

type rawPod struct {
	Version   podVersion   `json:"version"`
	Kind      podKind      `json:"kind"`
	Name      string       `json:"name" jsonschema_description:"Name of the spicepod."`
	Runtime   rawRuntime   `json:"runtime,omitempty"`
	Secrets   []rawSecret  `json:"secrets,omitempty" jsonschema_description:"Secret stores; default is one env store named env."`
	Snapshots rawSnapshots `json:"snapshots,omitempty" jsonschema_description:"Where snapshots of accelerated datasets are kept."`
	Metadata  freeMap      `json:"metadata,omitempty"`
	Datasets  []rawDataset `json:"datasets,omitempty"`
	Views     []rawView    `json:"views,omitempty"`

	Dependencies []string `json:"dependencies,omitempty"`
	Extensions   anything `json:"extensions,omitempty"`
	Catalogs     anything `json:"catalogs,omitempty"`
	Models       anything `json:"models,omitempty"`
	Embeddings   anything `json:"embeddings,omitempty"`
	Tools        anything `json:"tools,omitempty"`
	Workers      anything `json:"workers,omitempty"`
	Functions    anything `json:"functions,omitempty"`
	Evals        anything `json:"evals,omitempty"`
}

type rawRuntime struct {
	DatasetLoadParallelism count       `json:"dataset_load_parallelism,omitempty" jsonschema_description:"Most loads and refreshes at the same time."`
	NumOfParallelLoading   count       `json:"num_of_parallel_loading_at_start_up,omitempty" jsonschema:"deprecated" jsonschema_description:"Old name of dataset_load_parallelism."`
	ReadyState             ReadyState  `json:"ready_state,omitempty"`
	Caching                anything    `json:"caching,omitempty"`
	ResultsCache           anything    `json:"results_cache,omitempty"`
	Metrics                []rawMetric `json:"metrics,omitempty"`
	TaskHistory            anything    `json:"task_history,omitempty"`
	Params                 anything    `json:"params,omitempty"`
	TLS                    rawTLS      `json:"tls,omitempty"`
	Auth                   rawAuth     `json:"auth,omitempty"`
	CORS                   anything    `json:"cors,omitempty"`
	Tracing                anything    `json:"tracing,omitempty"`
	Telemetry              anything    `json:"telemetry,omitempty"`
	Flight                 anything    `json:"flight,omitempty"`
	Query                  anything    `json:"query,omitempty"`
	TempDirectory          anything    `json:"temp_directory,omitempty"`
}

// rawTLS is runtime.tls.
type rawTLS struct {
	Enabled         *bool    `json:"enabled,omitempty"`
	CertificateFile string   `json:"certificate_file,omitempty" jsonschema_description:"PEM file of the certificate and its chain."`
	KeyFile         string   `json:"key_file,omitempty" jsonschema_description:"PEM file of the private key."`
	Certificate     string   `json:"certificate,omitempty" jsonschema_description:"The certificate itself as PEM, usually a secret."`
	Key             string   `json:"key,omitempty" jsonschema_description:"The private key itself as PEM, usually a secret."`
	ClientAuthMode  anything `json:"client_auth_mode,omitempty"`
	ClientAuthCA    anything `json:"client_auth_ca_certificate_file,omitempty"`
}

// rawAuth is runtime.auth.
type rawAuth struct {
	APIKey rawAPIKey `json:"api-key,omitempty"`
}

type rawAPIKey struct {
	Enabled *bool    `json:"enabled,omitempty"`
	Keys    []string `json:"keys,omitempty" jsonschema_description:"KEY, KEY:ro or KEY:rw; those without :rw may only read."`
}

type rawSecret struct {
	From   string    `json:"from" jsonschema_description:"Kind of store, such as env or file:/run/secrets."`
	Name   string    `json:"name" jsonschema_description:"Name of the store in ${name:key}."`
	Params scalarMap `json:"params,omitempty"`
}

type rawSnapshots struct {
	Enabled                    *bool              `json:"enabled,omitempty" jsonschema:"default=true"`
	Location                   string             `json:"location,omitempty" jsonschema_description:"Path or URL of the folder of the snapshots."`
	BootstrapOnFailureBehavior OnBootstrapFailure `json:"bootstrap_on_failure_behavior,omitempty"`
	Params                     scalarMap          `json:"params,omitempty"`
}

type rawView struct {
	Name         string          `json:"name"`
	SQL          string          `json:"sql,omitempty" jsonschema_description:"One SELECT over datasets and views of this file."`
	SQLRef       string          `json:"sql_ref,omitempty" jsonschema_description:"File with the SELECT."`
	Description  string          `json:"description,omitempty"`
	Metadata     freeMap         `json:"metadata,omitempty"`
	DependsOn    []string        `json:"dependsOn,omitempty"`
	ReadyState   ReadyState      `json:"ready_state,omitempty"`
	Acceleration rawAcceleration `json:"acceleration,omitempty"`
}

// rawDataset is an inline dataset or, when Ref is set, a reference to a file with one.
type rawDataset struct {
	Ref         string      `json:"ref,omitempty" jsonschema_description:"Directory with a dataset.yaml."`
	From        string      `json:"from,omitempty" jsonschema_description:"Source: connector:path, or a file path."`
	Name        string      `json:"name,omitempty" jsonschema_description:"table or schema.table; folded to lower case unless quoted."`
	Description string      `json:"description,omitempty"`
	Metadata    freeMap     `json:"metadata,omitempty"`
	Columns     []rawColumn `json:"columns,omitempty"`
	Params      scalarMap   `json:"params,omitempty"`
	Access      Access      `json:"access,omitempty"`
	Mode        Access      `json:"mode,omitempty" jsonschema:"deprecated" jsonschema_description:"Old name of access."`
	DependsOn   []string    `json:"dependsOn,omitempty"`

	TimeColumn          string     `json:"time_column,omitempty"`
	TimeFormat          TimeFormat `json:"time_format,omitempty"`
	TimePartitionColumn string     `json:"time_partition_column,omitempty"`
	TimePartitionFormat TimeFormat `json:"time_partition_format,omitempty"`
	ReadyState          ReadyState `json:"ready_state,omitempty"`

	UnsupportedTypeAction UnsupportedTypeAction `json:"unsupported_type_action,omitempty"`
	InvalidTypeAction     UnsupportedTypeAction `json:"invalid_type_action,omitempty" jsonschema:"deprecated" jsonschema_description:"Old name of unsupported_type_action."`
	OnSchemaChange        OnSchemaChange        `json:"on_schema_change,omitempty"`

	CheckAvailability         availability `json:"check_availability,omitempty"`
	CheckAvailabilityInterval durationT    `json:"check_availability_interval,omitempty"`
	Replication               anything     `json:"replication,omitempty"`
	Metrics                   anything     `json:"metrics,omitempty"`
	Embeddings                anything     `json:"embeddings,omitempty"`
	Vectors                   anything     `json:"vectors,omitempty"`
	FullTextSearch            anything     `json:"full_text_search,omitempty"`
	HasMetadataTable          anything     `json:"has_metadata_table,omitempty"`

	Acceleration rawAcceleration `json:"acceleration,omitempty"`
}

type rawColumn struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Embeddings  anything `json:"embeddings,omitempty"`
	Metadata    anything `json:"metadata,omitempty"`
	Full        anything `json:"full_text_search,omitempty"`
}

type rawAcceleration struct {
	Enabled     *bool       `json:"enabled,omitempty" jsonschema:"default=true"`
	Engine      EngineName  `json:"engine,omitempty"`
	Mode        Mode        `json:"mode,omitempty"`
	RefreshMode RefreshMode `json:"refresh_mode,omitempty"`

	RefreshCheckInterval    durationT `json:"refresh_check_interval,omitempty"`
	RefreshCron             string    `json:"refresh_cron,omitempty"`
	RefreshSQL              string    `json:"refresh_sql,omitempty"`
	RefreshDataWindow       durationT `json:"refresh_data_window,omitempty"`
	RefreshAppendOverlap    durationT `json:"refresh_append_overlap,omitempty"`
	RefreshRetryEnabled     *bool     `json:"refresh_retry_enabled,omitempty" jsonschema:"default=true"`
	RefreshRetryMaxAttempts *count    `json:"refresh_retry_max_attempts,omitempty"`
	RefreshJitterEnabled    bool      `json:"refresh_jitter_enabled,omitempty"`
	RefreshJitterMax        durationT `json:"refresh_jitter_max,omitempty"`
	RefreshOnStartup        OnStartup `json:"refresh_on_startup,omitempty"`

	Params                 scalarMap                 `json:"params,omitempty"`
	RetentionCheckEnabled  bool                      `json:"retention_check_enabled,omitempty"`
	RetentionPeriod        durationT                 `json:"retention_period,omitempty"`
	RetentionCheckInterval durationT                 `json:"retention_check_interval,omitempty"`
	RetentionSQL           string                    `json:"retention_sql,omitempty"`
	OnZeroResults          OnZeroResults             `json:"on_zero_results,omitempty"`
	ReadyState             ReadyState                `json:"ready_state,omitempty" jsonschema:"deprecated"`
	Indexes                map[string]indexKind      `json:"indexes,omitempty"`
	PrimaryKey             string                    `json:"primary_key,omitempty"`
	OnConflict             map[string]conflictAction `json:"on_conflict,omitempty"`
	PartitionBy            []partition               `json:"partition_by,omitempty"`

	Metrics              []rawMetric    `json:"metrics,omitempty"`
	WriteMode            writeMode      `json:"write_mode,omitempty"`
	StorageProfile       storageProfile `json:"storage_profile,omitempty"`
	MaintainedAggregates anything       `json:"maintained_aggregates,omitempty"`

	Snapshots                  SnapshotMode    `json:"snapshots,omitempty"`
	SnapshotsTrigger           SnapshotTrigger `json:"snapshots_trigger,omitempty"`
	SnapshotsTriggerThreshold  scalar          `json:"snapshots_trigger_threshold,omitempty"`
	SnapshotsCompaction        toggle          `json:"snapshots_compaction,omitempty"`
	SnapshotsVerify            string          `json:"snapshots_verify,omitempty" jsonschema_description:"Which snapshots are verified how often, such as newest daily."`
	SnapshotsRetain            rawRetain       `json:"snapshots_retain,omitempty"`
	SnapshotsUpload            SnapshotUpload  `json:"snapshots_upload,omitempty" jsonschema_description:"Whether a snapshot stores the whole database or only the blocks that changed."`
	SnapshotsBy                SnapshotsBy     `json:"snapshots_by,omitempty" jsonschema_description:"Whether a snapshot is one of the dataset, or every partition has snapshots of its own."`
	SnapshotsFullEvery         count           `json:"snapshots_full_every,omitempty" jsonschema_description:"With snapshots_upload incremental, every that many snapshots are full."`
	SnapshotsResetExpiryOnLoad toggle          `json:"snapshots_reset_expiry_on_load,omitempty"`
	SnapshotsCreationPolicy    CreationPolicy  `json:"snapshots_creation_policy,omitempty"`
}

type rawRetain struct {
	Last    count     `json:"last,omitempty" jsonschema_description:"How many of the newest snapshots are kept."`
	Daily   count     `json:"daily,omitempty" jsonschema_description:"Of how many days the newest is kept."`
	Weekly  count     `json:"weekly,omitempty"`
	Monthly count     `json:"monthly,omitempty"`
	MinAge  durationT `json:"min_age,omitempty" jsonschema_description:"Younger ones are kept; default 1h."`
}

// strict marks the types in which an unknown key is an error (spec data-refresh 1.1, snapshots 4.1).
type strict interface{ strict() }

func (rawSecret) strict()       {}
func (rawSnapshots) strict()    {}
func (rawDataset) strict()      {}
func (rawAcceleration) strict() {}
func (rawRetain) strict()       {}

// renamed lists keys of other versions of spicepods that are unknown today, with what to write
// instead (spec data-refresh 1.6 and snapshots 4.2).
type renamed interface{ renamed() map[string]string }

func (rawAcceleration) renamed() map[string]string {
	return map[string]string{
		"engine_secret":             "use params with ${store:key}",
		"refresh_interval":          "use refresh_check_interval",
		"retention":                 "use retention_check_enabled, retention_period and retention_check_interval",
		"refresh_period":            "use refresh_data_window",
		"snapshots_create_interval": "use snapshots_trigger: time_interval and snapshots_trigger_threshold",
		"time_column":               "time_column belongs to the dataset, beside acceleration",
		"time_format":               "time_format belongs to the dataset, beside acceleration",
	}
}

// Types with a form of their own in YAML; they decode themselves.
type (
	// scalar is any YAML scalar as text.
	scalar string
	// scalarMap is a map of scalars, such as params.
	scalarMap map[string]string
	// durationT is a duration; ok is false when the file has none or a bad one.
	durationT struct{ duration }
	// count is a whole number from 0 up.
	count int
	// freeMap is free-form metadata.
	freeMap map[string]any
	// partition is one entry of partition_by: an expression or a single-entry map.
	partition struct{ Name, Expr string }
	// anything is a part of the file pitwall does not look into.
	anything struct{ node *yaml.Node }
)
