package api

import (
	"context"
	"errors"
)

// Console is a runtime as a frontend sees it. All methods are safe for concurrent use.
type Console interface {
	// Watch returns the current State and a channel of newer ones, taken together so that nothing
	// falls between. The channel holds only the newest State: a slow receiver skips, it never delays
	// the runtime. The channel is closed when ctx ends or the runtime has stopped.
	Watch(ctx context.Context) (*State, <-chan *State)
	// Do queues a command and returns at once; the outcome arrives as a Task and an Event that carry
	// the CommandID. The errors are *CommandError.
	Do(ctx context.Context, c Command) (CommandID, error)
	// Snapshots lists the stored snapshots of a dataset, newest first. It reads the object store.
	Snapshots(ctx context.Context, dataset string) ([]Snapshot, error)
	// Objects looks at stored snapshots by their ids, with one small request each.
	Objects(ctx context.Context, dataset string, ids []uint64) (map[uint64]ObjectState, error)
	// Doctor goes through the production checklist. It asks the object store, which may take a minute.
	Doctor(ctx context.Context) ([]Finding, error)
	// Query runs one SQL statement that only reads. The errors are *QueryError or wrap the context's;
	// the query ends with ctx. The caller closes the Rows.
	Query(ctx context.Context, sql string, o QueryOptions) (Rows, error)
}

// Reason says why a command was refused.
type Reason string

// The reasons.
const (
	NotFound Reason = "not found"
	ReadOnly Reason = "read-only"
	Refused  Reason = "refused" // it makes no sense for this dataset now
	Stopping Reason = "stopping"
	Invalid  Reason = "invalid" // its text is wrong, such as a refresh_sql that is not understood
	// Of a Store:
	Unreachable Reason = "unreachable" // nobody answers there, or lets us in
	Unsound     Reason = "unsound"     // what is stored is damaged or gone
	Local       Reason = "local"       // this machine's disk
)

// CommandError is why a command was not accepted.
type CommandError struct {
	Reason  Reason
	Message string
}

// Error returns the message.
func (e *CommandError) Error() string { return e.Message }

// ReasonOf returns the reason of a refused command, or "" when err is not a *CommandError.
func ReasonOf(err error) Reason {
	var e *CommandError
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
