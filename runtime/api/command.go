package api

import "time"

// CommandID names a command that was accepted; ids grow.
type CommandID uint64

// Command is something a frontend asks for. Each names its dataset.
type Command interface {
	// Target is the dataset, empty for the whole runtime.
	Target() string
	// Verb is the word for it in events and tasks: "refresh", "snapshot", ...
	Verb() string
}

// RefreshNow starts a refresh of a dataset; a running one is cancelled and superseded (seed 000
// data-refresh, "On-Demand").
type RefreshNow struct {
	Dataset string
	// Mode overrides refresh_mode for this run: "", "full" or "append".
	Mode string
	// SQL overrides refresh_sql for this run; empty keeps it.
	SQL string
	// JitterMax delays the run by a random time below it; nil takes the dataset's own jitter.
	JitterMax *time.Duration
}

// SetRefreshSQL replaces refresh_sql from the next refresh on, until the runtime ends or the spicepod
// changes it (spec data-refresh 3.2).
type SetRefreshSQL struct{ Dataset, SQL string }

// CancelRefresh cancels the running refresh or the wait for a re-try; the data stays as it was.
type CancelRefresh struct{ Dataset string }

// SnapshotNow writes a snapshot, also when nothing changed since the last one; Full has it be one object that Spice
// can read, where snapshots_upload is incremental.
type SnapshotNow struct {
	Dataset string
	Full    bool
}

// BootstrapFrom replaces the local data by a stored snapshot. The dataset answers from the old data
// until the swap.
type BootstrapFrom struct {
	Dataset    string
	SnapshotID uint64
	// Hold puts scheduled refreshes on hold until Hold{On: false}.
	Hold bool
}

// UndoBootstrap brings back the data that the last bootstrap replaced; it is kept until the next refresh.
type UndoBootstrap struct{ Dataset string }

// VerifySnapshot downloads a snapshot and checks size and checksum.
type VerifySnapshot struct {
	Dataset    string
	SnapshotID uint64
}

// SetCurrent makes a stored snapshot the one that a new replica loads, until the next one is written (spec
// acceleration-snapshots 6). The local data stays as it is.
type SetCurrent struct {
	Dataset    string
	SnapshotID uint64
}

// PinSnapshot makes a stored snapshot the one that a new replica loads, until UnpinSnapshots, also when newer
// ones are written.
type PinSnapshot struct {
	Dataset    string
	SnapshotID uint64
}

// UnpinSnapshots makes the newest snapshot current again.
type UnpinSnapshots struct{ Dataset string }

// DeleteSnapshot removes a stored snapshot that is neither current nor pinned.
type DeleteSnapshot struct {
	Dataset    string
	SnapshotID uint64
}

// CollectSnapshots removes the snapshots that snapshots_retain does not keep; with DryRun it only tells which.
type CollectSnapshots struct {
	Dataset string
	DryRun  bool
}

// Hold puts the scheduled refreshes of a dataset on hold, or resumes them.
type Hold struct {
	Dataset string
	On      bool
}

// Target returns the dataset.
func (c RefreshNow) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c RefreshNow) Verb() string { return "refresh" }

// Target returns the dataset.
func (c SetRefreshSQL) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c SetRefreshSQL) Verb() string { return "set refresh_sql" }

// Target returns the dataset.
func (c CancelRefresh) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c CancelRefresh) Verb() string { return "cancel" }

// Target returns the dataset.
func (c SnapshotNow) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c SnapshotNow) Verb() string { return "snapshot" }

// Target returns the dataset.
func (c BootstrapFrom) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c BootstrapFrom) Verb() string { return "bootstrap" }

// Target returns the dataset.
func (c UndoBootstrap) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c UndoBootstrap) Verb() string { return "undo bootstrap" }

// Target returns the dataset.
func (c VerifySnapshot) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c VerifySnapshot) Verb() string { return "verify" }

// Target returns the dataset.
func (c SetCurrent) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c SetCurrent) Verb() string { return "set current" }

// Target returns the dataset.
func (c PinSnapshot) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c PinSnapshot) Verb() string { return "pin" }

// Target returns the dataset.
func (c UnpinSnapshots) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c UnpinSnapshots) Verb() string { return "unpin" }

// Target returns the dataset.
func (c DeleteSnapshot) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c DeleteSnapshot) Verb() string { return "delete snapshot" }

// Target returns the dataset.
func (c CollectSnapshots) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c CollectSnapshots) Verb() string { return "collect snapshots" }

// Target returns the dataset.
func (c Hold) Target() string { return c.Dataset }

// Verb returns the word for it.
func (c Hold) Verb() string {
	if c.On {
		return "hold"
	}
	return "resume"
}

// TaskState is how far a command has come.
type TaskState string

// The task states.
const (
	TaskRunning   TaskState = "running"
	TaskDone      TaskState = "done"
	TaskFailed    TaskState = "failed"
	TaskCancelled TaskState = "cancelled"
)

// Task is a command and how it went.
type Task struct {
	ID      CommandID
	Dataset string
	Verb    string
	// Twin is how a script asks for the same; zero when it can't.
	Twin    Twin
	State   TaskState
	Started time.Time
	Ended   time.Time
	// Detail is the result or the error, one sentence.
	Detail string
	// Done of Total is how far a running task is, in units of its own; Total is 0 when it does not
	// tell (a refresh or a snapshot shows its progress in its dataset).
	Done, Total int64
}

// TaskWindow is the highest number of finished tasks a State carries.
const TaskWindow = 100
