package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pitwall/config/secrets"
)

// fieldValue is a field in two forms: key decides whether it changed, shown is for people.
type fieldValue struct {
	key, shown string
	effect     Effect
}

// fieldSet holds the fields that are set, by path.
type fieldSet map[string]fieldValue

func (s fieldSet) add(effect Effect, path string, v any) {
	shown := show(v)
	if shown != "" {
		s[path] = fieldValue{key: shown, shown: shown, effect: effect}
	}
}

// values adds one field for each param.
func (s fieldSet) values(effect Effect, path string, m map[string]secrets.Value) {
	for k, v := range m {
		key := "plain " + v.Reveal()
		if v.Secret() {
			key = "secret " + v.Reveal()
		}
		s[join(path, k)] = fieldValue{key: key, shown: v.String(), effect: effect}
	}
}

// show is a field as text, "" when it is unset.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *int:
		if v == nil {
			return ""
		}
		return strconv.Itoa(*v)
	case time.Duration:
		return FormatDuration(v)
	case map[string]string:
		return asJSON(v, len(v))
	case map[string]any:
		return asJSON(v, len(v))
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(v)
}

func asJSON(v any, n int) string {
	if n == 0 {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// FormatDuration writes a duration as a spicepod would: 10m, 90s, 1500ms, "" for zero.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	for _, u := range []struct {
		unit string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"Ms", time.Microsecond}} {
		if d%u.size == 0 {
			return strconv.FormatInt(int64(d/u.size), 10) + u.unit
		}
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}

// topFields are the fields outside of datasets.
func topFields(c *Config) fieldSet {
	s := fieldSet{}
	s.add(EffectLive, "name", c.Name)
	s.add(EffectLive, "version", c.Version)
	s.add(EffectLive, "metadata", c.Metadata)
	s.add(EffectRestart, "runtime.dataset_load_parallelism", zeroIsUnset(c.Runtime.DatasetLoadParallelism))
	s.add(EffectRestart, "runtime.ready_state", string(c.Runtime.ReadyState))
	s.add(EffectRestart, "runtime.tls", c.Runtime.TLS.shown())
	s.add(EffectRestart, "runtime.auth", c.Runtime.Auth.shown())
	if c.Snapshots.Present {
		s.add(EffectRestart, "snapshots.enabled", c.Snapshots.Enabled)
		s.add(EffectRestart, "snapshots.location", c.Snapshots.Location)
		s.add(EffectRestart, "snapshots.bootstrap_on_failure_behavior", string(c.Snapshots.BootstrapOnFailureBehavior))
		s.values(EffectRestart, "snapshots.params", c.Snapshots.Params)
		if at := join("snapshots.params", queueParam); s[at].key != "" { // the store goes on without it
			s[at] = fieldValue{s[at].key, s[at].shown, EffectLive}
		}
	}
	return s
}

// datasetFields are the fields of a dataset with what changing each costs.
func datasetFields(d *Dataset) fieldSet {
	s := fieldSet{}
	s.add(EffectRestart, "from", d.From)
	if d.Connector == ConnectorView {
		s.add(EffectRestart, "sql", d.Source)
	}
	s.add(EffectLive, "description", d.Description)
	s.add(EffectLive, "metadata", d.Metadata)
	for _, c := range d.Columns {
		s.add(EffectLive, join("columns", c.Name), or(c.Description, c.Name))
	}
	s.values(EffectRestart, "params", d.Params)
	s.add(EffectRestart, "access", string(d.Access))
	s.add(EffectLive, "dependsOn", slices.Sorted(slices.Values(d.DependsOn)))
	s.add(EffectRefresh, "time_column", d.TimeColumn)
	s.add(EffectRefresh, "time_format", string(d.TimeFormat))
	s.add(EffectRefresh, "time_partition_column", d.TimePartitionColumn)
	s.add(EffectRefresh, "time_partition_format", string(d.TimePartitionFormat))
	s.add(EffectLive, "ready_state", string(d.ReadyState))
	s.add(EffectRefresh, "unsupported_type_action", string(d.UnsupportedTypeAction))
	s.add(EffectLive, "on_schema_change", string(d.OnSchemaChange))
	accelerationFields(s, &d.Acceleration)
	return s
}

func accelerationFields(s fieldSet, a *Acceleration) {
	add := func(e Effect, key string, v any) { s.add(e, accel+key, v) }
	add(EffectRestart, "enabled", a.Enabled)
	add(EffectRestart, "engine", string(a.Engine))
	add(EffectRestart, "mode", string(a.Mode))
	add(EffectRestart, "refresh_mode", string(a.RefreshMode))
	add(EffectLive, "refresh_check_interval", a.RefreshCheckInterval)
	add(EffectLive, "refresh_cron", a.RefreshCron)
	add(EffectRefresh, "refresh_sql", a.RefreshSQL)
	add(EffectRefresh, "refresh_data_window", a.RefreshDataWindow)
	add(EffectLive, "refresh_append_overlap", a.RefreshAppendOverlap)
	add(EffectLive, "refresh_retry_enabled", a.RefreshRetryEnabled)
	add(EffectLive, "refresh_retry_max_attempts", a.RefreshRetryMaxAttempts)
	add(EffectLive, "refresh_jitter_enabled", a.RefreshJitterEnabled)
	add(EffectLive, "refresh_jitter_max", a.RefreshJitterMax)
	add(EffectLive, "refresh_on_startup", string(a.RefreshOnStartup))
	s.values(EffectRestart, accel+"params", a.Params)
	add(EffectLive, "retention_check_enabled", a.RetentionCheckEnabled)
	add(EffectLive, "retention_period", a.RetentionPeriod)
	add(EffectLive, "retention_check_interval", a.RetentionCheckInterval)
	add(EffectLive, "retention_sql", a.RetentionSQL)
	add(EffectLive, "on_zero_results", string(a.OnZeroResults))
	add(EffectRestart, "indexes", a.Indexes)
	add(EffectRestart, "primary_key", a.PrimaryKey)
	add(EffectRestart, "on_conflict", a.OnConflict)
	for i, p := range a.PartitionBy {
		add(EffectRestart, fmt.Sprintf("partition_by[%d]", i), p.Name+": "+p.Expr)
	}
	add(EffectLive, "metrics", a.Metrics)
	add(EffectLive, "snapshots", string(a.Snapshots))
	add(EffectLive, "snapshots_trigger", string(a.SnapshotsTrigger))
	add(EffectLive, "snapshots_trigger_threshold", threshold(a))
	add(EffectLive, "snapshots_compaction", a.SnapshotsCompaction)
	add(EffectLive, "snapshots_verify", a.SnapshotsVerify.String())
	add(EffectLive, "snapshots_retain", a.SnapshotsRetain.String())
	add(EffectLive, "snapshots_upload", string(a.SnapshotsUpload))
	add(EffectLive, "snapshots_full_every", a.SnapshotsFullEvery)
	add(EffectLive, "snapshots_by", string(a.SnapshotsBy))
	add(EffectLive, "snapshots_reset_expiry_on_load", a.SnapshotsResetExpiryOnLoad)
	add(EffectLive, "snapshots_creation_policy", string(a.SnapshotsCreationPolicy))
}

// threshold is the threshold the trigger uses.
func threshold(a *Acceleration) string {
	switch a.SnapshotsTrigger {
	case TriggerTimeInterval:
		return FormatDuration(a.SnapshotsInterval)
	case TriggerStreamBatches:
		return strconv.FormatInt(a.SnapshotsBatches, 10)
	}
	return ""
}

func zeroIsUnset(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
