package api

import "time"

// DatasetSnapshots is what a dataset does with snapshots and how that goes.
type DatasetSnapshots struct {
	// Mode is "disabled", "enabled", "bootstrap_only" or "create_only".
	Mode string
	// Off says why snapshots are not used although Mode asks for them, or why there can be none
	// ("arrow has no snapshots"); empty when they are used.
	Off     string
	Trigger string
	Policy  string
	// Retain says which snapshots are kept, such as "last 10, min_age 1h"; empty when all are.
	Retain string
	// Standby says which other replica writes the snapshots; empty when this one does, or nobody was asked yet.
	Standby string
	// Shared tells that another process with the same identity writes them, too, as far as this one has seen.
	Shared bool
	// ByPartition tells that every partition has snapshots of its own: a Snapshot of the dataset is a set of them.
	ByPartition bool
	// Newest is the snapshot that a new replica would load (the current pointer); nil when there is none.
	Newest *Snapshot
	// Ahead is how much later than this machine's clock Newest was created when it was first seen; 0 when it was not.
	Ahead time.Duration
	// Kept is the number of snapshots in the store for this dataset.
	Kept int
	// Run is the running snapshot or bootstrap, nil when none is.
	Run *Transfer
	// Booted is the snapshot the local data came from, nil when it came from the source.
	Booted *Bootstrap
	// Undo is when the data was set aside that the last bootstrap replaced; zero when there is nothing to undo.
	Undo time.Time
	// Attempts are the newest snapshot attempts, newest first, at most SnapshotWindow.
	Attempts []SnapshotAttempt
	// Failures counts failed attempts and bootstraps since the process started.
	Failures int
	// Totals count since the process started.
	Totals SnapshotTotals
	// LastErr is the error of the last failed attempt while no later one succeeded.
	LastErr string
}

// SnapshotTotals count what a dataset did with snapshots since the process started.
type SnapshotTotals struct {
	// Attempts are all finished attempts to write one, of which some failed or were skipped.
	Attempts, Failed, Skipped int64
	// Written is the newest that succeeded; nil when none did.
	Written *SnapshotAttempt
	// Boots are the successful bootstraps, BootTime is how long they took together.
	Boots    int64
	BootTime time.Duration
	// BootFailed counts snapshots that could not be loaded, by reason.
	BootFailed map[string]int64
}

// SnapshotWindow is the highest number of snapshot attempts a Dataset carries.
const SnapshotWindow = 60

// Snapshot is one stored snapshot.
type Snapshot struct {
	ID uint64
	// Created is the instant at which its creation started.
	Created time.Time
	// URI is the full address of the object.
	URI string
	// Checksum is lower-case hex; Algorithm is SHA256, or another one for incremental snapshots.
	Checksum, Algorithm string
	Bytes               int64
	// Rows is negative when unknown.
	Rows int64
	// Engine is empty for snapshots of old writers.
	Engine string
	// Incremental tells that only the blocks that changed were stored, Stored how many bytes; Spice does not see it.
	Incremental bool
	Stored      int64
	// Current tells whether a new replica loads it, Pinned that this stays so when newer ones are written.
	Current, Pinned bool
	// Verified is the result of the last verification known to this process.
	Verified Verification
}

// ShortChecksum returns the first 8 hex digits.
func (s Snapshot) ShortChecksum() string { return s.Checksum[:min(8, len(s.Checksum))] }

// Verification is the result of checking a stored snapshot.
type Verification struct {
	// State is one of the Verify constants.
	State VerifyState
	At    time.Time
	// Detail says what is wrong.
	Detail string
}

// VerifyState says how far a snapshot is trusted.
type VerifyState string

// The verification states.
const (
	Unverified   VerifyState = ""
	VerifiedSum  VerifyState = "verified" // size and SHA-256 are those recorded
	VerifyFailed VerifyState = "mismatch" // size or SHA-256 differ
	VerifyGone   VerifyState = "missing"  // the object is not there
)

// ObjectState is what a look at the object of a snapshot shows, without reading it (spec
// acceleration-snapshots 6).
type ObjectState string

// The states of an object.
const (
	ObjectThere   ObjectState = "verified"   // it is there, with the recorded size
	ObjectOther   ObjectState = "unverified" // its size is another one
	ObjectUnknown ObjectState = ""           // it is not there, or the store does not say
)

// Transfer is a running snapshot or bootstrap.
type Transfer struct {
	// Kind is "snapshot" or "bootstrap".
	Kind string
	// Phase is the step: "lease", "export", "upload", "commit"; or "download", "verify", "open", "swap".
	Phase     string
	StartedAt time.Time
	// Done and Total are bytes; Total is 0 when unknown.
	Done, Total int64
	// SnapshotID is set for a bootstrap.
	SnapshotID uint64
}

// SnapshotAttempt is a finished attempt to write a snapshot.
type SnapshotAttempt struct {
	// Trigger is "refresh_complete", "time_interval" or "manual".
	Trigger string
	// Outcome is Succeeded, Failed, Cancelled or Skipped.
	Outcome  Outcome
	At       time.Time
	Duration time.Duration
	// ID, Bytes and Checksum are those of the snapshot written.
	ID        uint64
	Bytes     int64
	Checksum  string
	Err, Hint string
}

// Bootstrap tells how the local data was loaded from a snapshot.
type Bootstrap struct {
	ID       uint64
	Checksum string
	Bytes    int64
	Rows     int64
	At       time.Time
	Duration time.Duration
	// Rejected are the newer snapshots that could not be used, one sentence each.
	Rejected []string
}
