package config

import "strings"

// enum is implemented by every enumeration of a spicepod: the decoder, the JSON schema and the hints
// of problems all read the same list.
type enum interface{ enum() enumSpec }

// enumSpec lists the values of an enumeration as the file spells them.
type enumSpec struct {
	noun    string
	values  []string
	aliases map[string]string // other spelling -> value
	fold    bool              // upper and lower case do not matter
}

// match returns the canonical value of what the file says.
func (e enumSpec) match(s string) (string, bool) {
	for _, v := range e.values {
		if v == s || e.fold && strings.EqualFold(v, s) {
			return v, true
		}
	}
	for a, v := range e.aliases {
		if a == s || e.fold && strings.EqualFold(a, s) {
			return v, true
		}
	}
	return "", false
}

func (EngineName) enum() enumSpec {
	return enumSpec{noun: "engine", fold: true, aliases: map[string]string{"postgresql": "postgres"},
		values: strs(EngineArrow, EngineDuckDB, EngineSQLite, EnginePostgres, EngineCayenne, EngineTurso)}
}

func (Mode) enum() enumSpec {
	return enumSpec{noun: "mode", values: strs(ModeMemory, ModeFile, ModeFileCreate, ModeFileUpdate)}
}

func (RefreshMode) enum() enumSpec {
	return enumSpec{noun: "refresh mode",
		values: strs(RefreshFull, RefreshAppend, RefreshChanges, RefreshCaching, RefreshSnapshot)}
}

func (ReadyState) enum() enumSpec {
	return enumSpec{noun: "ready state", values: strs(ReadyOnLoad, ReadyOnRegistration)}
}

func (TimeFormat) enum() enumSpec {
	return enumSpec{noun: "time format", fold: true, values: strs(TimeTimestamp, TimeTimestampTZ,
		TimeUnixSeconds, TimeUnixMillis, TimeISO8601, TimeDate)}
}

func (Access) enum() enumSpec {
	return enumSpec{noun: "access", values: strs(AccessRead, AccessReadWrite)}
}

func (UnsupportedTypeAction) enum() enumSpec {
	return enumSpec{noun: "unsupported type action",
		values: strs(UnsupportedError, UnsupportedWarn, UnsupportedIgnore, UnsupportedString)}
}

func (OnSchemaChange) enum() enumSpec {
	return enumSpec{noun: "schema change policy",
		values: strs(SchemaBlock, SchemaFail, SchemaAppendNew, SchemaSyncAll)}
}

func (OnStartup) enum() enumSpec {
	return enumSpec{noun: "startup policy", values: strs(StartupAuto, StartupAlways)}
}

func (OnZeroResults) enum() enumSpec {
	return enumSpec{noun: "zero results policy", values: strs(ZeroReturnEmpty, ZeroUseSource)}
}

func (OnBootstrapFailure) enum() enumSpec {
	return enumSpec{noun: "bootstrap failure behavior",
		values: strs(BootstrapWarn, BootstrapRetry, BootstrapFallback)}
}

func (SnapshotMode) enum() enumSpec {
	return enumSpec{noun: "snapshots mode",
		values: strs(SnapshotsDisabled, SnapshotsEnabled, SnapshotsBootstrapOnly, SnapshotsCreateOnly)}
}

func (SnapshotTrigger) enum() enumSpec {
	return enumSpec{noun: "snapshots trigger",
		values: strs(TriggerRefreshComplete, TriggerTimeInterval, TriggerStreamBatches)}
}

func (CreationPolicy) enum() enumSpec {
	return enumSpec{noun: "creation policy", values: strs(PolicyOnChange, PolicyAlways)}
}

func (SnapshotsBy) enum() enumSpec {
	return enumSpec{noun: "unit of snapshots", values: strs(ByDataset, ByPartition)}
}

func (SnapshotUpload) enum() enumSpec {
	return enumSpec{noun: "upload of snapshots", values: strs(UploadFull, UploadIncremental)}
}

// Enumerations that only the file has; Config does not need their types.
type (
	podVersion     string
	podKind        string
	toggle         string
	indexKind      string
	conflictAction string
	availability   string
	writeMode      string
	storageProfile string
)

func (podVersion) enum() enumSpec {
	return enumSpec{noun: "version", values: []string{"v1beta1", "v1", "v2"}}
}

func (podKind) enum() enumSpec { return enumSpec{noun: "kind", values: []string{"Spicepod"}} }

func (toggle) enum() enumSpec {
	return enumSpec{noun: "value", values: []string{"disabled", "enabled"}}
}

func (indexKind) enum() enumSpec {
	return enumSpec{noun: "index kind", values: []string{"enabled", "unique"}}
}

func (conflictAction) enum() enumSpec {
	return enumSpec{noun: "conflict action",
		values: []string{"drop", "upsert", "upsert_dedup", "upsert_dedup_by_row_id"}}
}

func (availability) enum() enumSpec {
	return enumSpec{noun: "availability check", values: []string{"auto", "disabled"}}
}

func (writeMode) enum() enumSpec {
	return enumSpec{noun: "write mode", values: []string{"write_through", "write_back"}}
}

func (storageProfile) enum() enumSpec {
	return enumSpec{noun: "storage profile", values: []string{"auto", "local_ssd", "ebs", "tmpfs"},
		aliases: map[string]string{"ssd": "local_ssd", "nvme": "local_ssd"}}
}

func strs[T ~string](in ...T) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = string(v)
	}
	return out
}
