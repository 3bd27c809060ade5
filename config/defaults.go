package config

import "time"

// The defaults of a spicepod, in one place (spec data-refresh 1.5 and 1.6, snapshots 4.1 to 4.3).
const (
	// defaultSnapshotsInterval is the threshold of the trigger time_interval.
	defaultSnapshotsInterval = 10 * time.Minute
	// defaultSnapshotsBatches is the threshold of the trigger stream_batches.
	defaultSnapshotsBatches = 100
	// jitterShare: the jitter is a tenth of the interval when the file does not say.
	jitterShare = 10
	// defaultSnapshotPoll is how often refresh_mode: snapshot looks for a newer snapshot.
	defaultSnapshotPoll = time.Minute
)

// defaultDataset is a dataset of which the file says nothing.
func defaultDataset() Dataset {
	return Dataset{
		Access:                AccessRead,
		TimeFormat:            TimeTimestamp,
		ReadyState:            ReadyOnLoad,
		UnsupportedTypeAction: UnsupportedError,
		OnSchemaChange:        SchemaBlock,
		Acceleration:          defaultAcceleration(),
	}
}

// defaultAcceleration is an acceleration: block without keys, but not enabled.
func defaultAcceleration() Acceleration {
	return Acceleration{
		Engine:                  EngineArrow,
		Mode:                    ModeMemory,
		RefreshMode:             RefreshFull,
		RefreshRetryEnabled:     true,
		RefreshOnStartup:        StartupAuto,
		OnZeroResults:           ZeroReturnEmpty,
		Snapshots:               SnapshotsDisabled,
		SnapshotsTrigger:        TriggerRefreshComplete,
		SnapshotsInterval:       defaultSnapshotsInterval,
		SnapshotsBatches:        defaultSnapshotsBatches,
		SnapshotsCreationPolicy: PolicyOnChange,
		SnapshotsUpload:         UploadFull,
		SnapshotsBy:             ByDataset,
		SnapshotsFullEvery:      defaultFullEvery,
	}
}

// defaultSnapshots is a snapshots: block without keys.
func defaultSnapshots() Snapshots {
	return Snapshots{Enabled: true, BootstrapOnFailureBehavior: BootstrapWarn}
}

// defaultStores are the secret stores of a file that declares none (spec data-refresh 1.1).
func defaultStores() []SecretStore { return []SecretStore{{From: "env", Name: "env"}} }

// or returns v, or d when v is the zero value.
func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}
