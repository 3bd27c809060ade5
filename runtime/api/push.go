package api

import (
	"context"
	"time"
)

// Pusher is a Console whose datasets take changes from whoever sends them (from: cdc:name; spec data-refresh 7.6).
type Pusher interface {
	// Push applies change events to a dataset, all of them or none, and returns when they are durable. The errors are
	// *PushError, or wrap the context's: then the events may be applied or not, and to send them again with the same key is
	// safe.
	Push(ctx context.Context, dataset string, p Push) (Pushed, error)
}

// Push is what somebody sends.
type Push struct {
	// Body has change events of Debezium in JSON: one, several in an array, or one a line. An event may be an object with
	// key and value.
	Body []byte
	// Key makes sending again safe: what was applied under a key is not applied once more. Empty for none.
	Key string
}

// Pushed is what came of it.
type Pushed struct {
	// Applied is the number of events.
	Applied int
	// Again is true when they were applied before, under the same key.
	Again bool
}

// PushReason says why events were not taken.
type PushReason string

// The reasons.
const (
	PushNoDataset PushReason = "no dataset" // there is none that takes changes
	PushReadOnly  PushReason = "read-only"
	PushBad       PushReason = "bad"     // no change events, or such as can't be applied
	PushBusy      PushReason = "busy"    // too much waits
	PushStopped   PushReason = "stopped" // the stream is paused, or stopped, or not open yet
)

// PushError is why events were not taken: nothing of them was applied.
type PushError struct {
	Reason  PushReason
	Message string
	// Again is when to try once more; 0 when that is no use.
	Again time.Duration
}

// Error returns the message.
func (e *PushError) Error() string { return e.Message }
