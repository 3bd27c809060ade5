// Package api is all that a frontend may know of the runtime: immutable State, Events, Commands and
// the Console that connects them. It imports the standard library only and starts no goroutines.
package api

import "time"

// State is one immutable picture of the runtime. A newer picture shares the parts that did not
// change; nobody may write to any of it.
type State struct {
	// Seq grows by at least one with every State.
	Seq uint64
	// At is when this State was made.
	At time.Time
	// Version is the build of the runtime.
	Version string
	// Process names the runtime's process; empty when it does not tell. The CommandIDs of another one are others.
	Process string
	// ReadOnly is true when the runtime refuses every Command that changes something.
	ReadOnly bool
	// Ready is true once every dataset has been Ready at least once (spec data-refresh 4.3).
	Ready bool
	// ShuttingDown is true from the moment the runtime was asked to stop.
	ShuttingDown bool
	// ReadyOnRegistration is runtime.ready_state: on_registration: Ready does not wait for loads.
	ReadyOnRegistration bool
	// HTTP is the URL of the runtime's own HTTP API; empty while it is closed.
	HTTP string
	// Link is where this comes from when it is not the runtime of this process.
	Link   Link
	Config ConfigStatus
	Store  StoreStatus
	// Datasets are in the order of the spicepod.
	Datasets []*Dataset
	// Events are the newest events, oldest first; a bounded window (see EventWindow).
	Events []Event
	// Tasks are the commands that are queued or running and the newest finished ones, oldest first.
	Tasks []Task
}

// EventWindow is the highest number of events a State carries.
const EventWindow = 10_000

// Dataset returns the dataset of that name, or nil.
func (s *State) Dataset(name string) *Dataset {
	for _, d := range s.Datasets {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// ConfigStatus says which version of the spicepod runs and how the file on disk differs.
type ConfigStatus struct {
	// Path is the spicepod file.
	Path string
	// Name is the spicepod's name, Version its version: v1, v1beta1 or v2.
	Name, Version string
	// Generation counts the applied versions of this process, from 1.
	Generation int
	AppliedAt  time.Time
	// Problems are those of the file on disk: with an error among them the file is not applied and
	// the last good version goes on running.
	Problems []Problem
	// Broken is true while the file on disk has errors.
	Broken bool
	// BrokenSince is when the file on disk was first seen broken; zero when it is not.
	BrokenSince time.Time
	// Reload says which valid versions are applied by themselves; empty where nothing is.
	Reload ReloadMode
	// Pending is a valid version on disk that waits to be applied, wholly or in part; nil when there is none.
	Pending *Plan
	// Changes describes what the last applied version changed, one line each.
	Changes []string
	// Places says where in which file each dataset of the running version stands.
	Places map[string]Place
	// NeedsRestart lists changes that only a restart of pitwall applies.
	NeedsRestart []string
}

// Place is where a dataset stands.
type Place struct {
	File string
	// Line is where it begins; Keys are the lines of its keys by their YAML path within the dataset, such as
	// "acceleration.refresh_cron". All are 1-based.
	Line int
	Keys map[string]int
}

// Problem is one problem of the spicepod file.
type Problem struct {
	// Severity is "error" or "warning".
	Severity string
	File     string
	// Line and Column are 1-based, 0 when unknown.
	Line, Column int
	// Dataset is the one it is about; empty when it is about none.
	Dataset string
	// Path is the YAML path.
	Path, Message, Hint, Excerpt string
}

// StoreStatus describes the snapshot store.
type StoreStatus struct {
	// Location is the store's URL; empty when snapshots are not configured.
	Location string
	Enabled  bool
	// Err says why the store can't be used; empty when it can.
	Err string
	// OnFailure is bootstrap_on_failure_behavior.
	OnFailure string
}

// Status of a dataset, with the names of spec data-refresh 4.4.
type Status string

// The status values.
const (
	Initializing Status = "Initializing"
	Refreshing   Status = "Refreshing"
	Ready        Status = "Ready"
	Error        Status = "Error"
	Disabled     Status = "Disabled"
	ShuttingDown Status = "ShuttingDown"
)

// Dataset is the state of one dataset.
type Dataset struct {
	Name, Description, From string
	// DependsOn are the datasets that the spicepod says, or the query of a view reads from.
	DependsOn []string
	// Engine is "duckdb", "sqlite" or "arrow"; empty when the dataset is not accelerated.
	Engine string
	// Mode is "memory" or "file".
	Mode string
	// File is the database file; empty in memory.
	File string
	// RefreshMode is "full" or "append"; Schedule is "every 10m", "on demand" and the like.
	RefreshMode, Schedule string
	// Jitter is the longest time by which the start of a refresh is moved; 0 for none.
	Jitter time.Duration
	// PrimaryKey are the columns of primary_key; none when there is none.
	PrimaryKey []string
	TimeColumn string
	// RefreshSQL is the one that the next refresh uses; Patched is true when SetRefreshSQL gave it, so
	// that it lasts only until pitwall ends.
	RefreshSQL string
	Patched    bool
	// Window is refresh_data_window or the retention_period in its place; 0 when there is none.
	Window time.Duration
	// ReadyOnRegistration is ready_state: on_registration: queries go to the source until data is loaded.
	ReadyOnRegistration bool
	// ZeroResults is on_zero_results: "return_empty" or "use_source".
	ZeroResults string
	// Metrics are the metrics that were asked for beyond the usual ones (spec data-refresh 9.2).
	Metrics []string
	// Config is the effective configuration as YAML, secrets masked.
	Config string

	// Rev changes whenever anything in this Dataset does.
	Rev    uint64
	Status Status
	// Since is when Status last changed.
	Since time.Time
	// Registered is true when the source is known, so that queries can be sent there.
	Registered bool
	// Times are the newest times around the last refresh that loaded something; nil when Metrics is empty.
	Times *Times
	// WasReady is true from the first time on that the dataset was ready: it had data, or was registered
	// and ready_state, its own or the runtime's, is content with that (spec data-refresh 4.3).
	WasReady bool
	// HasData is true when queries can be answered from the acceleration.
	HasData bool
	// Err and Hint say what is wrong and what to do; both empty when nothing is.
	Err, Hint string
	// Damage is set when the local file was found damaged, until somebody asks for a refresh that goes well, or
	// for DamageShown; nil otherwise.
	Damage *Damage
	// FailingSince is the start of the current run of failed refreshes; zero when the last was good.
	FailingSince time.Time

	// Rows and Bytes describe the acceleration.
	Rows, Bytes int64
	// RowsDelta is the change of Rows by the last refresh.
	RowsDelta int64
	// Watermark is the greatest value of the time column, as text; empty when not applicable.
	Watermark string
	Schema    []Column
	// Layout, Reads and Compaction are of an engine that keeps its rows in files which are written once; nil
	// otherwise. Compaction is nil, too, where nothing compacts by itself.
	Layout     *Layout
	Reads      *Reads
	Compaction *Compaction

	// Run is the running refresh, nil when none is.
	Run *RefreshRun
	// Refreshes are the newest finished refreshes, newest first, at most RefreshWindow.
	Refreshes []Refresh
	// LastRefresh is the time of the last successful refresh, also from before this process.
	LastRefresh time.Time
	// NextRefresh is when the next refresh is due; zero when none is planned.
	NextRefresh time.Time
	// Waiting is true while a refresh that was asked for waits for its jitter; NextRefresh says until when.
	Waiting bool
	// Retry is set while a failed refresh waits for its next attempt.
	Retry *Retry
	// Failures counts failed refreshes since the process started.
	Failures int
	// Held is true while scheduled refreshes are on hold.
	Held bool
	// Upcoming are the next times of refresh_cron, at most five; empty without one.
	Upcoming []time.Time
	// Retention is nil when no retention is configured.
	Retention *Retention
	// Totals count since the process started.
	Totals Totals

	Snapshots DatasetSnapshots
	// Stream is nil when the dataset follows none.
	Stream *Stream
}

// Damage is a local file that could not be read, so that the dataset was loaded anew.
type Damage struct {
	// At is when it was found.
	At time.Time
	// KeptAs is where it was set aside.
	KeptAs string
}

// DamageShown is how long a Damage is told when nobody does anything about it.
const DamageShown = 24 * time.Hour

// Retention tells how old rows are evicted.
type Retention struct {
	// Period and SQL say which rows go: those older than Period, and those that SQL deletes; either may
	// be unset.
	Period time.Duration
	SQL    string
	// Every is retention_check_interval.
	Every time.Duration
	// Last is the last check, Next the coming one; zero when there is none.
	Last, Next time.Time
	// LastEvicted is the number of rows of the last check; Evicted counts since the process started,
	// also what refreshes evicted in their commit.
	LastEvicted, Evicted int64
	// Err and Hint say why the last check failed; empty when it did not.
	Err, Hint string
}

// Totals are counters since the process started; they never fall.
type Totals struct {
	// Rows and Bytes were read from the source; Written were added to the acceleration.
	Rows, Bytes, Written int64
	// Skipped refreshes found the source unchanged.
	Skipped int64
	// Errors counts failed refreshes by mode.
	Errors map[string]int64
	// ZeroFallbacks and ReadyFallbacks count scans that the source answered: because the acceleration
	// had no rows for them (on_zero_results), or was not loaded yet (ready_state).
	ZeroFallbacks, ReadyFallbacks int64
}

// Times are the newest values of the time_column before and after a refresh, zero when there was none, and
// when it was done.
type Times struct {
	Mode              string
	Before, After, At time.Time
}

// RefreshWindow is the highest number of finished refreshes a Dataset carries.
const RefreshWindow = 60

// Column is one column of the dataset's recorded schema; Type is Arrow's name of it.
type Column struct {
	Name, Type string
	Nullable   bool
}

// Phase of a running refresh.
type Phase string

// The phases.
const (
	PhaseQueued  Phase = "queued"
	PhaseReading Phase = "reading" // reading the source and writing the acceleration
	PhaseCommit  Phase = "commit"  // the source is read; the engine makes it durable and visible
)

// RefreshRun is a running refresh.
type RefreshRun struct {
	ID uint64
	// Mode is "full" or "append"; Trigger says who asked: "start", "interval", "cron", "manual",
	// "retry", "reload", "file_watcher", "queue".
	Mode, Trigger string
	Phase         Phase
	// SQL is the effective refresh_sql; Plan says what the source left unread, empty when it does not
	// tell.
	SQL, Plan string
	// Attempt is 1 for the first try.
	Attempt   int
	StartedAt time.Time
	// Rows and Bytes read so far; Bytes are those of the source files.
	Rows, Bytes int64
	// Total is the size of the source in bytes; 0 when unknown.
	Total int64
	// Fraction is 0..1, negative when unknown.
	Fraction float64
	// RowsPerSecond is the current rate; ETA the remaining time, 0 when unknown.
	RowsPerSecond float64
	ETA           time.Duration
}

// Outcome of a finished refresh.
type Outcome string

// The outcomes.
const (
	Succeeded  Outcome = "succeeded"
	Failed     Outcome = "failed"
	Cancelled  Outcome = "cancelled"
	Superseded Outcome = "superseded" // an on-demand refresh took its place
	Skipped    Outcome = "skipped"    // the source had nothing new
)

// Refresh is a finished refresh.
type Refresh struct {
	ID            uint64
	Mode, Trigger string
	Outcome       Outcome
	Attempt       int
	StartedAt     time.Time
	Duration      time.Duration
	// RowsRead came from the source, RowsWritten were added, RowsAfter is the count after it.
	RowsRead, RowsWritten, RowsAfter int64
	// BytesRead are those of the source files.
	BytesRead int64
	// Evicted rows went by retention, in the same commit; Dropped ones by on_conflict.
	Evicted, Dropped int64
	// SQL is the effective refresh_sql; Plan says what the source left unread.
	SQL, Plan string
	Err, Hint string
}

// Retry is a wait for the next attempt after a failed refresh.
type Retry struct {
	// Attempt is the number of the coming re-try, from 1; Max is 0 when unlimited.
	Attempt, Max int
	At           time.Time
}
